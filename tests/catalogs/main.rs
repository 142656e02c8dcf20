//! Catalog formats against real files: what is read, what is refused, what the plans then cost.

mod elsewhere;
mod energy_made_easy;
mod golden;
mod hostile;
mod labels;
mod number_fields;
mod own_formats;
mod power_to_choose;
mod round_trip;

use std::path::PathBuf;
use treebeard::formats::catalog::{CatalogImport, CatalogOptions, read};

/// A file of the shared data; absent (and said so) where the shared data are not present.
fn shared(name: &str, test: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")).join(name);
    if let Ok(bytes) = std::fs::read(&path) {
        return Some(bytes);
    }
    assert!(std::env::var_os("CI").is_none(), "{}: the shared data are missing", path.display());
    println!("skipped: {test}: shared data absent");
    None
}

fn import(bytes: &[u8], options: &CatalogOptions) -> CatalogImport {
    read(bytes, options).unwrap_or_else(|error| panic!("{error}"))
}
