//! Calendar months out of any reading set: energy, and how much of the month it covers.

use crate::domain::calendar::{Month, Window};
use crate::domain::units::Energy;
use crate::domain::usage::readings::{DayReading, Intervals, MonthReading, PeriodReading, Quality, ReadingSet};
use jiff::civil::Date;

/// What is known of one calendar month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ObservedMonth {
    pub month: Month,
    /// Import energy of the covered days.
    pub energy: Energy,
    /// Export energy of the covered days; zero when the meter has no such register.
    pub export: Energy,
    /// Days of the month that were read, in parts of days.
    pub observed_days: f64,
    /// Of them, days the utility estimated.
    pub estimated_days: f64,
    /// Days we filled.
    pub filled_days: f64,
    /// What most of the month is.
    pub quality: Quality,
}

impl ObservedMonth {
    fn blank(month: Month) -> Self {
        ObservedMonth {
            month,
            energy: Energy::ZERO,
            export: Energy::ZERO,
            observed_days: 0.0,
            estimated_days: 0.0,
            filled_days: 0.0,
            quality: Quality::Missing,
        }
    }

    /// Days with a value, read or filled.
    pub fn covered_days(&self) -> f64 {
        self.observed_days + self.filled_days
    }

    /// The share of the month with a value, 0..=1.
    pub fn coverage(&self) -> f64 {
        (self.covered_days() / f64::from(self.month.days())).min(1.0)
    }

    /// Energy per covered day, mWh.
    pub fn per_day(&self) -> f64 {
        let days = self.covered_days();
        if days > 0.0 { self.energy.mwh_thousandths() as f64 / days } else { 0.0 }
    }

    /// The whole month at the rate of its covered days.
    pub fn full(&self) -> Energy {
        let days = f64::from(self.month.days());
        if self.covered_days() >= days {
            return self.energy;
        }
        Energy::from_mwh_thousandths((self.per_day() * days).round() as i64)
    }

    fn add(&mut self, energy: Energy, days: f64, quality: Quality) {
        self.energy += energy;
        match quality {
            Quality::Actual => self.observed_days += days,
            Quality::Estimated => {
                self.observed_days += days;
                self.estimated_days += days;
            }
            Quality::Filled => self.filled_days += days,
            Quality::Missing => {}
        }
    }

    fn judged(mut self) -> Self {
        let days = f64::from(self.month.days());
        let shares = [
            (Quality::Actual, self.observed_days - self.estimated_days),
            (Quality::Estimated, self.estimated_days),
            (Quality::Filled, self.filled_days),
            (Quality::Missing, days - self.covered_days()),
        ];
        let mut most = shares[0];
        for share in &shares[1..] {
            if share.1 > most.1 {
                most = *share;
            }
        }
        self.quality = most.0;
        self
    }
}

impl ReadingSet {
    /// The calendar months touched, ascending and distinct. A billing period that crosses a month's end is split by
    /// days; the parts add up to the period.
    pub fn monthly(&self) -> Vec<ObservedMonth> {
        let months = match self {
            ReadingSet::Intervals(intervals) => of_intervals(intervals),
            ReadingSet::Days(days) => of_days(days),
            ReadingSet::Months(months) => of_months(months),
            ReadingSet::Periods(periods) => of_periods(periods),
        };
        months.into_iter().map(ObservedMonth::judged).collect()
    }

    /// All imported energy.
    pub fn total(&self) -> Energy {
        match self {
            ReadingSet::Intervals(intervals) => intervals.import.iter().copied().sum(),
            ReadingSet::Days(days) => days.iter().map(|day| day.import).sum(),
            ReadingSet::Months(months) => months.iter().map(|month| month.energy).sum(),
            ReadingSet::Periods(periods) => periods.iter().map(|period| period.energy).sum(),
        }
    }

    /// From the first to the last day held; `None` of an empty set.
    pub fn span(&self) -> Option<Window> {
        let window = |start: Date, last: Date| Window { start, end: last.tomorrow().unwrap_or(last) };
        match self {
            ReadingSet::Intervals(intervals) => (intervals.days() > 0).then(|| intervals.window()),
            ReadingSet::Days(days) => Some(window(days.first()?.date, days.last()?.date)),
            ReadingSet::Months(months) => {
                Some(Window { start: months.first()?.month.window().start, end: months.last()?.month.window().end })
            }
            ReadingSet::Periods(periods) => {
                Some(Window { start: periods.first()?.window.start, end: periods.last()?.window.end })
            }
        }
    }
}

/// The entry of `month`, appended when it is not the last one.
fn entry(months: &mut Vec<ObservedMonth>, month: Month) -> &mut ObservedMonth {
    if months.last().is_none_or(|last| last.month != month) {
        months.push(ObservedMonth::blank(month));
    }
    let last = months.len() - 1;
    &mut months[last]
}

fn of_intervals(intervals: &Intervals) -> Vec<ObservedMonth> {
    let mut months = Vec::new();
    let mut date = intervals.first_day;
    for day in 0..intervals.days() {
        let range = intervals.day_range(day);
        let steps = range.len() as f64;
        let month = entry(&mut months, Month::of(date));
        let mut counts = [0u32; 4];
        for quality in &intervals.quality[range.clone()] {
            counts[*quality as usize] += 1;
        }
        for quality in [Quality::Actual, Quality::Estimated, Quality::Filled] {
            let count = counts[quality as usize];
            if count > 0 {
                month.add(Energy::ZERO, f64::from(count) / steps, quality);
            }
        }
        month.energy += intervals.import[range.clone()].iter().copied().sum();
        month.export += intervals.export.get(range).map_or(Energy::ZERO, |values| values.iter().copied().sum());
        date = date.tomorrow().unwrap_or(date);
    }
    months
}

fn of_days(days: &[DayReading]) -> Vec<ObservedMonth> {
    let mut months = Vec::new();
    for day in days {
        let month = entry(&mut months, Month::of(day.date));
        month.add(day.import, 1.0, day.quality);
        month.export += day.export;
    }
    months
}

fn of_months(readings: &[MonthReading]) -> Vec<ObservedMonth> {
    let mut months = Vec::new();
    for reading in readings {
        entry(&mut months, reading.month).add(reading.energy, f64::from(reading.month.days()), reading.quality);
    }
    months
}

fn of_periods(periods: &[PeriodReading]) -> Vec<ObservedMonth> {
    let mut months = Vec::new();
    for period in periods {
        let (days, whole) = (period.window.days().max(1), period.energy);
        let (mut month, mut given) = (Month::of(period.window.start), Energy::ZERO);
        while let Some(part) = period.window.overlap(month.window()) {
            // What is due up to the part's end less what is given: the parts add up to the period.
            let due = whole.scale(Window { start: period.window.start, end: part.end }.days(), days);
            entry(&mut months, month).add(due - given, part.days() as f64, Quality::Actual);
            given = due;
            if month.plus(1) == month {
                break;
            }
            month = month.plus(1);
        }
    }
    months
}
