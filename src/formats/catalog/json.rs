//! Our own JSON: [`CatalogFile`] as it stands, unknown fields refused, with a JSON Schema made from the same types.

use super::{CatalogFormat, CatalogImport, check};
use crate::domain::catalog::CatalogFile;
use crate::domain::from_json;
use crate::formats::{FormatError, Place, Rejection};

/// How to put a catalog of ours right.
const REMEDY: &str = "Correct the file, or export it again; assets/schemas/catalog.schema.json describes every field";

pub fn read(text: &str) -> Result<CatalogImport, FormatError> {
    let catalog: CatalogFile = from_json::read_text(text).map_err(|misfit| {
        let place = if misfit.path.is_empty() { Place::FILE } else { Place::FILE.field(misfit.path) };
        FormatError::new(place, misfit.message, REMEDY)
    })?;
    accept(CatalogFormat::Json, catalog, REMEDY)
}

/// Takes a catalog that says everything itself: whole, or with every fault named.
pub fn accept(format: CatalogFormat, catalog: CatalogFile, remedy: &str) -> Result<CatalogImport, FormatError> {
    let faults: Vec<Rejection> = check(&catalog)
        .into_iter()
        .take(FormatError::MAX_REJECTIONS)
        .map(|fault| Rejection { place: Place::FILE.field(fault.path), reason: fault.message })
        .collect();
    if let Some(error) = FormatError::of_rows(faults, remedy) {
        return Err(error);
    }
    let rows_read = catalog.plans.len() as u64;
    Ok(CatalogImport { format, catalog, rows_read, rejected: Vec::new(), notes: Vec::new(), shares: None })
}

/// The catalog as JSON text, two blanks of indent, a final newline.
pub fn write_json(catalog: &CatalogFile) -> String {
    let mut text = serde_json::to_string_pretty(catalog).expect("a catalog has no map with keys that are not text");
    text.push('\n');
    text
}

/// The JSON Schema of our own JSON, as text.
pub fn schema() -> String {
    let schema = schemars::schema_for!(CatalogFile);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
    text.push('\n');
    text
}
