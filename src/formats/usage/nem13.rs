//! NEM13, the accumulation meter file of the Australian market: one billing period per 250 record.
//!
//! Traps:
//! - the energy is the stated quantity, not the difference of the reads (meters roll over and are exchanged);
//! - a period runs from the previous to the current read, times of day ignored: the read day begins the next period;
//! - several registers (general and off-peak) of one meter share a period and are added up;
//! - direction `E` is what the grid delivered; `I` is what it took back and is left out with a note;
//! - estimated reads (`E64`) are as good as a bill has; 550 records say nothing of use.

use super::gather::{Gather, check_count, check_period};
use super::moment::{self, Order};
use super::monthly::shown;
use super::number::{Style, Unit, parse};
use super::periods::{MAX_DAYS, refuse_overlaps};
use super::text::{Sheet, Source};
use crate::domain::calendar::Window;
use crate::domain::usage::readings::{RawPeriod, RawReadings};
use crate::formats::error::{FormatError, Place};
use csv::ByteRecord;
use jiff::civil::Date;

// Fields of a 250 record, from 0.
const NMI: usize = 1;
const DIRECTION: usize = 7;
const PREVIOUS_READ_AT: usize = 9;
const CURRENT_READ_AT: usize = 14;
const CURRENT_QUALITY: usize = 15;
const QUANTITY: usize = 18;
const UNIT: usize = 19;

/// Reads all periods.
pub fn read(source: Source, gather: &mut Gather) -> Result<RawReadings, FormatError> {
    let sheet = Sheet::of(source.start());
    let mut records = source.records(&sheet);
    let mut record = ByteRecord::new();
    let mut periods: Vec<RawPeriod> = Vec::new();
    while let Some(line) = records.next(&mut record)? {
        let kind = record.get(0).unwrap_or_default().trim_ascii();
        if kind != b"250" {
            if ![&b"100"[..], b"550", b"900", b""].contains(&kind) {
                gather.reject(Place::line(line), shown(kind, "is not a NEM13 record (100, 250, 550, 900)"))?;
            }
            continue;
        }
        gather.rows_read += 1;
        if !gather.wants_meter(record.get(NMI).unwrap_or_default().trim_ascii())? {
            continue;
        }
        if record.get(DIRECTION).is_some_and(|direction| direction.trim_ascii().eq_ignore_ascii_case(b"I")) {
            gather.note("Energy fed into the grid is left out: its periods carry no other register.");
            continue;
        }
        match period(&record, line) {
            Ok(period) => {
                check_count(periods.len())?;
                if record.get(CURRENT_QUALITY).is_some_and(|quality| !quality.trim_ascii().eq_ignore_ascii_case(b"A")) {
                    gather.note("Some reads are estimated.");
                }
                add(&mut periods, period);
            }
            Err((field, reason)) => gather.reject(Place::line(line).field(field), reason)?,
        }
    }
    periods.sort_by_key(|period| (period.window.start, period.line));
    refuse_overlaps(periods, "PreviousRegisterReadDateTime", gather).map(RawReadings::Periods)
}

/// Registers of one period are added up.
fn add(periods: &mut Vec<RawPeriod>, period: RawPeriod) {
    match periods.iter_mut().find(|held| held.window == period.window) {
        Some(held) => held.energy += period.energy,
        None => periods.push(period),
    }
}

fn period(record: &ByteRecord, line: u64) -> Result<RawPeriod, (&'static str, String)> {
    let field = |n: usize| record.get(n).unwrap_or_default().trim_ascii();
    let start = read_day(field(PREVIOUS_READ_AT)).map_err(|reason| ("PreviousRegisterReadDateTime", reason))?;
    let end = read_day(field(CURRENT_READ_AT)).map_err(|reason| ("CurrentRegisterReadDateTime", reason))?;
    let window = Window { start, end };
    if !(1..=MAX_DAYS).contains(&window.days()) {
        let reason = format!("{start} to {end} is not a period of 1 to {MAX_DAYS} days");
        return Err(("CurrentRegisterReadDateTime", reason));
    }
    let name = String::from_utf8_lossy(field(UNIT));
    let Some(Ok(unit)) = Unit::named(&name) else {
        return Err(("UOM", shown(field(UNIT), "is not a unit of electrical energy")));
    };
    let number = parse(field(QUANTITY), Style::Point).map_err(|reason| ("Quantity", shown(field(QUANTITY), reason)))?;
    let energy = unit.energy(number).and_then(check_period).map_err(|reason| ("Quantity", reason))?;
    Ok(RawPeriod { window, energy, line })
}

/// The day of `20031005093055`.
fn read_day(text: &[u8]) -> Result<Date, String> {
    let day = text.get(..8).filter(|_| matches!(text.len(), 8 | 12 | 14));
    day.and_then(|day| moment::date(day, Order::MonthFirst))
        .ok_or_else(|| shown(text, "is not a date (YYYYMMDDhhmmss)"))
}
