//! SQLite's write-ahead log as others may read it: the pages each commit wrote, in order.
//!
//! The format is that of sqlite.org/fileformat2.html, section 4: a header of 32 bytes, then frames of 24 bytes and a
//! page. Numbers are big-endian; the checksum of each frame goes on from the frame before. A frame belongs to the log
//! when it has the header's salts and its checksum is right; a commit ends with a frame that names the database's size.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// The last bit says in which order the checksum takes the bytes of a word.
const MAGIC: u32 = 0x377f_0682;
/// Frames read at once, at least and at most.
const FRAMES_AT_ONCE: std::ops::RangeInclusive<usize> = 4..=64;

/// A place in a log, and in which log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// Another pair each time the log begins again.
    pub salts: [u8; 8],
    /// Frames before it.
    pub frames: u32,
    /// Checksum of all before it.
    pub sum: [u32; 2],
}

/// What one transaction wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub page_bytes: u32,
    /// Size of the database after it.
    pub database_pages: u32,
    /// Page numbers (big-endian) and pages, one after the other.
    pub pages: Vec<u8>,
    /// After it.
    pub end: Position,
}

/// What there was to read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Read {
    pub commits: Vec<Commit>,
    /// The log began again since the last time: what had been written to it between was not seen.
    pub began_again: bool,
}

/// Reads a log as it grows.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    file: Option<File>,
    /// `None`: nothing of the log is read.
    position: Option<Position>,
    buffer: Vec<u8>,
    /// Frames there were the last time: about as many are looked for. Behind them lies what was written before the log
    /// began again, and reading that would cost more than all the rest.
    frames_before: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    big_endian: bool,
    page_bytes: u32,
    salts: [u8; 8],
    sum: [u32; 2],
}

impl Tail {
    /// Of the log at `path`, which need not be there yet.
    pub fn new(path: &Path) -> Self {
        Tail { path: path.to_owned(), file: None, position: None, buffer: Vec::new(), frames_before: 0 }
    }

    /// Whether the log holds anything at all.
    pub fn is_empty(&mut self) -> io::Result<bool> {
        let Some(header) = self.header()? else { return Ok(true) };
        let first = self.frame_header(0)?;
        Ok(first.is_none_or(|first| first.get(8..16) != Some(&header.salts)))
    }

    /// Goes on after `position`, if that is in the log.
    pub fn resume(&mut self, position: Position) -> io::Result<bool> {
        let Some(header) = self.header()? else { return Ok(false) };
        let sum = match position.frames {
            0 => Some(header.sum),
            frames => self.frame_header(frames - 1)?.map(|frame| [word(&frame, 16), word(&frame, 20)]),
        };
        let is_there = header.salts == position.salts && sum == Some(position.sum);
        if is_there {
            self.position = Some(position);
        }
        Ok(is_there)
    }

    /// Every commit since the last time.
    pub fn read(&mut self) -> io::Result<Read> {
        let mut read = Read::default();
        let Some(header) = self.header()? else {
            read.began_again = self.position.take().is_some();
            return Ok(read);
        };
        let start = Position { salts: header.salts, frames: 0, sum: header.sum };
        let mut position = self.position.unwrap_or(start);
        if position.salts != header.salts {
            read.began_again = true;
            position = start;
        }
        self.position = Some(position);
        let frame_bytes = FRAME_HEADER_BYTES + header.page_bytes as usize;
        let first = position.frames;
        let mut at_once = (self.frames_before + 1).clamp(*FRAMES_AT_ONCE.start(), *FRAMES_AT_ONCE.end());
        let mut pages = Vec::with_capacity(at_once * frame_bytes);
        loop {
            self.frames_before = position.frames.saturating_sub(first) as usize;
            let wanted = at_once * frame_bytes;
            let count = self.fill(header_end(position.frames, frame_bytes), wanted)?;
            at_once = (2 * at_once).min(*FRAMES_AT_ONCE.end());
            for frame in self.buffer.get(..count).unwrap_or_default().chunks_exact(frame_bytes) {
                let (head, page) = frame.split_at(FRAME_HEADER_BYTES);
                let sum = checksum(header.big_endian, position.sum, head.get(..8).unwrap_or_default());
                let is_ours = || {
                    let sum = checksum(header.big_endian, sum, page);
                    Some(sum).filter(|sum| *sum == [word(head, 16), word(head, 20)])
                };
                // Salts first: behind the end lies what was written before the log began again.
                let Some(sum) = (head.get(8..16) == Some(&header.salts)).then(is_ours).flatten() else {
                    self.frames_before = position.frames.saturating_sub(first) as usize;
                    return Ok(read);
                };
                position = Position { frames: position.frames + 1, sum, ..position };
                pages.extend_from_slice(head.get(..4).unwrap_or_default());
                pages.extend_from_slice(page);
                let database_pages = word(head, 4);
                if database_pages > 0 {
                    let pages = std::mem::take(&mut pages);
                    let page_bytes = header.page_bytes;
                    read.commits.push(Commit { page_bytes, database_pages, pages, end: position });
                    self.position = Some(position);
                }
            }
            if count < wanted {
                return Ok(read);
            }
        }
    }

    fn header(&mut self) -> io::Result<Option<Header>> {
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(file) => self.file = Some(file),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let Some(file) = &self.file else { return Ok(None) };
        let mut bytes = [0; HEADER_BYTES];
        match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let big_endian = word(&bytes, 0) & 1 == 1;
        let sum = checksum(big_endian, [0, 0], bytes.get(..24).unwrap_or_default());
        let page_bytes = word(&bytes, 8);
        let is_log = word(&bytes, 0) & !1 == MAGIC
            && sum == [word(&bytes, 24), word(&bytes, 28)]
            && (512..=65_536).contains(&page_bytes);
        let mut salts = [0; 8];
        salts.copy_from_slice(bytes.get(16..24).unwrap_or(&[0; 8]));
        Ok(is_log.then_some(Header { big_endian, page_bytes, salts, sum }))
    }

    fn frame_header(&mut self, frame: u32) -> io::Result<Option<[u8; FRAME_HEADER_BYTES]>> {
        let Some(header) = self.header()? else { return Ok(None) };
        let Some(file) = &self.file else { return Ok(None) };
        let mut bytes = [0; FRAME_HEADER_BYTES];
        let at = header_end(frame, FRAME_HEADER_BYTES + header.page_bytes as usize);
        match file.read_exact_at(&mut bytes, at) {
            Ok(()) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads into the buffer as much as there is.
    fn fill(&mut self, at: u64, bytes: usize) -> io::Result<usize> {
        let Some(file) = &self.file else { return Ok(0) };
        if self.buffer.len() < bytes {
            self.buffer.resize(bytes, 0);
        }
        let mut filled = 0;
        while let Some(rest) = self.buffer.get_mut(filled..bytes).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, at + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

/// Where the frame after so many begins.
fn header_end(frames: u32, frame_bytes: usize) -> u64 {
    HEADER_BYTES as u64 + u64::from(frames) * frame_bytes as u64
}

/// A big-endian number.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

fn checksum(big_endian: bool, before: [u32; 2], bytes: &[u8]) -> [u32; 2] {
    let number = |four: [u8; 4]| if big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) };
    bytes.as_chunks::<8>().0.iter().fold(before, |[one, two], [a, b, c, d, e, f, g, h]| {
        let one = one.wrapping_add(number([*a, *b, *c, *d])).wrapping_add(two);
        [one, two.wrapping_add(number([*e, *f, *g, *h])).wrapping_add(one)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    fn open(path: &Path) -> Connection {
        let connection = Connection::open(path).expect("it opens");
        let wal = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0";
        connection.execute_batch(wal).expect("pragmas");
        connection
    }

    /// The commits laid over `file`.
    fn apply(file: &mut Vec<u8>, commits: &[Commit]) {
        for commit in commits {
            let size = commit.page_bytes as usize;
            file.resize(commit.database_pages as usize * size, 0);
            for page in commit.pages.chunks_exact(4 + size) {
                let at = (word(page, 0) as usize - 1) * size;
                file[at..at + size].copy_from_slice(&page[4..]);
            }
        }
    }

    #[test]
    fn the_commits_read_from_the_log_make_the_database_whatever_happens_to_the_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        let connection = open(&path);
        let mut tail = Tail::new(&folder.path().join("a.db-wal"));
        let (mut copy, mut commits) = (std::fs::read(&path).expect("a file"), 0);
        connection.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT)").expect("a table");
        for n in 0..60 {
            let rows = format!("INSERT INTO t SELECT NULL, hex(randomblob({})) FROM t LIMIT 5", n * 40);
            connection.execute_batch("INSERT INTO t (text) VALUES ('a')").expect("a row");
            connection.execute_batch(&rows).expect("rows");
            let read = tail.read().expect("the log is read");
            commits += read.commits.len();
            apply(&mut copy, &read.commits);
            let cut = ["", "PASSIVE", "", "TRUNCATE", "RESTART"][n % 5];
            if !cut.is_empty() {
                let checkpoint = format!("PRAGMA wal_checkpoint({cut})");
                connection.query_row(&checkpoint, [], |_| Ok(())).expect("a checkpoint");
            }
        }
        assert_eq!(commits, 120 + 1, "the first one made the table");
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("a checkpoint");
        assert!(tail.read().expect("nothing").commits.is_empty());
        let file = std::fs::read(&path).expect("a file");
        assert!(copy == file, "{} bytes against {}", copy.len(), file.len());
    }

    #[test]
    fn a_tail_goes_on_where_another_stopped_but_only_in_the_same_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = open(&folder.path().join("a.db"));
        let log = folder.path().join("a.db-wal");
        connection.execute_batch("CREATE TABLE t (n)").expect("a table");
        let mut first = Tail::new(&log);
        assert!(!first.is_empty().expect("there is a log"));
        let stopped = first.read().expect("read").commits.last().expect("a commit").end;
        connection.execute_batch("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)").expect("rows");
        let mut second = Tail::new(&log);
        assert!(second.resume(stopped).expect("looked"));
        assert_eq!(second.read().expect("read"), first.read().expect("read"));
        assert!(!second.resume(Position { sum: [1, 2], ..stopped }).expect("looked"), "not the same log");
        connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).expect("a checkpoint");
        connection.execute_batch("INSERT INTO t VALUES (3)").expect("a row");
        assert!(!Tail::new(&log).resume(stopped).expect("looked"), "the log began again");
        let read = first.read().expect("read");
        assert!(read.began_again && read.commits.len() == 1, "{read:?}");
    }

    #[test]
    fn half_a_transaction_is_left_for_the_next_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = open(&folder.path().join("a.db"));
        connection.execute_batch("CREATE TABLE t (n); CREATE TABLE u (n)").expect("tables");
        let log = folder.path().join("a.db-wal");
        let whole = std::fs::read(&log).expect("a log");
        let cut = folder.path().join("cut");
        let mut tail = Tail::new(&cut);
        let mut seen = 0;
        for length in (0..=whole.len()).step_by(997).chain([whole.len()]) {
            std::fs::write(&cut, &whole[..length]).expect("written");
            tail.file = None;
            seen += tail.read().expect("read").commits.len();
        }
        assert_eq!(seen, 2);
    }
}
