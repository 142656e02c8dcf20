//! Real meter files, read and normalised: whole days, the file's own total, the clock changes seen.

use crate::zone;
use std::fs::File;
use treebeard::domain::usage::normalise::normalise;
use treebeard::domain::usage::readings::{RawReadings, ReadingSet};
use treebeard::domain::usage::report::NormaliseReport;
use treebeard::formats::usage::{UsageOptions, read};

/// `None` where the shared data is absent.
fn report(name: &str, path: &str, place: &str) -> Option<(ReadingSet, NormaliseReport)> {
    let Ok(file) = File::open(format!("{}/../shared/data/{path}", env!("CARGO_MANIFEST_DIR"))) else {
        assert!(std::env::var_os("CI").is_none(), "shared data absent");
        println!("skipped: {name}: shared data absent");
        return None;
    };
    let readings =
        read(file, &UsageOptions::new(zone(place))).unwrap_or_else(|error| panic!("{path}: {error}")).readings;
    let stated: i64 = match &readings {
        RawReadings::Intervals(rows) => rows.iter().map(|row| row.energy.mwh_thousandths()).sum(),
        _ => panic!("{path}: intervals expected"),
    };
    let (set, report) = normalise(readings, &zone(place)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let dropped: i64 = report.dropped_days.iter().map(|day| day.kwh.mwh_thousandths()).sum();
    let kept = (report.total_kwh - report.filled_kwh).mwh_thousandths()
        + report.export_kwh.unwrap_or_default().mwh_thousandths();
    assert_eq!(kept + dropped, stated, "{path}: {report:#?}");
    Some((set, report))
}

#[test]
fn a_smart_meter_texas_quarter_has_a_day_of_23_hours_and_no_gap() {
    let name = "a_smart_meter_texas_quarter_has_a_day_of_23_hours_and_no_gap";
    let Some((set, report)) = report(name, "smt/IntervalData_2022-03_2022-05.csv", "America/Chicago") else { return };
    assert_eq!((report.resolution_minutes, report.gaps.count, report.duplicates), (Some(15), 0, 0));
    assert_eq!(report.clock_changes.iter().map(|day| (day.hours, day.steps_read)).collect::<Vec<_>>(), [(23.0, 92)]);
    assert_eq!(set.monthly().iter().map(|month| month.observed_days).collect::<Vec<_>>(), [31.0, 30.0, 31.0]);
}

#[test]
fn rows_of_four_hours_over_a_winter_and_its_clock_changes_fit_whole_days() {
    let name = "rows_of_four_hours_over_a_winter_and_its_clock_changes_fit_whole_days";
    let Some((_, report)) = report(name, "smt/ev_household_4h.csv", "America/Chicago") else { return };
    assert_eq!((report.resolution_minutes, report.gaps.count, report.estimated), (Some(60), 0, 14));
    assert_eq!(report.clock_changes.iter().map(|day| day.steps_read).collect::<Vec<_>>(), [25, 23]);
}

#[test]
fn a_year_of_green_button_hours_is_normalised() {
    let name = "a_year_of_green_button_hours_is_normalised";
    let Some((_, report)) = report(name, "greenbutton/nist_Coastal_Multi_Family_2011.xml", "America/Los_Angeles")
    else {
        return;
    };
    assert_eq!((report.resolution_minutes, report.rows, report.gaps.count), (Some(60), 8760, 0));
    assert_eq!(report.clock_changes.iter().map(|day| day.steps_read).collect::<Vec<_>>(), [23, 25]);
}
