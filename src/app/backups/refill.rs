//! A dump of PostgreSQL taken back: into an empty database, so that nothing is lost that is still there.

use super::restore::changed;
use super::{Identities, Manifest, Restored, Shelf, UNFINISHED, Wanted, Watch, cannot, require_space, sealing, source};
use crate::app::error::Error;
use crate::store::backup::dump;
use crate::store::backup::files::create_folder;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Instant;

impl Shelf {
    /// Fills the database at `url`, in one transaction.
    pub(super) fn refill(
        &self,
        url: &str,
        wanted: &Wanted,
        identities: &Identities,
        now: Timestamp,
        watch: &Watch,
    ) -> Result<Restored, Error> {
        let started = Instant::now();
        let folder = self.folder_for(wanted, now)?;
        let manifest = Manifest::read(&folder)?;
        self.require_kind(&manifest)?;
        create_folder(&self.folder).map_err(cannot("made", &self.folder))?;
        require_space(&self.folder, manifest.plain_bytes, "the unpacked dump")?;
        let place = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(&self.folder);
        let place = place.map_err(cannot("made in", &self.folder))?;
        let plain = place.path().join("plain");
        sealing::open(&manifest, &folder, &plain, identities, watch)?;
        let (_, tables) = dump::size(url)?;
        let mut restored = Restored {
            backup: manifest.name.clone(),
            data_of: manifest.created_at,
            commits: 0,
            last_commit_at: None,
            interrupted_at: None,
            cut_off: None,
            schema_version: manifest.schema_version,
            dry_run: wanted.dry_run,
            kept: None,
            changed: changed(&BTreeMap::new(), &manifest.rows),
            rows: manifest.rows_total(),
            erasures_learned: 0,
            took_milliseconds: 0,
        };
        if wanted.dry_run {
            source::read_through(&plain, watch)?;
        } else {
            if tables > 0 {
                return Err(Error::Rule(format!(
                    "The database has {tables} tables already: make an empty one with createdb, and let database.url name it."
                )));
            }
            restored.erasures_learned = self.learn_erasures(&folder)?;
            watch.on("running pg_restore", 0, 0);
            let stop = watch.stop.clone();
            let found = dump::restore(url, &plain, &move || !stop.load(Ordering::Relaxed))?;
            if found.rows != manifest.rows {
                let told = "the restored tables do not have as many rows as when the dump was made";
                return Err(Error::Internal(format!("{told}: drop the database and take another backup")));
            }
        }
        restored.took_milliseconds = started.elapsed().as_millis() as u64;
        Ok(restored)
    }
}
