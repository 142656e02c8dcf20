//! Green Button: NAESB ESPI readings in an Atom feed.
//!
//! Traps:
//! - namespaces are free (a prefix, a default on the feed, a default on every content): elements are known by namespace and
//!   local name, never by prefix;
//! - a value is `value x 10^powerOfTenMultiplier` in `uom` (72 Wh, 38 W): one utility writes milli-watt-hours, and a title
//!   that says kWh means nothing; gas (119, 169 therms; 42 cubic metres), reactive and meter-total streams are left out;
//! - readings are tied to their type and usage point by links, or only by the order of entries; types may come after blocks;
//! - `flowDirection` 19 is export, 4 is net (its negative values are export), 1, 0 and none are import;
//! - one usage point may hold the same use twice, by quarter-hour and by day: the finest is taken. Several usage points are
//!   several meters and refused unless one is chosen by position;
//! - stamps are UTC seconds, but some utilities write local clock time as if it were UTC: told by blocks that all start at
//!   00:00Z in a feed without LocalTimeParameters, in a zone hours away from UTC; read as local, and noted;
//! - a daily reading lasts 23 or 25 hours when the clocks change; readings longer than that are billing periods;
//! - files are large: read as a stream, with bounds on depth and on one element, and no document types or entities.

mod parse;

use super::gather::{Gather, check_interval, check_period};
use super::interval::by_length;
use super::moment::{Clock, Instants};
use super::periods::refuse_overlaps;
use super::text::Source;
use crate::domain::calendar::Window;
use crate::domain::tariff::model::Register;
use crate::domain::units::{Energy, div_round};
use crate::domain::usage::reading_log::ReadingLog;
use crate::domain::usage::readings::{RawPeriod, RawReading, RawReadings};
use crate::formats::error::{FormatError, Place};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use parse::{Feed, ReadingType};
use std::collections::HashMap;

/// A day when the clocks go back.
const LONGEST_DAY: u32 = 90_000;

/// Reads all electricity readings.
pub fn read(source: Source, gather: &mut Gather) -> Result<RawReadings, FormatError> {
    let feed = parse::read(source, gather)?;
    if feed.empty > 0 {
        gather.note(format!("{} readings have no value and are left as gaps.", feed.empty));
    }
    let kinds = kinds_of_blocks(&feed, gather)?;
    let is_local = !feed.has_local_time && is_local_as_utc(&feed, &gather.options.zone);
    let lengths = chosen_lengths(&feed, &kinds, gather)?;
    let mut readings = convert(&feed, &kinds, &lengths, gather)?;
    drop(feed);
    if is_local {
        gather.note("Times are local clock times written as if they were UTC: they are read as local.");
        readings = as_local(&readings, gather);
    }
    if !readings.is_empty() && readings.iter().all(|reading| reading.seconds > LONGEST_DAY) {
        return periods(&readings, gather).map(RawReadings::Periods);
    }
    Ok(by_length(readings, &gather.options.zone))
}

/// What a block's values are.
#[derive(Debug, Clone, Copy)]
struct Kind {
    point: usize,
    register: Register,
    /// Values may be negative: what is fed in.
    is_net: bool,
    is_power: bool,
    /// Power of ten from millionths of the stated unit to milliwatt-hours.
    exponent: i32,
}

/// For each block its kind; `None` when it is not electrical energy.
fn kinds_of_blocks(feed: &Feed, gather: &mut Gather) -> Result<Vec<Option<Kind>>, FormatError> {
    let mut by_link: HashMap<(usize, Option<usize>), Option<Kind>> = HashMap::new();
    let mut kinds = Vec::with_capacity(feed.blocks.len());
    for (n, block) in feed.blocks.iter().enumerate() {
        let key = (block.link, block.last_meter);
        let kind = match by_link.get(&key) {
            Some(kind) => *kind,
            None => {
                let meter = feed.meter_of(block);
                let kind = match feed.type_of(meter) {
                    Some(kind) => kind_of(kind, feed.point_of(meter, block), feed, gather),
                    None => {
                        let reason = "the unit of the readings is not told: no ReadingType belongs to them";
                        let place = Place::record(n as u64 + 1).field("IntervalBlock");
                        return Err(FormatError::new(place, reason, "Download the whole Green Button file again"));
                    }
                };
                by_link.insert(key, kind);
                kind
            }
        };
        kinds.push(kind);
    }
    Ok(kinds)
}

fn kind_of(kind: &ReadingType, point: Option<usize>, feed: &Feed, gather: &mut Gather) -> Option<Kind> {
    let service = point.and_then(|n| feed.points.get(n)).and_then(|point| point.kind);
    let left_out = match (service, kind.commodity, kind.uom) {
        (Some(1), ..) | (_, Some(7), _) | (_, _, Some(42 | 119 | 132 | 169)) => "gas",
        (Some(kind), ..) if kind != 0 => "another service than electricity",
        (_, _, Some(38 | 72)) if !matches!(kind.accumulation, Some(1 | 3)) => {
            let power = kind.multiplier.unwrap_or(0);
            if !(-12..=12).contains(&power) {
                gather.note("A stream with an impossible power-of-ten multiplier is left out.");
                return None;
            }
            return Some(Kind {
                point: point.unwrap_or(0),
                register: if kind.flow == Some(19) { Register::Export } else { Register::Import },
                is_net: kind.flow == Some(4),
                is_power: kind.uom == Some(38),
                exponent: power - 3,
            });
        }
        (_, _, Some(38 | 72)) => "meter totals, not energy per interval",
        (_, _, Some(61 | 63 | 71 | 73)) => "reactive or apparent energy",
        _ => "in a unit that is not electrical energy",
    };
    gather.note(format!("Readings that are {left_out} are left out."));
    None
}

/// Whether every block starts at 00:00Z although the local midnight is hours away from it.
fn is_local_as_utc(feed: &Feed, zone: &TimeZone) -> bool {
    let mut starts = feed.blocks.iter().filter_map(|block| block.start);
    let far = |start: i64| {
        Timestamp::from_second(start).is_ok_and(|stamp| zone.to_offset(stamp).seconds().unsigned_abs() >= 3 * 3_600)
    };
    !feed.blocks.is_empty() && starts.all(|start| start.rem_euclid(86_400) == 0 && far(start))
}

/// The length to take per register of the chosen usage point: the finest, so that no energy counts twice.
fn chosen_lengths(
    feed: &Feed,
    kinds: &[Option<Kind>],
    gather: &mut Gather,
) -> Result<HashMap<(usize, u8), u32>, FormatError> {
    let mut rows: Vec<(usize, u64)> = Vec::new();
    let mut lengths: HashMap<(usize, u8), (u32, u32)> = HashMap::new();
    for (block, kind) in feed.blocks.iter().zip(kinds) {
        let Some(kind) = kind else { continue };
        match rows.iter_mut().find(|(point, _)| *point == kind.point) {
            Some((_, count)) => *count += block.count as u64,
            None => rows.push((kind.point, block.count as u64)),
        }
        let entry = lengths.entry((kind.point, kind.register as u8)).or_insert((u32::MAX, 0));
        if let Some((shortest, longest)) = block.lengths {
            *entry = (entry.0.min(shortest), entry.1.max(longest));
        }
    }
    let mut chosen = HashMap::new();
    for (point, count) in rows {
        if gather.wants_meter_rows(point.to_string().as_bytes(), count)? {
            let of_point = lengths.iter().filter(|((of, _), _)| *of == point);
            for (key, (shortest, longest)) in of_point {
                // A day of 23 or 25 hours is no other resolution, nor is a quarter beside an hour left over.
                let limit = if *shortest >= 82_800 { LONGEST_DAY.max(*shortest) } else { *shortest };
                if *longest > limit && *shortest < 82_800 && *longest >= 82_800
                    || *longest > LONGEST_DAY && *shortest <= LONGEST_DAY
                {
                    gather.note("The file holds the same use in several resolutions: the finest is taken.");
                }
                chosen.insert(*key, *shortest);
            }
        }
    }
    Ok(chosen)
}

/// Whether a reading is of the resolution that was chosen.
fn is_chosen(seconds: u32, shortest: u32) -> bool {
    let class = |seconds: u32| u8::from(seconds >= 82_800) + u8::from(seconds > LONGEST_DAY);
    class(seconds) == class(shortest)
}

/// Turns stated values into energy and drops what is not wanted.
fn convert(
    feed: &Feed,
    kinds: &[Option<Kind>],
    lengths: &HashMap<(usize, u8), u32>,
    gather: &mut Gather,
) -> Result<ReadingLog, FormatError> {
    let (mut kept, mut has_net) = (ReadingLog::new(), false);
    let mut readings = feed.readings.iter();
    let finest_hour = finest_below_a_day(feed, kinds, lengths);
    for (n, (block, kind)) in feed.blocks.iter().zip(kinds).enumerate() {
        let of_block = readings.by_ref().take(block.count);
        let chosen = kind.and_then(|kind| Some((kind, lengths.get(&(kind.point, kind.register as u8))?)));
        let Some((kind, shortest)) = chosen else {
            of_block.for_each(drop);
            continue;
        };
        let finest = finest_hour.get(&feed.stream_of(n)).copied();
        for mut reading in of_block {
            if !is_chosen(reading.seconds, *shortest)
                || finest.is_some_and(|finest| finest > *shortest && reading.seconds < 82_800)
            {
                continue;
            }
            reading.register = kind.register;
            let place = || Place::record(reading.line).field("value");
            match energy_of(&reading, kind) {
                Ok(energy) if energy.is_negative() && kind.is_net => {
                    (reading.energy, reading.register, has_net) = (-energy, Register::Export, true);
                }
                Ok(energy) => reading.energy = energy,
                Err(reason) => {
                    gather.reject(place(), reason)?;
                    continue;
                }
            }
            let checked = if reading.seconds > LONGEST_DAY {
                check_period(reading.energy)
            } else {
                check_interval(reading.energy, reading.seconds)
            };
            if let Err(reason) = checked {
                gather.reject(place(), reason)?;
                continue;
            }
            kept.push(reading);
        }
    }
    if has_net {
        gather.note("Values are net: negative ones are taken as fed in.");
    }
    Ok(kept)
}

/// The shortest interval of each stream, for streams of one register that differ (hourly beside quarter-hourly).
fn finest_below_a_day(feed: &Feed, kinds: &[Option<Kind>], lengths: &HashMap<(usize, u8), u32>) -> HashMap<usize, u32> {
    let mut finest: HashMap<usize, u32> = HashMap::new();
    for (n, kind) in kinds.iter().enumerate() {
        let chosen = kind.as_ref().is_some_and(|kind| lengths.contains_key(&(kind.point, kind.register as u8)));
        if let Some((shortest, _)) = feed.blocks[n].lengths.filter(|_| chosen) {
            finest.entry(feed.stream_of(n)).and_modify(|held| *held = shortest.min(*held)).or_insert(shortest);
        }
    }
    finest
}

fn energy_of(reading: &RawReading, kind: Kind) -> Result<Energy, String> {
    let mut amount = i128::from(reading.energy.mwh_thousandths());
    let mut divisor = 1i128;
    match kind.exponent {
        exponent @ 0.. => amount *= 10i128.pow(exponent as u32),
        exponent => divisor = 10i128.pow(exponent.unsigned_abs()),
    }
    if kind.is_power {
        amount *= i128::from(reading.seconds);
        divisor *= 3_600;
    }
    let amount = div_round(amount, divisor);
    let limit = i128::from(Energy::MAX_KWH) * 1_000_000;
    if amount.abs() > limit {
        return Err(format!("the value is more than {} kWh: is the multiplier right?", Energy::MAX_KWH));
    }
    Ok(Energy::from_mwh_thousandths(amount as i64))
}

/// Moves stamps that are local clock times to the instants they mean.
fn as_local(readings: &ReadingLog, gather: &mut Gather) -> ReadingLog {
    let mut clock = Clock::new(&gather.options.zone);
    let mut dropped = Energy::ZERO;
    let mut count = 0;
    let mut moved = ReadingLog::new();
    for reading in readings {
        let days = Span::new().try_days(reading.start.div_euclid(86_400)).unwrap_or_default();
        let date = Date::constant(1970, 1, 1).saturating_add(days);
        let instants = clock.instants(date, reading.start.rem_euclid(86_400) as u32);
        let (Instants::One(start) | Instants::Two(start, _)) = instants else {
            (dropped, count) = (dropped + reading.energy, count + 1);
            continue;
        };
        moved.push(RawReading { start, ..reading });
    }
    if count > 0 {
        gather.note(format!("{count} readings name the hour that spring skips and are left out ({dropped})."));
    }
    moved
}

/// Readings longer than a day, as billing periods.
fn periods(readings: &ReadingLog, gather: &mut Gather) -> Result<Vec<RawPeriod>, FormatError> {
    let zone = gather.options.zone.clone();
    let day = |second: i64| Timestamp::from_second(second).map(|stamp| stamp.to_zoned(zone.clone()).date());
    let mut periods = Vec::new();
    for reading in readings {
        if reading.register != Register::Import {
            gather.note("Energy fed into the grid is left out: billing periods carry no other register.");
            continue;
        }
        if let (Ok(start), Ok(end)) = (day(reading.start), day(reading.start + i64::from(reading.seconds))) {
            periods.push(RawPeriod { window: Window { start, end }, energy: reading.energy, line: reading.line });
        }
    }
    periods.sort_by_key(|period| (period.window.start, period.line));
    refuse_overlaps(periods, "timePeriod", gather)
}
