//! The archive's files: one record for each commit, with its time, compressed, one after the other.
//!
//! A record is its length and a zstd frame with a checksum of its own; in it a head of fixed size and the pages. A
//! record that was cut off by a crash ends its file: nothing after it was ever acknowledged to be archived. In a file that
//! is encrypted the first record is its key, and the others are a readable head, a checksum, and the pages sealed.

use crate::store::archive::sealing::{FileKey, Keys};
use crate::store::archive::wal::Position;
use age::x25519::Recipient;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

/// Fast: a commit waits for its turn behind it.
const LEVEL: i32 = 1;
const HEAD_BYTES: usize = 52;
/// A longer record cannot be ours.
const RECORD_BYTES_MAX: u32 = 1 << 30;
const SUFFIX: &str = "log";
/// Begins a sealed record.
const SEALED: [u8; 4] = *b"TBs1";
/// Of the checksum of a sealed record, which shows damage without its key.
const SUM_BYTES: usize = 8;

/// What one transaction wrote, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Counts up by one within a generation.
    pub number: u64,
    pub at: Timestamp,
    pub page_bytes: u32,
    /// Size of the database after it.
    pub database_pages: u32,
    /// The place in the write-ahead log after it.
    pub position: Position,
    /// Page numbers (big-endian) and pages, one after the other.
    pub pages: Vec<u8>,
    /// The pages are not here: they are encrypted, and no key was given.
    pub sealed: bool,
}

/// Turns records into bytes; keeps its working memory.
pub struct Encoder {
    compressor: Compressor<'static>,
    plain: Vec<u8>,
    recipients: Vec<Recipient>,
    /// Of the file that is written, where it is encrypted.
    key: Option<FileKey>,
}

impl Encoder {
    /// For the holders of these keys alone; none: for whoever can read the files.
    pub fn new(recipients: Vec<Recipient>) -> io::Result<Self> {
        let mut compressor = Compressor::new(LEVEL)?;
        compressor.set_parameter(CParameter::ChecksumFlag(true))?;
        Ok(Encoder { compressor, plain: Vec::new(), recipients, key: None })
    }

    /// What a new file begins with.
    pub fn begin_file(&mut self) -> io::Result<Vec<u8>> {
        if self.recipients.is_empty() {
            return Ok(Vec::new());
        }
        let (key, wrapped) = FileKey::new(&self.recipients)?;
        self.key = Some(key);
        framed(&[&wrapped])
    }

    /// As it stands in a file.
    pub fn encode(&mut self, record: &Record) -> io::Result<Vec<u8>> {
        let plain = &mut self.plain;
        plain.clear();
        plain.extend_from_slice(&record.number.to_be_bytes());
        plain.extend_from_slice(&record.at.as_microsecond().to_be_bytes());
        for number in [record.page_bytes, record.database_pages, record.position.frames] {
            plain.extend_from_slice(&number.to_be_bytes());
        }
        plain.extend_from_slice(&record.position.salts);
        for number in record.position.sum {
            plain.extend_from_slice(&number.to_be_bytes());
        }
        plain.extend_from_slice(&(record.pages.len() as u64).to_be_bytes());
        let head = plain.clone();
        plain.extend_from_slice(&record.pages);
        let bytes = match &self.key {
            None => framed(&[&self.compressor.compress(plain)?])?,
            Some(key) => {
                let pages = key.seal(record.number, &head, self.compressor.compress(&record.pages)?)?;
                framed(&[&SEALED, &head, &checksum(&head, &pages), &pages])?
            }
        };
        // A single great commit must not be held for ever.
        if plain.capacity() > 8 << 20 {
            *plain = Vec::new();
        }
        Ok(bytes)
    }
}

/// A record with its length.
fn framed(parts: &[&[u8]]) -> io::Result<Vec<u8>> {
    let packed = parts.concat();
    let length = u32::try_from(packed.len()).map_err(io::Error::other)?;
    Ok([length.to_be_bytes().as_slice(), &packed].concat())
}

fn checksum(head: &[u8], pages: &[u8]) -> [u8; SUM_BYTES] {
    let whole: [u8; 32] = Sha256::new().chain_update(head).chain_update(pages).finalize().into();
    let mut sum = [0; SUM_BYTES];
    sum.copy_from_slice(&whole[..SUM_BYTES]);
    sum
}

fn broken() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "a record is not as it was written")
}

fn decode(packed: &[u8], key: Option<&FileKey>) -> io::Result<Record> {
    let Some(sealed) = packed.strip_prefix(&SEALED) else {
        let plain = zstd::stream::decode_all(packed)?;
        let (head, pages) = plain.split_at_checked(HEAD_BYTES).ok_or_else(broken)?;
        return read(head, Some(pages.to_vec()));
    };
    let (head, rest) = sealed.split_at_checked(HEAD_BYTES).ok_or_else(broken)?;
    let (sum, pages) = rest.split_at_checked(SUM_BYTES).ok_or_else(broken)?;
    if checksum(head, pages) != sum {
        return Err(broken());
    }
    let Some(key) = key else { return read(head, None) };
    let number = read(head, None)?.number;
    read(head, Some(zstd::stream::decode_all(key.unseal(number, head, pages.to_vec())?.as_slice())?))
}

/// A record of its head; without pages where these are sealed.
fn read(head: &[u8], pages: Option<Vec<u8>>) -> io::Result<Record> {
    let eight = |at: usize| head.get(at..at + 8).and_then(|part| part.try_into().ok()).unwrap_or([0; 8]);
    let four = |at: usize| head.get(at..at + 4).and_then(|part| part.try_into().ok()).map_or(0, u32::from_be_bytes);
    let at = Timestamp::from_microsecond(i64::from_be_bytes(eight(8))).map_err(io::Error::other)?;
    let position = Position { frames: four(24), salts: eight(28), sum: [four(36), four(40)] };
    let (sealed, pages) = (pages.is_none(), pages.unwrap_or_default());
    if !sealed && u64::from_be_bytes(eight(44)) != pages.len() as u64 {
        return Err(broken());
    }
    Ok(Record {
        number: u64::from_be_bytes(eight(0)),
        at,
        page_bytes: four(16),
        database_pages: four(20),
        position,
        pages,
        sealed,
    })
}

/// What comes after the last whole record of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nothing, or it was not asked for.
    Whole,
    /// A record that has not all its bytes: it is being written, or was when the machine failed.
    Cut,
    /// What no writing leaves behind.
    Damaged,
}

/// Hands each whole record of a file to `visit`, which says whether to go on. An encrypted file needs one of `keys`, if
/// any is given; without, its records come without pages.
pub fn each(path: &Path, keys: Keys<'_>, mut visit: impl FnMut(Record) -> io::Result<bool>) -> io::Result<End> {
    let mut file = BufReader::new(File::open(path)?);
    let mut key = None;
    loop {
        let mut length = Vec::new();
        file.by_ref().take(4).read_to_end(&mut length)?;
        let Ok(length) = <[u8; 4]>::try_from(length.as_slice()) else {
            return Ok(if length.is_empty() { End::Whole } else { End::Cut });
        };
        let count = u32::from_be_bytes(length);
        // A file can be longer than what had been written to it when the power failed.
        if count == 0 || count > RECORD_BYTES_MAX {
            return Ok(if count == 0 { End::Cut } else { End::Damaged });
        }
        let mut packed = Vec::new();
        file.by_ref().take(u64::from(count)).read_to_end(&mut packed)?;
        if packed.len() < count as usize {
            return Ok(End::Cut);
        }
        if FileKey::is_wrapped(&packed) {
            key = if keys.is_empty() { None } else { Some(FileKey::open(&packed, keys)?) };
            continue;
        }
        let Ok(record) = decode(&packed, key.as_ref()) else { return Ok(End::Damaged) };
        if !visit(record)? {
            return Ok(End::Whole);
        }
    }
}

/// The files of a generation, the oldest first, with their numbers.
pub fn list(generation: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found: Vec<(u64, PathBuf)> = std::fs::read_dir(generation)?
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let path = entry.path();
            let number = path.file_stem()?.to_str()?.parse().ok()?;
            (path.extension()? == SUFFIX).then_some((number, path))
        })
        .collect();
    found.sort();
    Ok(found)
}

pub fn path_of(generation: &Path, segment: u64) -> PathBuf {
    generation.join(format!("{segment:08}.{SUFFIX}"))
}

/// The generations of an archive, the oldest first: each begins where continuity with what was before is not certain.
pub fn generations(archive: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(archive) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let names = entries.filter_map(Result::ok).filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with('Z')).collect();
    names.sort();
    Ok(names)
}

/// The last whole record of a generation, without its pages.
pub fn last(generation: &Path) -> io::Result<Option<Record>> {
    for (_, path) in list(generation)?.into_iter().rev() {
        let mut last = None;
        each(&path, &[], |record| {
            last = Some(Record { pages: Vec::new(), ..record });
            Ok(true)
        })?;
        if last.is_some() {
            return Ok(last);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u64) -> Record {
        Record {
            number,
            at: Timestamp::from_microsecond(1_700_000_000_123_456 + number as i64).expect("a time"),
            page_bytes: 4096,
            database_pages: 7,
            position: Position { salts: [1, 2, 3, 4, 5, 6, 7, 8], frames: 99, sum: [u32::MAX, 5] },
            pages: vec![number as u8; 5000],
            sealed: false,
        }
    }

    fn found(path: &Path, keys: Keys<'_>) -> (Vec<Record>, End) {
        let mut found = Vec::new();
        let end = each(path, keys, |record| {
            found.push(record);
            Ok(true)
        });
        (found, end.expect("read"))
    }

    #[test]
    fn an_encrypted_file_tells_its_commits_apart_and_only_a_key_gives_their_pages() {
        let folder = tempfile::tempdir().expect("a folder");
        let (identity, path) = (age::x25519::Identity::generate(), path_of(folder.path(), 1));
        let mut encoder = Encoder::new(vec![identity.to_public()]).expect("an encoder");
        let all: Vec<Record> = (1..=3).map(record).collect();
        let mut bytes = encoder.begin_file().expect("a key");
        let begin = bytes.len();
        bytes.extend(all.iter().flat_map(|one| encoder.encode(one).expect("encoded")));
        std::fs::write(&path, &bytes).expect("written");
        assert_eq!(found(&path, &[&identity]), (all.clone(), End::Whole));
        let bare = |one: &Record| Record { pages: Vec::new(), sealed: true, ..one.clone() };
        let told: Vec<Record> = all.iter().map(bare).collect();
        assert_eq!(found(&path, &[]), (told.clone(), End::Whole));
        assert_eq!(last(folder.path()).expect("read"), Some(told[2].clone()));
        let other = age::x25519::Identity::generate();
        assert!(each(&path, &[&other], |_| Ok(true)).is_err(), "it is not for them");
        for at in begin + 4..begin + 100 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            std::fs::write(&path, damaged).expect("written");
            assert_eq!(found(&path, &[]), (Vec::new(), End::Damaged), "a flipped bit at {at} shows without a key");
        }
    }

    #[test]
    fn records_come_back_as_they_were_and_a_cut_file_ends_before_the_cut() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut encoder = Encoder::new(Vec::new()).expect("an encoder");
        let all: Vec<Record> = (1..=3).map(record).collect();
        let bytes: Vec<Vec<u8>> = all.iter().map(|one| encoder.encode(one).expect("encoded")).collect();
        let (whole, path) = (bytes.concat(), path_of(folder.path(), 1));
        let ends = [bytes[0].len(), bytes[0].len() + bytes[1].len(), whole.len()];
        let read = |path: &Path| found(path, &[]);
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).expect("written");
            let count = ends.iter().filter(|end| **end <= cut).count();
            let end = if cut == 0 || ends.contains(&cut) { End::Whole } else { End::Cut };
            assert_eq!(read(&path), (all[..count].to_vec(), end), "cut at {cut}");
        }
        assert_eq!(last(folder.path()).expect("read").map(|last| last.number), Some(3));
        let mut damaged = whole.clone();
        damaged[ends[0] + 20] ^= 1;
        std::fs::write(&path, damaged).expect("written");
        assert_eq!(read(&path), (all[..1].to_vec(), End::Damaged), "a flipped bit shows");
        std::fs::write(&path, [&bytes[0][..], &[0; 100]].concat()).expect("written");
        assert_eq!(read(&path), (all[..1].to_vec(), End::Cut), "longer than what was written");
    }
}
