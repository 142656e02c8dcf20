//! Calendar months and billing periods: ascending, distinct, gaps listed.

use super::findings::{self, day_span};
use super::{MAX_DAYS, NormaliseError, blank, check_date, check_energy};
use crate::domain::calendar::days_between;
use crate::domain::units::Energy;
use crate::domain::usage::readings::{MonthReading, PeriodReading, Quality, RawMonth, RawPeriod, ReadingSet};
use crate::domain::usage::report::{NormaliseReport, SetKind};
use jiff::civil::Date;

pub(super) fn normalise_months(mut raw: Vec<RawMonth>) -> Result<(ReadingSet, NormaliseReport), NormaliseError> {
    raw.iter().try_for_each(check_month)?;
    raw.sort_by_key(|month| month.month);
    if let Some((first, second)) = neighbours(&raw).find(|(first, second)| first.month == second.month) {
        return Err(NormaliseError::Repeated {
            what: first.month.to_string(),
            first_line: first.line.min(second.line),
            second_line: first.line.max(second.line),
        });
    }
    let spans: Vec<(Date, Date, Energy)> =
        raw.iter().map(|month| (month.month.window().start, month.month.window().end, month.energy)).collect();
    let report = report(SetKind::Months, &spans)?;
    let months = raw
        .into_iter()
        .map(|month| MonthReading { month: month.month, energy: month.energy, quality: Quality::Actual })
        .collect();
    Ok((ReadingSet::Months(months), report))
}

pub(super) fn normalise_periods(mut raw: Vec<RawPeriod>) -> Result<(ReadingSet, NormaliseReport), NormaliseError> {
    raw.iter().try_for_each(check_period)?;
    raw.sort_by_key(|period| period.window);
    if let Some((first, second)) = neighbours(&raw).find(|(first, second)| second.window.start < first.window.end) {
        let (first_line, second_line) = (first.line.min(second.line), first.line.max(second.line));
        if first.window == second.window {
            let what = format!("{} to {}", first.window.start, first.window.close());
            return Err(NormaliseError::Repeated { what, first_line, second_line });
        }
        return Err(NormaliseError::Overlap { first_line, second_line });
    }
    let spans: Vec<(Date, Date, Energy)> =
        raw.iter().map(|period| (period.window.start, period.window.end, period.energy)).collect();
    let report = report(SetKind::Periods, &spans)?;
    let periods =
        raw.into_iter().map(|period| PeriodReading { window: period.window, energy: period.energy }).collect();
    Ok((ReadingSet::Periods(periods), report))
}

/// Refuses a row that is wrong by itself.
pub(super) fn check_month(month: &RawMonth) -> Result<(), NormaliseError> {
    check_date(month.month.first_day(), month.line)?;
    check_energy(month.energy, month.line)
}

/// Refuses a row that is wrong by itself.
pub(super) fn check_period(period: &RawPeriod) -> Result<(), NormaliseError> {
    check_date(period.window.start, period.line)?;
    check_date(period.window.end, period.line)?;
    check_energy(period.energy, period.line)?;
    if period.window.days() > 0 { Ok(()) } else { Err(NormaliseError::NoLength { line: period.line }) }
}

fn neighbours<T>(items: &[T]) -> impl Iterator<Item = (&T, &T)> {
    items.iter().zip(items.iter().skip(1))
}

/// The report over ascending spans that do not overlap.
fn report(kind: SetKind, spans: &[(Date, Date, Energy)]) -> Result<NormaliseReport, NormaliseError> {
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return Err(NormaliseError::Empty) };
    let last_date = last.1.yesterday().unwrap_or(last.1);
    if days_between(first.0, last.1) > MAX_DAYS {
        return Err(NormaliseError::TooLong { first: first.0, last: last_date });
    }
    let mut report = blank(kind, spans.len() as u64, first.0, last_date);
    report.accepted = spans.len() as u64;
    report.total_kwh = super::total(spans.iter().map(|(_, _, energy)| *energy))?;
    for (before, after) in neighbours(spans) {
        if before.1 < after.0 {
            report.gaps.push(|| day_span(before.1, after.0));
            report.missing += days_between(before.1, after.0) as u64;
        }
    }
    let mut zero_from: Option<(Date, Date)> = None;
    for (from, to, energy) in spans {
        zero_from = match zero_from {
            Some((begin, end)) if energy.is_zero() && end == *from => Some((begin, *to)),
            earlier => {
                if let Some((begin, end)) = earlier {
                    report.zero_runs.push(|| day_span(begin, end));
                }
                energy.is_zero().then_some((*from, *to))
            }
        };
    }
    if let Some((begin, end)) = zero_from {
        report.zero_runs.push(|| day_span(begin, end));
    }
    let days = |from: Date, to: Date| days_between(from, to).max(1);
    // Billing periods differ in length: what is compared is the energy per day.
    let values: Vec<(Date, u32, Energy)> = spans
        .iter()
        .map(|&(from, to, energy)| {
            let compared = if kind == SetKind::Periods { energy.scale(1, days(from, to)) } else { energy };
            (from, days(from, to) as u32, compared)
        })
        .collect();
    findings::outliers(&values, &mut report);
    let covered: i64 = spans.iter().map(|&(from, to, _)| days(from, to)).sum();
    findings::unit_suspicion(report.total_kwh, covered as f64, &mut report.notes);
    Ok(report)
}
