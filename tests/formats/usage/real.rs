//! Real files: every total here was computed apart from this program, from the files' own digits.

use super::support::{kwh, options, shared, sum};
use treebeard::domain::tariff::model::Register::{Controlled, Export, Import};
use treebeard::domain::units::Energy;
use treebeard::domain::usage::readings::{RawPeriod, RawReadings};
use treebeard::formats::usage::{UsageFormat, UsageOptions, detect, read};

/// Path, zone, format, values and kWh of import, export and controlled load.
type Row = (&'static str, &'static str, UsageFormat, [(usize, f64); 3]);

const NONE: (usize, f64) = (0, 0.0);

const FILES: [Row; 18] = [
    (
        "smt/IntervalData_2022-03_2022-05.csv",
        "America/Chicago",
        UsageFormat::SmartMeterTexas,
        [(8_828, 1_333.803), NONE, NONE],
    ),
    ("smt/ev_household_4h.csv", "America/Chicago", UsageFormat::SmartMeterTexas, [(2_190, 14_145.421), NONE, NONE]),
    ("smt/synthetic_smt_20250501.csv", "America/Chicago", UsageFormat::SmartMeterTexas, [(96, 33.011), NONE, NONE]),
    (
        "greenbutton/abridged_electric_containerized.xml",
        "America/Los_Angeles",
        UsageFormat::GreenButton,
        [(8, 4.086), NONE, NONE],
    ),
    (
        "greenbutton/coastal_single_partial.xml",
        "America/Los_Angeles",
        UsageFormat::GreenButton,
        [(362, 291.018), NONE, NONE],
    ),
    (
        "greenbutton/nist_Coastal_Multi_Family_2011.xml",
        "America/Los_Angeles",
        UsageFormat::GreenButton,
        [(8_760, 4_425.305), NONE, NONE],
    ),
    (
        "greenbutton/test_hourly_nine_days.xml",
        "America/New_York",
        UsageFormat::GreenButton,
        [(216, 199.563), NONE, NONE],
    ),
    ("au/nem12/Example_NEM12_actual_interval.csv", "Australia/Sydney", UsageFormat::Nem12, [(48, 53.328), NONE, NONE]),
    ("au/nem12/Example_NEM12_upper_case_units.csv", "Australia/Sydney", UsageFormat::Nem12, [(48, 53.328), NONE, NONE]),
    (
        "au/nem12/Example_NEM12_different_interval_length.csv",
        "Australia/Sydney",
        UsageFormat::Nem12,
        [(48, 254.0), NONE, (48, 120.0)],
    ),
    ("au/nem12/Example_NEM12_multiple_quality.csv", "Australia/Sydney", UsageFormat::Nem12, [(48, 896.99), NONE, NONE]),
    ("au/nem12/Example_NEM12_no_scheduled_read.csv", "Australia/Sydney", UsageFormat::Nem12, [(96, 5.84), NONE, NONE]),
    (
        "au/nem12/Example_NEM12_partialchannel.csv",
        "Australia/Sydney",
        UsageFormat::Nem12,
        [(8_928, 270.738), (288, 23.166), NONE],
    ),
    (
        "au/nem12/Example_NEM12_substituted_interval.csv",
        "Australia/Sydney",
        UsageFormat::Nem12,
        [(48, 110.976), NONE, NONE],
    ),
    ("au/nem12/Example_WesternPower.csv", "Australia/Perth", UsageFormat::Nem12, [(48, 0.0), (48, 0.0), NONE]),
    (
        "au/interval/wide_5min_anonymised.csv",
        "Australia/Sydney",
        UsageFormat::Wide,
        [(576, 38.496), (576, 11.552), NONE],
    ),
    ("uk/octopus_consumption_elec.json", "Europe/London", UsageFormat::Octopus, [(100, 27.853), NONE, NONE]),
    ("loads/pysam_sample_load.csv", "America/Chicago", UsageFormat::Hourly, [(8_760, 10_829.335_373), NONE, NONE]),
];

#[test]
fn every_real_file_is_known_and_has_exactly_its_energy() {
    for (path, zone, format, sums) in FILES {
        let Some(bytes) = shared("every_real_file_is_known_and_has_exactly_its_energy", path) else { return };
        assert_eq!(detect(&bytes[..bytes.len().min(65_536)]), Ok(format), "{path}");
        let file = read(&bytes[..], &options(zone)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(file.format, format, "{path}");
        let found = [Import, Export, Controlled].map(|register| sum(&file, register));
        assert_eq!(found, sums.map(|(count, energy)| (count, kwh(energy))), "{path}");
        assert_eq!((file.rejected.len(), file.rows_rejected), (0, 0), "{path}");
    }
}

#[test]
fn power_values_keep_their_total_to_the_milliwatt_hour() {
    let Some(bytes) = shared("power_values_keep_their_total", "loads/ssc_residential_8760.csv") else { return };
    let file = read(&bytes[..], &options("America/Chicago")).expect("a year of hours");
    // The digits add up to 6019.89964786171913258 kWh.
    assert_eq!(sum(&file, Import), (8_760, Energy::from_mwh_thousandths(6_019_899_648)));
    assert_eq!(file.notes[0], "The values carry no dates: they are taken to start on 2025-01-01.");
}

#[test]
fn a_normalised_shape_is_no_usage() {
    let Some(bytes) = shared("a_normalised_shape_is_no_usage", "loads/reopt_norm_Houston_MidriseApartment.dat") else {
        return;
    };
    let error = read(&bytes[..], &options("America/Chicago")).expect_err("it sums to 1");
    assert_eq!(
        error.to_string(),
        "the values sum to 1: this is a normalised shape, not usage. Multiply every value by the household's kWh a year"
    );
}

#[test]
fn accumulation_files_are_billing_periods_with_registers_added() {
    let name = "accumulation_files_are_billing_periods_with_registers_added";
    for (path, days, energy) in [
        ("au/nem12/Example_NEM13_consumption_data.csv", 94, 1_312.1),
        ("au/nem12/Example_NEM13_forward_estimate.csv", 91, 176.0),
    ] {
        let Some(bytes) = shared(name, path) else { return };
        let file = read(&bytes[..], &options("Australia/Sydney")).expect("a NEM13 file");
        assert_eq!(file.format, UsageFormat::Nem13);
        let RawReadings::Periods(periods) = &file.readings else { panic!("{:?}", file.readings) };
        let found: Vec<_> = periods.iter().map(|RawPeriod { window, energy, .. }| (window.days(), *energy)).collect();
        assert_eq!(found, [(days, kwh(energy))], "{path}");
    }
}

#[test]
fn two_meters_are_chosen_between_by_position_and_never_named() {
    let name = "two_meters_are_chosen_between_by_position_and_never_named";
    let Some(bytes) = shared(name, "au/nem12/Example_NEM12_multiple_meters.csv") else { return };
    let choose = |meter: Option<&str>| {
        read(&bytes[..], &UsageOptions { meter: meter.map(str::to_owned), ..options("Australia/Sydney") })
    };
    let error = choose(None).expect_err("two meters").to_string();
    assert_eq!(
        error,
        "the file holds 2 meters: 1 (4 blocks of rows), 2 (2 blocks of rows). \
         Choose one by its position: meter 1 is the first in the file"
            .replace(" blocks of", "")
    );
    let first = choose(Some("1")).expect("the first meter");
    assert_eq!(
        [Import, Export, Controlled].map(|register| sum(&first, register)),
        [(192, kwh(1.92)), (192, kwh(1.92)), (192, kwh(19.2))]
    );
    let second = choose(Some("2")).expect("the second meter");
    assert_eq!(sum(&second, Export), (192, kwh(3.84)));
    assert_eq!(sum(&choose(Some("NCDE001111")).expect("by its name"), Import), (192, kwh(1.92)));
    let missing = choose(Some("3")).expect_err("no third meter").to_string();
    assert!(missing.starts_with("the file has no such meter") && !missing.contains("NCDE"), "{missing}");
}

#[test]
fn spring_days_of_a_real_file_lose_only_the_hour_that_never_was() {
    let name = "spring_days_of_a_real_file_lose_only_the_hour_that_never_was";
    let Some(bytes) = shared(name, "smt/IntervalData_2022-03_2022-05.csv") else { return };
    let file = read(&bytes[..], &options("America/Chicago")).expect("a real file");
    assert_eq!(file.rows_read, 8_832);
    assert_eq!(file.notes, ["4 rows of the hour that spring skips are left out."]);
    let readings = super::support::intervals(&file);
    // 2022-03-01T06:00Z to 2022-06-01T05:00Z without a hole: elapsed time runs on where the clock jumps.
    assert_eq!((readings[0].start, readings[0].line), (1_646_114_400, 2));
    assert!(readings.windows(2).all(|pair| pair[1].start - pair[0].start == 900 && pair[0].seconds == 900));
    assert_eq!(readings[8_827].start + 900, 1_654_059_600);
}
