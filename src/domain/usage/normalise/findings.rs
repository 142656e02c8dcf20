//! What is worth a second look: gaps, zero runs, outliers, and totals that smell of a wrong unit.

use super::grid::is_read;
use crate::domain::units::Energy;
use crate::domain::usage::readings::{Intervals, Quality};
use crate::domain::usage::report::{Listed, NormaliseReport, Outlier, Span};
use jiff::Timestamp;
use jiff::civil::Date;

/// Zero use for at least this long is reported.
const ZERO_RUN_HOURS: usize = 24;
/// Fewer values than this have no quartiles worth the name.
const MIN_FOR_QUARTILES: usize = 6;
/// Values further than this many interquartile ranges outside the quartiles are outliers.
const FENCE: f64 = 1.5;
/// More than this a month, kWh, is no household: the numbers may be Wh or W.
const SUSPICIOUS_HIGH: f64 = 20_000.0;
/// Less than this a month, kWh, is no lived-in home: the numbers may be MWh.
const SUSPICIOUS_LOW: f64 = 5.0;
const DAYS_PER_MONTH: f64 = 365.25 / 12.0;

/// Lists the stretches of missing steps.
pub(super) fn gaps(intervals: &Intervals, report: &mut NormaliseReport) {
    runs(intervals, 1, |index| intervals.quality[index] == Quality::Missing, &mut report.gaps);
}

/// Lists the stretches in which the meter was read and stood still.
pub(super) fn zero_runs(intervals: &Intervals, report: &mut NormaliseReport) {
    let least = ZERO_RUN_HOURS * usize::from(60 / intervals.minutes);
    let is_zero = |index: usize| intervals.import[index].is_zero() && is_read(intervals.quality[index]);
    runs(intervals, least, is_zero, &mut report.zero_runs);
}

fn runs(intervals: &Intervals, least: usize, matches: impl Fn(usize) -> bool, found: &mut Listed<Span>) {
    let steps = intervals.import.len();
    let mut index = 0;
    while index < steps {
        if !matches(index) {
            index += 1;
            continue;
        }
        let begin = index;
        while index < steps && matches(index) {
            index += 1;
        }
        if index - begin >= least {
            found.push(|| span(intervals, begin, index));
        }
    }
}

fn span(intervals: &Intervals, from: usize, to: usize) -> Span {
    let step = i64::from(intervals.minutes) * 60;
    let start = intervals.start();
    let local = |index: usize| {
        Timestamp::from_second(start + index as i64 * step)
            .map(|instant| instant.to_zoned(intervals.zone.clone()).strftime("%Y-%m-%dT%H:%M%:z").to_string())
            .unwrap_or_default()
    };
    Span { from: local(from), to: local(to), hours: (to - from) as f64 * f64::from(intervals.minutes) / 60.0 }
}

/// A stretch of whole days.
pub(super) fn day_span(from: Date, to: Date) -> Span {
    let hours = crate::domain::calendar::days_between(from, to) as f64 * 24.0;
    Span { from: from.to_string(), to: to.to_string(), hours }
}

/// Flags days far outside the other days.
pub(super) fn day_outliers(intervals: &Intervals, report: &mut NormaliseReport) {
    let mut days = Vec::with_capacity(intervals.days() as usize);
    let mut date = intervals.first_day;
    for day in 0..intervals.days() {
        let range = intervals.day_range(day);
        if !intervals.quality[range.clone()].contains(&Quality::Missing) {
            days.push((date, 1, intervals.import[range].iter().copied().sum()));
        }
        date = date.tomorrow().unwrap_or(date);
    }
    outliers(&days, report);
}

/// Flags values outside Q1 - 1.5 IQR .. Q3 + 1.5 IQR; each is (first day, days, energy).
pub(super) fn outliers(values: &[(Date, u32, Energy)], report: &mut NormaliseReport) {
    if values.len() < MIN_FOR_QUARTILES {
        return;
    }
    let mut sorted: Vec<i64> = values.iter().map(|(_, _, energy)| energy.mwh_thousandths()).collect();
    sorted.sort_unstable();
    let (low, high) = (quantile(&sorted, 0.25), quantile(&sorted, 0.75));
    let fence = FENCE * (high - low);
    let (low, high) = ((low - fence).max(0.0), high + fence);
    for &(from, days, kwh) in values {
        let value = kwh.mwh_thousandths() as f64;
        if value < low || value > high {
            report.outliers.push(|| Outlier {
                from,
                days,
                kwh,
                usual_from_kwh: Energy::from_mwh_thousandths(low.round() as i64),
                usual_to_kwh: Energy::from_mwh_thousandths(high.round() as i64),
            });
        }
    }
}

/// The `share`-quantile of ascending values, between neighbours in proportion; 0 of nothing.
pub(in crate::domain::usage) fn quantile(sorted: &[i64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let position = share.clamp(0.0, 1.0) * last as f64;
    let below = position as usize;
    let above = (below + 1).min(last);
    let (low, high) = (sorted[below] as f64, sorted[above] as f64);
    low + (high - low) * (position - below as f64)
}

/// Adds a note when the mean month cannot be a household's in kWh. Nothing is altered.
pub(super) fn unit_suspicion(total: Energy, days: f64, notes: &mut Vec<String>) {
    if days <= 0.0 || total.is_zero() {
        return;
    }
    let monthly = total.kwh() / days * DAYS_PER_MONTH;
    if monthly > SUSPICIOUS_HIGH {
        notes.push(format!(
            "the mean month is {monthly:.0} kWh, far above a household's: the numbers may be Wh or W given as kWh (kept as they are)"
        ));
    } else if monthly < SUSPICIOUS_LOW {
        notes.push(format!(
            "the mean month is {monthly:.2} kWh, far below a household's: the numbers may be MWh given as kWh (kept as they are)"
        ));
    }
}
