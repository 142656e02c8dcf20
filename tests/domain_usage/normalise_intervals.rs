//! Interval readings on their grid: steps, duplicates, gaps, edges, clock changes.

use crate::{chicago, readings, wh, zone};
use jiff::civil::date;
use treebeard::domain::calendar::day_start;
use treebeard::domain::tariff::model::Register;
use treebeard::domain::units::Energy;
use treebeard::domain::usage::normalise::{NormaliseError, normalise};
use treebeard::domain::usage::readings::{Intervals, Quality, RawReading, RawReadings, ReadingSet};
use treebeard::domain::usage::report::{DroppedDay, NormaliseReport, SetKind};

fn run(raw: Vec<RawReading>) -> Result<(Intervals, NormaliseReport), NormaliseError> {
    match normalise(RawReadings::Intervals(raw.into_iter().collect()), &chicago())? {
        (ReadingSet::Intervals(intervals), report) => Ok((intervals, report)),
        (other, _) => panic!("{other:?}"),
    }
}

fn good(raw: Vec<RawReading>) -> (Intervals, NormaliseReport) {
    run(raw).expect("the readings are good")
}

fn register(mut raw: Vec<RawReading>, register: Register) -> Vec<RawReading> {
    for reading in &mut raw {
        reading.register = register;
    }
    raw
}

#[test]
fn the_step_is_the_finest_that_divides_all_lengths() {
    for (minutes, expected) in
        [(5, 5), (10, 10), (15, 15), (20, 20), (30, 30), (60, 60), (120, 60), (240, 60), (720, 60), (1, 5), (90, 30)]
    {
        let count = 2 * 1440 / minutes as usize;
        let (intervals, report) = good(readings(date(2024, 5, 1), count, minutes, |_| 12_000));
        assert_eq!((intervals.minutes, intervals.days()), (expected, 2), "rows of {minutes} minutes");
        assert_eq!(report.total_kwh, wh(12_000 * count as i64), "rows of {minutes} minutes");
        assert!(intervals.quality.iter().all(|quality| *quality == Quality::Actual));
    }
}

#[test]
fn rows_of_four_hours_are_spread_evenly_and_keep_every_milliwatt_hour() {
    let mut raw = readings(date(2024, 5, 1), 6, 240, |_| 0);
    raw[0].energy = Energy::from_mwh_thousandths(10);
    let (intervals, report) = good(raw);
    let first: Vec<i64> = intervals.import[..4].iter().map(|energy| energy.mwh_thousandths()).collect();
    assert_eq!(first, [2, 3, 2, 3]);
    assert_eq!(report.total_kwh, Energy::from_mwh_thousandths(10));
}

#[test]
fn mixed_resolutions_take_the_finer_step() {
    let mut raw = readings(date(2024, 5, 1), 96, 15, |_| 100);
    raw.extend(readings(date(2024, 5, 2), 48, 30, |_| 200));
    let (intervals, _) = good(raw);
    assert_eq!(intervals.minutes, 15);
    assert!(intervals.import.iter().all(|energy| *energy == wh(100)));
}

#[test]
fn of_duplicates_the_higher_revision_then_the_later_line_wins() {
    let mut raw = readings(date(2024, 5, 1), 24, 60, |_| 100);
    let copy = |n: usize, revision: i64, line: u64, value: i64| RawReading {
        revision,
        line,
        energy: wh(value),
        ..readings(date(2024, 5, 1), 24, 60, |_| 0)[n]
    };
    raw.push(copy(0, 0, 100, 1));
    raw.push(copy(1, 5, 101, 2));
    raw.push(copy(1, 4, 102, 3));
    raw.push(copy(2, -1, 103, 4));
    let (intervals, report) = good(raw);
    assert_eq!(intervals.import[..4], [wh(1), wh(2), wh(100), wh(100)]);
    assert_eq!((report.rows, report.accepted, report.duplicates), (28, 24, 4));
}

#[test]
fn overlapping_readings_of_different_length_are_refused_with_both_lines() {
    let mut raw = readings(date(2024, 5, 1), 24, 60, |_| 100);
    raw.push(RawReading { start: raw[3].start, seconds: 900, line: 90, ..raw[3] });
    assert_eq!(run(raw).unwrap_err(), NormaliseError::Overlap { first_line: 5, second_line: 90 });
}

#[test]
fn negative_and_absurd_values_are_refused_with_their_line() {
    let mut raw = readings(date(2024, 5, 1), 24, 60, |_| 100);
    raw[7].energy = wh(-1);
    assert_eq!(run(raw.clone()).unwrap_err(), NormaliseError::Negative { line: 9, energy: wh(-1) });
    raw[7].energy = Energy::from_whole_kwh(1_000_001);
    assert_eq!(run(raw.clone()).unwrap_err().line(), Some(9));
    raw[7].energy = wh(1);
    raw[8].seconds = 0;
    assert_eq!(run(raw.clone()).unwrap_err(), NormaliseError::NoLength { line: 10 });
    raw[8].seconds = 3600;
    raw[8].start = -5;
    assert_eq!(run(raw.clone()).unwrap_err(), NormaliseError::OutOfRange { line: 10 });
    raw[8].start = 5;
    assert!(matches!(run(raw).unwrap_err(), NormaliseError::TooLong { .. }));
    assert_eq!(run(Vec::new()).unwrap_err(), NormaliseError::Empty);
}

#[test]
fn export_alone_is_refused_and_a_mix_with_daily_rows_too() {
    let hours = readings(date(2024, 5, 1), 24, 60, |_| 100);
    assert_eq!(run(register(hours.clone(), Register::Export)).unwrap_err(), NormaliseError::NoImport);
    let mut mixed = hours;
    mixed.extend(readings(date(2024, 5, 2), 1, 1440, |_| 100));
    mixed[24].line = 99;
    assert_eq!(run(mixed).unwrap_err(), NormaliseError::MixedLengths { short_line: 2, long_line: 99 });
}

#[test]
fn a_gap_is_filled_with_the_same_hour_of_the_week_and_listed() {
    // Three weeks; every step's value tells its hour of the week, the weeks differ by 2 Wh.
    let mut raw = readings(date(2024, 5, 6), 21 * 24, 60, |n| ((n % 168) * 10 + n / 168 * 2) as i64);
    raw.drain(168 + 30..168 + 34);
    let (intervals, report) = good(raw);
    for step in 30..34 {
        assert_eq!(intervals.import[168 + step], wh(step as i64 * 10 + 2), "the mean of the weeks around");
        assert_eq!(intervals.quality[168 + step], Quality::Filled);
    }
    assert_eq!((report.filled, report.missing, report.gaps.count), (4, 0, 1));
    assert_eq!(report.gaps.first[0].from, "2024-05-14T06:00-05:00");
    assert_eq!(report.gaps.first[0].to, "2024-05-14T10:00-05:00");
    assert_eq!(report.filled_kwh, wh(300 + 310 + 320 + 330 + 8));
}

#[test]
fn a_gap_with_nothing_typical_nearby_stays_missing() {
    let mut raw = readings(date(2024, 1, 1), 10 * 24, 60, |_| 100);
    raw.extend(readings(date(2024, 6, 1), 10 * 24, 60, |_| 300));
    let (intervals, report) = good(raw);
    assert!(report.missing > 0 && report.filled > 0);
    let middle = intervals.day_range(75);
    assert!(intervals.quality[middle.clone()].iter().all(|quality| *quality == Quality::Missing));
    assert!(intervals.import[middle].iter().all(|energy| energy.is_zero()));
}

#[test]
fn empty_values_are_gaps_and_not_zeros() {
    let mut raw = readings(date(2024, 5, 1), 8 * 24, 60, |_| 100);
    raw[170].quality = Quality::Missing;
    let (intervals, report) = good(raw);
    assert_eq!((report.empty, report.filled, report.accepted), (1, 1, 191));
    assert_eq!(intervals.import[170], wh(100));
}

#[test]
fn an_edge_day_less_than_half_read_is_left_out_and_said() {
    let mut raw = readings(date(2024, 5, 1), 3 * 24 + 5, 60, |_| 100);
    raw.drain(..10);
    let (intervals, report) = good(raw);
    assert_eq!((intervals.first_day, intervals.days()), (date(2024, 5, 1), 3));
    assert_eq!(report.dropped_days, [DroppedDay { date: date(2024, 5, 4), steps_read: 5, steps: 24, kwh: wh(500) }]);
    assert_eq!((report.filled, report.total_kwh), (10, wh(7200)));
}

#[test]
fn a_file_of_a_few_hours_is_kept() {
    let (intervals, report) = good(readings(date(2024, 5, 1), 9, 60, |_| 100));
    assert_eq!((intervals.days(), report.total_kwh, report.missing), (1, wh(900), 15));
}

#[test]
fn clock_change_days_have_23_and_25_hours_and_lose_nothing() {
    let (spring, report) = good(readings(date(2022, 3, 12), 24 * 3 - 1, 60, |n| n as i64));
    assert_eq!(spring.day_offsets, [0, 24, 47, 71]);
    assert_eq!(spring.import, (0..71).map(wh).collect::<Vec<_>>());
    assert_eq!((report.gaps.count, report.clock_changes[0].hours), (0, 23.0));
    let (autumn, report) = good(readings(date(2022, 11, 5), 97 + 196, 15, |n| n as i64));
    assert_eq!(autumn.day_offsets, [0, 96, 196, 292, 388][..autumn.day_offsets.len()]);
    assert_eq!(report.clock_changes[0].steps, 100);
    assert_eq!(report.clock_changes[0].steps_read, 100);
}

#[test]
fn readings_of_a_fixed_offset_meter_fit_a_zone_that_changes_by_half_an_hour() {
    let lord_howe = zone("Australia/Lord_Howe");
    let start = day_start(date(2024, 4, 6), &lord_howe);
    let raw: Vec<RawReading> = (0..72)
        .map(|n| RawReading { start: start + n * 3600, ..readings(date(2024, 4, 6), 1, 60, |_| 100)[0] })
        .collect();
    let (set, report) =
        normalise(RawReadings::Intervals(raw.into_iter().collect()), &lord_howe).expect("good readings");
    let ReadingSet::Intervals(intervals) = set else { panic!("intervals in, intervals out") };
    assert_eq!(intervals.minutes, 30);
    assert_eq!(report.clock_changes[0].hours, 24.5);
    // Two and a half days of the third day's 24 hours were read; what is not is filled.
    assert_eq!(report.total_kwh - report.filled_kwh, wh(7200));
}

#[test]
fn export_and_controlled_load_keep_their_registers() {
    let mut raw = readings(date(2024, 5, 1), 48, 60, |_| 100);
    raw.extend(register(readings(date(2024, 5, 1), 40, 60, |_| 7), Register::Export));
    raw.extend(register(readings(date(2024, 5, 2), 40, 60, |_| 9), Register::Controlled));
    let (intervals, report) = good(raw);
    assert_eq!(report.export_kwh, Some(wh(280)));
    assert_eq!(report.controlled_kwh, Some(wh(9 * 24)), "rows after the last import day are not used");
    assert_eq!((report.accepted, report.notes.len()), (48 + 40 + 24, 1));
    assert_eq!(intervals.export[39..41], [wh(7), wh(0)]);
}

#[test]
fn readings_off_the_grid_are_cut_and_keep_their_energy() {
    let mut raw = readings(date(2024, 5, 1), 96, 15, |_| 150);
    for reading in &mut raw[..95] {
        reading.start += 60;
    }
    raw.pop();
    let (intervals, report) = good(raw);
    assert_eq!((intervals.minutes, report.total_kwh), (15, wh(150 * 95)));
    assert_eq!(report.notes.len(), 1, "{:?}", report.notes);
}

#[test]
fn zero_runs_outliers_and_unit_suspicions_are_reported_and_nothing_is_altered() {
    let value = |n: usize| match n / 24 {
        10 | 11 => 0,
        20 => 50_000_000,
        _ => 1_000 + (n / 24) as i64,
    };
    let (intervals, report) = good(readings(date(2024, 5, 1), 30 * 24, 60, value));
    assert_eq!(intervals.import, (0..720).map(|n| wh(value(n))).collect::<Vec<_>>());
    assert_eq!((report.zero_runs.count, report.zero_runs.first[0].hours), (1, 48.0));
    let days: Vec<_> = report.outliers.first.iter().map(|outlier| outlier.from).collect();
    assert_eq!(days, [date(2024, 5, 11), date(2024, 5, 12), date(2024, 5, 21)]);
    assert!(report.notes[0].contains("Wh"), "{:?}", report.notes);
}

#[test]
fn readings_of_a_day_become_days_whatever_the_clocks_do() {
    // 24-hour rows over the spring change, as some exports write them, and a 23-hour one.
    let mut raw = readings(date(2022, 3, 12), 3, 1440, |n| n as i64 + 1);
    raw[1].seconds = 23 * 3600;
    raw[2].start -= 3600;
    let (set, report) =
        normalise(RawReadings::Intervals(raw.into_iter().collect()), &chicago()).expect("good readings");
    let ReadingSet::Days(days) = set else { panic!("days expected") };
    let dates: Vec<_> = days.iter().map(|day| (day.date, day.import)).collect();
    assert_eq!(dates, [(date(2022, 3, 12), wh(1)), (date(2022, 3, 13), wh(2)), (date(2022, 3, 14), wh(3))]);
    assert_eq!((report.kind, report.rows, report.accepted), (SetKind::Days, 3, 3));
}

#[test]
fn readings_longer_than_a_day_become_billing_periods() {
    let mut raw = readings(date(2022, 3, 1), 2, 31 * 1440, |n| n as i64 + 1);
    // March has an hour less than 31 days.
    raw[0].seconds -= 3600;
    raw[1].start -= 3600;
    let (set, _) = normalise(RawReadings::Intervals(raw.into_iter().collect()), &chicago()).expect("good readings");
    let ReadingSet::Periods(periods) = set else { panic!("periods expected") };
    assert_eq!(periods[0].window.end, date(2022, 4, 1));
    assert_eq!((periods[1].window.start, periods[1].window.end), (date(2022, 4, 1), date(2022, 5, 2)));
}
