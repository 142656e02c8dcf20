//! NEM12, the interval meter file of the Australian market: records 100, 200, 300, 400, 500, 900.
//!
//! Traps:
//! - times are market time, +10:00 all year, whatever the state (Western Australia, outside the market, uses +08:00);
//! - a 300 record has 1440 / interval-length values, the length being its 200 record's; a file may mix 5, 15 and 30;
//! - quality `V` says that 400 records tell it for ranges of intervals; A is actual, E, S and F are estimates, N is no value;
//! - units Wh, kWh or MWh in any case; reactive energy (Q, K) and volts are noted and left out; 200 may lack its last field;
//! - E is what the grid delivers, B what it takes back; of exactly E1 and E2, E2 is the controlled load, any other set of
//!   E registers is one household's phases and is added up, interval by interval;
//! - the later update time wins when a day comes twice; an NMI identifies a home and is never kept.

use super::gather::{Gather, check_count, check_interval};
use super::moment::{self, Order};
use super::monthly::shown;
use super::number::{Style, Unit, parse};
use super::text::{Sheet, Source};
use crate::domain::calendar::days_between;
use crate::domain::tariff::model::Register;
use crate::domain::units::Energy;
use crate::domain::usage::reading_log::ReadingLog;
use crate::domain::usage::readings::{Quality, RawReading, RawReadings};
use crate::formats::error::{FormatError, Place};
use csv::ByteRecord;
use jiff::civil::date;
use std::collections::BTreeMap;

/// The register of a stream's suffix; `None` when it is not the main meter's energy.
pub fn register_of_suffix(suffix: &str) -> Option<Register> {
    match suffix.as_bytes().first()?.to_ascii_uppercase() {
        b'E' => Some(Register::Import),
        b'B' => Some(Register::Export),
        _ => None,
    }
}

/// What the last 200 record says.
struct Block {
    suffix: String,
    unit: Unit,
    minutes: u32,
}

/// What a 300 record says, and the 400 records after it.
struct Day {
    suffix: String,
    start: i64,
    seconds: u32,
    readings: Vec<RawReading>,
}

#[derive(Default)]
struct File {
    block: Option<Block>,
    /// Values per stream, by suffix.
    streams: BTreeMap<String, ReadingLog>,
    /// The last 300 record, while 400 records may follow it.
    day: Option<Day>,
    offset: i64,
    /// Whether 300 records are to be read at all.
    wanted: bool,
    null_values: u64,
    ended: bool,
}

/// Reads all energy streams.
pub fn read(source: Source, gather: &mut Gather) -> Result<RawReadings, FormatError> {
    let sheet = Sheet::of(source.start());
    let mut records = source.records(&sheet);
    let is_western = gather.options.zone.iana_name() == Some("Australia/Perth");
    let mut file = File { offset: if is_western { 28_800 } else { 36_000 }, ..File::default() };
    let mut record = ByteRecord::new();
    while let Some(line) = records.next(&mut record)? {
        let result = match record.get(0).unwrap_or_default().trim_ascii() {
            b"200" => file.begin_block(&record, line, gather),
            b"300" if file.wanted => {
                gather.rows_read += 1;
                file.day(&record, line, gather)
            }
            b"400" if file.wanted => file.quality(&record, line, gather),
            b"900" => {
                file.ended = true;
                Ok(())
            }
            b"100" | b"300" | b"400" | b"500" | b"" => Ok(()),
            other => {
                gather.reject(Place::line(line), shown(other, "is not a NEM12 record (100, 200, 300, 400, 500, 900)"))
            }
        };
        result?;
        check_count(file.streams.values().map(ReadingLog::len).sum())?;
    }
    file.end_day();
    if !file.ended {
        gather.note("The file has no end record (900): it may be cut off.");
    }
    if file.null_values > 0 {
        gather.note(format!("{} values are marked as not read and are left as gaps.", file.null_values));
    }
    Ok(RawReadings::Intervals(combine(file.streams, gather)))
}

impl File {
    /// `200,NMI,configuration,register,suffix,stream,serial,unit,minutes,next read`
    fn begin_block(&mut self, record: &ByteRecord, line: u64, gather: &mut Gather) -> Result<(), FormatError> {
        let text = |n: usize| String::from_utf8_lossy(record.get(n).unwrap_or_default()).trim().to_owned();
        self.end_day();
        (self.block, self.wanted) = (None, false);
        if !gather.wants_meter(record.get(1).unwrap_or_default().trim_ascii())? {
            return Ok(());
        }
        let suffix = text(4);
        let unit = Unit::named(&text(7));
        let Some(Ok(unit)) = unit.filter(|_| register_of_suffix(&suffix).is_some()) else {
            let unit = if text(7).is_empty() { "no unit".to_owned() } else { text(7) };
            gather.note(format!("Stream {suffix} ({unit}) is not the meter's energy and is left out."));
            return Ok(());
        };
        self.wanted = true;
        match text(8).parse::<u32>() {
            Ok(minutes) if [1, 5, 10, 15, 20, 30, 60].contains(&minutes) && !unit.is_power() => {
                self.block = Some(Block { suffix, unit, minutes });
                Ok(())
            }
            _ => gather.reject(
                Place::line(line).field("IntervalLength"),
                shown(text(8).as_bytes(), "is not an interval length"),
            ),
        }
    }

    /// `300,date,values...,quality,reason,description,updated,loaded`
    fn day(&mut self, record: &ByteRecord, line: u64, gather: &mut Gather) -> Result<(), FormatError> {
        self.end_day();
        let Some(block) = &self.block else {
            return gather.reject(Place::line(line), "the values belong to no good 200 record");
        };
        let count = (1_440 / block.minutes) as usize;
        let text = record.get(1).unwrap_or_default();
        let Some(day) = moment::date(text, Order::MonthFirst).filter(|_| text.len() == 8) else {
            return gather.reject(Place::line(line).field("IntervalDate"), shown(text, "is not a date (YYYYMMDD)"));
        };
        let method = record.get(2 + count).unwrap_or_default().trim_ascii();
        if !method.first().is_some_and(|first| b"AEFNSV".contains(&first.to_ascii_uppercase())) {
            let reason = format!(
                "the record has not {count} values and a quality after them: it is cut off or of another interval length"
            );
            return gather.reject(Place::line(line), reason);
        }
        let quality = quality_of(method).unwrap_or(Quality::Actual);
        let start = days_between(date(1970, 1, 1), day) * 86_400 - self.offset;
        let seconds = block.minutes * 60;
        let updated = record.get(2 + count + 3).and_then(|text| std::str::from_utf8(text).ok()?.trim().parse().ok());
        let mut readings = Vec::with_capacity(count);
        for n in 0..count {
            let text = record.get(2 + n).unwrap_or_default();
            let place = || Place::line(line).field(format!("IntervalValue{}", n + 1));
            if quality == Quality::Missing || text.trim_ascii().is_empty() {
                self.null_values += 1;
                continue;
            }
            let value = parse(text, Style::Point).map_err(|reason| shown(text, reason));
            match value.and_then(|value| block.unit.energy(value)).and_then(|energy| check_interval(energy, seconds)) {
                Ok(energy) => readings.push(RawReading {
                    start: start + i64::from(seconds) * n as i64,
                    seconds,
                    register: Register::Import,
                    energy,
                    quality,
                    revision: updated.unwrap_or(0),
                    line,
                }),
                Err(reason) => gather.reject(place(), reason)?,
            }
        }
        self.day = Some(Day { suffix: block.suffix.clone(), start, seconds, readings });
        Ok(())
    }

    fn end_day(&mut self) {
        if let Some(day) = self.day.take() {
            self.streams.entry(day.suffix).or_default().extend(day.readings);
        }
    }

    /// `400,first,last,quality,...`: intervals from 1, both ends included.
    fn quality(&mut self, record: &ByteRecord, line: u64, gather: &mut Gather) -> Result<(), FormatError> {
        // The day itself may have been rejected.
        let Some(day) = &mut self.day else { return Ok(()) };
        let number = |n: usize| std::str::from_utf8(record.get(n)?).ok()?.trim().parse::<i64>().ok();
        let (Some(first), Some(last)) = (number(1), number(2)) else {
            return gather.reject(Place::line(line), "a 400 record must name its first and last interval");
        };
        if first < 1 || last < first || last > 86_400 / i64::from(day.seconds) {
            return gather.reject(Place::line(line), format!("{first} to {last} are no intervals of the day"));
        }
        let Some(quality) = quality_of(record.get(3).unwrap_or_default().trim_ascii()) else { return Ok(()) };
        let seconds = i64::from(day.seconds);
        let range = day.start + (first - 1) * seconds..day.start + last * seconds;
        let before = day.readings.len();
        day.readings.retain(|reading| quality != Quality::Missing || !range.contains(&reading.start));
        self.null_values += (before - day.readings.len()) as u64;
        for reading in day.readings.iter_mut().filter(|reading| range.contains(&reading.start)) {
            reading.quality = quality;
        }
        Ok(())
    }
}

/// `F14`: substituted by method 14. `V` tells nothing by itself.
fn quality_of(method: &[u8]) -> Option<Quality> {
    match method.first()?.to_ascii_uppercase() {
        b'A' => Some(Quality::Actual),
        b'E' | b'S' | b'F' => Some(Quality::Estimated),
        b'N' => Some(Quality::Missing),
        _ => None,
    }
}

/// Streams to registers; several streams of one register are added up.
fn combine(streams: BTreeMap<String, ReadingLog>, gather: &mut Gather) -> ReadingLog {
    let imports: Vec<&str> =
        streams.keys().filter(|s| register_of_suffix(s) == Some(Register::Import)).map(String::as_str).collect();
    let is_controlled = imports.join(",").eq_ignore_ascii_case("E1,E2");
    if is_controlled {
        gather.note("Register E2 beside E1 is taken as the controlled load.");
    } else if imports.len() > 1 {
        gather.note(format!("Registers {} are added up.", imports.join(", ")));
    }
    let mut groups: BTreeMap<u8, (Register, Vec<ReadingLog>)> = BTreeMap::new();
    for (suffix, readings) in streams {
        let register = match register_of_suffix(&suffix).unwrap_or_default() {
            Register::Import if is_controlled && suffix.eq_ignore_ascii_case("E2") => Register::Controlled,
            register => register,
        };
        groups.entry(register as u8).or_insert_with(|| (register, Vec::new())).1.push(readings);
    }
    let mut all = ReadingLog::new();
    for (register, group) in groups.into_values() {
        let put = |reading| all.push(RawReading { register, ..reading });
        match group.as_slice() {
            [only] => only.iter().for_each(put),
            _ => add_up(&group).into_values().for_each(put),
        }
    }
    all
}

/// Sums streams of one register interval by interval, in steps of the shortest.
fn add_up(group: &[ReadingLog]) -> BTreeMap<i64, RawReading> {
    let step = group.iter().flatten().map(|reading| reading.seconds).min().unwrap_or(300);
    let mut sums: BTreeMap<i64, RawReading> = BTreeMap::new();
    for stream in group {
        let mut stream: Vec<RawReading> = stream.iter().collect();
        // The last of a day's readings, by update time and then by line, is the one that counts.
        stream.sort_by_key(|reading| (reading.start, std::cmp::Reverse((reading.revision, reading.line))));
        stream.dedup_by_key(|reading| reading.start);
        for reading in stream {
            let parts = i64::from((reading.seconds / step).max(1));
            let mut given = Energy::ZERO;
            for n in 0..parts {
                let energy = reading.energy.scale(n + 1, parts) - given;
                given += energy;
                let start = reading.start + n * i64::from(step);
                let part = RawReading { start, seconds: reading.seconds.min(step), energy, ..reading };
                sums.entry(start)
                    .and_modify(|sum| {
                        sum.energy += energy;
                        sum.quality = sum.quality.max(reading.quality);
                    })
                    .or_insert(part);
            }
        }
    }
    sums
}
