//! The hours of the week: mean load per weekday and clock hour, as a heat map shows it.

use crate::domain::usage::readings::{Intervals, Quality, ReadingSet};

/// Mean energy by weekday (Monday first) and clock hour, kWh in that hour; 0 where nothing is held.
#[derive(Debug, Clone, PartialEq)]
pub struct HourOfWeek {
    pub kwh: [[f64; 24]; 7],
}

impl HourOfWeek {
    /// `None` of readings that do not tell the hour.
    pub fn of_readings(set: &ReadingSet) -> Option<HourOfWeek> {
        match set {
            ReadingSet::Intervals(intervals) => Some(HourOfWeek::of(intervals)),
            ReadingSet::Days(_) | ReadingSet::Months(_) | ReadingSet::Periods(_) => None,
        }
    }

    /// Of the import register; missing steps do not count.
    pub fn of(intervals: &Intervals) -> HourOfWeek {
        let (mut sums, mut steps) = ([[0i64; 24]; 7], [[0u32; 24]; 7]);
        let mut weekday = intervals.first_day.weekday().to_monday_zero_offset() as usize;
        let per_hour = usize::from(60 / intervals.minutes);
        for day in 0..intervals.days() {
            let range = intervals.day_range(day);
            for (index, slot) in range.zip(intervals.clock_slots(day)) {
                if intervals.quality[index] != Quality::Missing {
                    sums[weekday][slot / per_hour] += intervals.import[index].mwh_thousandths();
                    steps[weekday][slot / per_hour] += 1;
                }
            }
            weekday = (weekday + 1) % 7;
        }
        let mut kwh = [[0.0; 24]; 7];
        for ((row, sums), steps) in kwh.iter_mut().zip(sums).zip(steps) {
            for ((value, sum), steps) in row.iter_mut().zip(sums).zip(steps) {
                if steps > 0 {
                    *value = sum as f64 / 1e6 / f64::from(steps) * per_hour as f64;
                }
            }
        }
        HourOfWeek { kwh }
    }

    /// The share of a mean day's energy in each clock hour; sums to 1, or to 0 when there is no use.
    pub fn day_shape(&self) -> [f64; 24] {
        let mut shape = [0.0; 24];
        for row in &self.kwh {
            for (share, kwh) in shape.iter_mut().zip(row) {
                *share += kwh;
            }
        }
        let total: f64 = shape.iter().sum();
        if total > 0.0 {
            for share in &mut shape {
                *share /= total;
            }
        }
        shape
    }
}
