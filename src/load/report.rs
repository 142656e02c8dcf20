//! What a run came to, as the command prints it.

use crate::load::figures::Figures;
use crate::load::tally::{Counted, Durations, Tally};
use crate::load::{MIX, Plan};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Everything about one run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub url: String,
    /// Users who began before the time was up.
    pub users: usize,
    pub spawn_per_second: f64,
    pub seconds: f64,
    pub pause_seconds: f64,
    pub requests: u64,
    pub requests_per_second: f64,
    /// Answers that are neither 2xx nor 3xx, and calls without one.
    pub errors: u64,
    pub error_percent: f64,
    pub latency: Latency,
    /// Calls by status; `none` stands for those without an answer.
    pub statuses: BTreeMap<String, u64>,
    pub cache: Cache,
    /// In the order of the mix, then opening and erasing accounts.
    pub operations: Vec<Operation>,
    /// What the service says it holds; absent where it does not tell.
    pub server: Option<Held>,
}

/// Milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Latency {
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

/// What `X-Cache-Status` said, over the answers that have it.
#[derive(Debug, Clone, Serialize)]
pub struct Cache {
    pub hits: u64,
    pub misses: u64,
    pub bypasses: u64,
    /// Absent where no answer has it.
    pub hit_percent: Option<f64>,
}

/// One operation of the API document.
#[derive(Debug, Clone, Serialize)]
pub struct Operation {
    pub operation: String,
    pub requests: u64,
    pub errors: u64,
    #[serde(flatten)]
    pub latency: Latency,
    pub statuses: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Held {
    pub resident_bytes: Span,
    pub open_files: Span,
}

/// A figure over the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    pub first: u64,
    /// Median of the second quarter: users are there and caches are filled.
    pub settled: u64,
    /// Median of the last quarter.
    pub end: u64,
    pub peak: u64,
}

/// The looks of a run, a second apart; an hour of them is small.
#[derive(Debug, Default)]
pub struct Watch(Vec<Figures>);

impl Watch {
    pub fn push(&mut self, figures: Figures) {
        self.0.push(figures);
    }

    fn held(&self) -> Option<Held> {
        Some(Held {
            resident_bytes: Span::of(self.0.iter().map(|figures| figures.resident_bytes).collect())?,
            open_files: Span::of(self.0.iter().map(|figures| figures.open_files).collect())?,
        })
    }
}

impl Span {
    fn of(seen: Vec<u64>) -> Option<Span> {
        let quarter = seen.len() / 4;
        let median = |part: &[u64]| {
            let mut part = part.to_vec();
            part.sort_unstable();
            part.get(part.len() / 2).copied()
        };
        let first = *seen.first()?;
        let end = median(&seen[seen.len() - quarter.max(1)..])?;
        let settled = median(&seen[quarter..2 * quarter]).unwrap_or(first);
        Some(Span { first, settled, end, peak: seen.iter().copied().max()? })
    }
}

impl Report {
    pub(super) fn new(plan: &Plan, users: usize, took: Duration, tally: &Tally, watch: &Watch) -> Self {
        let total = tally.total();
        let (requests, errors) = (total.durations.count(), total.errors());
        let rank = |name: &str| MIX.iter().position(|(known, _)| *known == name).unwrap_or(MIX.len());
        let mut operations: Vec<Operation> = tally.operations.iter().map(|(name, of)| operation(name, of)).collect();
        operations.sort_by_key(|operation| rank(&operation.operation));
        let cached = tally.hits + tally.misses + tally.bypasses;
        Report {
            url: plan.target.to_string(),
            users,
            spawn_per_second: plan.spawn_per_second,
            seconds: took.as_secs_f64(),
            pause_seconds: plan.pause.as_secs_f64(),
            requests,
            requests_per_second: rounded(requests as f64 / took.as_secs_f64()),
            errors,
            error_percent: percent(errors, requests).unwrap_or(0.0),
            latency: latency(&total.durations),
            statuses: statuses(&total),
            cache: Cache {
                hits: tally.hits,
                misses: tally.misses,
                bypasses: tally.bypasses,
                hit_percent: percent(tally.hits, cached),
            },
            operations,
            server: watch.held(),
        }
    }
}

fn operation(name: &str, counted: &Counted) -> Operation {
    Operation {
        operation: name.to_owned(),
        requests: counted.durations.count(),
        errors: counted.errors(),
        latency: latency(&counted.durations),
        statuses: statuses(counted),
    }
}

fn latency(durations: &Durations) -> Latency {
    let milliseconds = |took: Duration| rounded(took.as_secs_f64() * 1e3);
    Latency {
        p50_ms: milliseconds(durations.percentile(50.0)),
        p95_ms: milliseconds(durations.percentile(95.0)),
        p99_ms: milliseconds(durations.percentile(99.0)),
        max_ms: milliseconds(durations.longest()),
    }
}

fn statuses(counted: &Counted) -> BTreeMap<String, u64> {
    let name = |status: u16| if status == 0 { "none".to_owned() } else { status.to_string() };
    counted.statuses.iter().map(|(status, count)| (name(*status), *count)).collect()
}

fn percent(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| rounded(100.0 * part as f64 / of as f64))
}

/// To three decimals.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_tells_how_a_figure_went() {
        assert_eq!(Span::of(Vec::new()), None);
        assert_eq!(Span::of(vec![7]), Some(Span { first: 7, settled: 7, end: 7, peak: 7 }));
        let seen = vec![1, 2, 10, 11, 12, 90, 13, 12];
        assert_eq!(Span::of(seen), Some(Span { first: 1, settled: 11, end: 13, peak: 90 }));
    }
}
