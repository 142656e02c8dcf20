//! The copy of each backup on another disk, which may be full or away without harm to the first.

use super::{ERASED_FILE, Manifest, Shelf, UNFINISHED, Watch, cannot, manifest, require_space};
use crate::app::error::Error;
use crate::store::backup::files;
use std::fs::File;
use std::path::{Path, PathBuf};

impl Shelf {
    /// Copies a backup to the second folder and reads it back: where it lies now, if there is a second folder.
    pub(super) fn copy_to_second(&self, manifest: &Manifest, watch: &Watch) -> Result<Option<PathBuf>, Error> {
        let Some(second) = &self.second else { return Ok(None) };
        // Not made: where a disk is not mounted its folder would be made on the first disk.
        if !second.is_dir() {
            let told = format!("{} is not there: mount the disk, or make the folder once", second.display());
            return Err(Error::Unavailable(told));
        }
        require_space(second, manifest.bytes, "the second copy")?;
        let unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(second);
        let unfinished = unfinished.map_err(cannot("written in", second))?;
        let (from, place) = (self.folder.join(&manifest.name), unfinished.path());
        let watched = &mut watch.counting("copying to the second folder", manifest.bytes);
        let copy = |name: &str, watched: files::Watch<'_>| copy(&from.join(name), &place.join(name), watched);
        copy(&manifest.file, watched)?;
        if from.join(ERASED_FILE).exists() {
            copy(ERASED_FILE, &mut |_| true)?;
        }
        copy(manifest::FILE_NAME, &mut |_| true)?;
        let target = second.join(&manifest.name);
        let finish = || {
            files::sync_folder(place)?;
            std::fs::rename(place, &target)?;
            files::sync_folder(second)
        };
        finish().map_err(cannot("written in", second))?;
        let _gone = unfinished.keep();
        Ok(Some(target))
    }
}

fn copy(from: &Path, to: &Path, watch: files::Watch<'_>) -> Result<(), Error> {
    let mut write = || {
        let mut file = files::Steady::create(to)?;
        let written = files::copy_hashed(&mut File::open(from)?, &mut file, &mut *watch)?;
        file.finish()?;
        Ok(written)
    };
    let written = write().map_err(cannot("written", to))?;
    let read = files::hash_file(to, &mut |_| watch(0)).map_err(cannot("read", to))?;
    if written == read {
        return Ok(());
    }
    Err(Error::Unavailable(format!("{} does not read back as it was written: is its disk sound?", to.display())))
}
