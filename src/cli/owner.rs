//! What root's commands leave in the service's folders is given to whoever the folder belongs to: the service must be able
//! to open a database that root has restored, and to thin out the backups that root has made.

use crate::cli::SettingFlags;
use rustix::fs::{Dir, FileType, Gid, Mode, OFlags, Uid, fchown, fstat, open, openat};
use rustix::process::geteuid;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

/// Does nothing unless we are root and a folder is somebody else's.
pub fn hand_over(settings: &SettingFlags) {
    if !geteuid().is_root() {
        return;
    }
    // Settings that cannot be read have led to no file.
    let Ok(loaded) = settings.load_quietly(&[]) else { return };
    let config = loaded.config;
    for folder in [Some(config.data_dir), config.backup.second_dir, config.backup.archive_dir].into_iter().flatten() {
        // The service tells what it cannot read.
        let _told_later = give_to_its_owner(&folder);
    }
}

fn give_to_its_owner(folder: &Path) -> rustix::io::Result<()> {
    let folder = open(folder, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let found = fstat(&folder)?;
    let owner = (Uid::from_raw(found.st_uid), Gid::from_raw(found.st_gid));
    if owner.0.is_root() { Ok(()) } else { give_below(folder.as_fd(), owner) }
}

/// By open files and never by paths: whoever the folder belongs to may change it meanwhile, and must not lead us out of it
/// by a link of either kind.
fn give_below(folder: BorrowedFd, owner: (Uid, Gid)) -> rustix::io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let is_of_a_kind = matches!(entry.file_type(), FileType::Directory | FileType::RegularFile);
        if !is_of_a_kind || matches!(entry.file_name().to_bytes(), b"." | b"..") {
            continue;
        }
        let Ok(file) = openat(folder, entry.file_name(), flags, Mode::empty()) else { continue };
        let found = fstat(&file)?;
        let is_folder = FileType::from_raw_mode(found.st_mode).is_dir();
        if found.st_uid == 0 && (is_folder || found.st_nlink == 1) {
            fchown(&file, Some(owner.0), Some(owner.1))?;
        }
        if is_folder {
            give_below(file.as_fd(), owner)?;
        }
    }
    Ok(())
}
