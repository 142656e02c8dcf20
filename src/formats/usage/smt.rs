//! Smart Meter Texas interval CSV.
//!
//! `ESIID,USAGE_DATE,REVISION_DATE,USAGE_START_TIME,USAGE_END_TIME,USAGE_KWH,ESTIMATED_ACTUAL,CONSUMPTION_SURPLUSGENERATION`
//!
//! Traps:
//! - times are local clock times; `00:00` as an end is the next midnight; some exports pad times with a blank; some tools
//!   drop REVISION_DATE, or write rows of two or four hours: the length is told by start and end;
//! - a spring day has 96 rows of which the skipped hour's four are empty (or it has 92 rows);
//! - an autumn day has 100 rows, and the first row of the repeated hour is mislabelled: after `01:45,02:00` comes
//!   `02:00,01:15`, then `01:15,01:30`: a row that ends before it starts opens the second pass of 01:00;
//! - `Surplus Generation` rows are export, usually after all consumption rows of the same days;
//! - several downloads in one file overlap, header lines included: the later REVISION_DATE wins, told as the revision;
//! - the ESIID has an apostrophe against Excel and identifies a home: never kept, never shown; two of them in one file are
//!   refused unless one is chosen by position.

use super::gather::{Gather, check_count, check_interval};
use super::moment::{self, Clock, Instants, Order, Passes, time_of_day};
use super::monthly::shown;
use super::number::{Unit, parse};
use super::text::{Sheet, Source};
use crate::domain::calendar::days_between;
use crate::domain::tariff::model::Register;
use crate::domain::usage::reading_log::ReadingLog;
use crate::domain::usage::readings::{Quality, RawReading, RawReadings};
use crate::formats::error::{FormatError, Place};
use csv::ByteRecord;
use jiff::civil::{Date, date};

const DAY: u32 = 86_400;

/// Whether a record is the header line of such a file.
pub fn is_header<'f>(fields: impl Iterator<Item = &'f [u8]> + Clone) -> bool {
    let has = |name: &[u8]| fields.clone().any(|field| field.trim_ascii().eq_ignore_ascii_case(name));
    has(b"USAGE_DATE") && has(b"USAGE_START_TIME") && has(b"USAGE_KWH")
}

/// Where the fields are.
struct Layout {
    esiid: Option<usize>,
    date: usize,
    revision: Option<usize>,
    start: usize,
    end: usize,
    kwh: usize,
    flag: Option<usize>,
    channel: Option<usize>,
}

impl Layout {
    fn of(header: &ByteRecord) -> Result<Layout, FormatError> {
        let find = |name: &[u8]| header.iter().position(|field| field.trim_ascii().eq_ignore_ascii_case(name));
        let need = |name: &str| {
            let remedy = "Download the 15-minute interval CSV from Smart Meter Texas again and change nothing in it";
            find(name.as_bytes()).ok_or_else(|| FormatError::file(format!("the header has no column {name}"), remedy))
        };
        Ok(Layout {
            esiid: find(b"ESIID"),
            date: need("USAGE_DATE")?,
            revision: find(b"REVISION_DATE"),
            start: need("USAGE_START_TIME")?,
            end: need("USAGE_END_TIME")?,
            kwh: need("USAGE_KWH")?,
            flag: find(b"ESTIMATED_ACTUAL"),
            channel: find(b"CONSUMPTION_SURPLUSGENERATION"),
        })
    }
}

/// What is remembered from row to row.
struct Rows {
    layout: Layout,
    sheet: Sheet,
    clock: Clock,
    passes: [Passes; 3],
    /// Length of the row before, per register.
    steps: [u32; 3],
    date_text: Vec<u8>,
    date: Date,
    revision_text: Vec<u8>,
    revision: i64,
    empty: u64,
    missing_hour: u64,
}

/// Reads all rows.
pub fn read(source: Source, gather: &mut Gather) -> Result<RawReadings, FormatError> {
    let sheet = Sheet::of(source.start());
    let mut records = source.records(&sheet);
    let mut record = ByteRecord::new();
    loop {
        if records.next(&mut record)?.is_none() {
            return Err(FormatError::file(
                "the file has no Smart Meter Texas header line",
                "Give the file as downloaded",
            ));
        }
        if is_header(record.iter()) {
            break;
        }
    }
    let mut rows = Rows {
        layout: Layout::of(&record)?,
        sheet,
        clock: Clock::new(&gather.options.zone),
        passes: [Passes::default(); 3],
        steps: [900; 3],
        date_text: Vec::new(),
        date: date(1970, 1, 1),
        revision_text: Vec::new(),
        revision: 0,
        empty: 0,
        missing_hour: 0,
    };
    let mut readings = ReadingLog::new();
    while let Some(line) = records.next(&mut record)? {
        if record.iter().all(<[u8]>::is_empty) || is_header_again(&record, &rows.layout) {
            continue;
        }
        gather.rows_read += 1;
        if let Some(esiid) = rows.layout.esiid
            && !gather.wants_meter(record.get(esiid).unwrap_or_default().trim_ascii())?
        {
            continue;
        }
        match rows.row(&record, line) {
            Ok(Some(reading)) => {
                check_count(readings.len())?;
                readings.push(reading);
            }
            Ok(None) => {}
            Err((field, reason)) => gather.reject(Place::line(line).field(field), reason)?,
        }
    }
    if rows.missing_hour > 0 {
        gather.note(format!("{} rows of the hour that spring skips are left out.", rows.missing_hour));
    }
    if rows.empty > 0 {
        gather.note(format!("{} rows have no value and are left as gaps.", rows.empty));
    }
    Ok(RawReadings::Intervals(readings))
}

fn is_header_again(record: &ByteRecord, layout: &Layout) -> bool {
    record.get(layout.kwh).is_some_and(|field| field.trim_ascii().eq_ignore_ascii_case(b"USAGE_KWH"))
}

impl Rows {
    fn row(&mut self, record: &ByteRecord, line: u64) -> Result<Option<RawReading>, (&'static str, String)> {
        let layout = &self.layout;
        let field = |column: usize| record.get(column).unwrap_or_default();
        let text = field(layout.date);
        if text != self.date_text {
            let found = moment::date(text, Order::MonthFirst);
            self.date = found.ok_or_else(|| ("USAGE_DATE", shown(text, "is not a date (MM/DD/YYYY)")))?;
            self.date_text = text.to_vec();
        }
        if let Some(text) = layout.revision.map(field).filter(|text| *text != self.revision_text) {
            self.revision = revision(text).ok_or_else(|| ("REVISION_DATE", shown(text, "is not a date and time")))?;
            self.revision_text = text.to_vec();
        }
        let clock = |name, column| {
            let text = field(column);
            time_of_day(text).ok_or_else(|| (name, shown(text, "is not a time of day (HH:MM)")))
        };
        let (start, end) = (clock("USAGE_START_TIME", layout.start)?, clock("USAGE_END_TIME", layout.end)?);
        let register = match layout.channel.map(field).map(<[u8]>::trim_ascii) {
            None | Some(b"" | b"Consumption") => Register::Import,
            Some(b"Surplus Generation") => Register::Export,
            Some(other) if other.eq_ignore_ascii_case(b"consumption") => Register::Import,
            Some(other) if other.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"surplus")) => {
                Register::Export
            }
            Some(other) => {
                let reason = "is neither Consumption nor Surplus Generation";
                return Err(("CONSUMPTION_SURPLUSGENERATION", shown(other, reason)));
            }
        };
        let quality = match layout.flag.map(field).map(<[u8]>::trim_ascii) {
            Some(b"E" | b"e") => Quality::Estimated,
            _ => Quality::Actual,
        };
        let text = field(layout.kwh);
        let is_empty = text.trim_ascii().is_empty();
        let span = self.span(start, end, register as usize).map_err(|reason| ("USAGE_END_TIME", reason))?;
        let Some((start, seconds)) = span else {
            // Spring's missing hour: a value in it would be an hour that never was.
            if is_empty || parse(text, self.sheet.style) == Ok(0.0) {
                self.missing_hour += 1;
                return Ok(None);
            }
            return Err(("USAGE_START_TIME", format!("{} has no such time: the clocks skip it", self.date)));
        };
        if is_empty {
            self.empty += 1;
            return Ok(None);
        }
        let number = parse(text, self.sheet.style).map_err(|reason| ("USAGE_KWH", shown(text, reason)))?;
        let energy = Unit::KWh.energy(number).and_then(|energy| check_interval(energy, seconds));
        let energy = energy.map_err(|reason| ("USAGE_KWH", reason))?;
        Ok(Some(RawReading { start, seconds, register, energy, quality, revision: self.revision, line }))
    }

    /// Start and length of a row; `None` in the hour that spring skips.
    #[inline]
    fn span(&mut self, start: u32, end: u32, register: usize) -> Result<Option<(i64, u32)>, String> {
        const BACKWARDS: &str = "is not after the start of the interval";
        let end = if end == 0 { DAY } else { end };
        let passes = &mut self.passes[register];
        if end <= start {
            // The mislabelled row: it ends at `end` in the second pass and is as long as its neighbours.
            let step = self.steps[register];
            let Instants::Two(_, second) = self.clock.instants(self.date, end.saturating_sub(step)) else {
                return Err(format!("{:02}:{:02} {BACKWARDS}", end / 3_600, end / 60 % 60));
            };
            passes.set(second);
            return Ok(Some((second, step)));
        }
        let instants = self.clock.instants(self.date, start);
        let Some(from) = passes.choose(instants) else { return Ok(None) };
        let mut seconds = end - start;
        if seconds > 3_600 && !self.clock.is_plain(self.date) {
            let elapsed = u32::try_from(self.clock.boundary(self.date, end) - from).ok().filter(|seconds| *seconds > 0);
            seconds = elapsed.ok_or(BACKWARDS)?;
        }
        self.steps[register] = seconds;
        Ok(Some((from, seconds)))
    }
}

/// `03/02/2022 06:18:33` as a number that orders; empty is the oldest.
fn revision(text: &[u8]) -> Option<i64> {
    if text.trim_ascii().is_empty() {
        return Some(0);
    }
    let moment = moment::Moment::parse(text, Order::MonthFirst)?;
    Some(days_between(date(1970, 1, 1), moment.date) * i64::from(DAY) + i64::from(moment.second))
}
