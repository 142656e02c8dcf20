//! Keeping data no longer than the settings say: what has expired, removing it, and the job that does so.
//!
//! Each portion is one transaction with the row of the audit log that tells of it, so that a service goes on beside it.

use super::map::{CLASSES, Period};
use crate::app::audit::{Act, note};
use crate::app::{App, Result};
use crate::config::Retention;
use crate::store::db::value::Value;
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use crate::store::{audit, erasure, retention};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The event of a whole run.
const RUN: &str = "sys_retention_run";
/// Rows that one transaction removes at most.
const PORTION: u32 = 1_000;
/// Accounts that one transaction erases at most: each takes many rows along.
const ACCOUNTS: u32 = 20;
/// How often the job looks whether its time has come.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    Rows(retention::Old),
    InactiveAccounts,
    AuditDetails,
    AuditRows,
}

/// What a portion is to remove.
enum Found {
    Rows(Vec<Vec<Value>>),
    Accounts(Vec<Uuid>),
    /// The log is removed from its beginning.
    Oldest,
}

impl Found {
    fn is_nothing(&self) -> bool {
        match self {
            Found::Rows(keys) => keys.is_empty(),
            Found::Accounts(accounts) => accounts.is_empty(),
            Found::Oldest => false,
        }
    }
}

/// What of one class has been kept long enough, or was removed for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    pub class: &'static str,
    pub table: &'static str,
    /// From before this time.
    pub before: Timestamp,
    pub rows: u64,
}

impl Expiry {
    pub fn table(self) -> &'static str {
        match self {
            Expiry::Rows(old) => old.table,
            Expiry::InactiveAccounts => "users",
            Expiry::AuditDetails => "audit_details",
            Expiry::AuditRows => "audit_logs",
        }
    }

    fn count(self, conn: &mut Conn<'_>, before: Timestamp) -> std::result::Result<u64, StoreError> {
        match self {
            Expiry::Rows(old) => old.count(conn, before),
            Expiry::InactiveAccounts => retention::count_inactive(conn, before),
            Expiry::AuditDetails => audit::count_details(conn, before),
            Expiry::AuditRows => audit::count_expiring(conn, before),
        }
    }

    /// Finds some, beside those who write.
    fn find(self, conn: &mut Conn<'_>, before: Timestamp) -> std::result::Result<Found, StoreError> {
        Ok(match self {
            Expiry::Rows(old) => Found::Rows(old.keys(conn, before, PORTION)?),
            Expiry::InactiveAccounts => Found::Accounts(retention::inactive(conn, before, ACCOUNTS)?),
            Expiry::AuditDetails | Expiry::AuditRows => Found::Oldest,
        })
    }

    /// Removes what was found and is still so: how many, and which accounts.
    fn remove(
        self,
        tx: &mut Tx<'_>,
        found: Found,
        before: Timestamp,
        now: Timestamp,
    ) -> std::result::Result<(u64, Vec<Uuid>), StoreError> {
        match (self, found) {
            (Expiry::Rows(old), Found::Rows(keys)) => Ok((old.remove(tx, before, &keys)?, Vec::new())),
            (Expiry::InactiveAccounts, Found::Accounts(mut accounts)) => {
                let mut inactive = Vec::new();
                for id in accounts.drain(..) {
                    if retention::is_inactive(tx, id, before)? {
                        note(tx, "user_deleted", Act { actor: None, subject: Some(id), detail: json!({}) }, now)?;
                        erasure::erase(tx, id, now)?;
                        inactive.push(id);
                    }
                }
                Ok((inactive.len() as u64, inactive))
            }
            (Expiry::AuditDetails, _) => Ok((audit::remove_details(tx, before, PORTION)?, Vec::new())),
            (Expiry::AuditRows, _) => Ok((audit::expire(tx, before, PORTION, now)?, Vec::new())),
            (Expiry::Rows(_) | Expiry::InactiveAccounts, _) => Ok((0, Vec::new())),
        }
    }
}

impl App {
    /// What a run would remove now; changes nothing. Blocks.
    pub fn expiring_blocking(&self) -> Result<Vec<Expired>> {
        let due = due(&self.config.retention, self.now());
        let count = move |conn: &mut Conn<'_>| {
            let found = due.into_iter().map(|(class, expiry, before)| {
                Ok::<_, StoreError>(Expired { class, table: expiry.table(), before, rows: expiry.count(conn, before)? })
            });
            found.collect()
        };
        Ok(self.store.read_blocking(count)?)
    }

    /// Removes what has been kept long enough, and says what it was. Blocks.
    pub fn expire_blocking(&self) -> Result<Vec<Expired>> {
        let now = self.now();
        let mut removed = Vec::new();
        for (class, expiry, before) in due(&self.config.retention, now) {
            let mut rows = 0;
            loop {
                let found = self.store.read_blocking(move |conn| expiry.find(conn, before))?;
                if found.is_nothing() {
                    break;
                }
                let portion = move |tx: &mut Tx<'_>| {
                    let (count, accounts) = expiry.remove(tx, found, before, now)?;
                    // Rows of the log tell of their end by themselves, and with what the chain goes on.
                    if count > 0 && expiry != Expiry::AuditRows {
                        let detail = json!({ "table": expiry.table(), "before": before, "rows": count });
                        note(tx, "data_expired", Act { actor: None, subject: None, detail }, now)?;
                    }
                    Ok::<_, StoreError>((count, accounts))
                };
                let (count, accounts) = self.store.write_blocking(portion)?;
                self.list_expired(&accounts, now);
                rows += count;
                if count == 0 {
                    break;
                }
            }
            removed.push(Expired { class, table: expiry.table(), before, rows });
        }
        let rows: u64 = removed.iter().map(|expired| expired.rows).sum();
        let act = Act { actor: None, subject: None, detail: json!({ "rows": rows }) };
        self.store.write_blocking(move |tx| note(tx, RUN, act, now))?;
        Ok(removed)
    }

    /// Runs [`App::expire_blocking`] whenever its time has come, which the audit log knows over restarts. Of many
    /// nodes one does.
    pub async fn follow_retention(self: Arc<Self>) {
        let Some(every) = self.config.retention.every else { return };
        let every = SignedDuration::try_from(every).unwrap_or(SignedDuration::MAX);
        loop {
            self.until_leading().await;
            match self.store.read(last_run).await {
                Ok(Some(last)) if self.now().duration_since(last) >= every => self.run_retention().await,
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "whether data has expired cannot be looked up for now"),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn run_retention(self: &Arc<Self>) {
        let (app, started, clock) = (self.clone(), self.now(), Instant::now());
        let outcome = tokio::task::spawn_blocking(move || app.retain_blocking()).await;
        let every = self.config.retention.every.unwrap_or_default();
        self.jobs.ran("retention", every, started, clock.elapsed(), matches!(outcome, Ok(Ok(_))));
        match outcome {
            Ok(Ok(step)) => {
                tracing::info!(event = RUN, rows = step.amount, "data that was kept long enough is removed");
            }
            Ok(Err(error)) => tracing::error!(event = RUN, %error, "data that was kept long enough is still there"),
            // It panicked, or the service is ending.
            Err(_) => tracing::error!(event = RUN, "removing data was cut short"),
        }
    }
}

/// When the job ran last, or else when the log began.
fn last_run(conn: &mut Conn<'_>) -> std::result::Result<Option<Timestamp>, StoreError> {
    Ok(audit::last(conn, RUN)?.or(audit::begin(conn)?))
}

/// Each class of data with a period, and the time before which it has expired.
fn due(settings: &Retention, now: Timestamp) -> Vec<(&'static str, Expiry, Timestamp)> {
    let mut all = Vec::new();
    for class in CLASSES {
        for period in class.periods {
            let before = match period {
                Period::Ended(_) => Some(now),
                Period::Set { days, .. } => days(settings).map(|days| days_before(now, days)),
            };
            if let Some(before) = before {
                all.extend(period.expiries().iter().map(|expiry| (class.name, *expiry, before)));
            }
        }
    }
    all
}

fn days_before(now: Timestamp, days: u32) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN)
}
