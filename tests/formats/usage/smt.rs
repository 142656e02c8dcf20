//! Smart Meter Texas: one test per trap.

use super::samples::{SMT_HEADER, smt_day};
use super::support::{intervals, kwh, options, refusal, sum, texas};
use treebeard::domain::tariff::model::Register::{Export, Import};
use treebeard::domain::usage::readings::Quality;
use treebeard::formats::usage::{UsageOptions, read};

fn rows(lines: &[&str]) -> String {
    format!("{SMT_HEADER}\n{}\n", lines.join("\n"))
}

#[test]
fn the_mislabelled_row_of_an_autumn_day_opens_the_second_pass() {
    let file = texas(&format!("{SMT_HEADER}\n{}", smt_day("11/06/2022", true))).expect("a day of 100 rows");
    let readings = intervals(&file);
    assert_eq!(sum(&file, Import), (100, kwh(10.0)));
    // Midnight of 2022-11-06 in Texas is 05:00Z; 25 hours follow each other without hole or double.
    let starts: Vec<i64> = readings.iter().map(|reading| reading.start - 1_667_710_800).collect();
    assert_eq!(starts, (0..100).map(|n| n * 900).collect::<Vec<i64>>());
    assert!(readings.iter().all(|reading| reading.seconds == 900));
}

#[test]
fn surplus_rows_after_the_consumption_rows_have_their_own_second_pass() {
    let day = smt_day("11/06/2022", true);
    let text = format!("{SMT_HEADER}\n{day}{}", day.replace("Consumption", "Surplus Generation"));
    let file = texas(&text).expect("two channels");
    assert_eq!((sum(&file, Import), sum(&file, Export)), ((100, kwh(10.0)), (100, kwh(10.0))));
    let starts = |register| intervals(&file).into_iter().filter(move |r| r.register == register).map(|r| r.start);
    assert!(starts(Import).eq(starts(Export)));
}

#[test]
fn a_spring_day_may_have_92_rows_or_four_empty_ones() {
    let full = smt_day("03/13/2022", false);
    let is_skipped = |line: &&str| line.split(',').nth(3).is_some_and(|start| start.starts_with("02:"));
    let short: String = full.split_inclusive('\n').filter(|line| !is_skipped(line)).collect();
    let empty = full.lines().map(|line| {
        if is_skipped(&line) { format!("{}\n", line.replace(",.1,A,", ",,,")) } else { format!("{line}\n") }
    });
    for text in [short, empty.collect()] {
        let file = texas(&format!("{SMT_HEADER}\n{text}")).expect("a spring day");
        assert_eq!(sum(&file, Import), (92, kwh(9.2)));
        assert!(intervals(&file).windows(2).all(|pair| pair[1].start - pair[0].start == 900));
    }
}

#[test]
fn energy_in_the_hour_that_never_was_is_refused() {
    let error = refusal(&format!("{SMT_HEADER}\n{}", smt_day("03/13/2022", false)));
    assert!(error.starts_with("line 10, USAGE_START_TIME: 2022-03-13 has no such time"), "{error}");
}

#[test]
fn padded_times_flags_and_revisions_are_understood() {
    let file = texas(&rows(&[
        "'1,05/01/2025,05/02/2025 07:40:29, 00:00, 00:15,0.139,A,Consumption",
        "'1,05/01/2025,05/02/2025 07:40:29, 23:45, 00:00,.2,E,Consumption",
        "'1,05/01/2025,05/03/2025 01:00:00, 23:45, 00:00,.25,A,Consumption",
    ]))
    .expect("padded times");
    let found: Vec<_> = intervals(&file).iter().map(|r| (r.seconds, r.energy, r.quality)).collect();
    assert_eq!(
        found,
        [(900, kwh(0.139), Quality::Actual), (900, kwh(0.2), Quality::Estimated), (900, kwh(0.25), Quality::Actual)]
    );
    let [_, old, new] = intervals(&file)[..] else { panic!("three readings") };
    assert_eq!(old.start, new.start);
    assert!(old.revision < new.revision);
}

#[test]
fn rows_of_four_hours_span_the_clock_change_in_real_time() {
    let header =
        "ESIID,USAGE_DATE,USAGE_START_TIME,USAGE_END_TIME,USAGE_KWH,ESTIMATED_ACTUAL,CONSUMPTION_SURPLUSGENERATION";
    let file = texas(&format!(
        "{header}\nX,03/10/2024,00:00,04:00,1,A,Consumption\nX,03/10/2024,04:00,08:00,1,A,Consumption\n\
         X,11/03/2024,00:00,04:00,1,A,Consumption\n"
    ))
    .expect("long rows without a revision column");
    assert_eq!(intervals(&file).iter().map(|r| r.seconds).collect::<Vec<_>>(), [10_800, 14_400, 18_000]);
}

#[test]
fn joined_downloads_repeat_their_header() {
    let day = smt_day("05/01/2022", false);
    let file = texas(&format!("{SMT_HEADER}\n{day}{SMT_HEADER}\n{day}")).expect("two downloads in one file");
    assert_eq!((file.rows_read, sum(&file, Import).0), (192, 192));
}

#[test]
fn two_esiids_are_refused_by_position_and_never_shown() {
    let row = |id: &str, kwh: &str| format!("'{id},05/01/2025,05/02/2025 07:40:29,00:00,00:15,{kwh},A,Consumption");
    let (one, two) = (row("10443720000000001", ".1"), row("10443720000000002", ".7"));
    let text = rows(&[&one, &two]);
    let error = refusal(&text);
    assert_eq!(
        error,
        "the file holds 2 meters: 1 (1 rows), 2 (1 rows). Choose one by its position: meter 1 is the first in the file"
    );
    for meter in ["2", "10443720000000002", "'10443720000000002"] {
        let options = UsageOptions { meter: Some(meter.to_owned()), ..options("America/Chicago") };
        let file = read(text.as_bytes(), &options).expect("the second meter");
        assert_eq!(sum(&file, Import), (1, kwh(0.7)));
        assert!(!format!("{file:?}").contains("1044372"));
    }
}

#[test]
fn a_bad_row_refuses_the_file_or_is_listed() {
    let text = rows(&[
        "'1,05/01/2025,05/02/2025 07:40:29,00:00,00:15,.1,A,Consumption",
        "'1,05/01/2025,05/02/2025 07:40:29,00:15,00:30,-.2,A,Consumption",
        "'1,05/01/2025,05/02/2025 07:40:29,00:30,00:45,abc,A,Consumption",
        "'1,13/45/2025,05/02/2025 07:40:29,00:45,01:00,.1,A,Consumption",
        "'1,05/01/2025,05/02/2025 07:40:29,00:45,00:30,.1,A,Consumption",
        "'1,05/01/2025,05/02/2025 07:40:29,00:45,01:00,400,A,Consumption",
    ]);
    assert_eq!(
        refusal(&text),
        "line 3, USAGE_KWH: -0.2 kWh is negative (and 4 more bad rows). \
         Correct the file, or import only its good rows (partial)"
    );
    let file =
        read(text.as_bytes(), &UsageOptions { partial: true, ..options("America/Chicago") }).expect("one good row");
    assert_eq!(sum(&file, Import), (1, kwh(0.1)));
    assert_eq!((file.rows_read, file.rows_rejected), (6, 5));
    assert_eq!(
        file.rejected.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "line 3, USAGE_KWH: -0.2 kWh is negative",
            "line 4, USAGE_KWH: `abc` is not a number",
            "line 5, USAGE_DATE: `13/45/2025` is not a date (MM/DD/YYYY)",
            "line 6, USAGE_END_TIME: 00:30 is not after the start of the interval",
            "line 7, USAGE_KWH: 400 kWh in 15 minutes is above the bound of 1000 kW on average: \
         is it in Wh, or a meter total?",
        ]
    );
}

#[test]
fn lines_are_counted_whatever_ends_them() {
    let text = rows(&[
        "'1,05/01/2025,05/02/2025 07:40:29,00:00,00:15,.1,A,Consumption",
        "'1,05/01/2025,05/02/2025 07:40:29,00:15,00:30,x,A,Consumption",
    ]);
    for text in [text.clone(), text.replace('\n', "\r\n"), text.replace('\n', "\r"), text.trim_end().to_owned()] {
        assert!(refusal(&text).starts_with("line 3, USAGE_KWH: `x` is not a number"), "{}", refusal(&text));
    }
}
