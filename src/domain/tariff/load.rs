//! A household's usage ready to be priced: running sums of its readings, cut into billing windows.
//!
//! With running sums, the energy of any clock segment of any day is one subtraction, so a schedule is folded into
//! (window x period) totals in a few lookups a day, whatever the resolution of the readings.

use crate::domain::calendar::{LocalDay, Stretch, Window, days_between};
use crate::domain::tariff::model::Register;
use crate::domain::tariff::points::Frame;
use crate::domain::tariff::schedule::{DayResolver, NO_PERIOD, Schedule};
use crate::domain::units::Energy;
use crate::domain::usage::readings::Intervals;
use jiff::civil::Date;

const REGISTERS: [Register; 3] = [Register::Import, Register::Export, Register::Controlled];

/// Readings, or bare totals, by billing window.
#[derive(Debug, Clone)]
pub struct Load {
    windows: Vec<Window>,
    frames: Vec<Frame>,
    /// Energy per register and window.
    totals: [Vec<Energy>; 3],
    readings: Option<Readings>,
}

#[derive(Debug, Clone)]
pub(super) struct Readings {
    pub minutes: u16,
    pub first_day: Date,
    /// Seconds since 1970 UTC of the first step.
    pub start: i64,
    pub days: Vec<LoadDay>,
    /// Running sums in mWh per register; one entry more than steps, empty where the register has no readings.
    pub sums: [Vec<i64>; 3],
}

#[derive(Debug, Clone)]
pub(super) struct LoadDay {
    pub date: Date,
    pub offset: u32,
    /// Set on the days the clocks change.
    pub unusual: Option<Box<LocalDay>>,
}

impl Load {
    /// Windows must be ascending, not overlap and lie inside the readings; days outside count as no energy.
    pub fn from_intervals(intervals: &Intervals, windows: &[Window]) -> Load {
        let mut date = intervals.first_day;
        let mut days = Vec::with_capacity(intervals.days() as usize);
        for n in 0..intervals.days() {
            let range = intervals.day_range(n);
            let plain = range.len() * usize::from(intervals.minutes) == 1440;
            let unusual = (!plain).then(|| Box::new(LocalDay::of(date, &intervals.zone)));
            days.push(LoadDay { date, offset: range.start as u32, unusual });
            date = date.tomorrow().unwrap_or(date);
        }
        let readings = Readings {
            minutes: intervals.minutes,
            first_day: intervals.first_day,
            start: intervals.start(),
            days,
            sums: REGISTERS.map(|register| running_sums(intervals.values(register))),
        };
        let totals = REGISTERS.map(|register| {
            windows.iter().map(|window| readings.energy(register, readings.day_range(*window))).collect()
        });
        Load { windows: windows.to_vec(), frames: frames(windows), totals, readings: Some(readings) }
    }

    /// Import totals only: a tariff whose price depends on the hour or the day is refused.
    pub fn from_totals(totals: &[(Window, Energy)]) -> Load {
        let none = vec![Energy::ZERO; totals.len()];
        let windows: Vec<Window> = totals.iter().map(|(window, _)| *window).collect();
        Load {
            frames: frames(&windows),
            windows,
            totals: [totals.iter().map(|(_, energy)| *energy).collect(), none.clone(), none],
            readings: None,
        }
    }

    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    pub(super) fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// A register's energy in each window.
    pub fn totals(&self, register: Register) -> &[Energy] {
        &self.totals[register as usize]
    }

    pub(super) fn readings(&self) -> Option<&Readings> {
        self.readings.as_ref()
    }

    /// Energy per piece (outer) and period (inner) of a schedule; `None` when bare totals cannot tell.
    pub(super) fn fold(&self, schedule: &Schedule, register: Register, pieces: &[Window]) -> Option<Vec<i64>> {
        if schedule.is_always() && pieces == self.windows {
            return Some(self.totals(register).iter().map(|energy| energy.mwh_thousandths()).collect());
        }
        let Some(readings) = &self.readings else {
            return schedule
                .is_always()
                .then(|| pieces.iter().map(|piece| self.even_share(register, *piece)).collect());
        };
        let periods = schedule.periods();
        let mut sums = vec![0i64; pieces.len() * periods];
        if readings.sums[register as usize].is_empty() {
            return Some(sums);
        }
        let mut resolver = readings.resolver(schedule);
        for (piece, sums) in pieces.iter().zip(sums.chunks_exact_mut(periods)) {
            for day in &readings.days[readings.day_range(*piece)] {
                readings.add_day(day, register, &mut resolver, |period, energy| {
                    if period != NO_PERIOD {
                        sums[usize::from(period)] += energy;
                    }
                });
            }
        }
        Some(sums)
    }

    /// A piece's share of its window's total, as if every day used the same; the pieces of a window sum to it.
    fn even_share(&self, register: Register, piece: Window) -> i64 {
        let shares = self.windows.iter().zip(self.totals(register)).filter_map(|(window, total)| {
            let cut = window.overlap(piece)?;
            let until = |date| total.scale(days_between(window.start, date), window.days()).mwh_thousandths();
            Some(until(cut.end) - until(cut.start))
        });
        shares.sum()
    }
}

fn frames(windows: &[Window]) -> Vec<Frame> {
    windows.iter().copied().map(Frame::of).collect()
}

fn running_sums(values: &[Energy]) -> Vec<i64> {
    if values.is_empty() {
        return Vec::new();
    }
    let mut sums = Vec::with_capacity(values.len() + 1);
    let mut total = 0;
    sums.push(0);
    sums.extend(values.iter().map(|value| {
        total += value.mwh_thousandths();
        total
    }));
    sums
}

impl Readings {
    pub fn resolver<'a>(&self, schedule: &'a Schedule) -> DayResolver<'a> {
        let last = self.days.last().map_or(self.first_day, |day| day.date);
        DayResolver::new(schedule, self.first_day, last)
    }

    /// Indices of the days of a window.
    pub fn day_range(&self, window: Window) -> std::ops::Range<usize> {
        let index = |date| days_between(self.first_day, date).clamp(0, self.days.len() as i64) as usize;
        index(window.start)..index(window.end).max(index(window.start))
    }

    fn energy(&self, register: Register, days: std::ops::Range<usize>) -> Energy {
        let sums = &self.sums[register as usize];
        let Some(last) = sums.len().checked_sub(1) else { return Energy::ZERO };
        let step = |day: usize| self.days.get(day).map_or(last, |day| day.offset as usize);
        Energy::from_mwh_thousandths(sums[step(days.end)] - sums[step(days.start)])
    }

    /// Calls `add` with the energy of each clock segment of a day, those without a period too, in the order of time.
    pub fn add_day(
        &self,
        day: &LoadDay,
        register: Register,
        resolver: &mut DayResolver<'_>,
        mut add: impl FnMut(u8, i64),
    ) {
        const PLAIN: [Stretch; 1] = [Stretch { elapsed: 0, clock: 0, minutes: 1440 }];
        let sums = &self.sums[register as usize];
        let segments = resolver.day(day.date);
        let stretches = day.unusual.as_ref().map_or(&PLAIN[..], |local| &local.stretches);
        for stretch in stretches {
            let end = stretch.clock + stretch.minutes;
            for segment in segments {
                let (from, to) = (segment.from.max(stretch.clock), segment.to.min(end));
                if from < to {
                    let elapsed = |clock: u16| u32::from(clock - stretch.clock + stretch.elapsed);
                    let energy =
                        self.until(sums, day.offset, elapsed(to)) - self.until(sums, day.offset, elapsed(from));
                    add(segment.period, energy);
                }
            }
        }
    }

    /// The running sum at a minute of a day; inside a step it grows evenly.
    #[inline]
    pub fn until(&self, sums: &[i64], offset: u32, minute: u32) -> i64 {
        let minutes = u32::from(self.minutes);
        let step = (offset + minute / minutes) as usize;
        let inside = minute % minutes;
        if inside == 0 {
            return sums[step];
        }
        sums[step] + (sums[step + 1] - sums[step]) * i64::from(inside) / i64::from(minutes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::{Month, calendar_windows};
    use crate::domain::tariff::model::When;
    use crate::domain::tariff::schedule::Rules;
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    fn schedule(from: &str, to: &str) -> Schedule {
        let when: When = serde_json::from_value(serde_json::json!({"from": from, "to": to})).expect("a window");
        Schedule::new(Rules { gates: vec![], rules: vec![Some(when), None], holidays: None })
    }

    /// 15-minute readings of 1 Wh each over the two days of the clock changes of 2022 in Chicago.
    fn one_wh_a_step(first: Date, days: u32) -> Intervals {
        let zone = TimeZone::get("America/Chicago").expect("the zone is compiled in");
        let mut intervals = Intervals::empty(&zone, 15, first, days);
        intervals.import.fill(Energy::from_wh(1));
        intervals
    }

    #[test]
    fn clock_changes_move_energy_between_periods_but_lose_none() {
        for (first, expected) in [(date(2022, 3, 13), (4, 88)), (date(2022, 11, 6), (12, 88))] {
            let intervals = one_wh_a_step(first, 1);
            let window = intervals.window();
            let load = Load::from_intervals(&intervals, &[window]);
            let fold = load.fold(&schedule("01:00", "03:00"), Register::Import, &[window]).expect("readings are held");
            assert_eq!((fold[0] / 1_000, fold[1] / 1_000), expected, "{first}");
        }
    }

    #[test]
    fn an_edge_inside_a_step_splits_it_and_loses_nothing() {
        let mut intervals = Intervals::empty(&TimeZone::UTC, 60, date(2026, 1, 1), 31);
        intervals.import.fill(Energy::from_mwh_thousandths(1_001));
        let windows = calendar_windows(Month::new(2026, 1).expect("a month"), 1);
        let load = Load::from_intervals(&intervals, &windows);
        let fold = load.fold(&schedule("06:20", "06:50"), Register::Import, &windows).expect("readings are held");
        assert_eq!(fold.iter().sum::<i64>(), 31 * 24 * 1_001);
        assert_eq!(fold[0], 31 * (1_001 * 50 / 60 - 1_001 * 20 / 60));
    }

    #[test]
    fn bare_totals_cannot_tell_the_hour() {
        let windows = calendar_windows(Month::new(2026, 1).expect("a month"), 1);
        let load = Load::from_totals(&[(windows[0], Energy::from_whole_kwh(900))]);
        assert_eq!(load.fold(&schedule("06:00", "07:00"), Register::Import, &windows), None);
    }
}
