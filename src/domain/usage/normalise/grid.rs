//! The grid readings are put on: which step fits them, and how a reading is shared among the steps it covers.

use crate::domain::tariff::model::Register;
use crate::domain::units::Energy;
use crate::domain::usage::reading_log::ReadingLog;
use crate::domain::usage::readings::{Intervals, Quality, RawReading};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Steps we keep, minutes; every one divides the hour.
const STEPS: [u16; 6] = [60, 30, 20, 15, 10, 5];

/// The largest step that divides every length, every start (counted from the first local midnight) and every clock
/// change of the readings, so that none has to be cut. When no step does that, the largest that divides the lengths,
/// or else the smallest: readings are then cut at the step's bounds, or added up within it.
pub(super) fn step_minutes(readings: &[ReadingLog], origin: i64, end: i64, zone: &TimeZone) -> u16 {
    let (mut lengths, mut all) = (0u64, clock_change_seconds(origin, end, zone));
    for reading in readings.iter().flatten() {
        lengths = common(lengths, u64::from(reading.seconds));
        all = common(all, u64::from(reading.seconds));
        all = common(all, reading.start.abs_diff(origin));
    }
    fitting(all).or_else(|| fitting(lengths)).unwrap_or(STEPS[STEPS.len() - 1])
}

/// The greatest common divisor of the sizes of all clock changes from `origin` to `end`; 0 when there is none.
pub(in crate::domain::usage) fn clock_change_seconds(origin: i64, end: i64, zone: &TimeZone) -> u64 {
    let Ok(begin) = Timestamp::from_second(origin) else { return 0 };
    let mut offset = zone.to_offset(begin);
    let mut divisor = 0;
    for change in zone.following(begin).take_while(|change| change.timestamp().as_second() < end) {
        divisor = common(divisor, u64::from(offset.seconds().abs_diff(change.offset().seconds())));
        offset = change.offset();
    }
    divisor
}

fn fitting(seconds: u64) -> Option<u16> {
    STEPS.into_iter().find(|step| seconds.is_multiple_of(u64::from(*step) * 60))
}

/// Greatest common divisor; zero is neutral.
fn common(a: u64, b: u64) -> u64 {
    // Nearly every reading agrees with what is found so far.
    if a != 0 && b.is_multiple_of(a) {
        return a;
    }
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// What placing left to report.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Placed {
    /// Readings outside the grid (of registers that run longer than the import register).
    pub outside: u64,
    /// Import steps a reading covers only in part.
    pub partial_steps: u64,
}

/// Puts readings, one log a register, sorted by start and not overlapping, on the steps of `intervals`. The energy of
/// a reading that covers several steps is spread evenly in time, to the last milliwatt-hour.
pub(super) fn place(readings: &[ReadingLog; 3], origin: i64, intervals: &mut Intervals) -> Placed {
    let step = i64::from(intervals.minutes) * 60;
    let steps = intervals.import.len();
    let mut placed = Placed::default();
    for (register, readings) in [Register::Import, Register::Export, Register::Controlled].into_iter().zip(readings) {
        if readings.is_empty() {
            continue;
        }
        let is_import = register == Register::Import;
        // The import register's are there already, all zero.
        let mut values = if is_import { std::mem::take(&mut intervals.import) } else { vec![Energy::ZERO; steps] };
        let mut covered = vec![0u16; if is_import { steps } else { 0 }];
        for reading in readings {
            let offset = reading.start - origin;
            if offset < 0 || (offset + i64::from(reading.seconds) - 1) / step >= steps as i64 {
                placed.outside += 1;
                continue;
            }
            spread(&reading, offset, step, |index, energy, seconds| {
                values[index] += energy;
                if is_import {
                    let before = covered[index];
                    covered[index] += seconds as u16;
                    let quality = &mut intervals.quality[index];
                    *quality = if before == 0 { reading.quality } else { (*quality).max(reading.quality) };
                }
            });
        }
        placed.partial_steps +=
            covered.iter().filter(|seconds| (1..step).contains(&i64::from(**seconds))).count() as u64;
        match register {
            Register::Import => intervals.import = values,
            Register::Export => intervals.export = values,
            Register::Controlled => intervals.controlled = values,
        }
    }
    placed
}

/// Calls `put(step, energy, seconds)` for every step a reading covers.
fn spread(reading: &RawReading, offset: i64, step: i64, mut put: impl FnMut(usize, Energy, i64)) {
    let (length, end) = (i64::from(reading.seconds), offset + i64::from(reading.seconds));
    let first = offset / step;
    if end <= (first + 1) * step {
        put(first as usize, reading.energy, length);
        return;
    }
    let whole = reading.energy.mwh_thousandths();
    let (mut at, mut given) = (offset, 0);
    while at < end {
        let next = ((at / step + 1) * step).min(end);
        let due = (i128::from(whole) * i128::from(next - offset) / i128::from(length)) as i64;
        put((at / step) as usize, Energy::from_mwh_thousandths(due - given), next - at);
        (at, given) = (next, due);
    }
}

/// Whether a step was read (as opposed to filled by us or missing).
pub(super) const fn is_read(quality: Quality) -> bool {
    matches!(quality, Quality::Actual | Quality::Estimated)
}
