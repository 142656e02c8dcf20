//! The catalog's life: loaded from the store at start, swapped when an import changed it.

use super::Catalog;
use crate::app::App;
use crate::app::error::Error;
use crate::domain::catalog::CatalogFile;
use crate::domain::market::Snapshot;
use crate::store::Store;
use crate::store::catalog::import::{ImportMode, ImportReport, replace};
use crate::store::catalog::{load, revision};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::{Duration, Instant};

/// How soon a change made by another process is served; of nodes each hears of it at once, unless that was missed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Catalog {
    /// What the store holds, compiled. Blocks; for the start of the process.
    pub fn load_blocking(store: &Store, now: Timestamp) -> Result<Catalog, Error> {
        let (files, revision) = store.read_blocking(load)?;
        Ok(Catalog::new(compiled(files, revision, now)))
    }
}

impl App {
    /// Makes a market what `file` says, in one transaction; the next answer is about it.
    pub async fn import_catalog(&self, file: CatalogFile, mode: ImportMode) -> Result<ImportReport, Error> {
        let now = self.now();
        let report = self.store.write(move |tx| replace(tx, &file, mode, now)).await?;
        self.refresh_catalog().await?;
        Ok(report)
    }

    /// Serves what others import into the same store, without a restart: looks at the revision again and again, for
    /// as long as the service runs.
    pub async fn follow_catalog(&self) {
        let mut was_reachable = true;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.told.catalog.notified() => {}
            }
            let before = self.catalog.snapshot().revision;
            let (started, clock) = (self.now(), Instant::now());
            let looked = self.refresh_catalog().await;
            self.jobs.ran("follow_catalog", LOOK_EVERY, started, clock.elapsed(), looked.is_ok());
            match &looked {
                Ok(()) => {
                    let revision = self.catalog.snapshot().revision;
                    if revision != before {
                        tracing::info!(revision, "the catalog changed and is served as it is now");
                    }
                }
                Err(error) if was_reachable => {
                    tracing::warn!(%error, "changes of the catalog cannot be seen for now; what is held is served");
                }
                Err(_) => {}
            }
            was_reachable = looked.is_ok();
        }
    }

    /// Compiles and swaps in what the store holds, if that is another revision than the one in use.
    pub async fn refresh_catalog(&self) -> Result<(), Error> {
        let stored = self.store.read(revision).await?;
        if stored == self.catalog.snapshot().revision {
            return Ok(());
        }
        let (files, revision) = self.store.read(load).await?;
        let now = self.now();
        let snapshot = self.workbench.run(move || Ok(compiled(files, revision, now))).await?;
        self.catalog.replace(snapshot);
        Ok(())
    }
}

fn compiled(files: Vec<CatalogFile>, revision: i64, now: Timestamp) -> Snapshot {
    let snapshot = Snapshot::build(files, revision, now.to_zoned(TimeZone::UTC).date());
    for problem in snapshot.problems() {
        tracing::warn!(problem, "part of the catalog cannot be used");
    }
    snapshot
}
