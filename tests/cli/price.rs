//! Bills of hand-computed cases, and what `price` refuses.

use crate::run::Place;
use serde_json::json;

const TIERS: &str = r#"{"type":"tiered","tiers":[{"up_to_kwh":500,"rate_per_kwh":8},{"up_to_kwh":1000,"rate_per_kwh":10},{"up_to_kwh":null,"rate_per_kwh":12}]}"#;
const FIXED: &str = r#"{"type":"fixed","rate_per_kwh":10}"#;
/// Noon to midnight on Monday to Friday at 20 cents, else 5; 4.95 a month; 25 back from 1,000 kWh on.
const FULL: &str = r#"{"type":"tariff","charges":[
  {"id":"base","label":"Base charge","tags":["fixed"],"amount":{"kind":"fixed","value":4.95,"per":"month"}},
  {"id":"energy","label":"Energy","tags":["energy"],"amount":{"kind":"energy","windows":[
    {"when":{"days":["mon","tue","wed","thu","fri"],"from":"12:00","to":"24:00"},"price":0.20,"label":"Peak"},
    {"price":0.05,"label":"Off-peak"}]}},
  {"id":"credit","label":"Usage credit","tags":["credit"],"credit":true,
   "amount":{"kind":"fixed","value":25,"per":"bill"},"if":{"usage":{"min_kwh":1000}}}]}"#;

/// 1 kWh in each hour of the days given, Monday 2025-01-06 first.
fn hourly(days: u32) -> String {
    let mut text = "start,kwh\n".to_owned();
    for day in 0..days {
        for hour in 0..24 {
            text += &format!("2025-01-{:02} {hour:02}:00,1\n", 6 + day);
        }
    }
    text
}

#[test]
fn tiers_are_cumulative_and_every_tier_is_a_line() {
    let place = Place::new();
    let (tariff, usage) =
        (place.file("tiers.json", TIERS), place.file("usage.csv", "month,kwh\n2025-01,1200\n2025-02,400\n"));
    let bills = place.run(&["price", "--tariff", &tariff, "--usage", &usage, "--json"]).json();
    // 500 x 0.08 + 500 x 0.10 + 200 x 0.12 = 40 + 50 + 24; 400 x 0.08 = 32.
    let line = |quantity: f64, rate: f64, amount: f64| json!({"label": "Energy charge", "kind": "energy", "quantity": quantity, "unit": "kWh", "rate": rate, "amount": amount});
    let expected = json!({
        "currency": "USD",
        "total": 146.0,
        "months": [
            {"month": "2025-01-01", "kwh": 1200.0, "total": 114.0,
             "lines": [line(500.0, 0.08, 40.0), line(500.0, 0.1, 50.0), line(200.0, 0.12, 24.0)]},
            {"month": "2025-02-01", "kwh": 400.0, "total": 32.0, "lines": [line(400.0, 0.08, 32.0)]},
        ],
    });
    assert_eq!(bills, expected);
}

#[test]
fn interval_readings_are_priced_by_the_hour_and_a_part_of_a_month_as_that_part() {
    let place = Place::new();
    let (tariff, usage) = (place.file("full.json", FULL), place.file("usage.csv", &hourly(7)));
    let bills = place.run(&["price", "--tariff", &tariff, "--usage", &usage, "--json"]).json();
    let month = &bills["months"][0];
    assert_eq!(
        (&month["month"], &month["start"], &month["end"]),
        (&json!("2025-01-01"), &json!("2025-01-06"), &json!("2025-01-13"))
    );
    // Five weekdays of twelve hours at 0.20 are 12.00; the other 108 hours at 0.05 are 5.40; 7 of 31 days of 4.95 are 1.12.
    let amounts: Vec<(&str, f64)> = month["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| (line["label"].as_str().expect("a label"), line["amount"].as_f64().expect("an amount")))
        .collect();
    assert_eq!(amounts, [("Base charge", 1.12), ("Peak", 12.0), ("Off-peak", 5.4)]);
    assert_eq!(bills["total"], json!(18.52));
}

#[test]
fn a_credit_comes_at_exactly_its_bound() {
    let place = Place::new();
    let tariff = place.file(
        "credit.json",
        r#"{"charges":[{"id":"e","label":"Energy","tags":["energy"],"amount":{"kind":"energy","price":0.1}},
        {"id":"c","label":"Credit","tags":["credit"],"credit":true,"amount":{"kind":"fixed","value":100,"per":"bill"},
         "if":{"usage":{"min_kwh":1000}}}]}"#,
    );
    let usage = place.file("usage.csv", "month,kwh\n2025-01,999\n2025-02,1000\n");
    let bills = place.run(&["price", "--tariff", &tariff, "--usage", &usage, "--json"]).json();
    assert_eq!((&bills["months"][0]["total"], &bills["months"][1]["total"]), (&json!(99.9), &json!(0.0)));
}

#[test]
fn billing_periods_are_billed_as_they_are() {
    let place = Place::new();
    let (tariff, usage) =
        (place.file("fixed.json", FIXED), place.file("usage.csv", "start,end,kwh\n2025-01-15,2025-02-14,1000\n"));
    let bills = place.run(&["price", "--tariff", &tariff, "--usage", &usage, "--json"]).json();
    assert_eq!(bills["total"], json!(100.0));
    assert_eq!(bills["months"].as_array().map(Vec::len), Some(1));
    assert_eq!(bills["months"][0]["month"], json!("2025-02-01"));
}

#[test]
fn a_person_gets_a_table_and_may_ask_for_totals_only() {
    let place = Place::new();
    let (tariff, usage) = (place.file("tiers.json", TIERS), place.file("usage.csv", "month,kwh\n2025-01,1200\n"));
    let all = place.run(&["price", "--tariff", &tariff, "--usage", &usage]);
    assert_eq!(all.stdout.lines().count(), 6, "{}", all.stdout);
    let totals = place.run(&["price", "--tariff", &tariff, "--usage", &usage, "--totals"]);
    let expected = "MONTH    CHARGE  QUANTITY  UNIT  RATE  AMOUNT\n\
                    2025-01  total       1200  kWh         114.00\n\
                    all      total             USD         114.00\n";
    assert_eq!(totals.stdout, expected);
}

#[test]
fn a_tariff_that_cannot_be_priced_is_refused_by_the_path_of_the_charge() {
    let place = Place::new();
    let usage = place.file("usage.csv", "month,kwh\n2025-01,1000\n");
    let cases = [
        (
            "a gap in the schedule",
            r#"{"charges":[{"id":"e","label":"E","tags":["energy"],"amount":{"kind":"energy","windows":[{"when":{"from":"00:00","to":"12:00"},"price":0.1}]}}]}"#,
            "charges[0]",
        ),
        (
            "bounds that fall",
            r#"{"charges":[{"id":"e","label":"E","tags":["energy"],"amount":{"kind":"energy","blocks":{"bounds":[500,400],"prices":[0.1,0.2,0.3]}}}]}"#,
            "bounds[1]",
        ),
        (
            "an unknown key",
            r#"{"charges":[{"id":"e","label":"E","tags":["energy"],"amuont":{"kind":"fixed","value":1,"per":"bill"}}]}"#,
            "amuont",
        ),
        ("an unknown form", r#"{"type":"flat","rate_per_kwh":10}"#, "flat"),
        ("an unknown key of a short form", r#"{"type":"fixed","rate_per_kwh":10,"fee":1}"#, "fee"),
        ("tiers without an open end", r#"{"type":"tiered","tiers":[{"up_to_kwh":500,"rate_per_kwh":8}]}"#, "tiers"),
        ("no charges", r#"{"charges":[]}"#, "charges"),
        ("no tariff at all", "hello", "tariff.json"),
    ];
    for (name, tariff, word) in cases {
        let tariff = place.file("tariff.json", tariff);
        let outcome = place.run(&["price", "--tariff", &tariff, "--usage", &usage]);
        assert!(outcome.stdout.is_empty(), "{name}: {}", outcome.stdout);
        outcome.refused(1, &[word]);
    }
}

#[test]
fn a_price_by_the_hour_takes_the_standard_hours_where_only_totals_are_held() {
    let place = Place::new();
    let tariff = place.file("full.json", FULL);
    for usage in ["month,kwh\n2025-01,1000\n", "start,end,kwh\n2025-01-01,2025-01-31,1000\n"] {
        let usage = place.file("usage.csv", usage);
        let outcome = place.run(&["price", "--tariff", &tariff, "--usage", &usage, "--json"]);
        let bills = outcome.json();
        let lines = bills["months"][0]["lines"].as_array().expect("lines");
        let kwh = |label: &str| -> f64 {
            lines.iter().filter(|line| line["label"] == label).filter_map(|line| line["quantity"].as_f64()).sum()
        };
        let (peak, rest) = (kwh("Peak"), kwh("Off-peak"));
        assert!(peak > 0.0 && rest > 0.0 && (peak + rest - 1000.0).abs() < 1e-6, "{peak} + {rest}");
        let shape = &bills["estimated_shape"];
        assert_eq!(shape["shape"], "standard");
        let total = bills["total"].as_f64().expect("a total");
        let (flatter, peakier) =
            (shape["flatter"].as_f64().expect("a total"), shape["peakier"].as_f64().expect("a total"));
        assert!(
            (flatter.min(peakier)..=flatter.max(peakier)).contains(&total) && (flatter - peakier).abs() > 0.005,
            "{bills}"
        );
        assert!(outcome.stderr.contains("standard load shape"), "{}", outcome.stderr);
        let table = place.run(&["price", "--tariff", &tariff, "--usage", &usage]);
        assert!(table.stderr.contains("interval readings give the exact bills"), "{}", table.stderr);
    }
}

#[test]
fn a_price_that_does_not_ask_the_hour_assumes_none() {
    let place = Place::new();
    let (tariff, usage) = (place.file("tiers.json", TIERS), place.file("usage.csv", "month,kwh\n2025-01,1200\n"));
    let outcome = place.run(&["price", "--tariff", &tariff, "--usage", &usage, "--json"]);
    assert_eq!(outcome.json().get("estimated_shape"), None);
    assert_eq!(outcome.stderr, "");
}

#[test]
fn what_to_price_must_be_named() {
    let place = Place::new();
    let (tariff, usage) = (place.file("fixed.json", FIXED), place.file("usage.csv", "month,kwh\n2025-01,1000\n"));
    place.run(&["price", "--usage", &usage]).refused(2, &["--tariff"]);
    place.run(&["price", "--tariff", &tariff]).refused(2, &["--usage"]);
    place.run(&["price", "--tariff", "absent.json", "--usage", &usage]).refused(2, &["absent.json cannot be read"]);
    place
        .run(&["price", "--tariff", &tariff, "--usage", &usage, "--zone", "Mars/Olympus"])
        .refused(2, &["Mars/Olympus", "IANA"]);
    place.run(&["price", "--plan", "x", "--usage", &usage]).refused(1, &["no catalog is imported yet"]);
    assert!(!place.path().join("data").exists(), "looking for a plan made a database");
}
