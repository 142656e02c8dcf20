//! Octopus Energy consumption JSON: `{"count": n, "next": url, "results": [{"consumption", "interval_start", "interval_end"}]}`.
//!
//! Traps:
//! - newest first, and paged: one file is one page of `count` values, which is noted;
//! - stamps are instants with an offset (`Z` or `+01:00`), so no hour is lost when the clocks change;
//! - the values of a gas meter look the same (cubic metres or kWh): they cannot be told apart, so export the electricity one;
//! - the address of the next page holds the meter's number: never kept.

use super::gather::{Gather, check_count, check_interval};
use super::interval::by_length;
use super::moment::{Moment, Order};
use super::monthly::shown;
use super::number::Unit;
use super::text::Source;
use crate::domain::calendar::days_between;
use crate::domain::tariff::model::Register;
use crate::domain::usage::reading_log::ReadingLog;
use crate::domain::usage::readings::{Quality, RawReading, RawReadings};
use crate::formats::error::{FormatError, Place};
use jiff::civil::date;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::cell::Cell;
use std::fmt;
use std::io::BufReader;
use std::rc::Rc;

#[derive(Deserialize)]
struct Entry {
    consumption: Option<f64>,
    interval_start: String,
    interval_end: String,
}

/// Reads one page.
pub fn read(source: Source, gather: &mut Gather) -> Result<RawReadings, FormatError> {
    let guarded = source.text();
    let mut page = Page {
        unbroken: guarded.unbroken(),
        readings: ReadingLog::new(),
        empty: 0,
        count: None,
        refused: None,
        gather,
    };
    let mut deserializer = serde_json::Deserializer::from_reader(BufReader::new(guarded));
    let result = PageSeed(&mut page).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    if let Some(refused) = page.refused {
        return Err(refused);
    }
    if let Err(error) = result {
        let place = Place::line(error.line() as u64);
        return Err(if error.is_eof() {
            FormatError::new(place, "the JSON ends in the middle", "The download was cut off: fetch the file again")
        } else {
            FormatError::new(
                place,
                format!("the JSON is not as expected: {error}"),
                "Give the answer of the consumption call",
            )
        });
    }
    let Page { readings, empty, count, gather, .. } = page;
    if empty > 0 {
        gather.note(format!("{empty} entries have no value and are left as gaps."));
    }
    if let Some(count) = count.filter(|count| *count > gather.rows_read) {
        gather.note(format!("The file is one page: {} of the {count} values the meter has.", gather.rows_read));
    }
    Ok(by_length(readings, &gather.options.zone))
}

struct Page<'g, 'o> {
    unbroken: Rc<Cell<u64>>,
    readings: ReadingLog,
    empty: u64,
    /// All values there are, of which this is a page.
    count: Option<u64>,
    refused: Option<FormatError>,
    gather: &'g mut Gather<'o>,
}

impl Page<'_, '_> {
    fn entry(&mut self, entry: &Entry) -> Result<(), FormatError> {
        self.unbroken.set(0);
        self.gather.rows_read += 1;
        let place = |field: &str| Place::record(self.gather.rows_read).field(field);
        let stamp = |text: &str| {
            let moment = Moment::parse(text.as_bytes(), Order::DayFirst)?;
            let clock = days_between(date(1970, 1, 1), moment.date) * 86_400 + i64::from(moment.second);
            Some(clock - i64::from(moment.offset?))
        };
        let not_a_stamp = |text: &str| shown(text.as_bytes(), "is not a time with its offset");
        let Some(start) = stamp(&entry.interval_start) else {
            return self.gather.reject(place("interval_start"), not_a_stamp(&entry.interval_start));
        };
        let Some(end) = stamp(&entry.interval_end) else {
            return self.gather.reject(place("interval_end"), not_a_stamp(&entry.interval_end));
        };
        let Some(seconds) = u32::try_from(end - start).ok().filter(|seconds| (60..=90_000).contains(seconds)) else {
            return self.gather.reject(place("interval_end"), "the interval is not between a minute and a day long");
        };
        let Some(value) = entry.consumption else {
            self.empty += 1;
            return Ok(());
        };
        match Unit::KWh.energy(value).and_then(|energy| check_interval(energy, seconds)) {
            Ok(energy) => {
                check_count(self.readings.len())?;
                self.readings.push(RawReading {
                    start,
                    seconds,
                    register: Register::Import,
                    energy,
                    quality: Quality::Actual,
                    revision: 0,
                    line: self.gather.rows_read,
                });
                Ok(())
            }
            Err(reason) => self.gather.reject(place("consumption"), reason),
        }
    }
}

/// The page as a whole: an object with `results`, or the bare list.
struct PageSeed<'p, 'g, 'o>(&'p mut Page<'g, 'o>);

impl<'de> DeserializeSeed<'de> for PageSeed<'_, '_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PageSeed<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object with `results`, or a list of consumption values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "results" => map.next_value_seed(PageSeed(self.0))?,
                "count" => self.0.count = map.next_value::<Option<u64>>()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(entry) = seq.next_element::<Entry>()? {
            if let Err(refused) = self.0.entry(&entry) {
                self.0.refused = Some(refused);
                return Err(serde::de::Error::custom("refused"));
            }
        }
        Ok(())
    }
}
