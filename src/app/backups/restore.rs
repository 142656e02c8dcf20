//! Taking a backup back: made ready beside the database, examined there, and only then put in its place.

use super::source::Source;
use super::{BackupOf, ERASED_FILE, Identities, Manifest, Shelf, Watch, cannot, require_space, sealing, stamp};
use crate::app::error::Error;
use crate::app::privacy::erasure_list;
use crate::store::archive;
use crate::store::archive::replay::{Replayed, replay};
use crate::store::backup::examine::count_rows;
use crate::store::backup::files::{create_folder, folder_of};
use crate::store::backup::swap;
use crate::store::db::guard;
use crate::store::migrate;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What is to be restored.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// A name on the shelf or a path; `None`: the newest.
    pub backup: Option<String>,
    /// The moment to restore, later than the backup; without a named backup the newest before it is taken.
    pub at: Option<Timestamp>,
    /// Make it ready and examine it, but leave the database as it is.
    pub dry_run: bool,
}

/// What a restore did.
#[derive(Debug, Clone, Serialize)]
pub struct Restored {
    pub backup: String,
    /// The moment the data are of.
    pub data_of: Timestamp,
    /// Commits of the archive laid over the backup, and the time of the last.
    pub commits: u64,
    pub last_commit_at: Option<Timestamp>,
    /// The archive was interrupted: between its last commit and this time something was written that it does not have.
    pub interrupted_at: Option<Timestamp>,
    /// What of the archive cannot be read to its end.
    pub cut_off: Option<PathBuf>,
    pub schema_version: i64,
    pub dry_run: bool,
    /// Where the database before lies; `None`: there was none, or nothing was changed.
    pub kept: Option<PathBuf>,
    /// Tables whose number of rows is not what it was: before and after.
    pub changed: BTreeMap<String, (Option<u64>, u64)>,
    pub rows: u64,
    /// Entries of the backup's list of the erased that were not known here.
    pub erasures_learned: u64,
    pub took_milliseconds: u64,
}

impl Shelf {
    /// Schema version of a backup, and the newest this program knows.
    pub fn schema_of(&self, wanted: &Wanted, now: Timestamp) -> Result<(i64, i64), Error> {
        let manifest = Manifest::read(&self.folder_for(wanted, now)?)?;
        let known = match manifest.engine {
            BackupOf::Sqlite => migrate::newest_of_sqlite(),
            BackupOf::Postgresql => migrate::newest_of_postgres(),
        };
        Ok((manifest.schema_version, known))
    }

    /// Makes the database what it was. Refuses while a service uses a file of SQLite, and where a database of
    /// PostgreSQL is not empty.
    pub fn restore(
        &self,
        wanted: &Wanted,
        identities: &Identities,
        now: Timestamp,
        watch: &Watch,
    ) -> Result<Restored, Error> {
        match &self.source {
            Source::Sqlite(database) => self.replace(database, wanted, identities, now, watch),
            Source::Postgres(url) => self.refill(url.expose_secret(), wanted, identities, now, watch),
        }
    }

    fn replace(
        &self,
        database: &Path,
        wanted: &Wanted,
        identities: &Identities,
        now: Timestamp,
        watch: &Watch,
    ) -> Result<Restored, Error> {
        let started = Instant::now();
        let place = folder_of(database);
        create_folder(place).map_err(cannot("made", place))?;
        let _lock = guard::lock(database)?;
        clear_staging(database)?;
        let folder = self.folder_for(wanted, now)?;
        let manifest = Manifest::read(&folder)?;
        self.require_kind(&manifest)?;
        require_space(place, manifest.plain_bytes, "the restored database")?;
        let staging = swap::staging_folder(database, &stamp(now));
        create_folder(&staging).map_err(cannot("made", &staging))?;
        let staged = staging.join(database.file_name().unwrap_or_default());
        let made_ready = self.make_ready(&manifest, &folder, &staged, wanted.at, identities, watch);
        let before = count_rows(database).unwrap_or_default();
        let (after, replayed) = match made_ready {
            Ok(ready) => ready,
            Err(error) => {
                // The reason is what matters; the next restore clears up.
                let _left = std::fs::remove_dir_all(&staging);
                return Err(error);
            }
        };
        let mut restored = Restored {
            backup: manifest.name.clone(),
            data_of: wanted.at.unwrap_or(manifest.created_at),
            commits: replayed.as_ref().map_or(0, |replayed| replayed.commits),
            last_commit_at: replayed.as_ref().and_then(|replayed| replayed.last_at),
            interrupted_at: replayed.as_ref().and_then(|replayed| replayed.interrupted_at),
            cut_off: replayed.and_then(|replayed| replayed.cut_off),
            schema_version: manifest.schema_version,
            dry_run: wanted.dry_run,
            kept: None,
            changed: changed(&before, &after),
            rows: after.values().sum(),
            erasures_learned: 0,
            took_milliseconds: 0,
        };
        if wanted.dry_run {
            std::fs::remove_dir_all(&staging).map_err(cannot("removed", &staging))?;
        } else {
            // Before the swap: from then on a service may start, and must know whom to forget again.
            restored.erasures_learned = self.learn_erasures(&folder)?;
            archive::end(database, &self.archive).map_err(cannot("read", &self.archive))?;
            let kept = swap::swap(database, &staging, &stamp(now));
            restored.kept = Some(kept.map_err(cannot("replaced", database))?);
        }
        restored.took_milliseconds = started.elapsed().as_millis() as u64;
        Ok(restored)
    }

    /// Writes the database to `staged` and examines it there: the rows of its tables.
    fn make_ready(
        &self,
        manifest: &Manifest,
        folder: &Path,
        staged: &Path,
        at: Option<Timestamp>,
        identities: &Identities,
        watch: &Watch,
    ) -> Result<(BTreeMap<String, u64>, Option<Replayed>), Error> {
        sealing::open(manifest, folder, staged, identities, watch)?;
        let replayed = match (at, &manifest.archive) {
            (Some(until), Some(place)) => {
                let (from, whole) = (manifest.created_at, until.duration_since(manifest.created_at).as_secs());
                let mut watched = |at: Timestamp| {
                    let done = at.duration_since(from).as_secs();
                    watch.on("laying commits over it", done.max(0) as u64, whole.max(0) as u64)
                };
                let replayed = replay(&self.archive, &identities.keys(), &place.into(), until, staged, &mut watched);
                Some(replayed.map_err(cannot("read", &self.archive))?)
            }
            _ => None,
        };
        let found = watch.examine(staged)?;
        if found.schema_version > found.schema_known {
            return Err(Error::Conflict(format!(
                "The backup has schema version {}, this program knows up to {}: use a newer program.",
                found.schema_version, found.schema_known
            )));
        }
        if !found.faults.is_empty() || (replayed.is_none() && found.rows != manifest.rows) {
            let faults = found.faults.join("; ");
            let told = format!("The backup {} is damaged: {faults}. Take another one.", manifest.name);
            return Err(Error::Internal(told));
        }
        Ok((found.rows, replayed))
    }

    /// Refuses a backup of the other engine.
    pub(super) fn require_kind(&self, manifest: &Manifest) -> Result<(), Error> {
        if manifest.engine == self.source.kind() {
            return Ok(());
        }
        let (name, engine) = (&manifest.name, manifest.engine.name());
        Err(Error::Rule(format!("The backup {name} is of {engine}: let database.url name a database of {engine}.")))
    }

    /// The backup that is wanted, or that leads to the moment that is.
    pub(super) fn folder_for(&self, wanted: &Wanted, now: Timestamp) -> Result<PathBuf, Error> {
        let Some(at) = wanted.at else { return self.find(wanted.backup.as_deref()) };
        if self.source.kind() == BackupOf::Postgresql {
            let told = "On PostgreSQL a moment is restored from the server's own archive, not from a dump.";
            return Err(Error::Rule(told.to_owned()));
        }
        if at > now {
            return Err(Error::Rule(format!("{at} has not come yet.")));
        }
        let Some(name) = wanted.backup.as_deref() else { return self.find(Some(&self.base_of(at)?)) };
        let folder = self.find(Some(name))?;
        let manifest = Manifest::read(&folder)?;
        if manifest.created_at > at {
            return Err(Error::Rule(format!("{name} was made after {at}: choose an older backup, or `latest`.")));
        }
        if manifest.archive.is_none() {
            let told = format!("{name} is no backup of the service's own, so the archive does not lead on from it.");
            return Err(Error::Rule(told));
        }
        Ok(folder)
    }

    /// Takes over who was erased before the backup was made; the list here may know more.
    pub(super) fn learn_erasures(&self, folder: &Path) -> Result<u64, Error> {
        let theirs = folder.join(ERASED_FILE);
        let known = erasure_list::read(&self.erased).map_err(cannot("read", &self.erased))?;
        let mut new: Vec<_> = erasure_list::read(&theirs).map_err(cannot("read", &theirs))?.into_iter().collect();
        new.retain(|(trace, _)| !known.contains_key(trace));
        new.sort_by_key(|(_, at)| *at);
        erasure_list::append(&self.erased, &new).map_err(cannot("written", &self.erased))?;
        Ok(new.len() as u64)
    }
}

/// Removes what restores left that were killed before they had changed anything. The database must be locked.
fn clear_staging(database: &Path) -> Result<(), Error> {
    let begins = swap::staging_folder(database, "");
    let begins = begins.file_name().unwrap_or_default().to_string_lossy();
    let place = folder_of(database);
    for entry in std::fs::read_dir(place).map_err(cannot("read", place))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&*begins) {
            std::fs::remove_dir_all(entry.path()).map_err(cannot("removed", &entry.path()))?;
        }
    }
    Ok(())
}

pub(super) fn changed(
    before: &BTreeMap<String, u64>,
    after: &BTreeMap<String, u64>,
) -> BTreeMap<String, (Option<u64>, u64)> {
    after
        .iter()
        .map(|(table, rows)| (table.clone(), (before.get(table).copied(), *rows)))
        .filter(|(_, (before, after))| *before != Some(*after))
        .collect()
}
