//! URDB plans; the reader follows.
use super::{CatalogImport, CatalogOptions};
use crate::formats::FormatError;
pub fn read(_text: &str, _options: &CatalogOptions) -> Result<CatalogImport, FormatError> {
    Err(FormatError::file("this format is not read yet", ""))
}
