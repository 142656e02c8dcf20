//! Lays archived commits over a copy of a database, up to a moment.

use crate::store::archive::sealing::Keys;
use crate::store::archive::segment::{self, End, Record};
use crate::store::archive::{Place, start};
use jiff::Timestamp;
use std::fs::{File, OpenOptions};
use std::io::{self, Error};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// What was laid over the copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    pub commits: u64,
    /// The last one's time.
    pub last_at: Option<Timestamp>,
    /// The archive was interrupted: what was written after the last commit and before this time is not in it, and may
    /// be from before the wanted moment.
    pub interrupted_at: Option<Timestamp>,
    /// What cannot be read to its end, if later commits may have stood there.
    pub cut_off: Option<PathBuf>,
}

/// Brings the database in `file`, copied when the archive was at `from`, to what it was at `until`. `watch` is told the
/// time reached and says whether to go on. `keys` open what is encrypted.
pub fn replay(
    archive: &Path,
    keys: Keys<'_>,
    from: &Place,
    until: Timestamp,
    file: &Path,
    watch: &mut dyn FnMut(Timestamp) -> bool,
) -> io::Result<Replayed> {
    let folder = archive.join(&from.generation);
    let target = OpenOptions::new().read(true).write(true).open(file)?;
    let mut replayed = Replayed { commits: 0, last_at: None, interrupted_at: None, cut_off: None };
    // The first file also holds what was written to it before the copy.
    let (mut before, mut is_past) = (None, false);
    for (_, path) in segment::list(&folder)?.into_iter().filter(|(number, _)| *number >= from.segment) {
        let end = segment::each(&path, keys, |record| {
            is_past = record.at > until;
            let follows = before.map_or(record.number <= from.number + 1, |number| record.number == number + 1);
            let (file, number) = (path.display(), record.number);
            match (is_past, follows) {
                // What is missing may be from before the moment.
                (true, false) => replayed.cut_off = Some(path.clone()),
                (true, true) => replayed.cut_off = None,
                (false, false) => {
                    return Err(Error::other(format!(
                        "{file}: commit {number} does not follow the one before, so a file is gone; choose an earlier moment"
                    )));
                }
                (false, true) => {}
            }
            if is_past {
                return Ok(false);
            }
            if record.sealed {
                return Err(Error::other("it is encrypted: name the file with its key by --identity"));
            }
            before = Some(record.number);
            write(&target, &record)?;
            replayed.commits += 1;
            replayed.last_at = Some(record.at);
            replayed.cut_off = None;
            if watch(record.at) { Ok(true) } else { Err(Error::new(io::ErrorKind::Interrupted, "it was stopped")) }
        })?;
        if is_past {
            break;
        }
        if end != End::Whole {
            replayed.cut_off = Some(path);
        }
    }
    target.sync_all()?;
    let reached = before.unwrap_or(from.number);
    if !is_past && start::rested_at(&folder).is_some_and(|rested| rested > reached) {
        replayed.cut_off.get_or_insert_with(|| folder.clone());
    }
    if !is_past && !start::has_ended(&folder) {
        let later = segment::generations(archive)?.into_iter().find(|generation| *generation > from.generation);
        replayed.interrupted_at = later.as_deref().and_then(start::time_of);
    }
    Ok(replayed)
}

fn write(target: &File, record: &Record) -> io::Result<()> {
    let size = u64::from(record.page_bytes);
    for page in record.pages.chunks_exact(4 + size as usize) {
        let (number, bytes) = page.split_at(4);
        let number = number.try_into().map_or(0, u32::from_be_bytes);
        let at = u64::from(number).checked_sub(1).ok_or_else(|| Error::other("a page without a number"))?;
        target.write_all_at(bytes, at * size)?;
    }
    target.set_len(u64::from(record.database_pages) * size)
}
