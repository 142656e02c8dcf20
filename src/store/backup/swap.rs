//! Puts a restored database in the place of another, so that a cut at any moment leaves the old or the new one.
//!
//! What is to be done is noted in a file first. From then on it will be done: by us, or by whoever opens the database
//! next. The old file goes with its write-ahead log into a folder of its own, so that no log of the old database ever
//! lies beside the new one.

use crate::store::backup::files::{beside, create_folder, folder_of, sync_folder, write_whole};
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The files that are one database.
const PARTS: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Names in the database's folder.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    /// The folder with the new database, under the name the old one has.
    staged: String,
    /// The folder that gets the old one.
    kept: String,
}

/// The folder a new database is made ready in: beside the old one, so that it can be renamed into its place.
pub fn staging_folder(database: &Path, stamp: &str) -> PathBuf {
    beside(database, &format!(".staged-{stamp}"))
}

/// Swaps the folder's database in, which must be durable; gives the folder the old one is kept in. The database must be
/// locked.
pub fn swap(database: &Path, staged: &Path, stamp: &str) -> io::Result<PathBuf> {
    let kept = beside(database, &format!(".before-{stamp}"));
    create_folder(&kept)?;
    sync_folder(folder_of(database))?;
    let note = Note { staged: name(staged)?, kept: name(&kept)? };
    write_whole(&note_path(database), &serde_json::to_vec(&note)?)?;
    finish(database)?;
    Ok(kept)
}

/// Does what is left of a swap that was cut off; whether there was one. The database must be locked.
pub fn finish(database: &Path) -> io::Result<bool> {
    let note_path = note_path(database);
    let note: Note = match std::fs::read(&note_path) {
        Ok(bytes) => serde_json::from_slice(&bytes)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let folder = folder_of(database);
    let (staged, kept) = (folder.join(&note.staged), folder.join(&note.kept));
    let new = staged.join(name(database)?);
    // Once the new one has left its folder, what lies in the old one's place is the new one.
    if new.exists() {
        for part in PARTS {
            let old = beside(database, part);
            if old.exists() {
                std::fs::rename(&old, kept.join(name(&old)?))?;
            }
        }
        sync_folder(&kept)?;
        sync_folder(folder)?;
        std::fs::rename(&new, database)?;
        sync_folder(folder)?;
    }
    if staged.exists() {
        std::fs::remove_dir_all(&staged)?;
    }
    std::fs::remove_file(&note_path)?;
    sync_folder(folder)?;
    Ok(true)
}

fn note_path(database: &Path) -> PathBuf {
    beside(database, ".swap")
}

fn name(path: &Path) -> io::Result<String> {
    path.file_name()
        .and_then(OsStr::to_str)
        .map(str::to_owned)
        .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, format!("{} has no plain name", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{read, write};

    fn place() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("a.db");
        for (part, text) in PARTS.iter().zip(["old", "old log", "old index", "old journal"]) {
            write(beside(&database, part), text).expect("written");
        }
        let staged = staging_folder(&database, "1");
        create_folder(&staged).expect("a folder");
        write(staged.join("a.db"), "new").expect("written");
        (folder, database, staged)
    }

    fn is_swapped(database: &Path, kept: &Path) {
        assert_eq!(read(database).expect("the new one"), b"new");
        let beside_it = PARTS[1..].iter().filter(|part| beside(database, part).exists()).count();
        assert_eq!(beside_it, 0, "no log of the old one is left");
        for (part, text) in PARTS.iter().zip(["old", "old log", "old index", "old journal"]) {
            assert_eq!(read(kept.join(format!("a.db{part}"))).expect("kept"), text.as_bytes());
        }
        assert!(!finish(database).expect("nothing is left to do"));
    }

    #[test]
    fn the_old_files_are_kept_together_and_none_stays() {
        let (_folder, database, staged) = place();
        let kept = swap(&database, &staged, "1").expect("swapped");
        is_swapped(&database, &kept);
        assert!(!staged.exists());
    }

    #[test]
    fn a_swap_cut_off_after_any_step_is_finished_by_the_next_start() {
        // Steps: the note alone, one to four old files moved, the new one in its place, its folder gone.
        for done in 0..=6 {
            let (_folder, database, staged) = place();
            let kept = beside(&database, ".before-1");
            create_folder(&kept).expect("a folder");
            let note = Note { staged: name(&staged).expect("a name"), kept: name(&kept).expect("a name") };
            write(note_path(&database), serde_json::to_vec(&note).expect("JSON")).expect("written");
            for part in PARTS.iter().take(done) {
                std::fs::rename(beside(&database, part), kept.join(format!("a.db{part}"))).expect("moved");
            }
            if done >= 5 {
                std::fs::rename(staged.join("a.db"), &database).expect("moved");
            }
            if done >= 6 {
                std::fs::remove_dir(&staged).expect("removed");
            }
            assert!(finish(&database).expect("finished"), "{done}");
            is_swapped(&database, &kept);
        }
    }
}
