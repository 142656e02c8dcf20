//! Meter files: what is found in good ones, and the sentence each bad one gets.

use crate::run::Place;
use serde_json::json;

#[test]
fn a_good_file_is_described() {
    let place = Place::new();
    let file = place.file("usage.csv", "month,kwh\n2025-01,1000\n2025-02,900\n2025-03,800.5\n");
    let report = place.run(&["usage", "inspect", &file, "--json"]).json();
    for (key, value) in [
        ("format", json!("monthly")),
        ("rows_read", json!(3)),
        ("rows_rejected", json!(0)),
        ("kind", json!("months")),
        ("first_date", json!("2025-01-01")),
        ("last_date", json!("2025-03-31")),
        ("total_kwh", json!(2700.5)),
    ] {
        assert_eq!(report[key], value, "{key}");
    }
    let table = place.run(&["usage", "inspect", &file]);
    assert!(table.stdout.contains("total kwh") && table.stdout.contains("2700.5"), "{}", table.stdout);
}

#[test]
fn standard_input_is_a_file_too() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_treebeard"))
        .args(["usage", "inspect", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    child.stdin.take().expect("a pipe").write_all(b"month,kwh\n2025-01,1000\n").expect("it reads");
    assert!(child.wait_with_output().expect("it ends").status.success());
}

#[test]
fn every_bad_file_gets_a_sentence_with_place_and_remedy() {
    let place = Place::new();
    let xml = "<?xml version=\"1.0\"?><feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><content><IntervalBlock xmlns=\"http://naesb.org/espi\"><interval><duration>3600</duration><start>1293868800</start></interval><IntervalReading><timePer";
    let cases = [
        ("empty", "", "usage.csv"),
        ("a month twice", "month,kwh\n2025-01,10\n2025-01,11\n", "line 3"),
        ("a negative value", "month,kwh\n2025-01,-10\n", "line 2"),
        ("an absurd value", "month,kwh\n2025-01,1e12\n", "line 2"),
        ("no number", "month,kwh\n2025-01,many\n", "line 2"),
        ("no month", "month,kwh\n2025-13,10\n", "line 2"),
        ("year 9999", "month,kwh\n9999-01,10\n", "line 2"),
        ("truncated XML", xml, "usage.csv"),
        ("a PDF", "%PDF-1.7\n1 0 obj\n", "PDF"),
        ("some other JSON", "{\"a\":1}", "JSON"),
        ("periods that overlap", "start,end,kwh\n2025-01-01,2025-01-31,10\n2025-01-20,2025-02-20,11\n", "usage.csv"),
    ];
    for (name, text, word) in cases {
        let file = place.file("usage.csv", text);
        let outcome = place.run(&["usage", "inspect", &file]);
        assert_eq!(outcome.code, 1, "{name}: {}{}", outcome.stdout, outcome.stderr);
        assert!(outcome.stdout.is_empty(), "{name}");
        outcome.refused(1, &["error: ", word]);
    }
}

#[test]
fn good_rows_can_be_used_when_that_is_asked_for() {
    let place = Place::new();
    let file = place.file("usage.csv", "month,kwh\n2025-01,10\n2025-02,many\n2025-03,12\n");
    place.run(&["usage", "inspect", &file]).refused(1, &["line 3"]);
    let report = place.run(&["usage", "inspect", &file, "--partial", "--json"]).json();
    assert_eq!(
        (&report["rows_read"], &report["rows_rejected"], &report["total_kwh"]),
        (&json!(3), &json!(1), &json!(22.0))
    );
}

#[test]
fn a_format_is_named_or_refused_by_name() {
    let place = Place::new();
    let file = place.file("usage.csv", "month,kwh\n2025-01,10\n");
    assert_eq!(place.run(&["usage", "inspect", &file, "--usage-format", "monthly"]).code, 0);
    place.run(&["usage", "inspect", &file, "--usage-format", "mothly"]).refused(2, &["mothly", "monthly"]);
    place.run(&["usage", "inspect", &file, "--zone", "nowhere"]).refused(2, &["nowhere", "IANA"]);
}
