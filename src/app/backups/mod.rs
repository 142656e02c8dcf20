//! Copies of the database on a shelf: made, checked, listed, thinned out, and taken back.
//!
//! Each backup is a folder with the database, its manifest and the list of the erased. It gets its name only when the
//! copy was opened and found whole, so whatever is listed can be restored.

pub mod job;
mod keep;
mod manifest;
mod past;
mod refill;
pub mod restore;
mod sealing;
mod second;
mod source;

pub use job::{BackupState, Backups};
pub use manifest::{ArchivePlace, BackupOf, Manifest, Reason};
pub use restore::{Restored, Wanted};
pub use sealing::Identities;

pub use crate::store::archive::ArchiveState;
pub use crate::store::archive::survey::{Interruption, Survey};

use self::source::Source;
use crate::app::error::Error;
use crate::app::privacy::erasure_list;
use crate::config::{Config, Keep};
use crate::store::Store;
use crate::store::backup::examine::{Examination, examine};
use crate::store::backup::files;
use crate::store::backup::pace::Pace;
use crate::store::db::guard::{self, FileLock};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::cell::RefCell;
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The list of the erased in a backup's folder.
const ERASED_FILE: &str = "treebeard.erased";
/// Begins the names of folders that are not backups yet.
const UNFINISHED: &str = ".unfinished-";
/// Beyond twice the size, so much stays free.
const SPARE_BYTES: u64 = 32 << 20;

/// Where backups are made from and where they are kept.
#[derive(Debug, Clone)]
pub struct Shelf {
    source: Source,
    folder: PathBuf,
    second: Option<PathBuf>,
    keep: Keep,
    recipients: Vec<age::x25519::Recipient>,
    /// The list of the erased.
    erased: PathBuf,
    archive: PathBuf,
    archive_days: u32,
}

/// Sees how far the work is, and can stop it.
pub struct Watch {
    pub stop: Arc<AtomicBool>,
    /// What is done, how much of it, and of how much: pages or bytes.
    pub say: Box<dyn Fn(&'static str, u64, u64)>,
    /// Between two steps, where others use the machine meanwhile.
    pace: Option<RefCell<Pace>>,
}

/// A backup that was made.
#[derive(Debug, Clone, Serialize)]
pub struct Made {
    #[serde(flatten)]
    pub manifest: Manifest,
    /// Where it lies.
    pub folder: PathBuf,
    /// The copy in the second folder; `None`: none is wanted, or it failed.
    pub second: Option<PathBuf>,
    /// Why there is no second copy.
    pub second_fault: Option<String>,
}

/// What a second look at a backup found.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    pub name: String,
    /// Nothing: it is as it was made.
    pub faults: Vec<String>,
    /// Whether the database in it was opened; one that is encrypted only with its key.
    pub opened: bool,
}

/// What the rule throws away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    pub kept: Vec<String>,
    pub removed: Vec<String>,
    pub bytes_freed: u64,
}

impl Watch {
    pub fn new(say: impl Fn(&'static str, u64, u64) + 'static) -> Self {
        Watch { stop: Arc::default(), say: Box::new(say), pace: None }
    }

    /// Nobody looks.
    pub fn quiet(stop: Arc<AtomicBool>) -> Self {
        Watch { stop, say: Box::new(|_, _, _| {}), pace: None }
    }

    /// Nobody looks, and nobody waits: users go first.
    pub fn behind_users(stop: Arc<AtomicBool>) -> Self {
        Watch { pace: Some(RefCell::new(Pace::begin())), ..Watch::quiet(stop) }
    }

    /// Tells, and says whether to go on.
    fn on(&self, what: &'static str, done: u64, all: u64) -> bool {
        (self.say)(what, done, all);
        if let Some(pace) = &self.pace {
            pace.borrow_mut().rest();
        }
        !self.stop.load(Ordering::Relaxed)
    }

    /// For work that counts in steps of its own.
    fn counting<'a>(&'a self, what: &'static str, all: u64) -> impl FnMut(u64) -> bool + 'a {
        let mut done = 0;
        move |more| {
            done += more;
            self.on(what, done, all)
        }
    }

    fn examine(&self, path: &Path) -> Result<Examination, Error> {
        self.on("checking", 0, 0);
        let stop = self.stop.clone();
        let pace = self.pace.as_ref().map(|_| Mutex::new(Pace::begin()));
        let go_on = move || {
            if let Some(pace) = &pace {
                pace.lock().unwrap_or_else(PoisonError::into_inner).rest();
            }
            !stop.load(Ordering::Relaxed)
        };
        Ok(examine(path, go_on)?)
    }
}

impl Shelf {
    pub fn of(config: &Config) -> Shelf {
        Shelf {
            source: Source::of(&config.database.url),
            folder: config.backup.dir.clone().unwrap_or_else(|| config.data_dir.join("backups")),
            second: config.backup.second_dir.clone(),
            keep: config.backup.keep,
            recipients: config.backup.recipients.iter().map(|recipient| recipient.0.clone()).collect(),
            erased: erasure_list::path_of(config),
            archive: config.backup.archive_dir.clone().unwrap_or_else(|| config.data_dir.join("archive")),
            archive_days: config.backup.archive_days,
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All backups, the newest first. What is not whole is not among them.
    pub fn list(&self) -> Result<Vec<Manifest>, Error> {
        list_in(&self.folder)
    }

    /// All that can be restored, the newest first: those above, and those of which only the second folder has a copy.
    pub fn reachable(&self) -> Result<Vec<Manifest>, Error> {
        let mut all = self.list()?;
        let copies = self.second.as_deref().map(list_in).transpose()?.unwrap_or_default();
        let own: HashSet<String> = all.iter().map(|one| one.name.clone()).collect();
        all.extend(copies.into_iter().filter(|copy| !own.contains(&copy.name)));
        all.sort_by(|one, other| (other.created_at, &other.name).cmp(&(one.created_at, &one.name)));
        Ok(all)
    }

    /// Whether the second folder has a copy of it.
    pub fn has_second(&self, name: &str) -> bool {
        self.second.as_ref().is_some_and(|second| second.join(name).join(manifest::FILE_NAME).exists())
    }

    /// Makes a backup of the data as they are now, beside whoever uses them. With the `store` that has the database
    /// open, the archive leads on from the backup.
    pub fn create(&self, reason: Reason, store: Option<&Store>, watch: &Watch) -> Result<Made, Error> {
        let started = Instant::now();
        let _turn = self.turn()?;
        let size = self.source.bytes()?;
        require_space(&self.folder, 2 * size, "a backup")?;
        let unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(&self.folder);
        let unfinished = unfinished.map_err(cannot("made in", &self.folder))?;
        let place = unfinished.path();
        let copied = self.source.copy(&place.join(self.source.file_name()), store, watch)?;
        let name = self.free_name(copied.at);
        let mut manifest = Manifest::of(name, copied.at, reason, self.source.kind(), &copied.found);
        manifest.archive = copied.archive;
        self.seal(&mut manifest, place, watch)?;
        if self.erased.exists() {
            let copied = std::fs::copy(&self.erased, place.join(ERASED_FILE));
            copied.and_then(|_| files::sync_file(&place.join(ERASED_FILE))).map_err(cannot("written in", place))?;
        }
        manifest.took_milliseconds = started.elapsed().as_millis() as u64;
        let folder = self.folder.join(&manifest.name);
        let finish = || {
            let text = serde_json::to_vec_pretty(&manifest)?;
            files::write_whole(&place.join(manifest::FILE_NAME), &text)?;
            std::fs::rename(place, &folder)?;
            files::sync_folder(&self.folder)
        };
        finish().map_err(cannot("written in", &self.folder))?;
        // It has left, under its own name.
        let _gone = unfinished.keep();
        let (second, second_fault) = match self.copy_to_second(&manifest, watch) {
            Ok(place) => (place, None),
            Err(error) => (None, Some(error.to_string())),
        };
        Ok(Made { manifest, folder, second, second_fault })
    }

    /// Looks at a backup again: its checksum, and the database in it where it can be read.
    pub fn verify(&self, name: &str, identities: &Identities, watch: &Watch) -> Result<Verified, Error> {
        let folder = self.find(Some(name))?;
        let manifest = Manifest::read(&folder)?;
        let mut verified = Verified { name: manifest.name.clone(), faults: Vec::new(), opened: false };
        let path = folder.join(&manifest.file);
        let hashed = files::hash_file(&path, &mut watch.counting("hashing", manifest.bytes));
        let (sha256, bytes) = hashed.map_err(cannot("read", &path))?;
        if (&sha256, bytes) != (&manifest.sha256, manifest.bytes) {
            verified.faults.push(format!("{} is not the file that was written: its checksum differs", path.display()));
            return Ok(verified);
        }
        if manifest.encrypted && identities.is_empty() {
            return Ok(verified);
        }
        let place = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(&self.folder);
        let place = place.map_err(cannot("made in", &self.folder))?;
        let plain = if manifest.encrypted {
            require_space(&self.folder, manifest.plain_bytes, "the decrypted copy")?;
            let plain = place.path().join("plain");
            sealing::open(&manifest, &folder, &plain, identities, watch)?;
            plain
        } else {
            path
        };
        verified.opened = true;
        if manifest.engine == BackupOf::Postgresql {
            if let Err(error) = source::read_through(&plain, watch) {
                verified.faults.push(error.to_string());
            }
            return Ok(verified);
        }
        let found = watch.examine(&plain)?;
        verified.faults.extend(found.faults);
        if found.rows != manifest.rows {
            verified.faults.push("its tables do not have as many rows as when it was made".to_owned());
        }
        Ok(verified)
    }

    /// Removes what the rule does not keep, in the second folder too.
    pub fn prune(&self, now: Timestamp, dry_run: bool) -> Result<Pruned, Error> {
        let _turn = (!dry_run).then(|| self.turn()).transpose()?;
        let pruned = prune_in(&self.folder, self.keep, now, dry_run)?;
        if let Some(second) = self.second.as_deref().filter(|second| second.exists()) {
            prune_in(second, self.keep, now, dry_run)?;
        }
        if !dry_run {
            self.prune_archive(now)?;
        }
        Ok(pruned)
    }

    /// One at a time makes or removes backups. Also cleans up after whoever was killed at it.
    fn turn(&self) -> Result<FileLock, Error> {
        files::create_folder(&self.folder).map_err(cannot("made", &self.folder))?;
        let lock = guard::hold(&self.folder.join("shelf")).map_err(|held| match held {
            guard::Held::ByAnother(holder) => {
                Error::Conflict(format!("Another backup is under way, made by {holder}. Wait until it is done."))
            }
            guard::Held::NotAtAll(error) => error.into(),
        })?;
        for entry in std::fs::read_dir(&self.folder).map_err(cannot("read", &self.folder))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                std::fs::remove_dir_all(entry.path()).map_err(cannot("removed", &entry.path()))?;
            }
        }
        Ok(lock)
    }

    /// By the time, and a number where two are made in one second.
    fn free_name(&self, at: Timestamp) -> String {
        let name = stamp(at);
        let numbered = (2..).map(|n| format!("{name}-{n}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        names.find(|name| !self.folder.join(name).exists()).unwrap_or(name)
    }

    /// Hashes the file, encrypted first where that is wanted, and notes it.
    fn seal(&self, manifest: &mut Manifest, place: &Path, watch: &Watch) -> Result<(), Error> {
        let file = self.source.file_name();
        let plain = place.join(file);
        let size = std::fs::metadata(&plain).map_err(cannot("read", &plain))?.len();
        let hash = |path: &Path, size| {
            files::hash_file(path, &mut watch.counting("hashing", size)).map_err(cannot("read", path))
        };
        if self.recipients.is_empty() {
            (manifest.sha256, manifest.bytes) = hash(&plain, size)?;
            (manifest.plain_sha256, manifest.plain_bytes) = (manifest.sha256.clone(), manifest.bytes);
            file.clone_into(&mut manifest.file);
            return Ok(());
        }
        manifest.file = format!("{file}.age");
        manifest.encrypted = true;
        let sealed = place.join(&manifest.file);
        (manifest.plain_sha256, manifest.plain_bytes) = sealing::seal(&plain, &sealed, &self.recipients, watch)?;
        std::fs::remove_file(&plain).map_err(cannot("removed", &plain))?;
        (manifest.sha256, manifest.bytes) = hash(&sealed, size)?;
        Ok(())
    }

    /// The folder of a backup: by its name, by its path, or the newest.
    fn find(&self, name: Option<&str>) -> Result<PathBuf, Error> {
        let none = |what: &str| {
            Error::NotFound(format!(
                "There is {what} in {}. `treebeard backup list` lists them.",
                self.folder.display()
            ))
        };
        let Some(name) = name else {
            let newest = self.reachable()?.into_iter().next().ok_or_else(|| none("no backup"))?;
            return self.find(Some(&newest.name));
        };
        let places = [Some(self.folder.join(name)), self.second.as_ref().map(|second| second.join(name))];
        let mut places = places.into_iter().flatten();
        places
            .find(|place| place.join(manifest::FILE_NAME).exists())
            .ok_or_else(|| none(&format!("no backup named {name}")))
    }
}

/// `20261123T030000Z`
fn stamp(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn list_in(folder: &Path) -> Result<Vec<Manifest>, Error> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot("read", folder)(error)),
    };
    let mut found: Vec<Manifest> = entries
        .filter_map(Result::ok)
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .filter_map(|entry| {
            let manifest = Manifest::read(&entry.path()).ok()?;
            let file = std::fs::metadata(entry.path().join(&manifest.file)).ok()?;
            let is_itself = entry.file_name().to_str() == Some(&manifest.name) && file.len() == manifest.bytes;
            is_itself.then_some(manifest)
        })
        .collect();
    found.sort_by(|one, other| (other.created_at, &other.name).cmp(&(one.created_at, &one.name)));
    Ok(found)
}

fn prune_in(folder: &Path, keep: Keep, now: Timestamp, dry_run: bool) -> Result<Pruned, Error> {
    let all = list_in(folder)?;
    let times: Vec<Timestamp> = all.iter().map(|manifest| manifest.created_at).collect();
    let mut pruned = Pruned::default();
    for (manifest, kept) in all.into_iter().zip(keep::kept(&times, keep, now)) {
        if kept {
            pruned.kept.push(manifest.name);
            continue;
        }
        let place = folder.join(&manifest.name);
        if !dry_run {
            // Renamed first: half a backup must not be listed.
            let gone = folder.join(format!("{UNFINISHED}{}", manifest.name));
            std::fs::rename(&place, &gone)
                .and_then(|()| std::fs::remove_dir_all(&gone))
                .map_err(cannot("removed", &place))?;
        }
        pruned.bytes_freed += manifest.bytes;
        pruned.removed.push(manifest.name);
    }
    Ok(pruned)
}

/// Refuses to begin what would fill the disk.
fn require_space(folder: &Path, bytes: u64, what: &str) -> Result<(), Error> {
    let (free, wanted) = (files::free_bytes(folder).map_err(cannot("read", folder))?, bytes + SPARE_BYTES);
    if free >= wanted {
        return Ok(());
    }
    let mebibytes = |bytes: u64| bytes >> 20;
    Err(Error::Unavailable(format!(
        "{} has {} MiB free, and {what} wants {} MiB: make room or name another folder",
        folder.display(),
        mebibytes(free),
        mebibytes(wanted)
    )))
}

/// `... cannot be read: ...`
fn cannot(done: &str, path: &Path) -> impl Fn(io::Error) -> Error {
    let text = format!("{} cannot be {done}", path.display());
    move |error| Error::Unavailable(format!("{text}: {error}"))
}
