//! Where an archive goes on when a database is opened: in its last generation if nothing can have been missed, else in
//! a new one.

use crate::store::archive::segment;
use crate::store::archive::wal::Tail;
use crate::store::backup::files;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// In a generation's folder: the database's file as it was when all was in it.
const REST_FILE: &str = "rest.json";

/// In the folder of a generation after which the database went on elsewhere: nothing of it is missing.
const END_FILE: &str = "end";

/// Tells a database's file from what it becomes by any write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    bytes: u64,
    seconds: i64,
    nanoseconds: i64,
    inode: u64,
}

/// The last record when the file had everything.
#[derive(Debug, Serialize, Deserialize)]
struct Rest {
    number: u64,
    seal: Seal,
}

/// What the keeper goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    pub generation: String,
    /// The file to write; no other has its number.
    pub segment: u64,
    /// Of the last record.
    pub number: u64,
    /// Commits may be missing between the generation before and this one.
    pub interrupted: bool,
}

/// Finds out where to go on, and sets `tail` there.
pub fn find(database: &Path, archive: &Path, tail: &mut Tail, now: Timestamp) -> io::Result<Start> {
    files::create_folder(archive)?;
    let Some(generation) = segment::generations(archive)?.pop() else { return fresh(archive, now) };
    let folder = archive.join(&generation);
    let Some(number) = continues(database, &folder, tail)? else { return fresh(archive, now) };
    match std::fs::remove_file(folder.join(END_FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let segment = segment::list(&folder)?.last().map_or(0, |(number, _)| *number) + 1;
    Ok(Start { generation, segment, number, interrupted: false })
}

/// The last record of a generation, if what the log holds after it is all that can have been written since; sets `tail`
/// there.
fn continues(database: &Path, generation: &Path, tail: &mut Tail) -> io::Result<Option<u64>> {
    let last = segment::last(generation)?;
    let number = last.as_ref().map_or(0, |last| last.number);
    let in_log = match &last {
        Some(last) => tail.resume(last.position)?,
        None => false,
    };
    let rest = rest_of(generation);
    let from_rest = rest.is_some_and(|rest| rest.number == number && seal_of(database) == Some(rest.seal));
    Ok((in_log || from_rest).then_some(number))
}

/// Notes, before another database is put in the place of this one, whether the archive has all of it. Nobody may have
/// the database open.
pub fn end(database: &Path, archive: &Path) -> io::Result<()> {
    let Some(generation) = segment::generations(archive)?.pop() else { return Ok(()) };
    let folder = archive.join(generation);
    let mut tail = Tail::new(&files::beside(database, "-wal"));
    if continues(database, &folder, &mut tail)?.is_some() && tail.read()?.commits.is_empty() {
        files::write_whole(&folder.join(END_FILE), b"")?;
    }
    Ok(())
}

/// Whether nothing was written between the end of a generation and the begin of the next.
pub fn has_ended(generation: &Path) -> bool {
    generation.join(END_FILE).exists()
}

/// Up to which record a generation was written when it was last at rest.
pub fn rested_at(generation: &Path) -> Option<u64> {
    rest_of(generation).map(|rest| rest.number)
}

fn rest_of(generation: &Path) -> Option<Rest> {
    std::fs::read(generation.join(REST_FILE)).ok().and_then(|text| serde_json::from_slice(&text).ok())
}

/// The first file of a new generation.
pub fn fresh(archive: &Path, now: Timestamp) -> io::Result<Start> {
    let last = segment::generations(archive)?.pop();
    let interrupted = last.as_ref().is_some_and(|last| !has_ended(&archive.join(last)));
    // Two may begin in one moment, or the clock may have been set back.
    let named = |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%S.%6fZ").to_string();
    let mut generation = named(now);
    if let Some(last) = last.filter(|last| *last >= generation) {
        let after = time_of(&last).and_then(|at| at.checked_add(jiff::SignedDuration::from_micros(1)).ok());
        generation = after.map_or_else(|| format!("{last}Z"), named);
    }
    files::create_folder(&archive.join(&generation))?;
    files::sync_folder(archive)?;
    Ok(Start { generation, segment: 1, number: 0, interrupted })
}

/// When a generation began.
pub fn time_of(generation: &str) -> Option<Timestamp> {
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S%.fZ", generation).ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

pub fn seal_of(database: &Path) -> Option<Seal> {
    let data = std::fs::metadata(database).ok()?;
    Some(Seal { bytes: data.len(), seconds: data.mtime(), nanoseconds: data.mtime_nsec(), inode: data.ino() })
}

pub fn write_rest(generation: &Path, number: u64, seal: Seal) -> io::Result<()> {
    files::write_whole(&generation.join(REST_FILE), &serde_json::to_vec(&Rest { number, seal })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_named_by_their_time_and_never_twice() {
        let folder = tempfile::tempdir().expect("a folder");
        let now: Timestamp = "2026-11-23T09:10:11.123456Z".parse().expect("a time");
        let names: Vec<String> = (0..3).map(|_| fresh(folder.path(), now).expect("made").generation).collect();
        assert_eq!(names, ["20261123T091011.123456Z", "20261123T091011.123457Z", "20261123T091011.123458Z"]);
        assert_eq!(time_of(&names[0]), Some(now));
        assert_eq!(segment::generations(folder.path()).expect("listed"), names);
    }
}
