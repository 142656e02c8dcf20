//! Normalising what can be used of a file with bad rows, when its owner asked for that.

use super::{NormaliseError, days, intervals, months, normalise};
use crate::domain::usage::readings::{RawReadings, ReadingSet};
use crate::domain::usage::report::NormaliseReport;
use jiff::tz::TimeZone;

/// Rows that contradict others are left out one by one, up to this many: a file with more of them is a wrong file.
const MAX_CONTRADICTIONS: usize = 100;

/// Like [`normalise`], but rows that are wrong by themselves, and of rows that contradict each other the later line,
/// are left out and handed back as errors. Still refused: nothing usable left, or too many contradictions.
pub fn normalise_partial(
    mut raw: RawReadings,
    zone: &TimeZone,
) -> Result<(ReadingSet, NormaliseReport, Vec<NormaliseError>), NormaliseError> {
    let mut rejected = Vec::new();
    match &mut raw {
        RawReadings::Intervals(rows) => rows.retain(|row| is_good(row, intervals::check, &mut rejected)),
        RawReadings::Days(rows) => rows.retain(|row| is_good(row, days::check, &mut rejected)),
        RawReadings::Months(rows) => rows.retain(|row| is_good(row, months::check_month, &mut rejected)),
        RawReadings::Periods(rows) => rows.retain(|row| is_good(row, months::check_period, &mut rejected)),
    }
    for _ in 0..MAX_CONTRADICTIONS {
        let error = match normalise(raw.clone(), zone) {
            Ok((set, report)) => return Ok((set, report, rejected)),
            Err(error) => error,
        };
        let Some(line) = error.line() else { return Err(error) };
        leave_out(&mut raw, line);
        rejected.push(error);
    }
    normalise(raw, zone).map(|(set, report)| (set, report, rejected))
}

fn is_good<T>(row: &T, check: impl Fn(&T) -> Result<(), NormaliseError>, rejected: &mut Vec<NormaliseError>) -> bool {
    check(row).map_err(|error| rejected.push(error)).is_ok()
}

fn leave_out(raw: &mut RawReadings, line: u64) {
    match raw {
        RawReadings::Intervals(rows) => rows.retain(|row| row.line != line),
        RawReadings::Days(rows) => rows.retain(|row| row.line != line),
        RawReadings::Months(rows) => rows.retain(|row| row.line != line),
        RawReadings::Periods(rows) => rows.retain(|row| row.line != line),
    }
}
