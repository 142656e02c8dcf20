//! Texas price labels: each states its components and the averages they make; our bills make the same.

use super::shared;
use jiff::civil::date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use treebeard::domain::calendar::{ClockTime, Month};
use treebeard::domain::tariff::model::{DeliveryTariff, Tariff};
use treebeard::domain::tariff::{Load, Pricer, compile};
use treebeard::domain::units::Energy;
use treebeard::domain::usage::readings::{Intervals, Quality};

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// The hours a component holds for, and the share of use the label assumes in them.
struct Part {
    dollars: f64,
    hours: Option<(String, String)>,
    share: f64,
}

fn parts(label: &Value) -> Vec<Part> {
    let of = |part: &Value| Part {
        dollars: number(&part["cents_per_kwh"]) / 100.0,
        hours: part["local_hours"].as_str().map(|hours| {
            let (from, to) = hours.split_once('-').expect("from-to");
            (from.to_owned(), to.to_owned())
        }),
        share: part["share"].as_f64().unwrap_or(1.0),
    };
    label["energy"].as_array().expect("components").iter().map(of).collect()
}

fn tariff(label: &Value, parts: &[Part]) -> Tariff {
    let last = parts.len() - 1;
    let windows: Vec<Value> = parts
        .iter()
        .enumerate()
        .map(|(n, part)| match &part.hours {
            Some((from, to)) if n < last => json!({"when": {"from": from, "to": to}, "price": part.dollars}),
            _ => json!({"price": part.dollars}),
        })
        .collect();
    let energy = json!({"id": "energy", "label": "Energy", "tags": ["energy"], "amount": {"kind": "energy", "windows": windows}});
    let base = json!({
        "id": "base", "label": "Base", "tags": ["fixed"],
        "amount": {"kind": "fixed", "value": label["base_usd_month"], "per": "bill"}
    });
    serde_json::from_value(json!({"charges": [base, energy]})).expect("a tariff")
}

fn delivery(label: &Value) -> DeliveryTariff {
    let stated = &label["delivery"];
    serde_json::from_value(json!({"versions": [{"effective": "2020-01-01", "charges": [
        {"id": "month", "label": "Delivery", "tags": ["delivery"],
         "amount": {"kind": "fixed", "value": stated["usd_month"], "per": "bill"}},
        {"id": "kwh", "label": "Delivery", "tags": ["delivery"],
         "amount": {"kind": "energy", "price": (number(&stated["cents_per_kwh"]) * 1e5).round() / 1e7}},
    ]}]}))
    .expect("a delivery tariff")
}

/// A month's use with each part's share of it in the first hour of its window.
fn load(kwh: i64, parts: &[Part]) -> Load {
    let mut hours = Intervals::empty(&TimeZone::UTC, 60, date(2026, 4, 1), 30);
    hours.quality.fill(Quality::Actual);
    for part in parts {
        let hour = part.hours.as_ref().map_or(0, |(from, _)| from.parse::<ClockTime>().expect("a time").minutes() / 60);
        hours.import[usize::from(hour)] += Energy::from_kwh(kwh as f64 * part.share).expect("energy");
    }
    Load::from_intervals(&hours, &[Month::new(2026, 4).expect("a month").window()])
}

#[test]
fn every_label_bills_its_advertised_averages() {
    let Some(bytes) = shared("data/texas_efl/efl_cases_a.json", "every_label_bills_its_advertised_averages") else {
        return;
    };
    let labels: Value = serde_json::from_slice(&bytes).expect("JSON");
    let mut checked = 0;
    for label in labels["cases"].as_array().expect("labels") {
        let parts = parts(label);
        let (tariff, delivery) = (tariff(label, &parts), delivery(label));
        let compiled = compile(&tariff, Some(&delivery), None).expect("a label's tariff compiles");
        for (level, advertised) in label["advertised_cents_per_kwh"].as_object().expect("averages") {
            let kwh: i64 = level.parse().expect("a level");
            let total = Pricer::new(&load(kwh, &parts)).totals(&compiled).expect("a bill")[0];
            let cents = total.currency() * 100.0 / kwh as f64;
            // The label rounds to 0.1 cent, the bill to whole cents.
            let off = (cents - number(advertised)).abs();
            assert!(off < 0.0515, "{}: {cents} at {kwh} kWh, advertised {advertised}", label["id"]);
            checked += 1;
        }
    }
    assert_eq!(checked, 15);
}
