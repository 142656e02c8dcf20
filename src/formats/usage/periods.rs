//! Billing periods CSV: `start,end,kwh`, one bill a row.
//!
//! Traps:
//! - `end` may be the last day or the first day after. A header that says so is believed (`end_inclusive`, `through`;
//!   `end_exclusive`, `until`). A plain `end` is judged by the rows: where each period starts on the day the one before
//!   ends, ends are exclusive; where it starts the day after, inclusive. Where no two periods touch, a period whose end is
//!   the same day of the month as its start is exclusive, and any other inclusive, with a note;
//! - periods that overlap count days twice and are refused;
//! - Excel and the order of day and month, as for months.

use super::fields::{End, Table};
use super::gather::{Gather, check_count, check_period};
use super::moment::Moment;
use super::monthly::{clip, energy_unit, value};
use super::text::Source;
use crate::domain::calendar::Window;
use crate::domain::usage::readings::{RawPeriod, RawReadings};
use crate::formats::error::{FormatError, Place};
use csv::ByteRecord;
use jiff::civil::Date;

/// The longest billing period taken.
pub const MAX_DAYS: i64 = 400;

/// Reads all periods.
pub fn read(source: Source, gather: &mut Gather) -> Result<RawReadings, FormatError> {
    let mut table = Table::open(source)?;
    let (Some(start), Some(end)) = (table.columns.start, table.columns.end) else {
        let reason = "billing periods need a start and an end column";
        return Err(FormatError::file(reason, "Name the columns `start,end,kwh`"));
    };
    let (order, note) = table.order(Some(start), 30, &gather.options.zone);
    if let Some(note) = note {
        gather.note(note);
    }
    let unit = energy_unit(&table, gather)?;
    let mut periods: Vec<RawPeriod> = Vec::new();
    let mut record = ByteRecord::new();
    while let Some(line) = table.next(&mut record)? {
        gather.rows_read += 1;
        let named = |n: usize| Place::line(line).field(table.columns.name(n));
        let mut dates = [None; 2];
        for (slot, column) in dates.iter_mut().zip([start, end]) {
            let text = record.get(column).unwrap_or_default();
            *slot = Moment::parse(text, order).map(|moment| moment.date);
            if slot.is_none() {
                let shown = String::from_utf8_lossy(text);
                gather.reject(named(column), format!("`{}` is not a date (write YYYY-MM-DD)", clip(&shown)))?;
                break;
            }
        }
        let [Some(first), Some(last)] = dates else { continue };
        let window = Window { start: first, end: last };
        if !(0..=MAX_DAYS).contains(&window.days()) {
            let reason = format!("{first} to {last} is not a period of 1 to {MAX_DAYS} days");
            gather.reject(named(end), reason)?;
            continue;
        }
        match value(record.get(table.columns.value).unwrap_or_default(), unit, &table).and_then(check_period) {
            Ok(energy) => {
                check_count(periods.len())?;
                periods.push(RawPeriod { window, energy, line });
            }
            Err(reason) => gather.reject(named(table.columns.value), reason)?,
        }
    }
    settle_ends(&mut periods, table.columns.end_meaning, gather);
    refuse_overlaps(periods, &table.columns.name(start), gather).map(RawReadings::Periods)
}

/// Makes every end the first day after the period.
fn settle_ends(periods: &mut [RawPeriod], meaning: End, gather: &mut Gather) {
    periods.sort_by_key(|period| (period.window.start, period.line));
    let after = |date: Date| date.tomorrow().unwrap_or(date);
    let touching = |apart: i64| {
        periods
            .windows(2)
            .filter(|pair| Window { start: pair[0].window.end, end: pair[1].window.start }.days() == apart)
            .count()
    };
    let inclusive = match (meaning, touching(0), touching(1)) {
        (End::Inclusive, ..) => Some(true),
        (End::Exclusive, ..) => Some(false),
        (End::Unsaid, 0, 0) => None,
        (End::Unsaid, chained, following) => Some(following > chained),
    };
    match inclusive {
        Some(true) if meaning == End::Unsaid => {
            gather.note("Each period starts the day after the one before ends: the end dates are taken as last days.");
        }
        Some(false) if meaning == End::Unsaid => {
            gather.note("Each period starts on the day the one before ends: the end dates are taken as not included.");
        }
        _ => {}
    }
    for period in periods {
        let same_day = period.window.start.day() == period.window.end.day() && period.window.days() > 0;
        let include = inclusive.unwrap_or(!same_day);
        if inclusive.is_none() {
            let meant = if include { "a last day" } else { "the day after the period" };
            gather.note(format!("No two periods touch: the end date of line {} is taken as {meant}.", period.line));
        }
        if include {
            period.window.end = after(period.window.end);
        }
    }
}

/// Rejects periods that are empty or count days of an earlier one again.
pub fn refuse_overlaps(
    periods: Vec<RawPeriod>,
    field: &str,
    gather: &mut Gather,
) -> Result<Vec<RawPeriod>, FormatError> {
    let mut kept: Vec<RawPeriod> = Vec::with_capacity(periods.len());
    for period in periods {
        let place = Place::line(period.line).field(field);
        if period.window.days() < 1 {
            gather.reject(place, "the period has no day")?;
        } else if let Some(before) = kept.last().filter(|before| before.window.end > period.window.start) {
            let reason = format!("the period from {} overlaps the one on line {}", period.window.start, before.line);
            gather.reject(place, reason)?;
        } else {
            kept.push(period);
        }
    }
    Ok(kept)
}
