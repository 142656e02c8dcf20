//! What backups are made of: a file of SQLite, copied beside whoever uses it, or a database of PostgreSQL, dumped.

use super::manifest::{ArchivePlace, BackupOf};
use super::{Watch, cannot, past};
use crate::app::error::Error;
use crate::config::DatabaseUrl;
use crate::store::Store;
use crate::store::backup::copy::copy;
use crate::store::backup::dump;
use crate::store::backup::examine::Examination;
use crate::store::backup::files::beside;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

#[derive(Debug, Clone)]
pub(super) enum Source {
    Sqlite(PathBuf),
    /// The whole address; it may hold a password.
    Postgres(SecretString),
}

/// A copy that was made and found whole.
pub(super) struct Copied {
    /// The moment of the data.
    pub at: Timestamp,
    pub found: Examination,
    pub archive: Option<ArchivePlace>,
}

impl Source {
    pub fn of(url: &DatabaseUrl) -> Self {
        match url {
            DatabaseUrl::Sqlite(path) => Source::Sqlite(path.clone()),
            DatabaseUrl::Postgres(url) => Source::Postgres(url.clone()),
        }
    }

    pub const fn kind(&self) -> BackupOf {
        match self {
            Source::Sqlite(_) => BackupOf::Sqlite,
            Source::Postgres(_) => BackupOf::Postgresql,
        }
    }

    /// The copy in a backup's folder.
    pub const fn file_name(&self) -> &'static str {
        match self {
            Source::Sqlite(_) => "treebeard.db",
            Source::Postgres(_) => "treebeard.dump",
        }
    }

    /// What it takes on the disk.
    pub fn bytes(&self) -> Result<u64, Error> {
        match self {
            Source::Sqlite(path) => {
                let size = |path: &Path| std::fs::metadata(path).map(|data| data.len());
                Ok(size(path).map_err(cannot("read", path))? + size(&beside(path, "-wal")).unwrap_or(0))
            }
            Source::Postgres(url) => Ok(dump::size(url.expose_secret())?.0),
        }
    }

    /// Copies the data into a new file and makes sure of it.
    pub fn copy(&self, target: &Path, store: Option<&Store>, watch: &Watch) -> Result<Copied, Error> {
        match self {
            Source::Sqlite(path) => copy_file(path, target, store, watch),
            Source::Postgres(url) => {
                watch.on("running pg_dump", 0, 0);
                let stop = watch.stop.clone();
                let go_on = move || !stop.load(Ordering::Relaxed);
                let (at, found) = dump::dump(url.expose_secret(), target, &go_on)?;
                read_through(target, watch)?;
                Ok(Copied { at, found, archive: None })
            }
        }
    }
}

/// Whether a dump can be read to its end.
pub(super) fn read_through(path: &Path, watch: &Watch) -> Result<(), Error> {
    watch.on("checking", 0, 0);
    let stop = watch.stop.clone();
    Ok(dump::read_through(path, &move || !stop.load(Ordering::Relaxed))?)
}

fn copy_file(from: &Path, target: &Path, store: Option<&Store>, watch: &Watch) -> Result<Copied, Error> {
    let mut meeting = past::Meeting::before(store);
    let mut pages = |done, all| watch.on("copying pages", done, all);
    copy(from, target, || meeting.begin(), &mut pages)?;
    let found = watch.examine(target)?;
    if !found.faults.is_empty() {
        return Err(Error::Internal(format!(
            "the copy is damaged, and so is the database: {}. Restore the newest backup",
            found.faults.join("; ")
        )));
    }
    Ok(Copied { at: meeting.at, found, archive: meeting.place })
}
