//! The list of bad input, each with the sentence and the exit code it gets; and what long reading shows on a terminal.

use crate::run::Place;
use jiff::ToSpan;
use jiff::civil::datetime;
use std::fmt::Write;
use std::process::Command;

const TARIFF: &str = r#"{"type":"fixed","rate_per_kwh":10}"#;

#[test]
fn every_kind_of_bad_meter_file_is_refused_with_place_and_remedy_by_every_command() {
    let place = Place::new();
    let tariff = place.file("tariff.json", TARIFF);
    let smt = "ESIID,USAGE_DATE,REVISION_DATE,USAGE_START_TIME,USAGE_END_TIME,USAGE_KWH,ESTIMATED_ACTUAL,CONSUMPTION_SURPLUSGENERATION\n";
    let row = |meter: &str, from: &str, to: &str| {
        format!("'{meter},03/10/2024,03/11/2024 06:00:00,{from},{to},.2,A,Consumption\n")
    };
    let two_meters =
        format!("{smt}{}{}", row("10443720000000001", "05:00", "05:15"), row("10443720000000002", "05:00", "05:15"));
    let skipped_hour = format!("{smt}{}", row("10443720000000001", "02:15", "02:30"));
    let cases: [(&str, &str, &[&str]); 8] = [
        ("a picture", "\u{89}PNG\r\n\u{1a}\n", &["is"]),
        ("gas", "date,usage (therms)\n2025-01-01,3\n2025-01-02,4\n", &["therm", "kWh"]),
        ("two meters", &two_meters, &["2 meters", "meter 1 is the first"]),
        ("energy in the hour that spring skips", &skipped_hour, &["line 2", "USAGE_START_TIME"]),
        (
            "intervals that overlap",
            "start,end,kwh\n2025-01-01 00:00,2025-01-01 01:00,1\n2025-01-01 00:30,2025-01-01 01:30,1\n2025-01-01 02:00,2025-01-01 03:00,1\n",
            &["lines 2 and 3", "overlap"],
        ),
        ("a meter's total", "start,kwh\n2025-01-01 00:00,53211\n2025-01-01 00:15,53212\n", &["line 2", "1000 kW"]),
        ("a quotation mark that is never closed", "month,kwh\n\"2025-01,10\n2025-02,11\n", &["error: "]),
        (
            "a plan list",
            "[idKey],[TduCompanyName],[RepCompany],[Product],[kwh500],[kwh1000],[kwh2000]\n",
            &["list of plans"],
        ),
    ];
    for (name, text, words) in cases {
        let usage = place.file("usage.csv", text);
        for command in
            [vec!["usage", "inspect", &usage], vec!["price", "--tariff", &tariff, "--usage", &usage, "--json"]]
        {
            let outcome = place.run(&command);
            assert!(outcome.stdout.is_empty(), "{name}: {}", outcome.stdout);
            outcome.refused(1, words);
            assert!(outcome.stderr.contains("usage.csv: ") && !outcome.stderr.contains("104437"), "{}", outcome.stderr);
        }
    }
}

#[test]
fn what_a_spreadsheet_does_to_a_file_is_understood() {
    let place = Place::new();
    let plain =
        place.run(&["usage", "inspect", &place.file("a.csv", "month,kwh\n2025-01,1234.5\n2025-02,790\n"), "--json"]);
    let mangled = "\u{feff}\"Month\";\"kWh\"\r\n\"2025-01\";\"1.234,5\"\r\n\"2025-02\";\"790,0\"\r\n";
    let again = place.run(&["usage", "inspect", &place.file("b.csv", mangled), "--json"]);
    assert_eq!(plain.json()["total_kwh"], again.json()["total_kwh"]);
}

/// Some megabytes of readings, most of it a remark.
fn long_file() -> String {
    let mut text = "timestamp,kwh,remark\n".to_owned();
    let mut at = datetime(2024, 1, 1, 0, 0, 0, 0);
    for _ in 0..8_760 {
        let _ = writeln!(text, "{at}Z,0.5,{}", "x".repeat(600));
        at = at.checked_add(1.hour()).expect("a time");
    }
    text
}

#[test]
fn long_reading_shows_how_far_it_is_on_a_terminal_and_nowhere_else() {
    let place = Place::new();
    let file = place.file("long.csv", &long_file());
    let quiet = place.run(&["usage", "inspect", &file]);
    assert_eq!((quiet.code, quiet.stderr.contains("reading")), (0, false), "{}", quiet.stderr);
    if Command::new("script").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "script (util-linux) is missing");
        println!("skipped: long_reading_shows_how_far_it_is_on_a_terminal_and_nowhere_else: no script");
        return;
    }
    let command = format!("{} usage inspect {file}", env!("CARGO_BIN_EXE_treebeard"));
    let shown = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(place.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TERM", "xterm")
        .output()
        .expect("script runs");
    let shown = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.contains("reading ") && shown.contains(" MiB"), "{shown}");
}
