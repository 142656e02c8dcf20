//! What was answered and how fast, in a fixed amount of memory: counts by operation, status and class of duration.

use std::collections::BTreeMap;
use std::time::Duration;

/// Classes a doubling of the duration is divided into: a percentile is at most 3.2 % above the true one.
const STEPS: u64 = 32;
/// The last class takes everything above it: 2^26 microseconds are 67 seconds.
const CLASSES: usize = (STEPS * 22) as usize;

/// How often each duration was seen.
#[derive(Debug, Clone)]
pub struct Durations {
    classes: Vec<u64>,
    count: u64,
    longest: Duration,
}

impl Default for Durations {
    fn default() -> Self {
        Durations { classes: vec![0; CLASSES], count: 0, longest: Duration::ZERO }
    }
}

impl Durations {
    pub fn record(&mut self, took: Duration) {
        let class = class_of(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        self.classes[class.min(CLASSES - 1)] += 1;
        self.count += 1;
        self.longest = self.longest.max(took);
    }

    pub fn add(&mut self, other: &Durations) {
        for (mine, theirs) in self.classes.iter_mut().zip(&other.classes) {
            *mine += theirs;
        }
        self.count += other.count;
        self.longest = self.longest.max(other.longest);
    }

    pub const fn count(&self) -> u64 {
        self.count
    }

    pub const fn longest(&self) -> Duration {
        self.longest
    }

    /// The duration that `percent` of all do not exceed; zero where there are none.
    pub fn percentile(&self, percent: f64) -> Duration {
        let rank = ((self.count as f64 * percent / 100.0).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for (class, count) in self.classes.iter().enumerate() {
            seen += count;
            if *count > 0 && seen >= rank {
                return Duration::from_micros(top_of(class as u64)).min(self.longest);
            }
        }
        self.longest
    }
}

/// The first 64 classes are a microsecond wide, each further 32 twice as wide as those before.
fn class_of(microseconds: u64) -> usize {
    let doublings = u64::from(microseconds.max(1).ilog2()).saturating_sub(5);
    (STEPS * doublings + (microseconds >> doublings)) as usize
}

/// The longest duration that falls into a class, microseconds.
fn top_of(class: u64) -> u64 {
    let doublings = (class / STEPS).saturating_sub(1);
    ((class - STEPS * doublings + 1) << doublings) - 1
}

/// The calls of one operation.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    pub durations: Durations,
    /// By status; 0 stands for no answer.
    pub statuses: BTreeMap<u16, u64>,
}

impl Counted {
    pub fn errors(&self) -> u64 {
        self.statuses.iter().filter(|(status, _)| is_error(**status)).map(|(_, count)| count).sum()
    }

    pub fn add(&mut self, other: &Counted) {
        self.durations.add(&other.durations);
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
    }
}

/// Refusals count, too: the mix asks for nothing that may be refused.
const fn is_error(status: u16) -> bool {
    !matches!(status, 200..=399)
}

/// Everything counted, by operation.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub operations: BTreeMap<&'static str, Counted>,
    pub hits: u64,
    pub misses: u64,
    pub bypasses: u64,
}

impl Tally {
    /// One call; `cache` is what `X-Cache-Status` said.
    pub fn record(&mut self, operation: &'static str, status: u16, took: Duration, cache: Option<&str>) {
        let counted = self.operations.entry(operation).or_default();
        counted.durations.record(took);
        *counted.statuses.entry(status).or_default() += 1;
        match cache {
            Some("HIT") => self.hits += 1,
            Some("MISS") => self.misses += 1,
            Some(_) => self.bypasses += 1,
            None => {}
        }
    }

    pub fn add(&mut self, other: &Tally) {
        for (operation, counted) in &other.operations {
            self.operations.entry(operation).or_default().add(counted);
        }
        self.hits += other.hits;
        self.misses += other.misses;
        self.bypasses += other.bypasses;
    }

    /// A user whose calls cannot be told.
    pub fn lost(&mut self) {
        self.record("user lost", 0, Duration::ZERO, None);
    }

    pub fn total(&self) -> Counted {
        let mut total = Counted::default();
        for counted in self.operations.values() {
            total.add(counted);
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_falls_into_a_class_that_holds_it() {
        let mut before = 0;
        for microseconds in (0..5_000).chain([65_535, 65_536, 1_000_000, 30_000_000, 60_000_000]) {
            let class = class_of(microseconds);
            let top = top_of(class as u64);
            assert!(top >= microseconds && top as f64 <= microseconds as f64 * 1.032, "{microseconds}: {top}");
            assert!(class >= before && class < CLASSES, "{microseconds}: {class}");
            before = class;
        }
    }

    #[test]
    fn percentiles_are_those_of_the_durations() {
        let mut durations = Durations::default();
        assert_eq!(durations.percentile(99.0), Duration::ZERO);
        for milliseconds in 1..=100 {
            durations.record(Duration::from_millis(milliseconds));
        }
        for percent in [50.0, 95.0, 99.0] {
            let found = durations.percentile(percent).as_secs_f64() * 1e3;
            assert!(found >= percent && found <= percent * 1.032, "{percent}: {found}");
        }
        assert_eq!(durations.percentile(100.0), Duration::from_millis(100));
        durations.record(Duration::from_secs(9_999));
        assert_eq!(durations.longest(), Duration::from_secs(9_999), "longer than any class");
    }

    #[test]
    fn refusals_and_silence_are_errors_and_unchanged_answers_are_not() {
        let mut tally = Tally::default();
        for (status, cache) in [(200, Some("HIT")), (304, Some("MISS")), (429, None), (500, None), (0, None)] {
            tally.record("call", status, Duration::from_millis(1), cache);
        }
        let total = tally.total();
        assert_eq!((total.errors(), total.durations.count()), (3, 5));
        assert_eq!((tally.hits, tally.misses, tally.bypasses), (1, 1, 0));
    }
}
