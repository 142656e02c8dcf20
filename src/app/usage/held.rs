//! Between reading sets and what is kept of them: days with their readings, and months.

use crate::domain::usage::readings::{MonthReading, Quality, ReadingSet};
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use crate::store::usage_days;
use crate::store::usage_history::{self, MonthRow};
use jiff::tz::TimeZone;
use uuid::Uuid;

/// The name of a household's only meter.
pub const METER: &str = "";
/// A month is kept in the history when at least this share of it was read.
const MIN_COVERAGE: f64 = 0.5;
/// How far back a projection looks: older years say little of the coming one.
const MONTHS_MAX: u32 = 36;
const DAYS_MAX: u32 = 3 * 366;

/// Keeps the days of a set that has days.
pub fn save_days(tx: &mut Tx<'_>, user: Uuid, set: &ReadingSet) -> Result<(), StoreError> {
    match set {
        ReadingSet::Intervals(intervals) => usage_days::save_intervals(tx, user, METER, intervals),
        ReadingSet::Days(days) => usage_days::save_days(tx, user, METER, days),
        ReadingSet::Months(_) | ReadingSet::Periods(_) => Ok(()),
    }
}

/// How many days of a set are kept: those with any reading.
pub fn days_kept(set: &ReadingSet) -> u32 {
    match set {
        ReadingSet::Intervals(intervals) => {
            let read = |n: &u32| intervals.quality[intervals.day_range(*n)].iter().any(|q| *q != Quality::Missing);
            (0..intervals.days()).filter(read).count() as u32
        }
        ReadingSet::Days(days) => days.len() as u32,
        ReadingSet::Months(_) | ReadingSet::Periods(_) => 0,
    }
}

/// The months of a set, each whole: one that was not read to its end counts at the rate of the days that were.
pub fn months_of(set: &ReadingSet, format: &str) -> Vec<MonthRow> {
    let months = set.monthly();
    let read = months.iter().filter(|month| month.coverage() >= MIN_COVERAGE);
    read.map(|month| MonthRow {
        month: month.month,
        energy: month.full(),
        source: format!("import:{format}"),
        quality: if month.coverage() < 1.0 { Quality::Estimated.max(month.quality) } else { month.quality },
    })
    .collect()
}

/// All that is held of a user, as one set: readings of days where they cover as much of a year as the months do, else
/// the months.
pub fn held_usage(conn: &mut Conn<'_>, user: Uuid, zone: &TimeZone) -> Result<Option<ReadingSet>, StoreError> {
    let mut months = usage_history::newest(conn, user, MONTHS_MAX)?;
    months.reverse();
    let held = usage_days::load(conn, user, METER, zone, None)?;
    let days = (!held.days.is_empty()).then_some(ReadingSet::Days(held.days));
    let intervals = held.intervals.map(|mut intervals| {
        let count = intervals.days();
        intervals.keep_days(count.saturating_sub(DAYS_MAX), count);
        ReadingSet::Intervals(intervals)
    });
    let sets = [intervals, days];
    for set in sets.into_iter().flatten() {
        let read = set.monthly().iter().filter(|month| month.coverage() >= MIN_COVERAGE).count();
        if read >= months.len().min(12) {
            return Ok(Some(set));
        }
    }
    let months: Vec<MonthReading> = months
        .into_iter()
        .map(|MonthRow { month, energy, quality, .. }| MonthReading { month, energy, quality })
        .collect();
    Ok((!months.is_empty()).then_some(ReadingSet::Months(months)))
}
