//! The threads that ask for texts: one job a plan, retried while somebody waits, checked, and kept for whoever asks next.

use crate::domain::explain::{FactSheet, check};
use crate::domain::market::Snapshot;
use crate::writer::breaker::{Breaker, REST};
use crate::writer::budget::Budget;
use crate::writer::call::{Client, Fault};
use crate::writer::figures::Counters;
use moka::sync::Cache;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;

/// The hash of a request: of the sheet, the instruction and the model.
pub type Key = [u8; 32];
/// A text that passed the check, or `None` for one that did not: it is not asked for again.
pub type Text = Option<Arc<str>>;
/// Where a text goes: which plan of the answer it is for, and who waits.
pub type Waiting = (usize, UnboundedSender<(usize, Text)>);

const TEXTS_MAX: u64 = 10_000;
const TEXTS_KEPT: Duration = Duration::from_secs(24 * 3_600);
/// Calls for one text, the first included.
const CALLS_MAX: u32 = 3;
/// Before the second call and, doubled, before the third, where the service names no time of its own.
const BACKOFF: Duration = Duration::from_millis(100);

pub struct Job {
    pub key: Key,
    pub request: Vec<u8>,
    pub facts: FactSheet,
    /// For the names that must not appear.
    pub snapshot: Arc<Snapshot>,
    /// No new call is begun after it.
    pub deadline: Instant,
}

/// What all threads share.
pub struct Desk {
    pub client: Client,
    pub breaker: Breaker,
    pub budget: Budget,
    pub counters: Counters,
    pub texts: Cache<Key, Text>,
    under_way: Mutex<HashMap<Key, Vec<Waiting>>>,
}

impl Desk {
    pub fn new(client: Client, calls_per_day: u32) -> Self {
        Desk {
            client,
            breaker: Breaker::default(),
            budget: Budget::new(calls_per_day),
            counters: Counters::default(),
            texts: Cache::builder().max_capacity(TEXTS_MAX).time_to_live(TEXTS_KEPT).build(),
            under_way: Mutex::default(),
        }
    }

    /// Joins those who wait for a text. `true`: nobody did, so the caller has to see to its job.
    pub fn join(&self, key: Key, waiting: Waiting) -> bool {
        let mut under_way = self.waiting();
        let all = under_way.entry(key).or_default();
        all.push(waiting);
        all.len() == 1
    }

    /// Ends a job: whoever waits is told, if there is something to tell, or learns that nothing comes.
    pub fn leave(&self, key: &Key, text: Option<&Text>) {
        let waiting = self.waiting().remove(key).unwrap_or_default();
        for (plan, reply) in waiting {
            if let Some(text) = text {
                // Whoever left at the deadline has the template.
                let _left = reply.send((plan, text.clone()));
            }
        }
    }

    pub fn work(&self, job: &Job) {
        let text = catch_unwind(AssertUnwindSafe(|| self.text(job))).unwrap_or_else(|_| {
            tracing::error!("wording an explanation went wrong in an unforeseen way");
            self.breaker.failed(Instant::now());
            None
        });
        if let Some(text) = &text {
            self.texts.insert(job.key, text.clone());
            if Instant::now() > job.deadline {
                self.counters.late.add();
            }
        }
        self.leave(&job.key, text.as_ref());
    }

    /// `None` when the service gave no text.
    fn text(&self, job: &Job) -> Option<Text> {
        let text = self.ask(job)?;
        let suppliers = job.snapshot.suppliers().iter().map(|entry| entry.supplier.name.as_str());
        let plans = job.snapshot.listings().iter().map(|listing| listing.plan.name.as_str());
        Some(match check(&text, &job.facts, suppliers.chain(plans)) {
            Ok(()) => Some(text.into()),
            Err(refusal) => {
                self.counters.refused_texts.add();
                tracing::info!(%refusal, "a worded explanation is not used");
                None
            }
        })
    }

    fn ask(&self, job: &Job) -> Option<String> {
        for call in 1..=CALLS_MAX {
            if !self.may_call(job.deadline) {
                return None;
            }
            self.counters.calls.add();
            let fault = match self.client.text(&job.request) {
                Ok(text) => {
                    self.breaker.succeeded();
                    return Some(text);
                }
                Err(fault) => fault,
            };
            tracing::warn!(%fault, call, "an explanation could not be worded");
            let wait = self.pause_after(&fault, call, job.deadline)?;
            self.counters.retries.add();
            std::thread::sleep(wait);
        }
        None
    }

    fn may_call(&self, deadline: Instant) -> bool {
        let now = Instant::now();
        if now >= deadline || !self.breaker.admits(now) {
            return false;
        }
        let has_budget = self.budget.take(today());
        if !has_budget {
            self.breaker.withdrawn();
        }
        has_budget
    }

    /// Notes a failed call; how long to wait before the next one, if one makes sense. A service that wants a longer
    /// pause than somebody waits for gets it from everybody.
    fn pause_after(&self, fault: &Fault, call: u32, deadline: Instant) -> Option<Duration> {
        self.counters.failed_calls.add();
        let now = Instant::now();
        let (is_limit, asked) = match fault {
            Fault::Busy { status, retry_after } => (*status == 429, *retry_after),
            _ => (false, None),
        };
        let wait = asked.unwrap_or(BACKOFF * 2u32.pow(call - 1));
        let again = fault.may_pass() && call < CALLS_MAX && now + wait < deadline;
        match asked {
            // Too many calls are no sign of bad health.
            _ if is_limit && again => self.breaker.withdrawn(),
            _ if is_limit => self.breaker.pause(now, asked.unwrap_or(REST)),
            Some(asked) if !again => self.breaker.pause(now, asked),
            _ => self.breaker.failed(now),
        }
        again.then_some(wait)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Key, Vec<Waiting>>> {
        // A map of senders: whoever panicked left it usable.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Days since 1970, UTC.
pub fn today() -> i64 {
    jiff::Timestamp::now().as_second().div_euclid(86_400)
}
