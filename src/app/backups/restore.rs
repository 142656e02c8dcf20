//! Taking a backup back: made ready beside the database, examined there, and only then put in its place.

use super::{DATABASE_FILE, ERASED_FILE, Identities, Manifest, Shelf, Watch, cannot, require_space, sealing, stamp};
use crate::app::error::Error;
use crate::app::privacy::erasure_list;
use crate::store::backup::examine::count_rows;
use crate::store::backup::files::{create_folder, folder_of};
use crate::store::backup::swap;
use crate::store::db::guard;
use crate::store::migrate;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What is to be restored.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// A name on the shelf or a path; `None`: the newest.
    pub backup: Option<String>,
    /// Make it ready and examine it, but leave the database as it is.
    pub dry_run: bool,
}

/// What a restore did.
#[derive(Debug, Clone, Serialize)]
pub struct Restored {
    pub backup: String,
    /// The moment the data are of.
    pub data_of: Timestamp,
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
    pub fn schema_of(&self, backup: Option<&str>) -> Result<(i64, i64), Error> {
        Ok((Manifest::read(&self.find(backup)?)?.schema_version, migrate::newest_of_sqlite()))
    }

    /// Makes the database what it was. Refuses while a service uses it.
    pub fn restore(
        &self,
        wanted: &Wanted,
        identities: &Identities,
        now: Timestamp,
        watch: &Watch,
    ) -> Result<Restored, Error> {
        let started = Instant::now();
        let place = folder_of(&self.database);
        create_folder(place).map_err(cannot("made", place))?;
        let _lock = guard::lock(&self.database)?;
        self.clear_staging()?;
        let folder = self.find(wanted.backup.as_deref())?;
        let manifest = Manifest::read(&folder)?;
        require_space(place, manifest.plain_bytes, "the restored database")?;
        let staging = swap::staging_folder(&self.database, &stamp(now));
        create_folder(&staging).map_err(cannot("made", &staging))?;
        let staged = staging.join(self.database.file_name().unwrap_or(DATABASE_FILE.as_ref()));
        let made_ready = Self::make_ready(&manifest, &folder, &staged, identities, watch);
        let before = count_rows(&self.database).unwrap_or_default();
        let after = match made_ready {
            Ok(rows) => rows,
            Err(error) => {
                // The reason is what matters; the next restore clears up.
                let _left = std::fs::remove_dir_all(&staging);
                return Err(error);
            }
        };
        let mut restored = Restored {
            backup: manifest.name.clone(),
            data_of: manifest.created_at,
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
            let kept = swap::swap(&self.database, &staging, &stamp(now));
            restored.kept = Some(kept.map_err(cannot("replaced", &self.database))?);
        }
        restored.took_milliseconds = started.elapsed().as_millis() as u64;
        Ok(restored)
    }

    /// Writes the database to `staged` and examines it there: the rows of its tables.
    fn make_ready(
        manifest: &Manifest,
        folder: &Path,
        staged: &Path,
        identities: &Identities,
        watch: &Watch,
    ) -> Result<BTreeMap<String, u64>, Error> {
        sealing::open(manifest, folder, staged, identities, watch)?;
        let found = watch.examine(staged)?;
        if found.schema_version > found.schema_known {
            return Err(Error::Conflict(format!(
                "The backup has schema version {}, this program knows up to {}: use a newer program.",
                found.schema_version, found.schema_known
            )));
        }
        if !found.faults.is_empty() || found.rows != manifest.rows {
            let faults = found.faults.join("; ");
            let told = format!("The backup {} is damaged: {faults}. Take another one.", manifest.name);
            return Err(Error::Internal(told));
        }
        Ok(found.rows)
    }

    /// Takes over who was erased before the backup was made; the list here may know more.
    fn learn_erasures(&self, folder: &Path) -> Result<u64, Error> {
        let theirs = folder.join(ERASED_FILE);
        let known = erasure_list::read(&self.erased).map_err(cannot("read", &self.erased))?;
        let mut new: Vec<_> = erasure_list::read(&theirs).map_err(cannot("read", &theirs))?.into_iter().collect();
        new.retain(|(trace, _)| !known.contains_key(trace));
        new.sort_by_key(|(_, at)| *at);
        erasure_list::append(&self.erased, &new).map_err(cannot("written", &self.erased))?;
        Ok(new.len() as u64)
    }

    /// What restores left that were killed before they had changed anything. The database must be locked.
    fn clear_staging(&self) -> Result<(), Error> {
        let begins = swap::staging_folder(&self.database, "");
        let begins = begins.file_name().unwrap_or_default().to_string_lossy();
        let place = folder_of(&self.database);
        for entry in std::fs::read_dir(place).map_err(cannot("read", place))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(&*begins) {
                std::fs::remove_dir_all(entry.path()).map_err(cannot("removed", &entry.path()))?;
            }
        }
        Ok(())
    }
}

fn changed(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> BTreeMap<String, (Option<u64>, u64)> {
    after
        .iter()
        .map(|(table, rows)| (table.clone(), (before.get(table).copied(), *rows)))
        .filter(|(_, (before, after))| *before != Some(*after))
        .collect()
}
