//! Who runs the service, as its legal documents say it.

use crate::config::read::Reader;
use std::path::PathBuf;

#[derive(Debug, Clone)]
pub struct Privacy {
    pub operator: String,
    pub contact: String,
    /// `None`: the documents of the program.
    pub documents_dir: Option<PathBuf>,
}

pub fn read(reader: &mut Reader) -> Privacy {
    let folder = reader.text("privacy.documents_dir");
    Privacy {
        operator: reader.text("privacy.operator"),
        contact: reader.text("privacy.contact"),
        documents_dir: (!folder.is_empty()).then(|| PathBuf::from(folder)),
    }
}
