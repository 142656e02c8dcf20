//! Readings, raw as a file states them and normalised as everything else uses them.

use crate::domain::calendar::{LocalDay, Month, Window, day_start, unusual_days};
use crate::domain::tariff::model::Register;
use crate::domain::units::Energy;
use crate::domain::usage::reading_log::ReadingLog;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// How a value came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Quality {
    #[default]
    Actual,
    /// Estimated or substituted by the utility.
    Estimated,
    /// Not in the data: filled by us with what is typical for the hour of the week.
    Filled,
    /// Not in the data and not filled (counts as zero energy).
    Missing,
}

/// One value of a meter file, in file order. `start` is an instant, so it has no daylight-saving trap left in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawReading {
    /// Seconds since 1970 UTC.
    pub start: i64,
    pub seconds: u32,
    pub register: Register,
    pub energy: Energy,
    pub quality: Quality,
    /// Orders several values for one interval: the highest wins, then the last in the file.
    pub revision: i64,
    /// Line (or record) of the file, from 1.
    pub line: u64,
}

/// What a usage file holds before it is normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawReadings {
    /// Values shorter than a day.
    Intervals(ReadingLog),
    Days(Vec<RawDay>),
    Months(Vec<RawMonth>),
    Periods(Vec<RawPeriod>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawDay {
    pub date: Date,
    pub register: Register,
    pub energy: Energy,
    pub quality: Quality,
    pub line: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawMonth {
    pub month: Month,
    pub energy: Energy,
    pub line: u64,
}

/// A billing period; `window.end` is the first day after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawPeriod {
    pub window: Window,
    pub energy: Energy,
    pub line: u64,
}

/// Normalised usage: whole local days, no duplicates, gaps known.
#[derive(Debug, Clone, PartialEq)]
pub enum ReadingSet {
    Intervals(Intervals),
    Days(Vec<DayReading>),
    Months(Vec<MonthReading>),
    Periods(Vec<PeriodReading>),
}

/// Ascending and distinct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayReading {
    pub date: Date,
    pub import: Energy,
    pub export: Energy,
    pub quality: Quality,
}

/// Ascending and distinct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthReading {
    pub month: Month,
    pub energy: Energy,
    pub quality: Quality,
}

/// Ascending, not overlapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeriodReading {
    pub window: Window,
    pub energy: Energy,
}

/// Equal steps over whole local days, in elapsed time: a day the clocks change has 23 or 25 hours of steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Intervals {
    pub zone: TimeZone,
    /// Minutes of one step: a divisor of 60.
    pub minutes: u16,
    pub first_day: Date,
    /// Index of each day's first step; one entry more than days.
    pub day_offsets: Vec<u32>,
    pub import: Vec<Energy>,
    /// Empty when the meter has none.
    pub export: Vec<Energy>,
    /// Empty when the meter has none.
    pub controlled: Vec<Energy>,
    /// Of the import values.
    pub quality: Vec<Quality>,
}

impl Intervals {
    /// Steps of zero energy, all `Missing`, for `days` local days from `first_day`.
    pub fn empty(zone: &TimeZone, minutes: u16, first_day: Date, days: u32) -> Self {
        let mut day_offsets = Vec::with_capacity(days as usize + 1);
        let mut offset = 0u32;
        let mut unusual = unusual_days(first_day, days, zone).into_iter().peekable();
        day_offsets.push(0);
        for day in 0..days {
            let minutes_of_day = unusual.next_if(|(number, _)| *number == day).map_or(1440, |(_, day)| day.minutes);
            offset += u32::from(minutes_of_day / minutes);
            day_offsets.push(offset);
        }
        Intervals {
            zone: zone.clone(),
            minutes,
            first_day,
            day_offsets,
            import: vec![Energy::ZERO; offset as usize],
            export: Vec::new(),
            controlled: Vec::new(),
            quality: vec![Quality::Missing; offset as usize],
        }
    }

    pub fn days(&self) -> u32 {
        self.day_offsets.len() as u32 - 1
    }

    /// The days covered.
    pub fn window(&self) -> Window {
        let end = self.first_day.saturating_add(jiff::Span::new().days(i64::from(self.days())));
        Window { start: self.first_day, end }
    }

    /// Seconds since 1970 UTC of the first step's start.
    pub fn start(&self) -> i64 {
        day_start(self.first_day, &self.zone)
    }

    pub fn values(&self, register: Register) -> &[Energy] {
        match register {
            Register::Import => &self.import,
            Register::Export => &self.export,
            Register::Controlled => &self.controlled,
        }
    }

    /// The steps of the `n`-th day.
    pub fn day_range(&self, n: u32) -> std::ops::Range<usize> {
        self.day_offsets[n as usize] as usize..self.day_offsets[n as usize + 1] as usize
    }

    /// The date of the `n`-th day.
    pub fn date(&self, n: u32) -> Date {
        self.first_day.saturating_add(jiff::Span::new().days(i64::from(n)))
    }

    /// Whether the clocks do not change on the `n`-th day.
    pub fn is_plain_day(&self, n: u32) -> bool {
        self.day_range(n).len() == usize::from(1440 / self.minutes)
    }

    /// For each step of the `n`-th day, which step of a plain day has the same clock time.
    pub fn clock_slots(&self, n: u32) -> Vec<usize> {
        let steps = self.day_range(n).len();
        let slots = usize::from(1440 / self.minutes);
        if steps == slots {
            return (0..slots).collect();
        }
        let day = LocalDay::of(self.date(n), &self.zone);
        (0..steps)
            .map(|step| {
                let elapsed = step as u16 * self.minutes;
                let stretch = day.stretches.iter().rev().find(|stretch| stretch.elapsed <= elapsed);
                let clock = stretch.map_or(elapsed, |stretch| stretch.clock + (elapsed - stretch.elapsed));
                usize::from(clock / self.minutes).min(slots - 1)
            })
            .collect()
    }

    /// Keeps the days `from..to` (counted from the first day) and drops the others.
    pub fn keep_days(&mut self, from: u32, to: u32) {
        let to = to.min(self.days());
        let from = from.min(to);
        let (begin, end) = (self.day_offsets[from as usize], self.day_offsets[to as usize]);
        self.first_day = self.date(from);
        let cut = begin as usize..end as usize;
        for values in [&mut self.import, &mut self.export, &mut self.controlled] {
            if !values.is_empty() {
                values.truncate(cut.end);
                values.drain(..cut.start);
            }
        }
        self.quality.truncate(cut.end);
        self.quality.drain(..cut.start);
        self.day_offsets.truncate(to as usize + 1);
        self.day_offsets.drain(..from as usize);
        for offset in &mut self.day_offsets {
            *offset -= begin;
        }
    }
}
