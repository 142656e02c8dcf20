//! What is asked of a SQLite file before it is opened: a local disk, one process, no access for others.

use crate::store::backup::files::{beside, folder_of};
use crate::store::backup::swap;
use crate::store::error::StoreError;
use rustix::fs::{FlockOperation, flock, statfs};
use std::fs::{File, OpenOptions, Permissions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a lock is waited for that another process may be about to let go.
const PATIENCE: Duration = Duration::from_millis(500);

/// Holds the database for this process; the kernel lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

/// File systems on which SQLite's locks or shared memory do not hold: `statfs(2)` type and name.
const NETWORK_FILE_SYSTEMS: [(u64, &str); 12] = [
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9P"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x00C3_6400, "Ceph"),
    (0x0BD0_0BD0, "Lustre"),
    (0x7461_636F, "OCFS2"),
    (0x4750_4653, "GPFS"),
];

/// Makes the file ready to be opened: checks its disk, takes its lock, finishes a restore that was cut off, creates it
/// for the owner alone. `None`: another process has the lock, and `beside` it is where we want to be.
pub fn prepare(path: &Path, beside: bool) -> Result<Option<FileLock>, StoreError> {
    refuse_network(path, folder_of(path))?;
    let lock = match hold(path) {
        Err(Held::ByAnother(_)) if beside => None,
        Err(Held::ByAnother(_)) => Some(hold_soon(path)?),
        lock => Some(lock.map_err(|held| told(held, path))?),
    };
    if lock.is_some() {
        finish_swap(path)?;
    }
    create_private(path)?;
    Ok(lock)
}

/// The lock of the database at `path`, without touching the database.
pub fn lock(path: &Path) -> Result<FileLock, StoreError> {
    refuse_network(path, folder_of(path))?;
    let lock = hold_soon(path)?;
    finish_swap(path)?;
    Ok(lock)
}

/// The holder may be about to end, or a child it just starts may have its files for a moment yet.
fn hold_soon(path: &Path) -> Result<FileLock, StoreError> {
    let started = Instant::now();
    loop {
        match hold(path) {
            Err(Held::ByAnother(_)) if started.elapsed() < PATIENCE => std::thread::sleep(PATIENCE / 20),
            lock => return lock.map_err(|held| told(held, path)),
        }
    }
}

fn finish_swap(path: &Path) -> Result<(), StoreError> {
    let finished = swap::finish(path).map_err(|e| {
        refused(format_args!("a restore of {} was cut off and cannot be finished: {e}", path.display()))
    })?;
    if finished {
        tracing::warn!("a restore that was cut off has been finished: the restored database is in place");
    }
    Ok(())
}

fn refuse_network(path: &Path, folder: &Path) -> Result<(), StoreError> {
    match network_file_system(folder)? {
        None => Ok(()),
        Some(name) => Err(refused(format_args!(
            "{} lies on a network file system ({name}), where SQLite can lose data; put it on a local disk or use PostgreSQL",
            path.display()
        ))),
    }
}

/// The kind of network file system a folder lies on; `None`: it is on a local disk.
pub fn network_file_system(folder: &Path) -> Result<Option<&'static str>, StoreError> {
    let status = statfs(folder)
        .map_err(|e| refused(format_args!("the folder {} cannot be used ({e}); create it first", folder.display())))?;
    #[allow(clippy::unnecessary_cast)] // The field's type differs between platforms.
    let kind = status.f_type as u64 & 0xFFFF_FFFF;
    Ok(network_name(kind))
}

fn network_name(kind: u64) -> Option<&'static str> {
    NETWORK_FILE_SYSTEMS.iter().find(|(known, _)| *known == kind).map(|(_, name)| *name)
}

/// Why a lock could not be had.
#[derive(Debug)]
pub enum Held {
    /// By whom: `process 4711`, where that is known.
    ByAnother(String),
    NotAtAll(StoreError),
}

fn told(held: Held, path: &Path) -> StoreError {
    match held {
        Held::NotAtAll(error) => error,
        Held::ByAnother(holder) => {
            refused(format_args!("{} is in use by {holder}; stop it first, or talk to it over HTTP", path.display()))
        }
    }
}

/// Takes the lock file of `path`, which itself need not exist.
pub fn hold(path: &Path) -> Result<FileLock, Held> {
    let lock_path = beside(path, ".lock");
    let cannot =
        |e: std::io::Error| Held::NotAtAll(refused(format_args!("{} cannot be opened: {e}", lock_path.display())));
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&lock_path)
        .map_err(cannot)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut holder = String::new();
        // The holder may be just writing its number; the message is then a little poorer.
        let _ = file.read_to_string(&mut holder);
        let is_known = !holder.trim().is_empty();
        return Err(Held::ByAnother(if is_known {
            format!("process {}", holder.trim())
        } else {
            "another process".into()
        }));
    }
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    // A full disk must not keep us from reading: the lock is held, only its label is missing.
    if let Err(error) = write(&mut file) {
        tracing::warn!(%error, "the process number could not be written into the lock file");
    }
    Ok(FileLock { _file: file })
}

fn create_private(path: &Path) -> Result<(), StoreError> {
    let cannot = |e: std::io::Error| refused(format_args!("{} cannot be opened: {e}", path.display()));
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path).map_err(cannot)?;
    let mode = file.metadata().map_err(cannot)?.permissions().mode();
    if mode & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600)).map_err(cannot)?;
    }
    Ok(())
}

fn refused(text: impl std::fmt::Display) -> StoreError {
    StoreError::Refused(text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_by_name() {
        assert_eq!(network_name(0x6969), Some("NFS"));
        assert_eq!(network_name(0x6573_5546), Some("FUSE"));
        assert_eq!(network_name(0xEF53), None, "ext4");
        assert_eq!(network_name(0x0102_1994), None, "tmpfs");
    }

    #[test]
    fn a_second_holder_is_refused_and_told_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let first = prepare(&path, false).unwrap();
        let text = prepare(&path, false).unwrap_err().to_string();
        assert!(text.contains(&format!("in use by process {}", std::process::id())), "{text}");
        assert!(prepare(&path, true).unwrap().is_none(), "beside the holder, without its lock");
        drop(first);
        assert!(prepare(&path, true).unwrap().is_some(), "nobody is there: the lock is ours");
    }

    #[test]
    fn the_file_is_for_its_owner_alone_also_when_it_was_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let _lock = prepare(&path, false).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
