//! Monthly CSV: `month,kwh`, as written by hand or exported from a spreadsheet.
//!
//! Traps:
//! - Excel: byte-order marks and UTF-16, semicolons or tabs, decimal commas, quotes, `Jan-24` for `2024-01`;
//! - `1,234` is a thousand where the file's other numbers say so, and refused where nothing does;
//! - headers have many names (`Billing month`, `Usage (kWh)`), or there is none; year and month may be two columns;
//! - a first of a month as a date stands for its month, in the order of day and month the file shows;
//! - a month twice is a mistake, never added up; a line of totals is no month.

use super::fields::Table;
use super::gather::{Gather, check_count, check_period};
use super::moment::{Order, month};
use super::number::{Unit, parse};
use super::text::Source;
use crate::domain::calendar::Month;
use crate::domain::units::Energy;
use crate::domain::usage::readings::{RawMonth, RawReadings};
use crate::formats::error::{FormatError, Place};
use csv::ByteRecord;
use std::collections::HashMap;

/// Reads all months.
pub fn read(source: Source, gather: &mut Gather) -> Result<RawReadings, FormatError> {
    let mut table = Table::open(source)?;
    let (order, note) = table.order(table.columns.start, 30, &gather.options.zone);
    if let Some(note) = note {
        gather.note(note);
    }
    let unit = energy_unit(&table, gather)?;
    let mut months: Vec<RawMonth> = Vec::new();
    let mut lines: HashMap<Month, u64> = HashMap::new();
    let mut record = ByteRecord::new();
    while let Some(line) = table.next(&mut record)? {
        gather.rows_read += 1;
        let named = |n: usize| Place::line(line).field(table.columns.name(n));
        let start = table.columns.start.unwrap_or(0);
        let text = record.get(start).unwrap_or_default();
        let Some(month) = month_of(text, table.columns.year.and_then(|n| record.get(n)), order) else {
            let shown = String::from_utf8_lossy(text);
            gather.reject(named(start), format!("`{}` is not a month (write YYYY-MM)", clip(&shown)))?;
            continue;
        };
        let text = record.get(table.columns.value).unwrap_or_default();
        let energy = match value(text, unit, &table).and_then(check_period) {
            Ok(energy) => energy,
            Err(reason) => {
                gather.reject(named(table.columns.value), reason)?;
                continue;
            }
        };
        if let Some(first) = lines.get(&month) {
            gather.reject(named(start), format!("{month} is there twice (first on line {first})"))?;
            continue;
        }
        check_count(months.len())?;
        lines.insert(month, line);
        months.push(RawMonth { month, energy, line });
    }
    Ok(RawReadings::Months(months))
}

fn month_of(text: &[u8], year: Option<&[u8]>, order: Order) -> Option<Month> {
    match year {
        None => month(text, order),
        Some(year) => {
            let joined = [year.trim_ascii(), b"-", text.trim_ascii()].concat();
            month(&joined, order).or_else(|| month(text, order))
        }
    }
}

/// The unit of a table of energies; power is refused.
pub fn energy_unit(table: &Table, gather: &mut Gather) -> Result<Unit, FormatError> {
    let unit = table.columns.unit.unwrap_or_else(|| {
        gather.note("The header names no unit: values are taken as kWh.");
        Unit::KWh
    });
    if unit.is_power() {
        let place = Place::FILE.field(table.columns.name(table.columns.value));
        return Err(FormatError::new(place, "kW is power, not energy", "Give the energy of each period in kWh"));
    }
    Ok(unit)
}

/// A field as energy; the error shows the field.
pub fn value(text: &[u8], unit: Unit, table: &Table) -> Result<Energy, String> {
    let number = parse(text, table.sheet.style).map_err(|reason| shown(text, reason))?;
    unit.energy(number)
}

/// `abc` is not a number.
pub fn shown(text: &[u8], reason: &str) -> String {
    let text = text.trim_ascii();
    if text.is_empty() { reason.to_owned() } else { format!("`{}` {reason}", clip(&String::from_utf8_lossy(text))) }
}

/// At most 40 characters of a field, for messages; long runs of digits, which may be a meter's identifier, are masked.
pub fn clip(text: &str) -> String {
    let mut shown: String = text.trim().chars().take(40).collect();
    let longest = shown.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    if longest >= 9 {
        shown = shown.chars().map(|c| if c.is_ascii_digit() { '*' } else { c }).collect();
    }
    shown
}
