//! Rankings kept ready, each under a digest of everything it follows from: asked the same again, nothing is computed.
//!
//! A household's data is in the key and nobody's id is in either, so two users share a ranking only when everything
//! they stated and hold is the same, and then their answers are the same anyway.

use super::household::Household;
use crate::app::catalog::CacheFigures;
use crate::domain::advice::{ALGORITHM_VERSION, Recommendation};
use crate::domain::units::Energy;
use crate::domain::usage::readings::ReadingSet;
use jiff::civil::Date;
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes kept at most.
const CACHE_BYTES: u64 = 16 << 20;
/// In memory a ranking takes more than its JSON: each text and list has its own allocation.
const BYTES_PER_JSON_BYTE: u32 = 2;

/// What a ranking follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

pub struct Rankings {
    kept: Cache<Key, (Arc<Recommendation>, u32)>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Default for Rankings {
    fn default() -> Self {
        let weigh = |_: &Key, (_, bytes): &(Arc<Recommendation>, u32)| *bytes;
        let kept = Cache::builder().max_capacity(CACHE_BYTES).weigher(weigh).build();
        Rankings { kept, hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }
}

impl Rankings {
    /// The ranking for `key`, counted as a hit or a miss.
    pub fn find(&self, key: Key) -> Option<Arc<Recommendation>> {
        let found = self.kept.get(&key).map(|(ranking, _)| ranking);
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// Keeps a ranking as it was computed, before anybody worded it; `json_bytes` is the length of its answer.
    pub fn keep(&self, key: Key, ranking: Arc<Recommendation>, json_bytes: usize) {
        let bytes = u32::try_from(json_bytes).unwrap_or(u32::MAX);
        self.kept.insert(key, (ranking, bytes.saturating_mul(BYTES_PER_JSON_BYTE)));
    }

    /// Forgets every ranking; how many there were.
    pub fn clear(&self) -> u64 {
        self.kept.run_pending_tasks();
        let held = self.kept.entry_count();
        self.kept.invalidate_all();
        held
    }

    pub fn figures(&self) -> CacheFigures {
        CacheFigures {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            entries: self.kept.entry_count(),
            bytes: self.kept.weighted_size(),
        }
    }
}

impl Key {
    /// `today` is the household's own day: the coming year begins there.
    pub fn of(household: &Household, revision: i64, today: Date) -> Self {
        let Household { zip_code, property_type, usage, priorities, current_plan, include_risks, options } = household;
        let mut hash = Sha256::new();
        hash.update(format!("{ALGORITHM_VERSION}/{revision}/{today}\n"));
        hash.update(format!("{:?}", (zip_code, property_type, priorities, current_plan, include_risks, options)));
        match usage {
            ReadingSet::Intervals(held) => {
                let days = held.day_offsets.len();
                let zone = held.zone.iana_name().unwrap_or_default();
                hash.update(format!("intervals {zone} {} {} {days}\n", held.minutes, held.first_day));
                for values in [&held.import, &held.export, &held.controlled] {
                    add(&mut hash, values);
                }
                hash.update(held.quality.iter().map(|quality| *quality as u8).collect::<Vec<_>>());
            }
            // Short enough to be written out: at most some thousand days.
            ReadingSet::Days(days) => hash.update(format!("{days:?}")),
            ReadingSet::Months(months) => hash.update(format!("{months:?}")),
            ReadingSet::Periods(periods) => hash.update(format!("{periods:?}")),
        }
        Key(hash.finalize().into())
    }
}

/// With their number before them, so that no value can pass from one list to the next.
fn add(hash: &mut Sha256, values: &[Energy]) {
    hash.update((values.len() as u64).to_le_bytes());
    for value in values {
        hash.update(value.mwh_thousandths().to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::recommendations::{Asked, Held};
    use crate::domain::advice::{CurrentPlan, Options, Priorities};
    use crate::domain::calendar::Month;
    use crate::domain::catalog::PropertyType;
    use crate::domain::usage::readings::{Intervals, MonthReading, Quality};
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    fn household(kwh: i64) -> Household {
        let month = Month::new(2026, 1).expect("a month");
        let usage = vec![MonthReading { month, energy: Energy::from_whole_kwh(kwh), quality: Quality::Actual }];
        let asked = Asked { zip_code: Some("78701".into()), usage: Some(usage), ..Asked::default() };
        Household::of(asked, Held::default()).expect("nothing is missing")
    }

    #[test]
    fn everything_a_ranking_follows_from_is_in_its_key() {
        let day = date(2026, 6, 1);
        let same = Key::of(&household(900), 7, day);
        assert_eq!(Key::of(&household(900), 7, day), same);
        let with = |change: fn(&mut Household)| {
            let mut changed = household(900);
            change(&mut changed);
            Key::of(&changed, 7, day)
        };
        let mut others = vec![
            Key::of(&household(901), 7, day),
            Key::of(&household(900), 8, day),
            Key::of(&household(900), 7, date(2026, 6, 2)),
            with(|h| h.zip_code = "77002".into()),
            with(|h| h.property_type = PropertyType::Commercial),
            with(|h| h.priorities = Priorities { cost: 39, flexibility: 31, ..h.priorities }),
            with(|h| h.current_plan = Some(CurrentPlan::default())),
            with(|h| h.include_risks = !h.include_risks),
            with(|h| h.options = Options { top_n: 4, ..h.options.clone() }),
        ];
        let intervals = |change: fn(&mut Intervals)| {
            let mut held = Intervals::empty(&TimeZone::UTC, 60, date(2026, 1, 1), 2);
            change(&mut held);
            Key::of(&Household { usage: ReadingSet::Intervals(held), ..household(900) }, 7, day)
        };
        others.push(intervals(|_| {}));
        others.push(intervals(|held| held.import[3] = Energy::from_wh(1)));
        others.push(intervals(|held| held.import[4] = Energy::from_wh(1)));
        others.push(intervals(|held| held.export = held.import.clone()));
        others.push(intervals(|held| held.controlled = held.import.clone()));
        others.push(intervals(|held| held.quality[0] = Quality::Estimated));
        others.push(intervals(|held| held.first_day = date(2026, 1, 2)));
        others.push(same);
        let distinct: std::collections::HashSet<_> = others.iter().collect();
        assert_eq!(distinct.len(), others.len());
    }
}
