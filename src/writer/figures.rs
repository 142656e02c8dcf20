//! What the writer counts, for metrics.

use crate::writer::breaker::BreakerState;
use std::sync::atomic::{AtomicU64, Ordering};

/// Since the start of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Explanations asked for.
    pub asked: u64,
    /// Of those, worded by the model, and how many of these without a call.
    pub worded: u64,
    pub from_cache: u64,
    /// Of those, left to the template.
    pub fallbacks: u64,
    /// Calls made, retries included, and how many failed.
    pub calls: u64,
    pub failed_calls: u64,
    pub retries: u64,
    /// Texts that did not pass the check.
    pub refused_texts: u64,
    /// Texts that came after their answer had left, kept for the next.
    pub late: u64,
    pub calls_left_today: u32,
    pub breaker: BreakerState,
}

#[derive(Debug, Default)]
pub struct Counters {
    pub asked: Counter,
    pub worded: Counter,
    pub from_cache: Counter,
    pub fallbacks: Counter,
    pub calls: Counter,
    pub failed_calls: Counter,
    pub retries: Counter,
    pub refused_texts: Counter,
    pub late: Counter,
}

#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self) {
        self.add_many(1);
    }
    pub fn add_many(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
