//! Daily readings: one per day and register, gaps filled from the same weekday nearby.

use super::findings::{self, day_span};
use super::{MAX_DAYS, NormaliseError, blank, check_date, check_energy};
use crate::domain::calendar::days_between;
use crate::domain::tariff::model::Register;
use crate::domain::units::{Energy, div_round};
use crate::domain::usage::readings::{DayReading, Quality, RawDay, ReadingSet};
use crate::domain::usage::report::{NormaliseReport, SetKind};
use jiff::ToSpan;
use jiff::civil::Date;

/// Days away at which the same weekday is looked for.
const SAME_WEEKDAY: [i64; 8] = [-7, 7, -14, 14, -21, 21, -28, 28];
/// Days away that are looked at when no such weekday is held.
const NEAR_DAYS: [i64; 6] = [-1, 1, -2, 2, -3, 3];
/// Days of zero use in a row that are reported.
const ZERO_RUN_DAYS: usize = 2;

pub(super) fn normalise(mut raw: Vec<RawDay>) -> Result<(ReadingSet, NormaliseReport), NormaliseError> {
    let rows = raw.len() as u64;
    raw.iter().try_for_each(check)?;
    raw.retain(|day| day.quality != Quality::Missing);
    raw.sort_by_key(|day| (day.register, day.date));
    for pair in raw.windows(2) {
        if (pair[0].register, pair[0].date) == (pair[1].register, pair[1].date) {
            let (first_line, second_line) = (pair[0].line.min(pair[1].line), pair[0].line.max(pair[1].line));
            return Err(NormaliseError::Repeated { what: pair[0].date.to_string(), first_line, second_line });
        }
    }
    super::total(raw.iter().map(|day| day.energy))?;
    let (first, last) = import_span(&raw)?;
    let mut report = blank(SetKind::Days, rows, first, last);
    report.empty = rows - raw.len() as u64;
    let slots = slots(&raw, first, last, &mut report);
    let days = filled(slots, first, &mut report);
    report_findings(&days, &mut report);
    Ok((ReadingSet::Days(days), report))
}

/// Refuses a row that is wrong by itself.
pub(super) fn check(day: &RawDay) -> Result<(), NormaliseError> {
    check_date(day.date, day.line)?;
    if day.quality == Quality::Missing { Ok(()) } else { check_energy(day.energy, day.line) }
}

/// First and last day with an import reading.
fn import_span(raw: &[RawDay]) -> Result<(Date, Date), NormaliseError> {
    if raw.is_empty() {
        return Err(NormaliseError::Empty);
    }
    // Sorted by register first, and import is the first register.
    let imports = &raw[..raw.partition_point(|day| day.register == Register::Import)];
    let (Some(first), Some(last)) = (imports.first(), imports.last()) else { return Err(NormaliseError::NoImport) };
    if days_between(first.date, last.date) >= MAX_DAYS {
        return Err(NormaliseError::TooLong { first: first.date, last: last.date });
    }
    Ok((first.date, last.date))
}

/// One slot for every day of the span; empty where nothing was read.
fn slots(raw: &[RawDay], first: Date, last: Date, report: &mut NormaliseReport) -> Vec<Option<DayReading>> {
    let mut slots: Vec<Option<DayReading>> = vec![None; days_between(first, last) as usize + 1];
    let mut unused = 0;
    for day in raw {
        let slot = usize::try_from(days_between(first, day.date)).ok().and_then(|index| slots.get_mut(index));
        match (day.register, slot) {
            (Register::Import, Some(slot)) => {
                let (import, quality) = (day.energy, day.quality);
                *slot = Some(DayReading { date: day.date, import, export: Energy::ZERO, quality });
            }
            (Register::Export, Some(Some(reading))) => {
                reading.export = day.energy;
                *report.export_kwh.get_or_insert_default() += day.energy;
            }
            // Daily sets have no register of its own for it; the household pays for it all the same.
            (Register::Controlled, Some(Some(reading))) => {
                reading.import += day.energy;
                *report.controlled_kwh.get_or_insert_default() += day.energy;
            }
            _ => {
                unused += 1;
                continue;
            }
        }
        report.accepted += 1;
        report.estimated += u64::from(day.quality == Quality::Estimated);
    }
    if unused > 0 {
        report
            .notes
            .push(format!("{unused} daily readings of other registers have no import reading and are not used"));
    }
    if report.controlled_kwh.is_some() {
        report.notes.push("controlled load is added to each day's import".to_owned());
    }
    slots
}

/// Fills empty days; those for which nothing typical is known are left out.
fn filled(slots: Vec<Option<DayReading>>, first: Date, report: &mut NormaliseReport) -> Vec<DayReading> {
    let mut days = Vec::with_capacity(slots.len());
    let mut gap: Option<Date> = None;
    let mut date = first;
    for (index, slot) in slots.iter().enumerate() {
        if let Some(reading) = slot {
            if let Some(from) = gap.take() {
                report.gaps.push(|| day_span(from, date));
            }
            days.push(*reading);
        } else {
            gap.get_or_insert(date);
            let typical = mean_at(&slots, index, &SAME_WEEKDAY).or_else(|| mean_at(&slots, index, &NEAR_DAYS));
            if let Some((import, export)) = typical {
                report.filled += 1;
                report.filled_kwh += import;
                days.push(DayReading { date, import, export, quality: Quality::Filled });
            } else {
                report.missing += 1;
            }
        }
        date = date.saturating_add(1.day());
    }
    days
}

fn mean_at(slots: &[Option<DayReading>], index: usize, away: &[i64]) -> Option<(Energy, Energy)> {
    let near = away.iter().filter_map(|days| {
        let other = usize::try_from(index as i64 + days).ok()?;
        slots.get(other).copied().flatten()
    });
    let (mut count, mut import, mut export) = (0, 0, 0);
    for day in near {
        count += 1;
        import += i128::from(day.import.mwh_thousandths());
        export += i128::from(day.export.mwh_thousandths());
    }
    let mean = |sum: i128| Energy::from_mwh_thousandths(div_round(sum, count) as i64);
    (count > 0).then(|| (mean(import), mean(export)))
}

fn report_findings(days: &[DayReading], report: &mut NormaliseReport) {
    report.total_kwh = days.iter().map(|day| day.import).sum();
    let mut from = 0;
    for to in 1..=days.len() {
        let joined =
            to < days.len() && days[to].import.is_zero() && days_between(days[to - 1].date, days[to].date) == 1;
        if joined && days[from].import.is_zero() {
            continue;
        }
        if days[from].import.is_zero() && to - from >= ZERO_RUN_DAYS {
            report.zero_runs.push(|| day_span(days[from].date, days[to - 1].date.saturating_add(1.day())));
        }
        from = to;
    }
    let read = days.iter().filter(|day| day.quality != Quality::Filled);
    let values: Vec<(Date, u32, Energy)> = read.map(|day| (day.date, 1, day.import)).collect();
    findings::outliers(&values, report);
    findings::unit_suspicion(report.total_kwh, days.len() as f64, &mut report.notes);
}
