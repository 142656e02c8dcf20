//! Interval CSV, long: one value a row, its time in one column, or a date and a time, or a start and an end.
//!
//! Traps:
//! - utilities put lines about the customer above the header: skipped, never kept;
//! - the header may name Wh, kW or W: average power becomes energy by the interval's length, the remainder carried; a unit
//!   column is read row by row; gas and reactive units are refused;
//! - local times: the hour spring skips has no instant (a row for it without energy is dropped, one with energy refused),
//!   the hour autumn repeats is told apart by the order of the rows, oldest or newest first; a time with an offset is exact;
//! - without an end column the interval is the usual distance between rows; a lone end column is shifted back by it;
//! - rows of whole days are daily readings, not intervals; rows of zero may be left out (a gap, not a fault);
//! - import and export are two columns, or a channel column; several meters in one file are refused unless one is named.

use super::fields::{Columns, Table, register_named};
use super::gather::{Gather, check_count, check_interval};
use super::moment::{Clock, Instants, Moment, Order, Passes, time_of_day};
use super::monthly::{clip, shown};
use super::number::{Carry, Unit, parse};
use super::text::Source;
use crate::domain::calendar::days_between;
use crate::domain::tariff::model::Register;
use crate::domain::units::Energy;
use crate::domain::usage::reading_log::ReadingLog;
use crate::domain::usage::readings::{Quality, RawDay, RawReading, RawReadings};
use crate::formats::error::{FormatError, Place};
use csv::ByteRecord;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use std::collections::HashMap;

const DAY: u32 = 86_400;
const EPOCH: Date = date(1970, 1, 1);

/// Reads all rows.
pub fn read(source: Source, gather: &mut Gather) -> Result<RawReadings, FormatError> {
    let table = Table::open(source)?;
    let columns = &table.columns;
    let (order, note) = table.order(columns.start.or(columns.end), 1, &gather.options.zone);
    if let Some(note) = note {
        gather.note(note);
    }
    if columns.unit.is_none() && columns.unit_column.is_none() {
        gather.note("The header names no unit: values are taken as kWh.");
    }
    let mut rows = Rows {
        order,
        unit: columns.unit.unwrap_or(Unit::KWh),
        columns: columns.clone(),
        clock: Clock::new(&gather.options.zone),
        passes: [Passes::default(); 3],
        readings: ReadingLog::new(),
        any_time: false,
        empty: 0,
        skipped: 0,
    };
    rows.read(table, gather)?;
    let Rows { readings, columns, any_time, empty, skipped, unit, .. } = rows;
    if empty > 0 {
        gather.note(format!("{empty} rows have no value and are left as gaps."));
    }
    if skipped > 0 {
        gather.note(format!("{skipped} rows without energy name the hour that spring skips and are left out."));
    }
    if readings.is_empty() {
        return Ok(RawReadings::Intervals(readings));
    }
    // Without an end column the length of an interval is not known before all rows are.
    let shift = columns.start.is_none() && columns.time.is_none();
    let step = if columns.end.is_none() || shift { Some(usual_step(&readings, any_time)?) } else { None };
    let mut carries: [Carry; 3] = Default::default();
    let complete = readings.iter().map(|mut reading| {
        if let Some(step) = step {
            reading.seconds = step;
            reading.start -= if shift { i64::from(step) } else { 0 };
        }
        if unit.is_power() {
            reading.energy = carries[reading.register as usize].energy(reading.energy, reading.seconds);
        }
        reading
    });
    if unit.is_power() {
        gather.note("Values are average power: energy is power times the interval's length.");
    }
    check_all(complete, &columns, gather).map(|readings| by_length(readings, &gather.options.zone))
}

struct Rows {
    order: Order,
    unit: Unit,
    columns: Columns,
    clock: Clock,
    passes: [Passes; 3],
    readings: ReadingLog,
    /// Whether any row has a time of day.
    any_time: bool,
    empty: u64,
    skipped: u64,
}

impl Rows {
    fn read(&mut self, mut table: Table, gather: &mut Gather) -> Result<(), FormatError> {
        let mut record = ByteRecord::new();
        while let Some(line) = table.next(&mut record)? {
            gather.rows_read += 1;
            if let Some(meter) = self.columns.meter
                && !gather.wants_meter(record.get(meter).unwrap_or_default().trim_ascii())?
            {
                continue;
            }
            if let Err((column, reason)) = self.row(&record, line, &table, gather) {
                gather.reject(Place::line(line).field(self.columns.name(column)), reason)?;
            }
            check_count(self.readings.len())?;
        }
        Ok(())
    }

    fn row(
        &mut self,
        record: &ByteRecord,
        line: u64,
        table: &Table,
        gather: &mut Gather,
    ) -> Result<(), (usize, String)> {
        let field = |column: Option<usize>| record.get(column?).map(<[u8]>::trim_ascii).filter(|text| !text.is_empty());
        if let Some(column) = self.columns.unit_column
            && let Some(text) = field(Some(column))
        {
            let name = String::from_utf8_lossy(text);
            match Unit::named(&name) {
                Some(Ok(unit)) if unit == self.unit || self.readings.is_empty() => self.unit = unit,
                Some(Ok(_)) => return Err((column, format!("`{}` is not the unit of the rows before", clip(&name)))),
                Some(Err(_)) | None => {
                    return Err((column, format!("`{}` is not a unit of electrical energy", clip(&name))));
                }
            }
        }
        let export = self.columns.export;
        let main = field(Some(self.columns.value));
        if main.is_none() && export.and_then(|column| field(Some(column))).is_none() {
            self.empty += 1;
            return Ok(());
        }
        let mut register = field(self.columns.channel).map_or(Register::Import, register_named);
        if register == Register::Import && self.columns.export.is_none() && is_export_column(&self.columns) {
            register = Register::Export;
        }
        let quality = field(self.columns.quality).map_or(Quality::Actual, quality_named);
        let mut values = Vec::with_capacity(2);
        for (column, register) in [(Some(self.columns.value), register), (export, Register::Export)] {
            if let (Some(column), Some(text)) = (column, field(column)) {
                let number = parse(text, table.sheet.style).map_err(|reason| (column, shown(text, reason)))?;
                values.push((register, self.unit.energy(number).map_err(|reason| (column, reason))?));
            }
        }
        let Some((start, seconds)) = self.span(record, &values, gather)? else { return Ok(()) };
        for (register, energy) in values {
            self.readings.push(RawReading { start, seconds, register, energy, quality, revision: 0, line });
        }
        Ok(())
    }

    /// Start and length of a row's interval (length zero when the row does not tell); `None` to drop the row.
    fn span(
        &mut self,
        record: &ByteRecord,
        values: &[(Register, Energy)],
        gather: &mut Gather,
    ) -> Result<Option<(i64, u32)>, (usize, String)> {
        let first = self.columns.start.or(self.columns.end).unwrap_or(0);
        let text = record.get(first).unwrap_or_default();
        let not_a_time = |text: &[u8]| match std::str::from_utf8(text).map(|text| text.trim().parse::<f64>()) {
            Ok(Ok(serial)) if (20_000.0..80_000.0).contains(&serial) => {
                shown(text, "is a spreadsheet's day number: format the column as a date")
            }
            _ => shown(text, "is not a time (write YYYY-MM-DD HH:MM)"),
        };
        let mut moment = Moment::parse(text, self.order).ok_or_else(|| (first, not_a_time(text)))?;
        if let Some(column) = self.columns.time {
            let text = record.get(column).unwrap_or_default();
            moment.second = time_of_day(text).ok_or_else(|| (column, shown(text, "is not a time of day")))?;
            moment.timed = true;
        }
        self.any_time |= moment.timed;
        let register = values.first().map_or(Register::Import, |(register, _)| *register);
        let Some(start) = self.instant(moment, register as usize) else {
            if values.iter().all(|(_, energy)| energy.is_zero()) {
                self.skipped += 1;
                return Ok(None);
            }
            let clock = format!("{:02}:{:02}", moment.second / 3_600, moment.second / 60 % 60);
            let reason =
                format!("{} has no {clock}: the clocks skip it (write times with their offset from UTC)", moment.date);
            return Err((first, reason));
        };
        let Some(column) = self.columns.end.filter(|end| *end != first) else { return Ok(Some((start, 0))) };
        let text = record.get(column).unwrap_or_default();
        let end = match time_of_day(text) {
            // A time alone: later on the same day, or midnight after it.
            Some(second) => Moment { second: if second == 0 { DAY } else { second }, ..moment },
            None => Moment::parse(text, self.order).ok_or_else(|| (column, not_a_time(text)))?,
        };
        let mut seconds = self.length(moment, end, start);
        // 00:00 to 00:14:59, or 00:00 to 00:14: the last second or minute, not the end.
        let last = if end.second % 60 == 59 { 1 } else { 60 };
        if seconds % 300 != 0 && (seconds + last) % 300 == 0 {
            seconds += last;
            gather.note("Interval ends are taken as inclusive (00:14 or 00:14:59 stands for 00:15).");
        }
        let seconds = u32::try_from(seconds).ok().filter(|seconds| (60..=400 * DAY).contains(seconds));
        let reason = || (column, shown(text, "is not after the start of the interval"));
        Ok(Some((start, seconds.ok_or_else(reason)?)))
    }

    fn instant(&mut self, moment: Moment, register: usize) -> Option<i64> {
        if let Some(offset) = moment.offset {
            let clock = days_between(EPOCH, moment.date) * i64::from(DAY) + i64::from(moment.second);
            return Some(clock - i64::from(offset));
        }
        let instants = self.clock.instants(moment.date, moment.second);
        if moment.timed {
            self.passes[register].choose(instants)
        } else {
            match instants {
                Instants::One(instant) | Instants::Two(instant, _) => Some(instant),
                Instants::None => Some(self.clock.boundary(moment.date, moment.second)),
            }
        }
    }

    /// Elapsed seconds: what the clock says for up to an hour, real time beyond it.
    fn length(&mut self, from: Moment, to: Moment, start: i64) -> i64 {
        let by_clock =
            days_between(from.date, to.date) * i64::from(DAY) + i64::from(to.second) - i64::from(from.second);
        if let Some(offset) = to.offset {
            let end = days_between(EPOCH, to.date) * i64::from(DAY) + i64::from(to.second) - i64::from(offset);
            return end - start;
        }
        if (1..=3_600).contains(&by_clock) {
            return by_clock;
        }
        self.clock.boundary(to.date, to.second) - start
    }
}

fn is_export_column(columns: &Columns) -> bool {
    register_named(columns.name(columns.value).as_bytes()) == Register::Export
}

fn quality_named(text: &[u8]) -> Quality {
    match text.first().map(u8::to_ascii_lowercase) {
        Some(b'e' | b's' | b'f') => Quality::Estimated,
        _ => Quality::Actual,
    }
}

/// The most frequent distance between neighbouring rows.
fn usual_step(readings: &ReadingLog, any_time: bool) -> Result<u32, FormatError> {
    let mut counts: HashMap<i64, u32> = HashMap::new();
    let mut last = [None::<i64>; 3];
    for reading in readings {
        let last = &mut last[reading.register as usize];
        if let Some(last) = last.filter(|last| *last != reading.start) {
            *counts.entry((reading.start - last).abs()).or_default() += 1;
        }
        *last = Some(reading.start);
    }
    if !any_time {
        return Ok(DAY);
    }
    let usual = counts.into_iter().max_by_key(|(step, count)| (*count, std::cmp::Reverse(*step))).map(|(step, _)| step);
    match usual {
        Some(step @ 60..=86_400) if 86_400 % step == 0 => Ok(step as u32),
        _ => Err(FormatError::file(
            "the rows do not show how long an interval is",
            "Add a column with the end of each interval, or give more rows",
        )),
    }
}

/// Rejects values outside the bounds.
fn check_all(
    readings: impl Iterator<Item = RawReading>,
    columns: &Columns,
    gather: &mut Gather,
) -> Result<ReadingLog, FormatError> {
    let mut kept = ReadingLog::new();
    for reading in readings {
        match check_interval(reading.energy, reading.seconds) {
            Ok(_) => kept.push(reading),
            Err(reason) => {
                let column = if reading.register == Register::Export { columns.export } else { None };
                gather
                    .reject(Place::line(reading.line).field(columns.name(column.unwrap_or(columns.value))), reason)?;
            }
        }
    }
    Ok(kept)
}

/// Readings of whole days as days; anything shorter stays as intervals.
pub fn by_length(readings: ReadingLog, zone: &TimeZone) -> RawReadings {
    // A day the clocks change has 23 or 25 hours.
    if !readings.iter().all(|reading| (82_800..=90_000).contains(&reading.seconds)) {
        return RawReadings::Intervals(readings);
    }
    let local = |start: i64| jiff::Timestamp::from_second(start).map_or(EPOCH, |t| t.to_zoned(zone.clone()).date());
    let days = readings.iter().map(|reading| RawDay {
        date: local(reading.start),
        register: reading.register,
        energy: reading.energy,
        quality: reading.quality,
        line: reading.line,
    });
    RawReadings::Days(days.collect())
}
