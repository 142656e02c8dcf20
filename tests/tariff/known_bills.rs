//! method.md 8, and bills worked by hand.

use crate::build::{bill_of, bills, compiled, hourly, months, rate, tariff, totals, year_of};
use serde_json::json;
use treebeard::domain::tariff::Load;
use treebeard::domain::units::Money;

#[test]
fn a_thousand_kwh_at_ten_cents_are_a_hundred_dollars() {
    assert_eq!(bill_of(&rate(json!({"type": "fixed", "rate_per_kwh": 10})), 1_000.0), "100.00");
}

#[test]
fn tiers_are_cumulative_limits_not_widths() {
    let tiers = |first: f64, second: f64| {
        rate(json!({"type": "tiered", "tiers": [
            {"up_to_kwh": first, "rate_per_kwh": 8}, {"up_to_kwh": second, "rate_per_kwh": 10},
            {"up_to_kwh": null, "rate_per_kwh": 12}]}))
    };
    assert_eq!(bill_of(&tiers(500.0, 1_000.0), 1_200.0), "114.00");
    assert_eq!(bill_of(&tiers(1_000.0, 2_000.0), 2_500.0), "240.00");
}

#[test]
fn half_of_a_thousand_kwh_a_month_at_peak_costs_1380_a_year() {
    // Twelve hours at 15 c, twelve at 8 c; every hour of a month the same.
    let hours: Vec<u8> = (8..20).collect();
    let plan = rate(json!({"type": "time_of_use", "peak_rate": 15, "off_peak_rate": 8, "peak_hours": hours}));
    let windows = months("2026-01", 12);
    let mut readings = hourly(365, |_| 0);
    let mut hour = 0;
    for window in &windows {
        let count = window.days() as usize * 24;
        for n in 0..count {
            // A month's 1,000 kWh in mWh, the remainder spread one by one.
            let each = 1_000_000_000 / count as i64;
            let rest = 1_000_000_000 % count as i64;
            // Spread evenly over both halves of the day: pair hour n with n + 12.
            let value = each + i64::from((n as i64) < rest);
            readings.import[hour + n] = treebeard::domain::units::Energy::from_mwh_thousandths(value);
        }
        hour += count;
    }
    let year: Money = totals(&compiled(&plan), &Load::from_intervals(&readings, &windows)).into_iter().sum();
    assert_eq!(year, Money::from_cents(1_380_00));
}

#[test]
fn a_hundred_dollar_credit_from_a_thousand_kwh_starts_at_a_thousand() {
    let plan = tariff(json!({"charges": [
        {"id": "energy", "label": "Energy", "tags": ["energy"], "amount": {"kind": "energy", "price": 0.12}},
        {"id": "credit", "label": "Usage credit", "tags": ["credit"], "credit": true,
         "amount": {"kind": "fixed", "value": 100, "per": "bill"}, "if": {"usage": {"min_kwh": 1000}}}]}));
    assert_eq!(bill_of(&plan, 999.0), "119.88");
    assert_eq!(bill_of(&plan, 1_000.0), "20.00");
    assert_eq!(bill_of(&plan, 999.999), "120.00");
}

#[test]
fn bands_keep_their_bounds_as_stated() {
    let fee = |band| {
        tariff(json!({"charges": [{"id": "fee", "label": "Fee", "tags": ["fee"],
            "amount": {"kind": "fixed", "value": 10, "per": "bill"}, "if": {"usage": band}}]}))
    };
    let cases = [
        (json!({"min_kwh": 1000}), [false, true, true]),
        (json!({"min_kwh": 1000, "min_exclusive": true}), [false, false, true]),
        (json!({"max_kwh": 1000}), [true, false, false]),
        (json!({"max_kwh": 1000, "max_inclusive": true}), [true, true, false]),
    ];
    for (band, expected) in cases {
        let got = [999.9, 1_000.0, 1_000.1].map(|kwh| bill_of(&fee(band.clone()), kwh) == "10.00");
        assert_eq!(got, expected, "{band}");
    }
}

#[test]
fn the_three_ways_to_share_tiers_among_periods_differ_as_the_field_says() {
    // 600 kWh: nights (0-12) first of each day. 30 days of 10 kWh night + 10 kWh day; tier bound 300 kWh.
    let readings = hourly(30, |_| 833_333 / 1_000).import.len();
    assert_eq!(readings, 720);
    let load = hourly(30, |hour| if hour % 24 < 12 { 1_000 } else { 500 });
    let window = [load.window()];
    let load = Load::from_intervals(&load, &window);
    let plan = |scope: &str| {
        let charge = |id: &str, from: &str, to: &str, prices: [f64; 2]| {
            json!({"id": id, "label": id, "tags": ["energy"], "amount": {"kind": "energy",
                "when": {"from": from, "to": to}, "blocks": {"bounds": [270], "prices": prices, "scope": scope}}})
        };
        tariff(
            json!({"charges": [charge("night", "00:00", "12:00", [0.10, 0.20]), charge("day", "12:00", "24:00", [0.30, 0.40])]}),
        )
    };
    // Night 360 kWh, day 180 kWh, total 540: half of the total lies below 270.
    let totals_of = |scope: &str| totals(&compiled(&plan(scope)), &load)[0].to_string();
    assert_eq!(totals_of("total_prorata"), "117.00"); // 180*.1+180*.2 + 90*.3+90*.4
    assert_eq!(totals_of("per_window"), "99.00"); // 270*.1+90*.2 + 180*.3
    assert_eq!(totals_of("total_chronological"), "117.00"); // day 15 ends at exactly 270 kWh
}

#[test]
fn daily_tiers_start_anew_each_day_and_daily_limits_grow_with_the_bill() {
    // Day 1 uses 24 kWh, the other 29 days 12 kWh: 372 kWh.
    let readings = hourly(30, |hour| if hour < 24 { 1_000 } else { 500 });
    let load = Load::from_intervals(&readings, &[readings.window()]);
    let plan = |reset: &str, unit: &str| {
        tariff(json!({"charges": [{"id": "e", "label": "Energy", "tags": ["energy"], "amount": {"kind": "energy",
            "blocks": {"bounds": [12], "prices": [0.0, 1.0], "reset": reset, "unit": unit}}}]}))
    };
    assert_eq!(totals(&compiled(&plan("day", "kwh")), &load)[0].to_string(), "12.00");
    assert_eq!(totals(&compiled(&plan("bill", "kwh_per_day")), &load)[0].to_string(), "12.00");
    assert_eq!(totals(&compiled(&plan("bill", "kwh")), &load)[0].to_string(), "360.00");
}

#[test]
fn the_lines_of_a_bill_name_quantity_rate_and_amount() {
    let plan = rate(
        json!({"type": "tiered", "tiers": [{"up_to_kwh": 500, "rate_per_kwh": 8}, {"up_to_kwh": null, "rate_per_kwh": 10}]}),
    );
    let bill = &bills(&compiled(&plan), &year_of(700.0))[0];
    let lines: Vec<_> = bill.lines.iter().map(|l| (l.label.as_str(), l.quantity, l.unit, l.rate, l.amount)).collect();
    assert_eq!(
        lines,
        [
            ("Energy charge", 500.0, "kWh", 0.08, Money::from_cents(40_00)),
            ("Energy charge", 200.0, "kWh", 0.10, Money::from_cents(20_00))
        ]
    );
    assert_eq!(bill.total, Money::from_cents(60_00));
}
