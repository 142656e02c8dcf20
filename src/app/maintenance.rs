//! Looking after the database: once a day by the service, or by hand.

use crate::app::audit::{MAINTENANCE_RUN, job_row, tell_unnoted};
use crate::app::{App, Result};
use crate::store::maintenance;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(86_400);
/// From the start of the service: one that is restarted every evening must not go without.
const FIRST_AFTER: Duration = Duration::from_secs(5);

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    pub step: &'static str,
    /// How much of what `unit` says.
    pub amount: u64,
    pub unit: &'static str,
    pub took_milliseconds: f64,
}

/// What was done since the service started, by step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MaintenanceState {
    pub runs: u64,
    pub failures: u64,
    pub last_at: Option<Timestamp>,
    /// How much altogether, and how long the last time took.
    pub steps: BTreeMap<&'static str, (u64, Duration)>,
}

impl App {
    pub fn maintenance_state(&self) -> MaintenanceState {
        self.maintenance.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Removes what the retention settings do not keep. Blocks. The service has a job of its own for it.
    pub fn retain_blocking(&self) -> Result<Step> {
        let started = Instant::now();
        let amount = self.expire_blocking()?.iter().map(|one| one.rows).sum();
        let step = Step { step: "retention", amount, unit: "rows", took_milliseconds: milliseconds(started) };
        self.count_steps(std::slice::from_ref(&step));
        Ok(step)
    }

    /// Removes what has expired, renews statistics, gives free pages back, folds the write-ahead log.
    pub async fn maintain(&self) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        let done = self.maintain_by(&mut steps).await;
        self.count_steps(&steps);
        {
            let mut state = self.maintenance.lock().unwrap_or_else(PoisonError::into_inner);
            state.runs += 1;
            state.failures += u64::from(done.is_err());
            if done.is_ok() {
                state.last_at = Some(self.now());
            }
        }
        let detail: Map<String, Value> = steps.iter().map(|one| (one.step.to_owned(), one.amount.into())).collect();
        let row = job_row(MAINTENANCE_RUN, done.is_ok(), detail.into(), self.now());
        tell_unnoted(MAINTENANCE_RUN, self.store.write(row).await);
        done.map(|()| steps)
    }

    fn count_steps(&self, steps: &[Step]) {
        let mut state = self.maintenance.lock().unwrap_or_else(PoisonError::into_inner);
        for step in steps {
            let held = state.steps.entry(step.step).or_default();
            *held = (held.0 + step.amount, Duration::from_secs_f64(step.took_milliseconds / 1e3));
        }
    }

    async fn maintain_by(&self, steps: &mut Vec<Step>) -> Result<()> {
        let mut started = Instant::now();
        let mut note = |step, amount, unit| {
            steps.push(Step { step, amount, unit, took_milliseconds: milliseconds(started) });
            started = Instant::now();
        };
        let now = self.now();
        let swept = self.store.write(move |tx| maintenance::sweep(tx, now)).await?;
        note("expired_tokens", swept.tokens, "rows");
        note("expired_reset_links", swept.reset_links, "rows");
        note("expired_idempotency_keys", swept.idempotency_keys, "rows");
        self.store.write(maintenance::analyze).await?;
        note("statistics", 1, "times");
        let mut pages = 0;
        loop {
            let freed = self.store.write(maintenance::give_back).await?;
            if freed == 0 {
                break;
            }
            pages += freed;
        }
        note("free_pages", pages, "pages");
        if let Some(bytes) = self.store.fold_log().await? {
            note("write_ahead_log", bytes, "bytes");
        }
        Ok(())
    }

    /// Maintains the database soon after the start and every day, for as long as the service runs. Of many nodes one
    /// does.
    pub async fn keep_maintained(self: Arc<Self>) {
        let mut wait = FIRST_AFTER;
        loop {
            tokio::time::sleep(wait).await;
            wait = until(self.config.database.maintenance_time, self.now());
            if !self.leads() {
                continue;
            }
            let (started, clock) = (self.now(), Instant::now());
            let done = self.maintain().await;
            self.jobs.ran("maintenance", EVERY, started, clock.elapsed(), done.is_ok());
            match done {
                Ok(steps) => {
                    for Step { step, amount, unit, took_milliseconds } in steps {
                        tracing::info!(step, amount, unit, took_milliseconds, event = "maintained", "maintenance");
                    }
                }
                Err(error) => tracing::error!(%error, event = "maintenance_failed", "the database was not maintained"),
            }
        }
    }
}

fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1e6).round() / 1e3
}

/// How long it is until it is that time of day, UTC.
fn until(time: Time, now: Timestamp) -> Duration {
    let today = now.to_zoned(TimeZone::UTC);
    let since_midnight = today.time().duration_since(Time::midnight());
    let mut wait = time.duration_since(Time::midnight()) - since_midnight;
    if wait <= SignedDuration::ZERO {
        wait += SignedDuration::from_hours(24);
    }
    wait.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::time;

    #[test]
    fn the_time_of_day_comes_today_or_tomorrow() {
        let half_past_three = time(3, 30, 0, 0);
        for (now, seconds) in [
            ("2026-11-23T03:00:00Z", 1_800),
            ("2026-11-23T03:30:00Z", 86_400),
            ("2026-11-23T04:30:00Z", 82_800),
            ("2026-12-31T23:59:59Z", 12_601),
        ] {
            assert_eq!(until(half_past_three, now.parse().expect("a time")).as_secs(), seconds, "{now}");
        }
    }
}
