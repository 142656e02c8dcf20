//! The expected year in the household's own hours: its typical day per month of the year and kind of day.

use crate::domain::calendar::Month;
use crate::domain::units::Energy;
use crate::domain::usage::readings::{Intervals, Quality};
use crate::domain::usage::shape::{apportion, days_of, empty_months, is_weekend, steps_of};
use jiff::tz::TimeZone;

/// A month of the year with fewer days held borrows the typical days of the nearest one with more.
const MIN_DAYS: u32 = 7;

/// The expected months in steps of the held resolution; the import of each month adds up to it exactly. Export and
/// controlled load follow the typical day as held, not scaled. `None` when no value is held.
pub(super) fn year(held: &Intervals, expected: &[(Month, Energy)], zone: &TimeZone) -> Option<Intervals> {
    let (first, last) = (expected.first()?.0, expected.last()?.0);
    let import = TypicalDays::of(held, &held.import);
    let sources = import.sources()?;
    let others = [&held.export, &held.controlled].map(|values| {
        let typical = TypicalDays::of(held, values);
        (!values.is_empty()).then_some(typical)
    });
    let mut year = empty_months(first, last, held.minutes, zone);
    // Steps are only ever made smaller, and by a whole factor: where the clocks change by half an hour.
    let finer = usize::from((held.minutes / year.minutes).max(1));
    let mut values =
        others.each_ref().map(|typical| vec![Energy::ZERO; typical.as_ref().map_or(0, |_| year.import.len())]);
    let mut weights = Vec::new();
    for &(month, energy) in expected {
        let source = sources[month.index()];
        let days = days_of(&year, month.window());
        weights.clear();
        for day in days.clone() {
            let weekend = is_weekend(year.date(day));
            let begin = year.day_range(day).start;
            for (step, slot) in year.clock_slots(day).into_iter().enumerate() {
                weights.push(import.mean(source, weekend, slot / finer));
                for (values, typical) in values.iter_mut().zip(&others) {
                    if let Some(typical) = typical {
                        let mean = typical.mean(source, weekend, slot / finer) / finer as i64;
                        values[begin + step] = Energy::from_mwh_thousandths(mean);
                    }
                }
            }
        }
        let range = steps_of(&year, days);
        year.quality[range.clone()].fill(Quality::Filled);
        apportion(energy, &weights, &mut year.import[range]);
    }
    [year.export, year.controlled] = values;
    Some(year)
}

/// Mean steps of the day by month of the year and kind of day.
struct TypicalDays {
    slots: usize,
    /// By month, kind of day (weekday, weekend) and slot.
    means: Vec<i64>,
    /// Days held, by month and kind of day.
    days: [[u32; 2]; 12],
}

impl TypicalDays {
    fn of(held: &Intervals, values: &[Energy]) -> TypicalDays {
        let slots = usize::from(1440 / held.minutes);
        let mut typical = TypicalDays { slots, means: vec![0; 24 * slots], days: [[0; 2]; 12] };
        if values.is_empty() {
            return typical;
        }
        let mut counts = vec![0i64; 24 * slots];
        let mut date = held.first_day;
        for day in 0..held.days() {
            let (month, kind) = (Month::of(date).index(), usize::from(is_weekend(date)));
            let base = (month * 2 + kind) * slots;
            let range = held.day_range(day);
            let mut any = false;
            let mut add = |index: usize, slot: usize| {
                if held.quality[index] != Quality::Missing {
                    typical.means[base + slot] += values[index].mwh_thousandths();
                    counts[base + slot] += 1;
                    any = true;
                }
            };
            if held.is_plain_day(day) {
                range.enumerate().for_each(|(slot, index)| add(index, slot));
            } else {
                range.zip(held.clock_slots(day)).for_each(|(index, slot)| add(index, slot));
            }
            typical.days[month][kind] += u32::from(any);
            date = date.tomorrow().unwrap_or(date);
        }
        for (mean, count) in typical.means.iter_mut().zip(counts) {
            if count > 0 {
                *mean = (*mean + count / 2) / count;
            }
        }
        typical
    }

    /// For each month of the year, the month whose typical days stand for it. `None` when no day is held.
    fn sources(&self) -> Option<[usize; 12]> {
        let days = |month: usize| self.days[month][0] + self.days[month][1];
        let most = (0..12).map(days).max().filter(|days| *days > 0)?;
        let enough = MIN_DAYS.min(most);
        Some(std::array::from_fn(|month| {
            (0..=6)
                .flat_map(|away| [(month + 12 - away) % 12, (month + away) % 12])
                .find(|other| days(*other) >= enough)
                .unwrap_or(month)
        }))
    }

    fn mean(&self, month: usize, weekend: bool, slot: usize) -> i64 {
        let kind = usize::from(weekend);
        let kind = if self.days[month][kind] > 0 { kind } else { 1 - kind };
        self.means[(month * 2 + kind) * self.slots + slot.min(self.slots - 1)]
    }
}
