//! What a disk holds after the power failed: of each file what was synced, and by chance parts of what came after.
//!
//! What happened to a name, that it is gone or stands for another file, is certain when the folder or the file itself was
//! synced.

use std::collections::BTreeMap;
use std::path::Path;

/// Writes are torn at borders of this many bytes.
const SECTOR: u64 = 512;
/// One in so many writes that are kept after the last sync is kept in part.
const TORN: u64 = 8;

/// A change of a file, or something said to a caller.
pub enum Event<'a> {
    Written { path: &'a str, offset: u64, data: &'a [u8] },
    Cut { path: &'a str, length: u64 },
    Synced { path: &'a str },
    Gone { path: &'a str },
    Renamed { from: &'a str, to: &'a str },
    Acknowledged { line: &'a str },
}

/// All events of a log, in their order. The end may be cut short.
pub fn events(log: &[u8]) -> Vec<Event<'_>> {
    let mut events = Vec::new();
    let mut rest = log;
    while let Some((head, after)) = rest.split_at_checked(15) {
        let number = |range: std::ops::Range<usize>| {
            head[range].iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        let (path_length, offset, length) = (number(1..3) as usize, number(3..11), number(11..15) as usize);
        let Some((path, after)) = after.split_at_checked(path_length) else { break };
        let Some((data, after)) = after.split_at_checked(length) else { break };
        let path = std::str::from_utf8(path).expect("a path is UTF-8");
        let text = || std::str::from_utf8(data).expect("UTF-8");
        events.push(match head[0] {
            b'W' => Event::Written { path, offset, data },
            b'T' => Event::Cut { path, length: offset },
            b'S' => Event::Synced { path },
            b'U' => Event::Gone { path },
            b'N' => Event::Renamed { from: path, to: text() },
            b'A' => Event::Acknowledged { line: text() },
            other => panic!("{other} is no kind of event"),
        });
        rest = after;
    }
    events
}

/// A line that says what was acknowledged, as it stands in the log.
pub fn acknowledgement(line: &str) -> Vec<u8> {
    let length = u32::try_from(line.len()).expect("a short line").to_le_bytes();
    [b"A", &0_u16.to_le_bytes()[..], &0_u64.to_le_bytes(), &length, line.as_bytes()].concat()
}

#[derive(Default, Clone)]
struct Kept<'a> {
    /// As of the last sync; `None`: there is no such file.
    durable: Option<Vec<u8>>,
    pending: Vec<Pending<'a>>,
}

#[derive(Clone)]
enum Pending<'a> {
    Write(u64, &'a [u8]),
    Cut(u64),
    Gone,
    Replaced(Box<Kept<'a>>),
}

/// The disk while the program runs.
#[derive(Default)]
pub struct Disk<'a> {
    files: BTreeMap<&'a str, Kept<'a>>,
}

impl<'a> Disk<'a> {
    pub fn take(&mut self, event: &Event<'a>) {
        match event {
            Event::Written { path, offset, data } => self.pend(path, Pending::Write(*offset, data)),
            Event::Cut { path, length } => self.pend(path, Pending::Cut(*length)),
            Event::Gone { path } => self.pend(path, Pending::Gone),
            Event::Renamed { from, to } => {
                let moved = self.files.remove(from).unwrap_or_default();
                let before = moved.clone();
                self.files.insert(from, before);
                self.pend(from, Pending::Gone);
                self.pend(to, Pending::Replaced(Box::new(moved)));
            }
            Event::Synced { path } if self.is_folder(path) => {
                let inside =
                    self.files.iter_mut().filter(|(name, _)| Path::new(name).parent() == Some(Path::new(path)));
                inside.for_each(|(_, file)| file.keep_name());
            }
            Event::Synced { path } => {
                let file = self.files.entry(path).or_default();
                file.durable = file.content(&mut |_| 0);
                file.pending.clear();
            }
            Event::Acknowledged { .. } => {}
        }
    }

    fn is_folder(&self, path: &str) -> bool {
        self.files.keys().any(|name| Path::new(name).parent() == Some(Path::new(path)))
    }

    fn pend(&mut self, path: &'a str, change: Pending<'a>) {
        self.files.entry(path).or_default().pending.push(change);
    }

    /// Writes what is left when the power fails now to `folder`. `chance` gives a number below another.
    pub fn fail(&self, folder: &Path, chance: &mut dyn FnMut(u64) -> u64) {
        for (path, file) in &self.files {
            if let Some(content) = file.content(chance) {
                let name = Path::new(path).file_name().expect("a file has a name");
                std::fs::write(folder.join(name), content).expect("written");
            }
        }
    }
}

impl Kept<'_> {
    /// The name stands for what it stands for now; what is in the file is as certain as it was.
    fn keep_name(&mut self) {
        let is_of_name = |change: &Pending<'_>| matches!(change, Pending::Gone | Pending::Replaced(_));
        let Some(last) = self.pending.iter().rposition(is_of_name) else { return };
        let rest = self.pending.split_off(last + 1);
        *self = match self.pending.pop() {
            Some(Pending::Replaced(file)) => *file,
            _ => Kept::default(),
        };
        self.pending.extend(rest);
    }

    /// The durable part with what `chance` keeps of the rest: all of it where `chance` is always 0.
    fn content(&self, chance: &mut dyn FnMut(u64) -> u64) -> Option<Vec<u8>> {
        let mut content = self.durable.clone();
        for change in &self.pending {
            let is_kept = chance(2) == 0;
            match change {
                Pending::Write(offset, data) if is_kept => {
                    let sectors = data.len() as u64 / SECTOR;
                    let is_torn = sectors > 1 && chance(TORN) == TORN - 1;
                    let kept = if is_torn { chance(sectors) * SECTOR } else { data.len() as u64 };
                    let (begin, end) = (*offset as usize, (*offset + kept) as usize);
                    let bytes = content.get_or_insert_default();
                    bytes.resize(bytes.len().max(end), 0);
                    bytes[begin..end].copy_from_slice(&data[..kept as usize]);
                }
                Pending::Cut(length) if is_kept => content.get_or_insert_default().resize(*length as usize, 0),
                Pending::Gone if is_kept => content = None,
                Pending::Replaced(file) if is_kept => content = file.content(chance),
                Pending::Write(..) | Pending::Cut(_) => {}
                // The name still stands for what it was; what came later happened to another file.
                Pending::Gone | Pending::Replaced(_) => break,
            }
        }
        content
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_synced_is_certain() {
        let (folder, mut disk) = (tempfile::tempdir().expect("a folder"), Disk::default());
        let left = |disk: &Disk<'_>, kept: u64| {
            disk.fail(folder.path(), &mut |_| kept);
            std::fs::read(folder.path().join("a")).ok()
        };
        disk.take(&Event::Written { path: "/x/a", offset: 0, data: b"one" });
        assert_eq!(left(&disk, 1), None);
        disk.take(&Event::Synced { path: "/x/a" });
        disk.take(&Event::Written { path: "/x/a", offset: 5, data: b"two" });
        assert_eq!(left(&disk, 1).as_deref(), Some(&b"one"[..]));
        assert_eq!(left(&disk, 0).as_deref(), Some(&b"one\0\0two"[..]));
        disk.take(&Event::Renamed { from: "/x/b", to: "/x/a" });
        assert_eq!(left(&disk, 1).as_deref(), Some(&b"one"[..]), "the old name stands for the old file");
        disk.take(&Event::Synced { path: "/x" });
        std::fs::remove_file(folder.path().join("a")).expect("it was written");
        assert_eq!(left(&disk, 1), None, "the new file was never synced");
    }

    #[test]
    fn a_log_is_read_as_it_was_written() {
        let log = [acknowledgement("name a 1"), acknowledgement("name a 2")].concat();
        let lines: Vec<&str> = events(&log[..log.len() - 1])
            .iter()
            .filter_map(|event| if let Event::Acknowledged { line } = event { Some(*line) } else { None })
            .collect();
        assert_eq!(lines, ["name a 1"], "what was cut short is left out");
    }
}
