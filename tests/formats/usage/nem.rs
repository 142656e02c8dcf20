//! NEM12 and NEM13: one test per trap.

use super::samples::nem12;
use super::support::{intervals, kwh, options, refusal, sum};
use treebeard::domain::tariff::model::Register::{Controlled, Import};
use treebeard::domain::usage::readings::Quality;
use treebeard::formats::usage::{UsageFile, UsageOptions, read};

fn sydney(text: &str) -> UsageFile {
    read(text.as_bytes(), &options("Australia/Sydney")).unwrap_or_else(|error| panic!("{error}"))
}

fn block(suffix: &str, unit: &str, minutes: usize, value: &str) -> String {
    let values = vec![value; 1_440 / minutes].join(",");
    format!("200,NMI1,X,1,{suffix},N1,S,{unit},{minutes},\n300,20240102,{values},A,,,20240103000000,\n")
}

#[test]
fn days_are_market_time_all_year_and_western_time_in_the_west() {
    // In January Sydney's clocks are at +11:00; the market's day still begins at 14:00Z.
    assert_eq!(intervals(&sydney(&nem12()))[0].start, 1_704_117_600);
    let perth = read(nem12().as_bytes(), &options("Australia/Perth")).expect("a good file");
    assert_eq!(intervals(&perth)[0].start, 1_704_124_800);
}

#[test]
fn units_are_any_case_and_any_power() {
    for (unit, value) in [("kWh", "0.5"), ("KWH", ".5"), ("Wh", "500"), ("MWh", "0.0005")] {
        let file = sydney(&format!("100,NEM12,1,M,R\n{}900\n", block("E1", unit, 30, value)));
        assert_eq!(sum(&file, Import), (48, kwh(24.0)), "{unit}");
    }
}

#[test]
fn two_e_registers_are_general_and_controlled_and_three_are_phases() {
    let two = format!("100,NEM12,1,M,R\n{}{}900\n", block("E1", "kWh", 30, "1"), block("E2", "kWh", 30, "2"));
    let file = sydney(&two);
    assert_eq!((sum(&file, Import), sum(&file, Controlled)), ((48, kwh(48.0)), (48, kwh(96.0))));
    let three = format!("{}{}900\n", two.trim_end().trim_end_matches("900"), block("E3", "kWh", 15, ".1"));
    let file = sydney(&three);
    // The half-hours are split to fit the quarter-hours of the third.
    assert_eq!((sum(&file, Import), sum(&file, Controlled)), ((96, kwh(153.6)), (0, kwh(0.0))));
    assert_eq!(file.notes, ["Registers E1, E2, E3 are added up."]);
}

#[test]
fn variable_quality_is_told_by_its_400_records() {
    let text = nem12()
        .replace(",A,,,", ",V,,,")
        .replace("\n900", "\n400,1,20,F14,76,\n400,21,24,A,,\n400,25,46,S14,1,\n400,47,48,N,,\n900");
    let file = sydney(&text);
    let counts = |quality| intervals(&file).iter().filter(|reading| reading.quality == quality).count();
    assert_eq!((counts(Quality::Estimated), counts(Quality::Actual)), (42, 4));
    assert_eq!(file.notes, ["2 values are marked as not read and are left as gaps."]);
}

#[test]
fn a_cut_off_record_is_refused_and_a_missing_end_noted() {
    let text = nem12();
    let cut = &text[..text.find(",A,,,").expect("a quality")];
    let error = refusal(cut);
    assert!(error.starts_with("line 3: the record has not 48 values"), "{error}");
    assert_eq!(
        sydney(text.trim_end().trim_end_matches("900")).notes,
        ["The file has no end record (900): it may be cut off."]
    );
}

#[test]
fn a_file_of_reactive_energy_alone_has_nothing_for_us() {
    let error = refusal(&format!("100,NEM12,1,M,R\n{}900\n", block("Q1", "kVArh", 30, "1")));
    assert_eq!(error, "the file holds no electricity readings. Export the file again with data in it");
}

#[test]
fn fed_in_periods_are_left_out_of_an_accumulation_file() {
    let row = |direction: &str, quantity: &str| {
        format!("250,N,11,1,11,11,S,{direction},1,20240105093055,A,,,2,20240407100333,A,,,{quantity},kWh,,,\n")
    };
    let file = sydney(&format!("100,NEM13,1,M,R\n{}{}900\n", row("E", "300"), row("I", "50")));
    assert_eq!(file.rows_read, 2);
    assert_eq!(file.notes, ["Energy fed into the grid is left out: its periods carry no other register."]);
    let partial = UsageOptions { partial: true, ..options("Australia/Sydney") };
    let text = format!("100,NEM13,1,M,R\n{}{}900\n", row("E", "300"), row("E", "-1"));
    let file = read(text.as_bytes(), &partial).expect("one good row");
    assert_eq!(file.rejected[0].to_string(), "line 3, Quantity: -1 kWh is negative");
}
