//! Bare values: a year of average kW, one a line, as load simulators write it.
//!
//! Traps:
//! - there are no dates: the count tells the step (8,760 hours, 17,520 half-hours, 35,040 quarter-hours; 24 hours more in a
//!   leap year) and the caller the first day (without one, 2025-01-01, or 2024-01-01 for a leap year);
//! - a value is average power: a 15-minute file adds up to four times its kWh. Power becomes energy with the rounded part
//!   carried to the next value, so the year's total is exact;
//! - such a year has no daylight saving: values follow elapsed time from the first local midnight;
//! - there may be a header line; values that sum to 1 are a normalised shape, not usage, and refused.

use super::gather::{Gather, check_interval};
use super::monthly::shown;
use super::number::{Unit, parse};
use super::text::{Sheet, Source};
use super::{DEFAULT_HOURLY_START, fields};
use crate::domain::calendar::day_start;
use crate::domain::tariff::model::Register;
use crate::domain::units::Energy;
use crate::domain::usage::reading_log::ReadingLog;
use crate::domain::usage::readings::{Quality, RawReading, RawReadings};
use crate::formats::error::{FormatError, Place};
use csv::ByteRecord;

/// 15-minute values of a leap year.
const MOST: usize = 35_136;

/// Reads all values.
pub fn read(source: Source, gather: &mut Gather) -> Result<RawReadings, FormatError> {
    let sheet = Sheet::of(source.start());
    let mut records = source.records(&sheet);
    let mut record = ByteRecord::new();
    let mut values: Vec<(u64, f64)> = Vec::new();
    let mut unit = Unit::KW;
    while let Some(line) = records.next(&mut record)? {
        let text = record.get(0).unwrap_or_default();
        if text.trim_ascii().is_empty() {
            continue;
        }
        if values.is_empty() && gather.rows_read == 0 {
            let header = String::from_utf8_lossy(text);
            if !fields::is_value(&header) {
                unit = named_unit(&header)?;
                continue;
            }
        }
        gather.rows_read += 1;
        if values.len() == MOST {
            return Err(wrong_count("more than 35,136"));
        }
        match parse(text, sheet.style) {
            Ok(value) => values.push((line, value)),
            Err(reason) => gather.reject(Place::line(line), shown(text, reason))?,
        }
    }
    if gather.has_rejections() {
        // A year with holes in it cannot be placed on the calendar, not even in part.
        values.clear();
    } else if !values.is_empty() {
        let sum: f64 = values.iter().map(|(_, value)| value).sum();
        if (sum - 1.0).abs() < 1e-3 && values.len() >= 8_760 {
            let remedy = "Multiply every value by the household's kWh a year";
            return Err(FormatError::file("the values sum to 1: this is a normalised shape, not usage", remedy));
        }
    }
    place(&values, unit, gather).map(RawReadings::Intervals)
}

/// The unit of a header line; without one, kW.
fn named_unit(header: &str) -> Result<Unit, FormatError> {
    match Unit::named(header) {
        None => Ok(Unit::KW),
        Some(Ok(unit)) => Ok(unit),
        Some(Err(unit)) => {
            let reason = format!("the values are in {unit}, which is not electrical energy");
            Err(FormatError::new(Place::line(1), reason, "Give average kW or kWh"))
        }
    }
}

fn wrong_count(count: &str) -> FormatError {
    let reason = format!("the file has {count} values, which is no year of hours, half-hours or quarter-hours");
    FormatError::file(reason, "Give 8,760, 17,520 or 35,040 values (8,784, 17,568 or 35,136 in a leap year)")
}

fn place(values: &[(u64, f64)], unit: Unit, gather: &mut Gather) -> Result<ReadingLog, FormatError> {
    let (seconds, is_leap) = match values.len() {
        0 => return Ok(ReadingLog::new()),
        8_760 | 8_784 => (3_600, values.len() == 8_784),
        17_520 | 17_568 => (1_800, values.len() == 17_568),
        35_040 | 35_136 => (900, values.len() == 35_136),
        other => return Err(wrong_count(&other.to_string())),
    };
    let first_day = gather.options.start.unwrap_or_else(|| {
        let day = DEFAULT_HOURLY_START[usize::from(is_leap)];
        gather.note(format!("The values carry no dates: they are taken to start on {day}."));
        day
    });
    if unit == Unit::KW {
        gather.note("The values are taken as average kW.");
    }
    let start = day_start(first_day, &gather.options.zone);
    let mut readings = ReadingLog::new();
    // In milliwatt-hours: the sum so far, and what of it has been given out in whole ones.
    let (mut exact, mut given) = (0.0f64, 0i64);
    for (n, (line, value)) in values.iter().enumerate() {
        let energy = unit.energy(*value).map(|_| {
            let per_hour = match unit {
                Unit::KW | Unit::KWh => value * 1e6,
                Unit::W | Unit::Wh => value * 1e3,
                Unit::MWh => value * 1e9,
            };
            exact += if unit.is_power() { per_hour * f64::from(seconds) / 3_600.0 } else { per_hour };
            let energy = Energy::from_mwh_thousandths(exact.round() as i64 - given);
            given += energy.mwh_thousandths();
            energy
        });
        match energy.and_then(|energy| check_interval(energy, seconds)) {
            Ok(energy) => readings.push(RawReading {
                start: start + i64::from(seconds) * n as i64,
                seconds,
                register: Register::Import,
                energy,
                quality: Quality::Actual,
                revision: 0,
                line: *line,
            }),
            Err(reason) => gather.reject(Place::line(*line), reason)?,
        }
    }
    Ok(readings)
}
