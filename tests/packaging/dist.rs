//! What `packaging/release.sh` has built; its tests are skipped by name where it was not run.

use crate::machine::skip;
use std::path::{Path, PathBuf};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/dist");

/// The names Debian and image builders have for this processor.
pub const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

/// Of the package for it.
pub const PACKAGE_ENDS: &str = if cfg!(target_arch = "aarch64") { "_arm64.deb" } else { "_amd64.deb" };

/// The file of the release whose name begins so and ends so.
pub fn file_or_skip(test: &str, begins: &str, ends: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(FOLDER).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let is_it = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(begins) && name.ends_with(ends)
    };
    let found = entries.into_iter().find(is_it);
    if found.is_none() {
        skip(test, "no release is built: bash packaging/release.sh");
    }
    found
}

/// The released program.
pub fn program_or_skip(test: &str) -> Option<PathBuf> {
    file_or_skip(test, &format!("treebeard-linux-{ARCHITECTURE}"), "")
}

pub fn folder() -> &'static Path {
    Path::new(FOLDER)
}
