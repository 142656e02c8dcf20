//! Looks through a whole archive: is every commit there, and where was it interrupted?

use crate::store::archive::segment::{self, End};
use crate::store::archive::start;
use jiff::Timestamp;
use serde::Serialize;
use std::io;
use std::path::Path;

/// What an archive turned out to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Survey {
    /// Unbroken rows of commits.
    pub generations: u64,
    pub commits: u64,
    pub bytes: u64,
    /// Times of the first and the last commit.
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    pub interruptions: Vec<Interruption>,
    /// What is damaged or gone; nothing: each row is unbroken.
    pub faults: Vec<String>,
}

/// Between these times something was written that the archive does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interruption {
    /// The last commit before; `None`: there was none.
    pub after: Option<Timestamp>,
    pub until: Timestamp,
}

/// Reads every file. `watch` is told the bytes read and says whether to go on.
pub fn survey(archive: &Path, watch: &mut dyn FnMut(u64) -> bool) -> io::Result<Survey> {
    let mut survey = Survey::default();
    let mut before: Option<String> = None;
    for generation in segment::generations(archive)? {
        let has_ended = before.is_none_or(|before| start::has_ended(&archive.join(before)));
        if let (false, Some(until)) = (has_ended, start::time_of(&generation)) {
            survey.interruptions.push(Interruption { after: survey.last_at, until });
        }
        survey.generations += 1;
        look_through(&archive.join(&generation), &mut survey, watch)?;
        before = Some(generation);
    }
    Ok(survey)
}

fn look_through(generation: &Path, survey: &mut Survey, watch: &mut dyn FnMut(u64) -> bool) -> io::Result<()> {
    let (mut number, mut damaged): (Option<u64>, Option<String>) = (None, None);
    for (_, path) in segment::list(generation)? {
        let size = std::fs::metadata(&path)?.len();
        let end = segment::each(&path, &[], |record| {
            if let Some(number) = number.filter(|number| record.number != number + 1) {
                let hole = format!("{}: record {number} is followed by {}", path.display(), record.number);
                survey.faults.push(damaged.take().unwrap_or(hole));
            }
            // The archive went on after what could not be read: nothing of that was acknowledged.
            damaged = None;
            number = Some(record.number);
            survey.commits += 1;
            survey.first_at.get_or_insert(record.at);
            survey.last_at = Some(record.at);
            Ok(true)
        })?;
        survey.bytes += size;
        if end == End::Damaged {
            damaged = Some(format!("{} is damaged: later commits in it cannot be read", path.display()));
        }
        if !watch(size) {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "it was stopped"));
        }
    }
    survey.faults.extend(damaged);
    let (last, rested) = (number.unwrap_or(0), start::rested_at(generation).unwrap_or(0));
    if last < rested {
        let told = format!("{}: record {rested} was written, but the last is {last}", generation.display());
        survey.faults.push(told);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::archive::segment::{Encoder, Record, path_of};
    use crate::store::archive::wal::Position;

    /// Writes records of these numbers into a file of a generation.
    fn write(generation: &Path, file: u64, numbers: std::ops::RangeInclusive<u64>, more: &[u8]) {
        let mut encoder = Encoder::new(Vec::new()).expect("an encoder");
        let mut bytes = Vec::new();
        for number in numbers {
            let at = Timestamp::from_second(1_700_000_000 + number as i64).expect("a time");
            let record = Record {
                number,
                at,
                page_bytes: 512,
                database_pages: 1,
                position: Position::default(),
                pages: vec![],
                sealed: false,
            };
            bytes.extend(encoder.encode(&record).expect("encoded"));
        }
        bytes.extend_from_slice(more);
        std::fs::write(path_of(generation, file), bytes).expect("written");
    }

    #[test]
    fn holes_damage_and_interruptions_are_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let look = || survey(folder.path(), &mut |_| true).expect("read");
        assert_eq!(look(), Survey::default());
        let now = Timestamp::from_second(1_700_000_000).expect("a time");
        let first = folder.path().join(start::fresh(folder.path(), now).expect("made").generation);
        write(&first, 1, 1..=3, &[]);
        write(&first, 2, 4..=5, &[0, 0, 1]);
        let whole = look();
        assert_eq!((whole.generations, whole.commits, whole.faults.len()), (1, 5, 0), "a crash leaves half a record");
        assert_eq!(whole.last_at.map(Timestamp::as_second), Some(1_700_000_005));

        write(&first, 3, 6..=6, &[0, 0, 0, 1, 7]);
        assert!(look().faults[0].ends_with("later commits in it cannot be read"), "{:?}", look().faults);
        write(&first, 4, 7..=7, &[]);
        assert_eq!(look().faults, [] as [&str; 0], "the archive went on after it");
        std::fs::remove_file(path_of(&first, 2)).expect("there was one");
        assert!(look().faults[0].ends_with("00000003.log: record 3 is followed by 6"), "{:?}", look().faults);
        std::fs::remove_file(path_of(&first, 1)).expect("there was one");
        assert_eq!(look().faults, [] as [&str; 0], "what is old is removed from the begin");

        let database = folder.path().join("a.db");
        std::fs::write(&database, "").expect("written");
        start::write_rest(&first, 9, start::seal_of(&database).expect("a file")).expect("written");
        assert!(look().faults[0].ends_with("record 9 was written, but the last is 7"), "{:?}", look().faults);

        let later = start::fresh(folder.path(), now + jiff::SignedDuration::from_secs(60)).expect("made");
        assert!(later.interrupted);
        let expected = Interruption {
            after: Timestamp::from_second(1_700_000_007).ok(),
            until: start::time_of(&later.generation).expect("a time"),
        };
        assert_eq!(look().interruptions, [expected]);
    }

    #[test]
    fn a_database_that_is_replaced_when_all_is_archived_is_no_interruption() {
        let folder = tempfile::tempdir().expect("a folder");
        let (archive, database) = (folder.path().join("archive"), folder.path().join("a.db"));
        std::fs::create_dir(&archive).expect("a folder");
        std::fs::write(&database, "").expect("written");
        let now = Timestamp::from_second(1_700_000_000).expect("a time");
        let first = archive.join(start::fresh(&archive, now).expect("made").generation);
        start::end(&database, &archive).expect("looked");
        assert!(!start::has_ended(&first), "nobody knows what the file had");
        write(&first, 1, 1..=2, &[]);
        start::write_rest(&first, 2, start::seal_of(&database).expect("a file")).expect("written");
        start::end(&database, &archive).expect("looked");
        assert!(start::has_ended(&first));
        assert!(!start::fresh(&archive, now + jiff::SignedDuration::from_secs(1)).expect("made").interrupted);
        assert_eq!(survey(&archive, &mut |_| true).expect("read").interruptions, []);
    }
}
