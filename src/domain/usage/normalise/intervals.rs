//! Interval readings: duplicates resolved, put on a grid of whole local days, gaps filled, everything reported.

use super::grid::{self, is_read};
use super::{NormaliseError, blank, check_energy, days, fill, findings, months};
use crate::domain::calendar::{day_start, days_between};
use crate::domain::tariff::model::Register;
use crate::domain::units::Energy;
use crate::domain::usage::normalise::MAX_DAYS;
use crate::domain::usage::reading_log::ReadingLog;
use crate::domain::usage::readings::{Intervals, Quality, RawDay, RawPeriod, RawReading, ReadingSet};
use crate::domain::usage::report::{ClockChange, DroppedDay, NormaliseReport, SetKind};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Readings from this length on are daily or longer totals: the shortest local day.
const DAY_LONG: u32 = 23 * 3600;
/// Up to this length a reading is one day's: the longest local day.
const DAY_SHORT: u32 = 25 * 3600;
/// A first or last day with a smaller share of its steps read is left out rather than filled.
const KEEP_EDGE_DAY: (usize, usize) = (1, 2);

pub(super) fn normalise(
    readings: ReadingLog,
    zone: &TimeZone,
) -> Result<(ReadingSet, NormaliseReport), NormaliseError> {
    let rows = readings.len() as u64;
    readings.iter().try_for_each(|reading| check(&reading))?;
    let with_value = || readings.iter().filter(|reading| reading.quality != Quality::Missing);
    let long = length_class(with_value())?;
    let mut registers = <[ReadingLog; 3]>::default();
    for reading in with_value() {
        registers[reading.register as usize].push(reading);
    }
    drop(readings);
    let empty = rows - count(&registers);
    let mut duplicates = 0;
    for register in &mut registers {
        duplicates += resolve(register)?;
    }
    let (set, mut report) = if long { from_totals(&registers, zone)? } else { on_grid(&registers, zone)? };
    report.rows = rows;
    report.empty += empty;
    report.duplicates = duplicates;
    Ok((set, report))
}

/// Refuses a row that is wrong by itself.
pub(super) fn check(reading: &RawReading) -> Result<(), NormaliseError> {
    const LAST_SECOND: i64 = 7_258_032_000; // 2199-12-31, a day before the end of the last year.
    let line = reading.line;
    if reading.quality != Quality::Missing {
        check_energy(reading.energy, line)?;
    }
    if reading.seconds == 0 {
        return Err(NormaliseError::NoLength { line });
    }
    if reading.start < 0 || reading.start.saturating_add(i64::from(reading.seconds)) > LAST_SECOND {
        return Err(NormaliseError::OutOfRange { line });
    }
    Ok(())
}

/// Whether the readings are a day or longer; refuses a mix.
fn length_class(mut readings: impl Iterator<Item = RawReading>) -> Result<bool, NormaliseError> {
    let first = readings.next().ok_or(NormaliseError::Empty)?;
    let long = first.seconds >= DAY_LONG;
    match readings.find(|reading| (reading.seconds >= DAY_LONG) != long) {
        None => Ok(long),
        Some(other) if long => Err(NormaliseError::MixedLengths { short_line: other.line, long_line: first.line }),
        Some(other) => Err(NormaliseError::MixedLengths { short_line: first.line, long_line: other.line }),
    }
}

fn count(registers: &[ReadingLog; 3]) -> u64 {
    registers.iter().map(|readings| readings.len() as u64).sum()
}

/// Sorts a register by start and keeps one reading per interval: the highest revision, then the later line.
/// Returns how many lost. Readings that overlap without being the same interval are refused.
fn resolve(readings: &mut ReadingLog) -> Result<u64, NormaliseError> {
    let sorted = std::mem::take(readings).sorted();
    let mut held: Option<RawReading> = None;
    for next in &sorted {
        let Some(last) = &mut held else {
            held = Some(next);
            continue;
        };
        if last.start + i64::from(last.seconds) <= next.start {
            readings.push(std::mem::replace(last, next));
            continue;
        }
        if (last.start, last.seconds) != (next.start, next.seconds) {
            let (first_line, second_line) = (last.line.min(next.line), last.line.max(next.line));
            return Err(NormaliseError::Overlap { first_line, second_line });
        }
        if (next.revision, next.line) >= (last.revision, last.line) {
            *last = next;
        }
    }
    readings.extend(held);
    Ok((sorted.len() - readings.len()) as u64)
}

/// Readings of a day or longer are days, or billing periods when any is longer than a day.
fn from_totals(registers: &[ReadingLog; 3], zone: &TimeZone) -> Result<(ReadingSet, NormaliseReport), NormaliseError> {
    // Few: they are long and do not overlap.
    let readings: Vec<RawReading> = registers.iter().flatten().collect();
    if readings.iter().all(|reading| reading.seconds <= DAY_SHORT) {
        // The middle of the reading names its day, however the clocks changed at its ends.
        let days = readings
            .iter()
            .map(|reading| RawDay {
                date: local_date(reading.start + i64::from(reading.seconds / 2), zone),
                register: reading.register,
                energy: reading.energy,
                quality: reading.quality,
                line: reading.line,
            })
            .collect();
        return days::normalise(days);
    }
    // Bounds go to the nearest local midnight.
    let half_day = 12 * 3600;
    let periods: Vec<RawPeriod> = readings
        .iter()
        .filter(|reading| reading.register == Register::Import)
        .map(|reading| RawPeriod {
            window: crate::domain::calendar::Window {
                start: local_date(reading.start + half_day, zone),
                end: local_date(reading.start + i64::from(reading.seconds) + half_day, zone),
            },
            energy: reading.energy,
            line: reading.line,
        })
        .collect();
    if periods.is_empty() {
        return Err(NormaliseError::NoImport);
    }
    let other = readings.len() - periods.len();
    let (set, mut report) = months::normalise_periods(periods)?;
    report.estimated = readings.iter().filter(|reading| reading.quality == Quality::Estimated).count() as u64;
    if other > 0 {
        report.notes.push(format!("{other} billing totals of other registers than import are not used"));
    }
    Ok((set, report))
}

fn local_date(second: i64, zone: &TimeZone) -> Date {
    Timestamp::from_second(second).map_or(jiff::civil::date(1970, 1, 1), |instant| zone.to_datetime(instant).date())
}

fn on_grid(registers: &[ReadingLog; 3], zone: &TimeZone) -> Result<(ReadingSet, NormaliseReport), NormaliseError> {
    let imports = &registers[Register::Import as usize];
    let (Some(first), Some(last)) = (imports.first(), imports.last()) else {
        return Err(NormaliseError::NoImport);
    };
    let end = last.start + i64::from(last.seconds);
    let (first_day, last_day) = (local_date(first.start, zone), local_date(end - 1, zone));
    let days = days_between(first_day, last_day) + 1;
    if days > MAX_DAYS {
        return Err(NormaliseError::TooLong { first: first_day, last: last_day });
    }
    let readings = || registers.iter().flatten();
    super::total(readings().map(|reading| reading.energy))?;

    let origin = day_start(first_day, zone);
    let minutes = grid::step_minutes(registers, origin, end, zone);
    let mut intervals = Intervals::empty(zone, minutes, first_day, days as u32);
    let placed = grid::place(registers, origin, &mut intervals);
    let dropped_days = trim(&mut intervals);

    let window = intervals.window();
    let mut report = blank(SetKind::Intervals, 0, window.start, window.close());
    report.resolution_minutes = Some(minutes);
    report.accepted = count(registers) - placed.outside;
    report.estimated = readings().filter(|reading| reading.quality == Quality::Estimated).count() as u64;
    report.dropped_days = dropped_days;
    report.clock_changes = clock_changes(&intervals);
    findings::gaps(&intervals, &mut report);
    let filled = fill::fill(&mut intervals);
    (report.filled, report.missing, report.filled_kwh) = (filled.steps, filled.missing, filled.energy);
    findings::zero_runs(&intervals, &mut report);
    findings::day_outliers(&intervals, &mut report);
    report.total_kwh = super::total(intervals.import.iter().copied())?;
    let sum = |values: &[Energy]| (!values.is_empty()).then(|| values.iter().copied().sum());
    report.export_kwh = sum(&intervals.export);
    report.controlled_kwh = sum(&intervals.controlled);
    if placed.outside > 0 {
        report.notes.push(format!(
            "{} readings of other registers lie outside the days with import readings and are not used",
            placed.outside
        ));
    }
    if placed.partial_steps > 0 {
        report.notes.push(format!(
            "{} steps of {minutes} minutes were read only in part; their energy is kept as read",
            placed.partial_steps
        ));
    }
    findings::unit_suspicion(report.total_kwh, f64::from(intervals.days()), &mut report.notes);
    Ok((ReadingSet::Intervals(intervals), report))
}

/// Leaves out a first or last day of which less than half was read, unless nothing would be left.
fn trim(intervals: &mut Intervals) -> Vec<DroppedDay> {
    let days = intervals.days();
    let read = |day: u32| {
        let range = intervals.day_range(day);
        let steps = range.len();
        let read = intervals.quality[range.clone()].iter().filter(|quality| is_read(**quality)).count();
        let dropped = DroppedDay {
            date: intervals.date(day),
            steps_read: read as u32,
            steps: steps as u32,
            kwh: intervals.import[range].iter().copied().sum(),
        };
        (read * KEEP_EDGE_DAY.1 < steps * KEEP_EDGE_DAY.0).then_some(dropped)
    };
    if days < 2 {
        return Vec::new();
    }
    let (first, last) = (read(0), read(days - 1));
    if days == 2 && first.is_some() && last.is_some() {
        return Vec::new();
    }
    intervals.keep_days(u32::from(first.is_some()), days - u32::from(last.is_some()));
    first.into_iter().chain(last).collect()
}

fn clock_changes(intervals: &Intervals) -> Vec<ClockChange> {
    let plain = usize::from(1440 / intervals.minutes);
    (0..intervals.days())
        .filter(|day| intervals.day_range(*day).len() != plain)
        .map(|day| {
            let range = intervals.day_range(day);
            ClockChange {
                date: intervals.date(day),
                hours: range.len() as f64 * f64::from(intervals.minutes) / 60.0,
                steps: range.len() as u32,
                steps_read: intervals.quality[range].iter().filter(|quality| is_read(**quality)).count() as u32,
            }
        })
        .collect()
}
