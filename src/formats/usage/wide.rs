//! Interval CSV, wide: one day a row, its 24, 48, 96 or 288 values in columns; also the Australian form with several streams.
//!
//! Traps:
//! - the columns are named by clock times, by numbers or by `H1`, and may end the row's interval rather than start it: only
//!   their order and count matter;
//! - a local day has the same columns when the clocks change: the skipped hour's are empty, the repeated hour has but one
//!   column (25, 50 or 100 columns hold a long day in elapsed order);
//! - a total or quality column may follow the values; the total is a free checksum;
//! - Australian exports hold several streams (`Stream ID` lines name register and unit), say `LOCAL TIME,AEST` (fixed
//!   +10:00, no daylight saving), and lose the line break before their first `Stream ID`.

use super::gather::{Gather, check_count, check_interval};
use super::moment::{self, Clock, Instants, Order, time_of_day};
use super::monthly::shown;
use super::nem12::register_of_suffix;
use super::number::{Carry, Unit, parse};
use super::text::{Sheet, Source};
use super::{fields, interval};
use crate::domain::calendar::day_start;
use crate::domain::tariff::model::Register;
use crate::domain::units::Energy;
use crate::domain::usage::reading_log::ReadingLog;
use crate::domain::usage::readings::{Quality, RawReading, RawReadings};
use crate::formats::error::{FormatError, Place};
use csv::ByteRecord;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};

/// Whether a record begins such a table: a line of 24 or more interval columns, or a stream's line.
pub fn is_start(row: &[String]) -> bool {
    stream_at(row.iter().map(String::as_bytes)).is_some() || Layout::of(row).is_some()
}

fn stream_at<'f>(mut fields: impl Iterator<Item = &'f [u8]>) -> Option<usize> {
    fields.position(|field| field.to_ascii_lowercase().ends_with(b"stream id"))
}

/// Where the fields of a day are.
#[derive(Debug, Clone, Default)]
struct Layout {
    date: usize,
    first: usize,
    count: usize,
    /// Minutes of an interval.
    minutes: u32,
    /// Whether columns follow elapsed time rather than the clock (there are more of them than a plain day needs).
    elapsed: bool,
    total: Option<usize>,
    quality: Option<usize>,
    channel: Option<usize>,
    meter: Option<usize>,
    unit: Option<Unit>,
}

impl Layout {
    /// Of a header line.
    fn of(row: &[String]) -> Option<Layout> {
        let first = (0..row.len()).find(|&n| run(&row[n..]) >= 24)?;
        let count = run(&row[first..]);
        let (minutes, elapsed) = match count {
            24 | 25 => (60, count > 24),
            48 | 50 => (30, count > 48),
            96 | 100 => (15, count > 96),
            288 | 300 => (5, count > 288),
            _ => return None,
        };
        let beside = |words: &[&str]| {
            let named = |n: &usize| {
                let lower = row[*n].to_lowercase();
                words.iter().any(|word| lower.split(|c: char| !c.is_alphanumeric()).any(|part| part == *word))
            };
            (0..first).chain(first + count..row.len()).find(named)
        };
        let unit = row.iter().find_map(|field| Unit::named(field)).and_then(Result::ok);
        Some(Layout {
            date: beside(&["date", "day", "datum"]).unwrap_or(0),
            first,
            count,
            minutes,
            elapsed,
            total: beside(&["total", "sum"]),
            quality: beside(&["quality", "status", "flag"]),
            channel: beside(&["channel", "direction", "stream", "register", "flow", "suffix", "type"]),
            meter: beside(&["meter", "nmi", "mpan", "esiid"]),
            unit,
        })
    }
}

/// How many fields in a row name consecutive intervals.
fn run(row: &[String]) -> usize {
    let clock = row.iter().take_while(|field| is_clock(field)).count();
    if clock >= 24 {
        return clock;
    }
    let number = |field: &String| {
        let digits = field.trim_start_matches(|c: char| c.is_ascii_alphabetic() || matches!(c, ' ' | '_' | '-'));
        digits.parse::<u32>().ok().filter(|_| field.len() < 24)
    };
    let Some(start) = row.first().and_then(number).filter(|start| *start <= 1) else { return 0 };
    row.iter().enumerate().take_while(|(n, field)| number(field) == Some(start + *n as u32)).count()
}

fn is_clock(field: &str) -> bool {
    let first = field.split(['-', '\u{2013}']).next().unwrap_or_default().trim();
    let first = first.strip_suffix("to").unwrap_or(first);
    (first.contains(':') || first.len() == 4) && time_of_day(first.as_bytes()).is_some()
}

/// One series of the file.
struct Stream {
    register: Register,
    unit: Option<Unit>,
    /// Not energy: read past.
    ignored: bool,
    zone: TimeZone,
    sum: Energy,
}

struct Days {
    layout: Layout,
    order: Order,
    stream: Stream,
    clock: Clock,
    carry: Carry,
    readings: ReadingLog,
    empty: u64,
}

/// Reads all days.
pub fn read(source: Source, gather: &mut Gather) -> Result<RawReadings, FormatError> {
    let sheet = Sheet::of(source.start());
    let mut records = source.records(&sheet);
    let zone = gather.options.zone.clone();
    let order = order_of(&sheet, &zone);
    let mut days = Days {
        layout: Layout::default(),
        order,
        stream: Stream {
            register: Register::Import,
            unit: None,
            ignored: false,
            zone: zone.clone(),
            sum: Energy::ZERO,
        },
        clock: Clock::new(&zone),
        carry: Carry::default(),
        readings: ReadingLog::new(),
        empty: 0,
    };
    let (mut record, mut wanted, mut any) = (ByteRecord::new(), true, false);
    while let Some(line) = records.next(&mut record)? {
        if record.iter().all(|field| field.trim_ascii().is_empty()) {
            continue;
        }
        if record.get(0).is_some_and(|first| first.trim_ascii().eq_ignore_ascii_case(b"nmi")) && !any {
            wanted = gather.wants_meter(record.get(1).unwrap_or_default().trim_ascii())?;
        }
        if let Some(at) = stream_at(record.iter()) {
            days.start_stream(&record, at, gather);
            any = true;
            continue;
        }
        let is_heading = days.heading(&record, gather);
        if is_heading || days.layout.count == 0 || !wanted || days.stream.ignored {
            continue;
        }
        gather.rows_read += 1;
        if let Some(meter) = days.layout.meter
            && !gather.wants_meter(record.get(meter).unwrap_or_default().trim_ascii())?
        {
            continue;
        }
        days.day(&record, line, &sheet, gather)?;
        check_count(days.readings.len())?;
    }
    if days.layout.count == 0 {
        let remedy = "The first line must name a date column and 24, 48, 96 or 288 interval columns";
        return Err(FormatError::file("the file has no line that names the intervals of a day", remedy));
    }
    if days.empty > 0 {
        gather.note(format!("{} intervals have no value and are left as gaps.", days.empty));
    }
    Ok(interval::by_length(days.readings, &zone))
}

fn order_of(sheet: &Sheet, zone: &TimeZone) -> Order {
    let dates =
        sheet.rows.iter().filter_map(|(_, row)| row.iter().take(3).find(|field| field.contains(['/', '.', '-'])));
    let numeric = dates.map(String::as_str).filter(|text| text.starts_with(|c: char| c.is_ascii_digit()));
    Order::of(numeric, 1).unwrap_or_else(|| Order::usual_in(zone))
}

impl Days {
    /// `Stream ID,"Meter X",E1,E1,KWH,CONSUMPTION`
    fn start_stream(&mut self, record: &ByteRecord, at: usize, gather: &mut Gather) {
        let fields: Vec<String> =
            record.iter().skip(at + 2).map(|field| String::from_utf8_lossy(field).trim().to_owned()).collect();
        let suffix = fields.first().cloned().unwrap_or_default();
        let unit = fields.iter().find_map(|field| Unit::named(field));
        let described = fields.last().map_or(Register::Import, |name| fields::register_named(name.as_bytes()));
        let register = register_of_suffix(&suffix)
            .map(|register| if described == Register::Controlled { described } else { register });
        self.stream.register = register.unwrap_or(described);
        self.stream.ignored = matches!(unit, Some(Err(_))) || (register.is_none() && !suffix.is_empty());
        if self.stream.ignored {
            gather.note("A stream that is not energy is left out.");
        }
        self.stream.unit = unit.and_then(Result::ok);
        self.stream.sum = Energy::ZERO;
        self.carry = Carry::default();
    }

    /// Takes in a line that is not a day: the columns, the time base, a total.
    fn heading(&mut self, record: &ByteRecord, gather: &mut Gather) -> bool {
        let first = record.get(0).unwrap_or_default().trim_ascii();
        if first.eq_ignore_ascii_case(b"local time") {
            let hours = match record.get(1).unwrap_or_default().trim_ascii() {
                b"AEST" => 36_000,
                b"ACST" => 34_200,
                b"AWST" => 28_800,
                _ => return true,
            };
            self.stream.zone = TimeZone::fixed(Offset::from_seconds(hours).unwrap_or(Offset::UTC));
            self.clock = Clock::new(&self.stream.zone);
            gather.note("The file states its own standard time: daylight saving does not apply to its clock times.");
            return true;
        }
        if first.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"total")) {
            let stated = record.iter().rev().find(|field| !field.trim_ascii().is_empty());
            let stated = stated.and_then(|text| parse(text, super::number::Style::Point).ok());
            if stated.is_some_and(|stated| (stated - self.stream.sum.kwh()).abs() > 0.001) && !self.stream.ignored {
                gather.note(format!("The file's total is not the sum of its values ({}).", self.stream.sum));
            }
            return true;
        }
        let is_labelled = record.len() >= 24 && moment::date(first, self.order).is_none();
        if !is_labelled {
            return self.layout.count == 0;
        }
        let row: Vec<String> = record.iter().map(|field| String::from_utf8_lossy(field).trim().to_owned()).collect();
        let Some(layout) = Layout::of(&row) else { return self.layout.count == 0 };
        self.layout = layout;
        if self.stream.unit.is_none() && self.layout.unit.is_none() {
            gather.note("The header names no unit: values are taken as kWh.");
        }
        true
    }

    fn day(&mut self, record: &ByteRecord, line: u64, sheet: &Sheet, gather: &mut Gather) -> Result<(), FormatError> {
        let layout = self.layout.clone();
        let text = record.get(layout.date).unwrap_or_default();
        let Some(date) = moment::date(text.split(|b| *b == b' ').next().unwrap_or(text), self.order) else {
            return gather.reject(Place::line(line).field("date"), shown(text, "is not a date (write YYYY-MM-DD)"));
        };
        let quality = match layout.quality.and_then(|n| record.get(n)).and_then(|text| text.trim_ascii().first()) {
            Some(b'E' | b'S' | b'F' | b'e' | b's' | b'f') => Quality::Estimated,
            _ => Quality::Actual,
        };
        let channel = layout.channel.and_then(|n| record.get(n));
        let register = channel.map_or(self.stream.register, fields::register_named);
        let unit = self.stream.unit.or(layout.unit).unwrap_or(Unit::KWh);
        let seconds = layout.minutes * 60;
        let mut sum = Energy::ZERO;
        for n in 0..layout.count {
            let text = record.get(layout.first + n).unwrap_or_default();
            let place = || Place::line(line).field(format!("interval {}", n + 1));
            if text.trim_ascii().is_empty() {
                self.empty += u64::from(!layout.elapsed || n < layout.count * 24 / 25);
                continue;
            }
            let value =
                parse(text, sheet.style).map_err(|reason| shown(text, reason)).and_then(|value| unit.energy(value));
            let value = value.map(|value| if unit.is_power() { self.carry.energy(value, seconds) } else { value });
            let energy = match value.and_then(|energy| check_interval(energy, seconds)) {
                Ok(energy) => energy,
                Err(reason) => {
                    gather.reject(place(), reason)?;
                    continue;
                }
            };
            sum += energy;
            let Some(start) = self.instant(date, n as u32 * seconds, layout.elapsed) else {
                if !energy.is_zero() {
                    gather.reject(place(), format!("{date} has no such time: the clocks skip it"))?;
                }
                continue;
            };
            self.readings.push(RawReading { start, seconds, register, energy, quality, revision: 0, line });
        }
        self.stream.sum += sum;
        let total = layout.total.and_then(|n| parse(record.get(n)?, sheet.style).ok());
        if total.is_some_and(|total| (total - sum.kwh()).abs() > 0.001 * layout.count as f64) && !unit.is_power() {
            gather.note(format!("The total stated on line {line} is not the sum of its values."));
        }
        Ok(())
    }

    fn instant(&mut self, date: Date, second: u32, elapsed: bool) -> Option<i64> {
        if elapsed {
            return Some(day_start(date, &self.stream.zone) + i64::from(second));
        }
        match self.clock.instants(date, second) {
            Instants::One(instant) | Instants::Two(instant, _) => Some(instant),
            Instants::None => None,
        }
    }
}
