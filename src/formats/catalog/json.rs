//! Our own JSON: [`CatalogFile`] as it stands, unknown fields refused, with a JSON Schema made from the same types.

use super::{CatalogFormat, CatalogImport, check};
use crate::domain::catalog::CatalogFile;
use crate::formats::{FormatError, Place, Rejection};

/// How to put a catalog of ours right.
const REMEDY: &str = "Correct the file, or export it again; assets/schemas/catalog.schema.json describes every field";

pub fn read(text: &str) -> Result<CatalogImport, FormatError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let catalog: CatalogFile = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { Place::FILE } else { Place::FILE.field(path) };
        FormatError::new(place, unlike(error.inner()), REMEDY)
    })?;
    json.end().map_err(|error| FormatError::file(format!("more follows the catalog: {error}"), REMEDY))?;
    accept(CatalogFormat::Json, catalog, REMEDY)
}

/// What serde expected. What it found is left out: that may be all of the file.
pub(super) fn unlike(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let quotes = text.starts_with("invalid type: ") || text.starts_with("invalid value: ");
    match text.rsplit_once(", expected ") {
        Some((_, expected)) if quotes => match expected.strip_prefix("struct ").map(|rest| rest.split_once(' ')) {
            Some(place) => format!("is not an object {}", place.map_or("", |(_, place)| place)).trim_end().to_owned(),
            None => format!("is not {expected}"),
        },
        _ => text,
    }
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
