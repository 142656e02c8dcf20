//! Load shapes: months spread over their hours when no interval readings are held.

use crate::domain::calendar::{Month, Window, day_start, days_between};
use crate::domain::catalog::{Market, PropertyType};
use crate::domain::units::Energy;
use crate::domain::usage::normalise::clock_change_seconds;
use crate::domain::usage::readings::{Intervals, Quality};
use crate::domain::usage::shape_table::{HOURS, MONTH_SHARES};
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

/// The standard residential load shape and its two variants. A plan whose price depends on the hour is priced on all
/// three when the household's own hours are unknown: the truth most likely lies between flatter and peakier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// Half of the standard shape's swing around each month's mean load.
    Flatter,
    #[default]
    Standard,
    /// One and a half times the swing, never below [`PEAKIER_FLOOR`].
    Peakier,
}

/// Percent of the standard swing.
const FLATTER_SWING: i64 = 50;
const PEAKIER_SWING: i64 = 150;
/// The base load below which the peakier shape does not fall, thousandths of the month's mean load.
const PEAKIER_FLOOR: i64 = 200;
/// How far the months of a business go from the standard shape towards an even year.
const COMMERCIAL_EVENNESS: f64 = 0.5;

impl Shape {
    /// The shape to expect when no hours are held. The standard shape is a home's; of a business we only know that its
    /// evenings stand out less.
    pub const fn of(property: PropertyType) -> Shape {
        match property {
            PropertyType::Residential => Shape::Standard,
            PropertyType::Commercial => Shape::Flatter,
        }
    }

    /// The load in a clock hour, thousandths of the month's mean load.
    fn weight(self, month: usize, weekend: bool, hour: usize) -> i64 {
        let standard = i64::from(HOURS[month][usize::from(weekend)][hour]);
        match self {
            Shape::Flatter => 1000 + (standard - 1000) * FLATTER_SWING / 100,
            Shape::Standard => standard,
            Shape::Peakier => (1000 + (standard - 1000) * PEAKIER_SWING / 100).max(PEAKIER_FLOOR),
        }
    }
}

/// The share of a year's energy used in January..December; sums to 1. The market's own when it states twelve
/// positive shares, else the standard one for hot summers.
///
/// For businesses the standard shares go halfway to an even year: heating and cooling are the smaller part of their use.
pub fn month_shares(market: &Market, property: PropertyType) -> [f64; 12] {
    let stated = <[f64; 12]>::try_from(market.monthly_shape.as_slice()).ok();
    let valid = stated.filter(|shares| shares.iter().all(|share| share.is_finite() && *share > 0.0));
    let shares = valid.unwrap_or_else(|| MONTH_SHARES.map(f64::from));
    let total: f64 = shares.iter().sum();
    let even = match property {
        PropertyType::Residential => 0.0,
        PropertyType::Commercial => COMMERCIAL_EVENNESS,
    };
    shares.map(|share| share / total * (1.0 - even) + even / 12.0)
}

/// Spreads each month's energy over its hours: [`spread`] over whole months.
pub fn synthesise(months: &[(Month, Energy)], zone: &TimeZone, shape: Shape) -> Intervals {
    let totals: Vec<_> = months.iter().map(|(month, energy)| (month.window(), *energy)).collect();
    spread(&totals, zone, shape)
}

/// Spreads the energy of each window (months, billing periods, days) over its hours; the steps of a window add up to
/// it exactly. Days between the first and the last that are in no window are missing. Steps are hours (half hours
/// where the clocks change by half an hour).
pub fn spread(totals: &[(Window, Energy)], zone: &TimeZone, shape: Shape) -> Intervals {
    let start = totals.iter().map(|(window, _)| window.start).min();
    let end = totals.iter().map(|(window, _)| window.end).max();
    let (Some(start), Some(end)) = (start, end) else {
        return Intervals::empty(zone, 60, jiff::civil::date(1970, 1, 1), 0);
    };
    let mut intervals = empty_days(Window { start, end }, 60, zone);
    let per_hour = usize::from(60 / intervals.minutes);
    let mut weights = Vec::new();
    for &(window, energy) in totals {
        let days = days_of(&intervals, window);
        weights.clear();
        for day in days.clone() {
            let date = intervals.date(day);
            let (month, weekend) = (Month::of(date).index(), is_weekend(date));
            let slots = intervals.clock_slots(day);
            weights.extend(slots.into_iter().map(|slot| shape.weight(month, weekend, slot / per_hour)));
        }
        let range = steps_of(&intervals, days);
        intervals.quality[range.clone()].fill(Quality::Filled);
        apportion(energy, &weights, &mut intervals.import[range]);
    }
    intervals
}

/// Missing steps for all of the months `first..=last`, in steps of `minutes` or the largest smaller one that divides
/// every clock change.
pub(super) fn empty_months(first: Month, last: Month, minutes: u16, zone: &TimeZone) -> Intervals {
    empty_days(Window { start: first.first_day(), end: last.window().end }, minutes, zone)
}

fn empty_days(window: Window, minutes: u16, zone: &TimeZone) -> Intervals {
    let change = clock_change_seconds(day_start(window.start, zone), day_start(window.end, zone), zone) / 60;
    let fits = |minutes: u16| change.is_multiple_of(u64::from(minutes));
    let minutes = if fits(minutes) { minutes } else { [30, 15, 5].into_iter().find(|step| fits(*step)).unwrap_or(5) };
    Intervals::empty(zone, minutes, window.start, window.days() as u32)
}

/// The days of `window`, as indices.
pub(super) fn days_of(intervals: &Intervals, window: Window) -> std::ops::Range<u32> {
    let day = |date: Date| (days_between(intervals.first_day, date).max(0) as u32).min(intervals.days());
    day(window.start)..day(window.end)
}

/// The steps of a range of days.
pub(super) fn steps_of(intervals: &Intervals, days: std::ops::Range<u32>) -> std::ops::Range<usize> {
    intervals.day_offsets[days.start as usize] as usize..intervals.day_offsets[days.end as usize] as usize
}

pub(super) fn is_weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Rounded half away from zero, without the library call that `f64::round` is.
#[inline]
fn nearest(value: f64) -> i64 {
    let whole = value as i64;
    // Exact: the two are within one of each other.
    let left = value - whole as f64;
    whole + i64::from(left >= 0.5) - i64::from(left <= -0.5)
}

/// Shares out `whole` in proportion to the weights (not negative), evenly when all are zero. The remainder is carried
/// from step to step, so the steps add up to `whole` exactly.
pub(super) fn apportion(whole: Energy, weights: &[i64], steps: &mut [Energy]) {
    let total: i64 = weights.iter().sum();
    let whole = whole.mwh_thousandths();
    let even = total == 0;
    let per_weight = whole as f64 / if even { weights.len() as f64 } else { total as f64 };
    let (mut cumulated, mut given) = (0i64, 0i64);
    for (step, weight) in steps.iter_mut().zip(weights) {
        cumulated += if even { 1 } else { *weight };
        let due = nearest(cumulated as f64 * per_weight).min(whole);
        *step = Energy::from_mwh_thousandths(due - given);
        given = due;
    }
    // Rounding in floating point can leave the last milliwatt-hours over.
    if let Some(last) = steps.last_mut() {
        *last += Energy::from_mwh_thousandths(whole - given);
    }
}
