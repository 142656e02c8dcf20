//! How long answers took, by route, so that percentiles can be told: counts in classes each of which is a ninth wider
//! than the one before, which places a percentile within 4.5 percent.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Classes in which a time doubles.
const PER_DOUBLING: f64 = 8.0;
/// From a microsecond to more than two minutes.
const CLASSES: usize = 27 * 8 + 1;

/// Times of every route since the start.
#[derive(Default)]
pub struct Latencies(RwLock<HashMap<String, Arc<Times>>>);

/// Times of one route.
pub struct Times {
    classes: Vec<AtomicU64>,
    failures: AtomicU64,
}

/// What is known of the answers of one route, or of all.
#[derive(Debug, Clone, PartialEq)]
pub struct Percentiles {
    pub count: u64,
    /// Answered with 500 or above.
    pub failures: u64,
    pub p50: Duration,
    pub p95: Duration,
    pub p99: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Times { classes: (0..CLASSES).map(|_| AtomicU64::new(0)).collect(), failures: AtomicU64::new(0) }
    }
}

impl Times {
    pub fn observe(&self, took: Duration, failed: bool) {
        self.classes[class_of(took)].fetch_add(1, Ordering::Relaxed);
        self.failures.fetch_add(u64::from(failed), Ordering::Relaxed);
    }
}

impl Latencies {
    /// Routes are templates: there are no more of them than routes.
    pub fn of(&self, route: &str) -> Arc<Times> {
        if let Some(times) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(route) {
            return times.clone();
        }
        self.0.write().unwrap_or_else(PoisonError::into_inner).entry(route.to_owned()).or_default().clone()
    }

    /// Of all answers, and of each route by name.
    pub fn percentiles(&self) -> (Percentiles, Vec<(String, Percentiles)>) {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (mut all, mut failures) = (vec![0; CLASSES], 0);
        let mut routes = Vec::with_capacity(held.len());
        for (route, times) in held.iter() {
            let counts: Vec<u64> = times.classes.iter().map(|class| class.load(Ordering::Relaxed)).collect();
            let failed = times.failures.load(Ordering::Relaxed);
            all.iter_mut().zip(&counts).for_each(|(sum, count)| *sum += count);
            failures += failed;
            routes.push((route.clone(), Percentiles::of(&counts, failed)));
        }
        routes.sort_by(|one, other| one.0.cmp(&other.0));
        (Percentiles::of(&all, failures), routes)
    }
}

impl Percentiles {
    fn of(classes: &[u64], failures: u64) -> Self {
        let count = classes.iter().sum();
        let at = |share: f64| {
            let rank = (count as f64 * share).ceil().max(1.0) as u64;
            let mut below = 0;
            let class = classes.iter().position(|in_class| {
                below += in_class;
                below >= rank
            });
            class.map_or(Duration::ZERO, middle_of)
        };
        Percentiles { count, failures, p50: at(0.5), p95: at(0.95), p99: at(0.99) }
    }
}

fn class_of(took: Duration) -> usize {
    let micros = (took.as_secs_f64() * 1e6).max(1.0);
    ((micros.log2() * PER_DOUBLING) as usize).min(CLASSES - 1)
}

/// The geometric middle, which is at most half a class away from any time in it.
fn middle_of(class: usize) -> Duration {
    Duration::from_secs_f64(((class as f64 + 0.5) / PER_DOUBLING).exp2() / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_five_percent() {
        let latencies = Latencies::default();
        for milliseconds in 1..=1_000 {
            latencies.of("/a").observe(Duration::from_millis(milliseconds), milliseconds == 7);
        }
        latencies.of("/b").observe(Duration::ZERO, false);
        latencies.of("/b").observe(Duration::from_secs(1_000_000), false);
        let (all, routes) = latencies.percentiles();
        let (name, of_a) = &routes[0];
        assert_eq!((name.as_str(), of_a.count, of_a.failures, all.count), ("/a", 1_000, 1, 1_002));
        for (found, exact) in [(of_a.p50, 0.5), (of_a.p95, 0.95), (of_a.p99, 0.99)] {
            assert!((found.as_secs_f64() / exact - 1.0).abs() < 0.05, "{found:?} for {exact} s");
        }
        assert!(routes[1].1.p99 > Duration::from_secs(60), "{routes:?}");
    }

    #[test]
    fn nothing_observed_is_zero() {
        let (all, routes) = Latencies::default().percentiles();
        assert_eq!((all.count, all.p99, routes), (0, Duration::ZERO, vec![]));
    }
}
