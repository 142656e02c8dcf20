//! Files that must still be there after a power cut: written, made durable, hashed.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const BYTES_AT_ONCE: usize = 1 << 18;
const BYTES_PER_SYNC: usize = 1 << 21;

/// Told how many more bytes were worked on; says whether to go on.
pub type Watch<'a> = &'a mut dyn FnMut(u64) -> bool;

/// Makes the names in a folder durable: new, renamed and removed ones.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder_or_here(folder))?.sync_all()
}

/// Makes what is written in a file durable.
pub fn sync_file(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The folder a file lies in.
pub fn folder_of(path: &Path) -> &Path {
    folder_or_here(path.parent().unwrap_or(path))
}

fn folder_or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

/// `db.sqlite` + `.lock` = `db.sqlite.lock`.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// For the owner alone, with the folders above it. Where a link leads to a folder that is gone, as systemd's does after
/// the loss of a disk, that folder is made.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    if let Ok(target) = std::fs::read_link(folder)
        && !folder.exists()
    {
        return create_folder(&folder_of(folder).join(target));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// An empty file for the owner alone; what was there is gone.
pub fn create_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Writes a whole file that is there entirely or not at all, whatever happens meanwhile.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = beside(path, ".new");
    let mut file = create_file(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    sync_folder(folder_of(path))
}

/// A new file that is made durable as it is written: what gathers in memory would be written at once in the end, and
/// whoever waits for the disk meanwhile would wait for all of it.
pub struct Steady {
    file: File,
    unsynced: usize,
}

impl Steady {
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Steady { file: create_file(path)?, unsynced: 0 })
    }

    /// Makes all of it durable.
    pub fn finish(self) -> io::Result<()> {
        self.file.sync_all()
    }
}

impl Write for Steady {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.unsynced += count;
        if self.unsynced >= BYTES_PER_SYNC {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Copies all of `from` to `to` and gives what was copied as SHA-256 in hex, and its size.
pub fn copy_hashed(from: &mut dyn Read, to: &mut dyn Write, watch: Watch<'_>) -> io::Result<(String, u64)> {
    let (mut hash, mut size, mut buffer) = (Sha256::new(), 0, vec![0; BYTES_AT_ONCE]);
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let part = buffer.get(..count).unwrap_or_default();
        hash.update(part);
        to.write_all(part)?;
        size += count as u64;
        if !watch(count as u64) {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "it was stopped"));
        }
    }
    Ok((hex(&hash.finalize()), size))
}

/// The SHA-256 of a file in hex, and its size.
pub fn hash_file(path: &Path, watch: Watch<'_>) -> io::Result<(String, u64)> {
    copy_hashed(&mut File::open(path)?, &mut io::sink(), watch)
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _cannot_fail = write!(text, "{byte:02x}");
        text
    })
}

/// Bytes that may still be written where `folder` lies.
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    let status = rustix::fs::statvfs(folder_or_here(folder))?;
    Ok(status.f_bavail * status.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_where_a_link_leads_whose_folder_is_gone() {
        let place = tempfile::tempdir().expect("a folder");
        let link = place.path().join("link");
        std::os::unix::fs::symlink("private/data", &link).expect("a link");
        create_folder(&link).expect("made");
        create_folder(&link).expect("it is there");
        assert!(place.path().join("private/data").is_dir());
    }

    #[test]
    fn a_file_is_written_whole_and_hashed_as_others_hash_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        write_whole(&path, b"one").expect("written");
        write_whole(&path, b"abc").expect("written again");
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash_file(&path, &mut |_| true).expect("hashed"), (abc.to_owned(), 3));
        assert!(hash_file(&path, &mut |_| false).is_err(), "it can be stopped");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing else is left");
    }
}
