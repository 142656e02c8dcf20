//! The service's own backups: one a day, one at once where there is none or the archive needs it, one when asked.

use super::{Made, Manifest, Reason, Shelf, Watch};
use crate::app::audit::{Act, BACKUP_RUN, job_row, note, tell_unnoted};
use crate::app::error::Error;
use crate::app::{App, Result};
use crate::store::db::Engine;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// From the start of the service to its first look.
const FIRST_LOOK: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_secs(20);
const EVERY: Duration = Duration::from_secs(86_400);
/// After a failure it is tried again, but not at every look.
const TRY_AGAIN: Duration = Duration::from_secs(15 * 60);
/// An older newest backup is worth a warning: a day, and time to make the next.
const OLD: SignedDuration = SignedDuration::from_hours(36);

/// How the backups of this service stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BackupState {
    pub under_way: bool,
    /// Those that are there.
    pub count: u64,
    /// Moment and size of the newest.
    pub newest_at: Option<Timestamp>,
    pub newest_bytes: u64,
    /// Since the start of the service.
    pub made: u64,
    pub failures: u64,
    /// How long the last one took, and whether it went well.
    pub last_took: Option<Duration>,
    /// Why the last one failed, or its second copy; `None`: all is well.
    pub fault: Option<String>,
}

/// The state and the wish of one service.
#[derive(Debug, Default)]
pub struct Backups {
    state: Mutex<BackupState>,
    under_way: AtomicBool,
    stop: Arc<AtomicBool>,
    failed_at: Mutex<Option<Instant>>,
    renewed_at: Mutex<Option<Instant>>,
}

/// Ends the time in which one is under way.
struct UnderWay(Arc<App>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.backups.under_way.store(false, Ordering::Release);
    }
}

impl App {
    /// How the backups stand, as last looked at.
    pub fn backup_state(&self) -> BackupState {
        let state = self.backups.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        BackupState { under_way: self.backups.under_way.load(Ordering::Relaxed), ..state }
    }

    /// Whether backups want attention: the last one failed, or is old.
    pub fn backups_are_late(&self) -> bool {
        let state = self.backup_state();
        let is_old = self.store.engine() == Engine::Sqlite
            && state.newest_at.is_some_and(|at| self.now().duration_since(at) > OLD);
        let archive_failed = self.store.archive().is_some_and(|archive| archive.state().fault.is_some());
        archive_failed || self.config.backup.enabled && (state.fault.is_some() || is_old)
    }

    /// Makes backups for as long as the service runs.
    pub async fn keep_backups(self: Arc<Self>) {
        // Whoever runs PostgreSQL decides when it is dumped: many nodes may share it.
        if self.store.engine() == Engine::Postgres {
            return;
        }
        let shelf = Shelf::of(&self.config);
        let mut wait = FIRST_LOOK;
        loop {
            tokio::time::sleep(wait).await;
            wait = LOOK_EVERY;
            let (app, own) = (self.clone(), shelf.clone());
            let looked = tokio::task::spawn_blocking(move || app.look_after_backups(&own)).await;
            if let Ok(Err(error)) = looked {
                tracing::error!(%error, event = "backup_failed", "there is no new backup");
            }
        }
    }

    /// Ends a backup that is under way: the service stops.
    pub fn stop_backups(&self) {
        self.backups.stop.store(true, Ordering::Relaxed);
    }

    /// Every backup, the newest first, and whether it has a second copy.
    pub async fn backups(self: &Arc<Self>) -> Result<Vec<(Manifest, bool)>> {
        let shelf = Shelf::of(&self.config);
        let list = move || {
            let all = shelf.list()?;
            Ok(all
                .into_iter()
                .map(|one| (shelf.has_second(&one.name), one))
                .map(|(second, one)| (one, second))
                .collect())
        };
        let listed = tokio::task::spawn_blocking(list).await;
        listed.map_err(|error| Error::Internal(format!("listing the backups: {error}")))?
    }

    /// Starts a backup that nobody waits for. One at a time.
    pub async fn start_backup(self: &Arc<Self>, actor: Uuid) -> Result<()> {
        let shelf = Shelf::of(&self.config);
        let turn = self.clone().backup_turn()?;
        let now = self.now();
        let act = Act { actor: Some(actor), subject: None, detail: json!({}) };
        self.store.write(move |tx| note(tx, "backup_asked", act, now)).await?;
        tokio::task::spawn_blocking(move || {
            if let Err(error) = turn.0.make_backup(&shelf, Reason::Asked) {
                tracing::error!(%error, event = "backup_failed", "there is no new backup");
            }
        });
        Ok(())
    }

    fn backup_turn(self: Arc<Self>) -> Result<UnderWay> {
        if self.backups.under_way.swap(true, Ordering::AcqRel) {
            return Err(Error::Conflict("A backup is under way. Wait until it is listed.".to_owned()));
        }
        Ok(UnderWay(self))
    }

    /// One look: what there is, and whether one is due.
    fn look_after_backups(self: Arc<Self>, shelf: &Shelf) -> Result<()> {
        self.count_backups(shelf)?;
        let newest = self.backup_state().newest_at;
        let failed_at = *self.backups.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        let may_try = failed_at.is_none_or(|at| at.elapsed() > TRY_AGAIN);
        if !self.config.backup.enabled || !may_try {
            return Ok(());
        }
        // A row of commits is worth nothing without a backup to lay it over.
        let needs_base = match self.store.archive() {
            None => false,
            Some(archive) => {
                if archive.state().fault.is_some() && self.may_renew() {
                    archive.renew()?;
                }
                archive.state().fault.is_none() && !shelf.leads_on(&archive.place().generation)?
            }
        };
        if !needs_base && !is_due(newest, self.config.backup.time, self.now()) {
            return Ok(());
        }
        let Ok(turn) = self.backup_turn() else { return Ok(()) };
        turn.0.make_backup(shelf, Reason::Scheduled)
    }

    /// Not at every look: each new generation of the archive costs a backup.
    fn may_renew(&self) -> bool {
        let mut renewed_at = self.backups.renewed_at.lock().unwrap_or_else(PoisonError::into_inner);
        let may = renewed_at.is_none_or(|at| at.elapsed() > TRY_AGAIN);
        if may {
            *renewed_at = Some(Instant::now());
        }
        may
    }

    /// Makes one, removes what the rule does not keep, and notes how it went.
    fn make_backup(&self, shelf: &Shelf, reason: Reason) -> Result<()> {
        let started = Instant::now();
        let watch = Watch::behind_users(self.backups.stop.clone());
        let made = shelf.create(reason, Some(&self.store), &watch);
        let took = started.elapsed();
        let began = self.now() - SignedDuration::try_from(took).unwrap_or_default();
        self.jobs.ran("backup", EVERY, began, took, made.is_ok());
        let done = made.and_then(|made| shelf.prune(self.now(), false).map(|pruned| (made, pruned)));
        if self.backups.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let name = done.as_ref().map(|(made, _)| made.manifest.name.clone()).ok();
        let detail = json!({ "reason": reason.as_str(), "name": name });
        let row = job_row(BACKUP_RUN, done.is_ok(), detail, self.now());
        tell_unnoted(BACKUP_RUN, self.store.write_blocking(row));
        *self.backups.failed_at.lock().unwrap_or_else(PoisonError::into_inner) = done.is_err().then(Instant::now);
        {
            let mut state = self.backups.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.last_took = Some(took);
            state.made += u64::from(done.is_ok());
            state.failures += u64::from(done.is_err());
            state.fault = match &done {
                Ok((made, _)) => made.second_fault.clone(),
                Err(error) => Some(error.to_string()),
            };
        }
        let (made, pruned) = done?;
        log(&made, pruned.removed.len(), took);
        self.count_backups(shelf)
    }

    fn count_backups(&self, shelf: &Shelf) -> Result<()> {
        let all = shelf.list()?;
        let mut state = self.backups.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.count = all.len() as u64;
        state.newest_at = all.first().map(|newest| newest.created_at);
        state.newest_bytes = all.first().map_or(0, |newest| newest.bytes);
        Ok(())
    }
}

fn log(made: &Made, removed: usize, took: Duration) {
    let (name, bytes) = (&made.manifest.name, made.manifest.bytes);
    let audit_seq = made.manifest.audit_head.as_ref().map(|head| head.seq);
    let audit_hash = made.manifest.audit_head.as_ref().map(|head| head.hash.as_str());
    let seconds = took.as_secs_f64();
    tracing::info!(name, bytes, seconds, removed, audit_seq, audit_hash, event = "backup_made", "a backup is made");
    if let Some(fault) = &made.second_fault {
        tracing::error!(name, fault, event = "backup_second_failed", "the backup has no second copy");
    }
}

/// Whether none was made since the time of day was last reached.
fn is_due(newest: Option<Timestamp>, time: Time, now: Timestamp) -> bool {
    let today = now.to_zoned(TimeZone::UTC).date();
    let at = |date: jiff::civil::Date| date.to_datetime(time).to_zoned(TimeZone::UTC).map(|at| at.timestamp());
    let reached = match at(today) {
        Ok(at) if at <= now => Ok(at),
        _ => today.yesterday().and_then(at),
    };
    match (newest, reached) {
        (None, _) => true,
        (Some(newest), Ok(reached)) => newest < reached,
        // Only at the ends of the calendar.
        (Some(_), Err(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::time;

    #[test]
    fn one_is_due_when_the_time_of_day_has_passed_since_the_newest() {
        let three = time(3, 0, 0, 0);
        let cases = [
            (None, "2026-11-23T00:00:00Z", true),
            (Some("2026-11-22T03:00:01Z"), "2026-11-23T02:59:59Z", false),
            (Some("2026-11-22T03:00:01Z"), "2026-11-23T03:00:00Z", true),
            (Some("2026-11-23T03:00:00Z"), "2026-11-23T23:59:59Z", false),
            (Some("2026-11-21T12:00:00Z"), "2026-11-23T02:00:00Z", true),
        ];
        for (newest, now, due) in cases {
            let newest: Option<Timestamp> = newest.map(|at| at.parse().expect("a time"));
            assert_eq!(is_due(newest, three, now.parse().expect("a time")), due, "{newest:?} {now}");
        }
    }
}
