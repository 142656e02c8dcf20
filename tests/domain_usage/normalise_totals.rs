//! Days, months and billing periods: repeats refused, gaps known, periods split by days.

use crate::{chicago, month, wh};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use treebeard::domain::calendar::Window;
use treebeard::domain::tariff::model::Register;
use treebeard::domain::units::Energy;
use treebeard::domain::usage::normalise::{NormaliseError, normalise, normalise_partial};
use treebeard::domain::usage::readings::{Quality, RawDay, RawMonth, RawPeriod, RawReadings, ReadingSet};
use treebeard::domain::usage::report::NormaliseReport;

fn day(date: Date, value: i64, line: u64) -> RawDay {
    RawDay { date, register: Register::Import, energy: wh(value), quality: Quality::Actual, line }
}

fn days(first: Date, count: i64, value: impl Fn(i64) -> i64) -> Vec<RawDay> {
    (0..count).map(|n| day(first.saturating_add(n.days()), value(n), n as u64 + 2)).collect()
}

fn period(start: Date, end: Date, kwh: i64, line: u64) -> RawPeriod {
    RawPeriod { window: Window { start, end }, energy: Energy::from_whole_kwh(kwh), line }
}

#[test]
fn the_same_month_day_or_period_twice_is_refused_with_both_lines() {
    let energy = Energy::from_whole_kwh(900);
    let months = [("2024-02", 2), ("2024-01", 3), ("2024-02", 4)].map(|(text, line)| RawMonth {
        month: month(text),
        energy,
        line,
    });
    let what = |text: &str, first_line, second_line| NormaliseError::Repeated {
        what: text.to_owned(),
        first_line,
        second_line,
    };
    let result = normalise(RawReadings::Months(months.to_vec()), &chicago());
    assert_eq!(result.unwrap_err(), what("2024-02", 2, 4));

    let mut twice = days(date(2024, 1, 1), 3, |_| 1);
    twice.push(day(date(2024, 1, 2), 5, 9));
    assert_eq!(normalise(RawReadings::Days(twice), &chicago()).unwrap_err(), what("2024-01-02", 3, 9));

    let same = vec![period(date(2024, 1, 5), date(2024, 2, 5), 1, 7), period(date(2024, 1, 5), date(2024, 2, 5), 1, 3)];
    let result = normalise(RawReadings::Periods(same), &chicago());
    assert_eq!(result.unwrap_err(), what("2024-01-05 to 2024-02-04", 3, 7));
}

#[test]
fn overlapping_and_empty_periods_are_refused() {
    let overlap =
        vec![period(date(2024, 1, 5), date(2024, 2, 5), 1, 2), period(date(2024, 2, 4), date(2024, 3, 5), 1, 3)];
    let result = normalise(RawReadings::Periods(overlap), &chicago());
    assert_eq!(result.unwrap_err(), NormaliseError::Overlap { first_line: 2, second_line: 3 });
    let empty = vec![period(date(2024, 1, 5), date(2024, 1, 5), 1, 2)];
    assert_eq!(normalise(RawReadings::Periods(empty), &chicago()).unwrap_err(), NormaliseError::NoLength { line: 2 });
}

#[test]
fn a_missing_day_is_filled_from_the_same_weekday() {
    let mut raw = days(date(2024, 1, 1), 28, |n| (n % 7) * 100);
    raw.retain(|day| day.date != date(2024, 1, 10));
    let (set, report) = normalise(RawReadings::Days(raw), &chicago()).expect("good days");
    let ReadingSet::Days(days) = set else { panic!("days expected") };
    assert_eq!((days[9].import, days[9].quality), (wh(200), Quality::Filled));
    assert_eq!((report.filled, report.missing, report.gaps.count), (1, 0, 1));
    assert_eq!((report.gaps.first[0].from.as_str(), report.gaps.first[0].to.as_str()), ("2024-01-10", "2024-01-11"));
}

#[test]
fn zero_days_in_a_row_are_reported_once() {
    let raw = days(date(2024, 1, 1), 20, |n| if (5..8).contains(&n) || n == 12 || n >= 18 { 0 } else { 900 });
    let (_, report) = normalise(RawReadings::Days(raw), &chicago()).expect("good days");
    let runs: Vec<_> = report.zero_runs.first.iter().map(|run| (run.from.as_str(), run.hours)).collect();
    assert_eq!(runs, [("2024-01-06", 72.0), ("2024-01-19", 48.0)]);
}

#[test]
fn a_period_is_split_by_days_and_its_parts_add_up() {
    let raw =
        vec![period(date(2024, 1, 16), date(2024, 3, 2), 46, 2), period(date(2024, 3, 2), date(2024, 4, 1), 1, 3)];
    let (set, _) = normalise(RawReadings::Periods(raw), &chicago()).expect("good periods");
    let months = set.monthly();
    let parts: Vec<_> = months.iter().map(|part| (part.month.to_string(), part.energy, part.observed_days)).collect();
    let kwh = Energy::from_whole_kwh;
    assert_eq!(
        parts,
        [
            ("2024-01".to_owned(), kwh(16), 16.0),
            ("2024-02".to_owned(), kwh(29), 29.0),
            ("2024-03".to_owned(), kwh(2), 31.0)
        ]
    );
    assert_eq!(months[0].full(), kwh(31));
}

#[test]
fn months_are_sorted_and_their_holes_listed() {
    let raw =
        ["2024-05", "2024-01", "2024-02"].map(|text| RawMonth { month: month(text), energy: wh(900_000), line: 2 });
    let (set, report) = normalise(RawReadings::Months(raw.to_vec()), &chicago()).expect("good months");
    let ReadingSet::Months(months) = set else { panic!("months expected") };
    assert_eq!(months.iter().map(|m| m.month.number()).collect::<Vec<_>>(), [1, 2, 5]);
    assert_eq!((report.gaps.first[0].from.as_str(), report.gaps.first[0].to.as_str()), ("2024-03-01", "2024-05-01"));
    assert_eq!((report.first_date, report.last_date), (date(2024, 1, 1), date(2024, 5, 31)));
}

#[test]
fn an_outlying_month_is_flagged() {
    let raw = (0..12).map(|n| RawMonth {
        month: month("2024-01").plus(n),
        energy: Energy::from_whole_kwh(if n == 4 { 9_000 } else { 900 + i64::from(n) }),
        line: n as u64 + 2,
    });
    let (_, report) = normalise(RawReadings::Months(raw.collect()), &chicago()).expect("good months");
    assert_eq!(report.outliers.count, 1);
    assert_eq!((report.outliers.first[0].from, report.outliers.first[0].kwh.kwh()), (date(2024, 5, 1), 9_000.0));
}

#[test]
fn of_a_file_with_bad_rows_the_rest_can_be_used_when_asked_for() {
    let mut raw = days(date(2024, 1, 1), 10, |_| 900);
    raw[3].energy = wh(-4);
    raw.push(day(date(2024, 1, 2), 5, 12));
    let (set, report, rejected) = normalise_partial(RawReadings::Days(raw), &chicago()).expect("nine good days");
    assert_eq!(
        rejected,
        [
            NormaliseError::Negative { line: 5, energy: wh(-4) },
            NormaliseError::Repeated { what: "2024-01-02".to_owned(), first_line: 3, second_line: 12 }
        ]
    );
    assert_eq!((report.accepted, report.filled, set.total()), (9, 1, wh(9_000)));
    let nothing = normalise_partial(RawReadings::Days(vec![day(date(2024, 1, 1), -1, 2)]), &chicago());
    assert_eq!(nothing.unwrap_err(), NormaliseError::Empty);
}

#[test]
fn the_report_is_json_in_kwh_with_a_schema() {
    let (_, report) = normalise(RawReadings::Days(days(date(2024, 1, 1), 8, |_| 900)), &chicago()).expect("good days");
    let json = serde_json::to_value(&report).expect("a report is JSON");
    assert_eq!((json["kind"].as_str(), json["total_kwh"].as_f64()), (Some("days"), Some(7.2)));
    assert_eq!((json["first_date"].as_str(), json["last_date"].as_str()), (Some("2024-01-01"), Some("2024-01-08")));
    let schema = schemars::schema_for!(NormaliseReport);
    for field in json.as_object().expect("an object").keys() {
        assert!(schema.pointer(&format!("/properties/{field}")).is_some(), "{field}");
    }
}
