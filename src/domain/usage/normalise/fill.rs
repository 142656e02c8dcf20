//! Gaps filled with what is typical: the same hour of the week nearby, else the same hour of the days nearby.

use super::grid::is_read;
use crate::domain::units::{Energy, div_round};
use crate::domain::usage::readings::{Intervals, Quality};

/// Days away at which the same hour of the week is looked for: four weeks either way, so that a gap in summer is
/// never filled with winter.
const SAME_WEEKDAY: [i64; 8] = [-7, 7, -14, 14, -21, 21, -28, 28];
/// Days away at which the same hour is looked for when no such week is held.
const NEAR_DAYS: [i64; 6] = [-1, 1, -2, 2, -3, 3];

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filled {
    pub steps: u64,
    /// Steps for which nothing typical is known.
    pub missing: u64,
    /// Import energy filled in.
    pub energy: Energy,
}

/// Fills `Missing` steps and marks them `Filled`; other registers are filled where the import register is.
pub(super) fn fill(intervals: &mut Intervals) -> Filled {
    let mut filled = Filled::default();
    let plain = usize::from(1440 / intervals.minutes);
    let mut found = Vec::with_capacity(SAME_WEEKDAY.len());
    for day in 0..intervals.days() {
        let range = intervals.day_range(day);
        if !intervals.quality[range.clone()].contains(&Quality::Missing) {
            continue;
        }
        let slots = (range.len() != plain).then(|| intervals.clock_slots(day));
        for index in range.clone() {
            if intervals.quality[index] != Quality::Missing {
                continue;
            }
            let step = index - range.start;
            let slot = slots.as_ref().map_or(step, |slots| slots[step]);
            typical(intervals, day, slot, &mut found);
            if found.is_empty() {
                filled.missing += 1;
                continue;
            }
            intervals.import[index] = mean(&intervals.import, &found);
            for register in [&mut intervals.export, &mut intervals.controlled] {
                if register.get(index).is_some_and(|energy| energy.is_zero()) {
                    register[index] = mean(register, &found);
                }
            }
            intervals.quality[index] = Quality::Filled;
            filled.steps += 1;
            filled.energy += intervals.import[index];
        }
    }
    filled
}

/// Collects the steps read at the same clock time on comparable days.
fn typical(intervals: &Intervals, day: u32, slot: usize, found: &mut Vec<usize>) {
    let plain = usize::from(1440 / intervals.minutes);
    let days = i64::from(intervals.days());
    let step_at = |away: i64| {
        let other = i64::from(day) + away;
        if !(0..days).contains(&other) {
            return None;
        }
        let range = intervals.day_range(other as u32);
        // A day of 23 or 25 hours is no model for others.
        let index = range.start + slot;
        (range.len() == plain && index < range.end && is_read(intervals.quality[index])).then_some(index)
    };
    found.clear();
    found.extend(SAME_WEEKDAY.into_iter().filter_map(step_at));
    if found.is_empty() {
        found.extend(NEAR_DAYS.into_iter().filter_map(step_at));
    }
}

fn mean(values: &[Energy], steps: &[usize]) -> Energy {
    let sum: i128 = steps.iter().map(|step| i128::from(values[*step].mwh_thousandths())).sum();
    Energy::from_mwh_thousandths(div_round(sum, steps.len() as i128) as i64)
}
