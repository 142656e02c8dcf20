//! What the service does by itself, and how that went: each job tells here what it did.

use crate::app::figures::moment;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Every job of this process by name.
#[derive(Default)]
pub struct Jobs(Mutex<BTreeMap<&'static str, JobState>>);

/// One job as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JobState {
    pub name: &'static str,
    /// Seconds between two runs.
    pub every_seconds: u64,
    pub runs: u64,
    pub failures: u64,
    pub last_started_at: Timestamp,
    pub last_took_ms: f64,
    /// `ok` or `failed`.
    pub last_outcome: &'static str,
}

impl Jobs {
    /// A run of `name` is over.
    pub fn ran(&self, name: &'static str, every: Duration, started: Timestamp, took: Duration, ok: bool) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (runs, failures) = held.get(name).map_or((0, 0), |state| (state.runs, state.failures));
        let state = JobState {
            name,
            every_seconds: every.as_secs(),
            runs: runs + 1,
            failures: failures + u64::from(!ok),
            last_started_at: moment(started),
            last_took_ms: (took.as_secs_f64() * 1e6).round() / 1e3,
            last_outcome: if ok { "ok" } else { "failed" },
        };
        held.insert(name, state);
    }

    /// By name.
    pub fn list(&self) -> Vec<JobState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
