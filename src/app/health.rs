//! Is the service well: the database answers, its schema is ours, the disk has room.

use crate::app::App;
use crate::config::DatabaseUrl;
use crate::store::db::Engine;
use crate::store::error::StoreError;
use crate::store::migrate;
pub use crate::writer::BreakerState;
use jiff::Timestamp;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Mutex as Turn;

/// A database that does not answer by then is down.
const DATABASE_ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// What was found out is told again for as long, however many ask.
const FOUND_LASTS: Duration = Duration::from_secs(1);
/// How often the database is asked whether anybody wants to know or not.
const ASKED_EVERY: Duration = Duration::from_secs(5);
/// Less free than this, or than a tenth, is worth a warning.
const FREE_BYTES_MIN: u64 = 200 << 20;

/// From good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Healthy,
    /// Serves everything, but wants attention.
    Degraded,
    Unhealthy,
}

#[derive(Debug, Clone)]
pub struct Health {
    pub level: Level,
    pub at: Timestamp,
    pub database: DatabaseHealth,
    pub migrations: MigrationsHealth,
    pub disk: DiskHealth,
    pub explanations: ExplanationsHealth,
    pub backups: BackupsHealth,
}

#[derive(Debug, Clone)]
pub struct DatabaseHealth {
    pub level: Level,
    /// `sqlite` or `postgres`.
    pub kind: &'static str,
    pub latency: Duration,
}

#[derive(Debug, Clone)]
pub struct MigrationsHealth {
    pub level: Level,
    /// The newest applied; `None` when the database cannot be asked.
    pub applied: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
pub struct DiskHealth {
    pub level: Level,
    /// Free bytes where the data lies; `None` when that cannot be found out.
    pub free_bytes: Option<u64>,
    /// Free and used ones.
    pub size_bytes: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
pub struct BackupsHealth {
    /// Degraded while the last one failed, or the newest is old.
    pub level: Level,
    /// Moment of the newest; `None`: there is none yet, or they are made elsewhere.
    pub newest_at: Option<Timestamp>,
    /// Whether the last one went well; `None`: none was made since the start.
    pub last_succeeded: Option<bool>,
}

#[derive(Debug, Clone)]
pub struct ExplanationsHealth {
    /// Degraded while the model is not asked because it keeps failing; the templates do.
    pub level: Level,
    /// `None` when no key is set, and explanations come from templates.
    pub breaker: Option<BreakerState>,
}

/// What the last look at the database and the disk found.
#[derive(Debug, Clone, Copy)]
struct Found {
    at: Instant,
    /// The newest applied migration and the newest known; `None` when the database did not answer.
    versions: Option<(i64, i64)>,
    latency: Duration,
    disk: DiskHealth,
}

/// Looks at most once a second, one at a time: probes cost nothing, and hit nothing, however often they come.
#[derive(Debug, Default)]
pub struct Probe {
    last: Mutex<Option<Found>>,
    turn: Turn<()>,
}

impl Probe {
    fn recent(&self) -> Option<Found> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.filter(|found| found.at.elapsed() < FOUND_LASTS)
    }
}

impl App {
    pub async fn health(&self) -> Health {
        let Found { versions, latency, disk, .. } = self.found().await;
        let kind = match self.store.engine() {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
        };
        let database_level = if versions.is_some() { Level::Healthy } else { Level::Unhealthy };
        let migrations = match versions {
            Some((applied, known)) if applied == known => {
                MigrationsHealth { level: Level::Healthy, applied: Some(applied) }
            }
            Some((applied, _)) => MigrationsHealth { level: Level::Unhealthy, applied: Some(applied) },
            None => MigrationsHealth { level: Level::Unhealthy, applied: None },
        };
        let explanations = self.explanations_health();
        let backups = self.backups_health();
        let stopping = if self.is_draining() { Level::Unhealthy } else { Level::Healthy };
        Health {
            level: database_level
                .max(migrations.level)
                .max(disk.level)
                .max(explanations.level)
                .max(backups.level)
                .max(stopping),
            at: self.now(),
            database: DatabaseHealth { level: database_level, kind, latency },
            migrations,
            disk,
            explanations,
            backups,
        }
    }

    /// Whether new work is welcome.
    pub async fn is_ready(&self) -> bool {
        !self.is_draining() && self.schema_versions().await.is_some()
    }

    /// The newest applied migration and the newest known; `None` when the database does not answer.
    pub async fn schema_versions(&self) -> Option<(i64, i64)> {
        self.found().await.versions
    }

    /// What was found a moment ago, or is found out now. Who comes meanwhile waits for it and does not look again.
    async fn found(&self) -> Found {
        if let Some(found) = self.probe.recent() {
            return found;
        }
        let _turn = self.probe.turn.lock().await;
        if let Some(found) = self.probe.recent() {
            return found;
        }
        let started = Instant::now();
        let versions = self.ask_versions().await;
        let found = Found { versions, latency: started.elapsed(), disk: self.disk(), at: Instant::now() };
        *self.probe.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        found
    }

    async fn ask_versions(&self) -> Option<(i64, i64)> {
        let asked = self.store.read(migrate::versions);
        match tokio::time::timeout(DATABASE_ANSWERS_WITHIN, asked).await {
            Ok(Ok(versions)) => Some(versions),
            Ok(Err(error)) => {
                log_fault(&error);
                None
            }
            Err(_) => {
                tracing::error!(seconds = DATABASE_ANSWERS_WITHIN.as_secs(), "the database does not answer in time");
                None
            }
        }
    }

    /// Whether the database answered when it was last asked; `None`: it was not asked yet.
    pub fn store_answered(&self) -> Option<bool> {
        let last = *self.probe.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.map(|found| found.versions.is_some())
    }

    /// Asks the database again and again, so that the metrics know without being asked about it.
    pub async fn follow_store(&self) {
        loop {
            self.found().await;
            tokio::time::sleep(ASKED_EVERY).await;
        }
    }

    fn explanations_health(&self) -> ExplanationsHealth {
        let breaker = self.writer.as_ref().map(|writer| writer.figures().breaker);
        let level = if breaker == Some(BreakerState::Open) { Level::Degraded } else { Level::Healthy };
        ExplanationsHealth { level, breaker }
    }

    fn backups_health(&self) -> BackupsHealth {
        let state = self.backup_state();
        let level = if self.backups_are_late() { Level::Degraded } else { Level::Healthy };
        let last_succeeded = (state.made + state.failures > 0).then_some(state.fault.is_none());
        BackupsHealth { level, newest_at: state.newest_at, last_succeeded }
    }

    /// As it is at this moment.
    pub fn disk(&self) -> DiskHealth {
        let folder = match &self.config.database.url {
            DatabaseUrl::Sqlite(path) => path.parent().unwrap_or(path),
            DatabaseUrl::Postgres(_) => self.config.data_dir.as_path(),
        };
        let folder = if folder.as_os_str().is_empty() { std::path::Path::new(".") } else { folder };
        let Ok(status) = rustix::fs::statvfs(folder) else {
            return DiskHealth { level: Level::Healthy, free_bytes: None, size_bytes: None };
        };
        let (free, all) = (status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize);
        let is_low = free < FREE_BYTES_MIN || free < all / 10;
        let level = if is_low { Level::Degraded } else { Level::Healthy };
        DiskHealth { level, free_bytes: Some(free), size_bytes: Some(all) }
    }
}

fn log_fault(error: &StoreError) {
    tracing::error!(error = %error, cause = error.cause().unwrap_or_default(), "the database does not answer");
}
