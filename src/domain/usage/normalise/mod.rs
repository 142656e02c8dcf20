//! From readings as a file states them to whole local days without duplicates: report everything, hide nothing.

mod days;
mod fill;
mod findings;
mod grid;
mod intervals;
mod months;
mod partial;

pub(super) use findings::quantile;
pub(super) use grid::clock_change_seconds;
pub use partial::normalise_partial;

use crate::domain::units::Energy;
use crate::domain::usage::readings::{RawReadings, ReadingSet};
use crate::domain::usage::report::{Listed, NormaliseReport, SetKind};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The longest stretch of time one set may cover: a wrong year in one row must not make millions of empty steps.
pub const MAX_DAYS: i64 = 20 * 366;
/// The largest single reading: ten times what any household uses in a month is still far below it.
pub const MAX_READING: Energy = Energy::from_whole_kwh(1_000_000);
/// The first and last year a reading may lie in.
pub const YEARS: std::ops::RangeInclusive<i16> = 1970..=2199;

/// Why readings cannot be used. Lines are those of the file, from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NormaliseError {
    #[error("there is no reading in it: give at least one row with a value")]
    Empty,
    #[error(
        "there are only export or controlled-load readings in it: give the readings of the energy taken from the grid as well"
    )]
    NoImport,
    #[error(
        "line {line}: {energy} is negative: usage is never below zero, and energy sent to the grid belongs in its own export register"
    )]
    Negative { line: u64, energy: Energy },
    #[error("line {line}: {energy} in one reading is more than {MAX_READING}: check the unit (Wh given as kWh?)")]
    TooLarge { line: u64, energy: Energy },
    #[error("line {line}: the reading ends where it starts: give it a length")]
    NoLength { line: u64 },
    #[error("line {line}: the date is outside the years 1970 to 2199: check the date format")]
    OutOfRange { line: u64 },
    #[error(
        "lines {first_line} and {second_line} state overlapping times of different length: keep one of them, or import them as two files"
    )]
    Overlap { first_line: u64, second_line: u64 },
    #[error("lines {first_line} and {second_line} both state {what}: keep one of them")]
    Repeated { what: String, first_line: u64, second_line: u64 },
    #[error(
        "line {short_line} is shorter than a day and line {long_line} is a day or longer: import interval readings and daily or billing totals as two files"
    )]
    MixedLengths { short_line: u64, long_line: u64 },
    #[error("the readings run from {first} to {last}, more than 20 years: check the dates of the first and last rows")]
    TooLong { first: Date, last: Date },
    #[error("the readings add up to more than {} kWh: check the unit (Wh given as kWh?)", Energy::MAX_KWH)]
    TooMuch,
}

impl NormaliseError {
    /// The line to look at first.
    pub const fn line(&self) -> Option<u64> {
        match self {
            NormaliseError::Negative { line, .. }
            | NormaliseError::TooLarge { line, .. }
            | NormaliseError::NoLength { line }
            | NormaliseError::OutOfRange { line } => Some(*line),
            NormaliseError::Overlap { second_line, .. } | NormaliseError::Repeated { second_line, .. } => {
                Some(*second_line)
            }
            NormaliseError::MixedLengths { long_line, .. } => Some(*long_line),
            NormaliseError::Empty
            | NormaliseError::NoImport
            | NormaliseError::TooLong { .. }
            | NormaliseError::TooMuch => None,
        }
    }
}

/// Normalises raw readings. Local days are those of `zone`.
pub fn normalise(raw: RawReadings, zone: &TimeZone) -> Result<(ReadingSet, NormaliseReport), NormaliseError> {
    match raw {
        RawReadings::Intervals(readings) => intervals::normalise(readings, zone),
        RawReadings::Days(days) => days::normalise(days),
        RawReadings::Months(months) => months::normalise_months(months),
        RawReadings::Periods(periods) => months::normalise_periods(periods),
    }
}

/// Adds up a register, refusing what no household can use.
fn total(values: impl Iterator<Item = Energy>) -> Result<Energy, NormaliseError> {
    let sum: i128 = values.map(|energy| i128::from(energy.mwh_thousandths())).sum();
    if sum > i128::from(Energy::MAX_KWH) * 1_000_000 {
        return Err(NormaliseError::TooMuch);
    }
    Ok(Energy::from_mwh_thousandths(sum as i64))
}

fn check_energy(energy: Energy, line: u64) -> Result<(), NormaliseError> {
    if energy.is_negative() {
        return Err(NormaliseError::Negative { line, energy });
    }
    if energy > MAX_READING {
        return Err(NormaliseError::TooLarge { line, energy });
    }
    Ok(())
}

fn check_date(date: Date, line: u64) -> Result<(), NormaliseError> {
    if YEARS.contains(&date.year()) { Ok(()) } else { Err(NormaliseError::OutOfRange { line }) }
}

/// A report with nothing found yet.
fn blank(kind: SetKind, rows: u64, first_date: Date, last_date: Date) -> NormaliseReport {
    NormaliseReport {
        kind,
        resolution_minutes: None,
        first_date,
        last_date,
        rows,
        accepted: 0,
        duplicates: 0,
        empty: 0,
        estimated: 0,
        gaps: Listed::default(),
        filled: 0,
        missing: 0,
        zero_runs: Listed::default(),
        outliers: Listed::default(),
        clock_changes: Vec::new(),
        dropped_days: Vec::new(),
        total_kwh: Energy::ZERO,
        filled_kwh: Energy::ZERO,
        export_kwh: None,
        controlled_kwh: None,
        notes: Vec::new(),
    }
}
