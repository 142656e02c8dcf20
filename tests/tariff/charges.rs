//! Every kind of charge, and what happens between charges.

use crate::build::{bill_of, bills, compiled, hourly, months, tariff, total, totals, with_delivery, year_of};
use serde_json::{Value, json};
use treebeard::domain::calendar::Window;
use treebeard::domain::tariff::model::DeliveryTariff;
use treebeard::domain::tariff::{Load, PriceSeries, Pricer, compile, validate};
use treebeard::domain::units::{Energy, Money, Price};

fn energy(price: f64) -> Value {
    json!({"id": "energy", "label": "Energy", "tags": ["energy"], "amount": {"kind": "energy", "price": price}})
}

fn fixed(id: &str, value: f64, per: &str) -> Value {
    json!({"id": id, "label": id, "tags": ["fixed"], "amount": {"kind": "fixed", "value": value, "per": per}})
}

#[test]
fn fixed_sums_follow_the_days_of_the_window() {
    let half = jiff::civil::date(2026, 1, 1);
    let window = Window { start: half, end: jiff::civil::date(2026, 1, 16) };
    let load = Load::from_totals(&[(window, Energy::ZERO)]);
    for (per, expected) in [("bill", "31.00"), ("day", "465.00"), ("month", "15.00"), ("year", "1.27")] {
        let plan = tariff(json!({"charges": [fixed("f", 31.0, per)]}));
        assert_eq!(totals(&compiled(&plan), &load)[0].to_string(), expected, "per {per}");
    }
}

#[test]
fn credits_stack_or_the_best_or_the_last_stays() {
    let credit = |id: &str, value: f64, from: f64, combine: Value| {
        json!({"id": id, "label": id, "tags": ["credit"], "credit": true, "combine": combine,
            "amount": {"kind": "fixed", "value": value, "per": "bill"}, "if": {"usage": {"min_kwh": from}}})
    };
    let plan = |combine: Value| {
        tariff(
            json!({"charges": [energy(0.1), credit("a", 50.0, 1000.0, combine.clone()), credit("b", 15.0, 2000.0, combine)]}),
        )
    };
    let cases =
        [(json!("stack"), "135.00"), (json!({"best_of": "usage"}), "150.00"), (json!({"last_in": "usage"}), "185.00")];
    for (combine, at_2000) in cases {
        assert_eq!(bill_of(&plan(combine.clone()), 2_000.0), at_2000, "{combine}");
        assert_eq!(bill_of(&plan(combine), 1_000.0), "50.00");
    }
}

#[test]
fn a_minimum_bill_lifts_and_a_maximum_caps_and_a_yearly_one_is_trued_up_in_the_twelfth_bill() {
    let plan = |rule: Value| tariff(json!({"charges": [energy(0.1)], "totals": [rule]}));
    let monthly =
        plan(json!({"id": "min", "label": "Minimum bill", "of": ["energy"], "min": 20, "max": 50, "per": "bill"}));
    for (kwh, expected) in [(100.0, "20.00"), (200.0, "20.00"), (300.0, "30.00"), (900.0, "50.00")] {
        assert_eq!(bill_of(&monthly, kwh), expected, "{kwh} kWh");
    }
    let yearly = plan(json!({"id": "min", "label": "Minimum", "of": ["energy"], "min": 150, "per": "year"}));
    let bills = totals(&compiled(&yearly), &year_of(100.0));
    assert_eq!(bills[10].to_string(), "10.00");
    assert_eq!(bills[11].to_string(), "40.00");
}

#[test]
fn percentages_and_taxes_take_their_share_of_the_lines_they_name() {
    let plan = tariff(json!({
        "charges": [energy(0.1), fixed("base", 10.0, "bill"),
            {"id": "discount", "label": "Autopay discount", "tags": ["credit"], "credit": true,
             "amount": {"kind": "percent", "percent": 5, "of": ["energy"]}}],
        "tax": {"prices": "exclusive", "rates": [{"name": "City tax", "percent": 2}, {"name": "Levy", "per_kwh": 0.001}]}}));
    let bill = &bills(&compiled(&plan), &total(1_000.0))[0];
    let amounts: Vec<String> = bill.lines.iter().map(|line| format!("{} {}", line.label, line.amount)).collect();
    assert_eq!(amounts, ["Energy 100.00", "base 10.00", "Autopay discount -5.00", "City tax 2.10", "Levy 1.00"]);
    assert_eq!(bill.total.to_string(), "108.10");
}

#[test]
fn demand_is_the_highest_average_and_remembers_the_months_before() {
    // January peaks at 4 kW on a weekday evening, February at 2 kW.
    let readings = hourly(59, |hour| match hour {
        18 => 4_000,
        1_000 => 2_000,
        _ => 1_000,
    });
    let load = Load::from_intervals(&readings, &months("2026-01", 2));
    let plan = |extra: Value| {
        let mut amount = json!({"kind": "demand", "price": 10, "averaging_minutes": 60});
        amount.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
        tariff(json!({"charges": [{"id": "d", "label": "Demand", "tags": ["demand"], "amount": amount}]}))
    };
    let cases = [
        (json!({}), ["40.00", "20.00"]),
        (json!({"ratchet": {"months": 11, "percent": 75}}), ["40.00", "30.00"]),
        (json!({"floor_kw": 3}), ["40.00", "30.00"]),
        (json!({"when": {"from": "00:00", "to": "12:00"}}), ["10.00", "10.00"]),
        (json!({"measure": "top_three_days"}), ["20.00", "13.33"]),
        (json!({"per": "day"}), ["340.00", "290.00"]),
        (json!({"above": [{"above_kw": 1.5, "price": 4}]}), ["25.00", "17.00"]),
        (json!({"above": [{"above_kw": 2, "price": 5}, {"above_kw": 3, "price": 2}]}), ["27.00", "20.00"]),
        (json!({"above": [{"above_kw": 1, "price": 4}], "floor_kw": 3}), ["22.00", "18.00"]),
        (
            json!({"when": {"from": "00:00", "to": "06:00"}, "also": [{"from": "18:00", "to": "19:00"}]}),
            ["40.00", "10.00"],
        ),
    ];
    for (extra, expected) in cases {
        let got: Vec<String> = totals(&compiled(&plan(extra.clone())), &load).iter().map(ToString::to_string).collect();
        assert_eq!(got, expected, "{extra}");
    }
}

#[test]
fn every_step_of_a_demand_that_is_reached_is_a_line() {
    let load = Load::from_intervals(&hourly(31, |hour| if hour == 18 { 4_000 } else { 1_000 }), &months("2026-01", 1));
    let steps = json!([{"above_kw": 1.5, "price": 4}, {"above_kw": 9, "price": 1}]);
    let amount = json!({"kind": "demand", "price": 10, "averaging_minutes": 60, "above": steps});
    let plan = tariff(json!({"charges": [{"id": "d", "label": "Demand", "tags": ["demand"], "amount": amount}]}));
    let bill = &bills(&compiled(&plan), &load)[0];
    let lines: Vec<_> =
        bill.lines.iter().map(|line| (line.quantity, line.unit, line.rate, line.amount.cents())).collect();
    assert_eq!(lines, [(1.5, "kW", 10.0, 15_00), (2.5, "kW", 4.0, 10_00)]);
}

#[test]
fn export_credits_are_capped_carried_or_paid() {
    let mut readings = hourly(90, |_| 100);
    readings.export =
        readings.import.iter().enumerate().map(|(hour, _)| Energy::from_wh(if hour < 744 { 300 } else { 0 })).collect();
    let load = Load::from_intervals(&readings, &months("2026-01", 3));
    let plan = |offset: &str, carry: &str| {
        tariff(json!({"charges": [energy(0.1), fixed("base", 5.0, "bill"),
            {"id": "buyback", "label": "Solar buyback", "tags": ["export"], "credit": true,
             "amount": {"kind": "energy", "register": "export", "price": 0.08}}],
            "export": {"offset": offset, "carry": carry}}))
    };
    // Import 74.4 / 67.2 / 74.4 kWh; export 223.2 kWh in January: a credit of $17.86.
    let cases = [
        ("cash", "none", ["-5.42", "11.72", "12.44"]),
        ("all", "none", ["0.00", "11.72", "12.44"]),
        ("all", "money", ["0.00", "6.30", "12.44"]),
        ("energy_only", "none", ["5.00", "11.72", "12.44"]),
        ("energy_only", "money", ["5.00", "5.00", "8.74"]),
    ];
    for (offset, carry, expected) in cases {
        let got: Vec<String> = totals(&compiled(&plan(offset, carry)), &load).iter().map(ToString::to_string).collect();
        assert_eq!(got, expected, "{offset} {carry}");
    }
}

#[test]
fn net_metering_banks_kilowatt_hours() {
    let mut readings = hourly(90, |_| 100);
    readings.export =
        readings.import.iter().enumerate().map(|(hour, _)| Energy::from_wh(if hour < 744 { 200 } else { 0 })).collect();
    let load = Load::from_intervals(&readings, &months("2026-01", 3));
    let plan = tariff(
        json!({"charges": [energy(0.1), fixed("base", 5.0, "bill")], "export": {"offset": "energy_only", "carry": "kwh"}}),
    );
    // January cancels 74.4 and banks 74.4; February uses 67.2; March the last 7.2.
    let got: Vec<String> = totals(&compiled(&plan), &load).iter().map(ToString::to_string).collect();
    assert_eq!(got, ["5.00", "5.00", "11.72"]);
}

fn delivery(rate_change: &str) -> DeliveryTariff {
    let version = |effective: &str, price: f64| {
        json!({"effective": effective, "charges": [
            {"id": "wires", "label": "Delivery", "tags": ["delivery"], "amount": {"kind": "energy", "price": price}},
            {"id": "wires-month", "label": "Delivery, monthly", "tags": ["delivery"], "amount": {"kind": "fixed", "value": 3, "per": "bill"}}]})
    };
    serde_json::from_value(
        json!({"versions": [version("2025-09-01", 0.05), version("2026-01-21", 0.08)], "rate_change": rate_change}),
    )
    .expect("a delivery tariff")
}

#[test]
fn delivery_changes_by_date_as_the_utility_bills_it() {
    let plan = tariff(json!({"charges": [energy(0.1)]}));
    // 31 days: 1 kWh an hour in the first 20 days (480 kWh), 2 kWh in the last 11 (528 kWh).
    let readings = hourly(31, |hour| if hour < 480 { 1_000 } else { 2_000 });
    let load = Load::from_intervals(&readings, &[readings.window()]);
    let cases = [
        ("at_window_close", "184.44"), // 100.80 + 3 + 1008 * .08
        ("by_interval", "170.04"),     // 100.80 + 3 + 480 * .05 + 528 * .08
        ("prorate_days", "164.93"),    // 100.80 + 3 + 1008 * (.05 * 20 + .08 * 11) / 31
    ];
    for (change, expected) in cases {
        let got = totals(&with_delivery(&plan, &delivery(change)), &load)[0];
        assert_eq!(got.to_string(), expected, "{change}");
    }
}

#[test]
fn free_nights_may_waive_the_energy_part_of_delivery_but_never_its_monthly_part() {
    let night = |exempt: bool| {
        tariff(json!({"charges": [
            {"id": "night", "label": "Free nights", "tags": ["energy"], "amount": {"kind": "energy", "price": 0,
             "when": {"from": "21:00", "to": "06:00"}, "delivery_exempt": exempt}},
            {"id": "day", "label": "Days", "tags": ["energy"], "amount": {"kind": "energy", "price": 0.2,
             "when": {"from": "06:00", "to": "21:00"}}}]}))
    };
    let readings = hourly(31, |_| 1_000);
    let load = Load::from_intervals(&readings, &[readings.window()]);
    let bill = |exempt| totals(&with_delivery(&night(exempt), &delivery("at_window_close")), &load)[0].to_string();
    assert_eq!(bill(false), "155.52"); // 465 * .2 + 744 * .08 + 3
    assert_eq!(bill(true), "133.20"); // 465 * .28 + 3
}

#[test]
fn an_introductory_price_ends_with_its_contract_month() {
    let plan =
        tariff(json!({"charges": [energy(0.05)], "versions": [{"from_contract_month": 4, "charges": [energy(0.15)]}]}));
    let bills = totals(&compiled(&plan), &year_of(1_000.0));
    assert_eq!(
        bills.iter().map(|bill| bill.cents() / 100).collect::<Vec<_>>(),
        [50, 50, 50, 150, 150, 150, 150, 150, 150, 150, 150, 150]
    );
    let promotion = tariff(
        json!({"charges": [energy(0.1), {"id": "promo", "label": "Third bill credit", "tags": ["credit"], "credit": true,
        "amount": {"kind": "fixed", "value": 50, "per": "bill"}, "if": {"contract_months": {"from": 3, "to": 3}}}]}),
    );
    let bills = totals(&compiled(&promotion), &year_of(1_000.0));
    assert_eq!(bills.iter().filter(|bill| **bill == Money::from_cents(50_00)).count(), 1);
    assert_eq!(bills[2], Money::from_cents(50_00));
}

#[test]
fn a_price_series_is_followed_within_floor_and_cap_or_expected() {
    let charge = json!({"id": "spot", "label": "Spot", "tags": ["energy"], "amount": {"kind": "energy",
        "series": {"series": "hub", "adder": 0.01, "cap": 0.5, "floor": 0, "expected": 0.2}}});
    let plan = compiled(&tariff(json!({"charges": [charge]})));
    let readings = hourly(1, |_| 1_000);
    let load = Load::from_intervals(&readings, &[readings.window()]);
    assert_eq!(totals(&plan, &load)[0].to_string(), "4.80");
    // Half-hours: 9 $/kWh (capped), -1 $/kWh (floored), then 0.04.
    let mut prices = vec![Price::from_currency(0.04).expect("a price"); 48];
    prices[0] = Price::from_currency(9.0).expect("a price");
    prices[1] = Price::from_currency(-1.0).expect("a price");
    let series = [PriceSeries { name: "hub".to_owned(), start: readings.start(), step_minutes: 30, prices }];
    let got = Pricer::with_series(&load, &series).totals(&plan).expect("a priced plan")[0];
    assert_eq!(got.to_string(), "1.40"); // 0.5 * 0.5 + 0.5 * 0 + 23 * 0.05
}

#[test]
fn a_path_scales_the_energy_of_each_window() {
    let plan = compiled(&tariff(json!({"charges": [energy(0.1), fixed("base", 5.0, "bill"),
        {"id": "credit", "label": "Credit", "tags": ["credit"], "credit": true,
         "amount": {"kind": "fixed", "value": 30, "per": "bill"}, "if": {"usage": {"min_kwh": 1000}}}]})));
    let load = year_of(1_000.0);
    let mut factors = vec![1_000_000; 12];
    factors[1] = 999_999;
    factors[2] = 2_000_000;
    let totals = Pricer::new(&load).totals_scaled(&plan, &factors).expect("a priced plan");
    assert_eq!(totals[..4].iter().map(ToString::to_string).collect::<Vec<_>>(), ["75.00", "105.00", "175.00", "75.00"]);
}

#[test]
fn what_totals_cannot_price_is_refused_by_name() {
    let plan = compiled(&tariff(json!({"charges": [{"id": "peak", "label": "Peak", "tags": ["energy"],
        "amount": {"kind": "energy", "price": 0.1, "when": {"from": "14:00", "to": "19:00"}}}]})));
    let fault = Pricer::new(&total(500.0)).totals(&plan).expect_err("no hours are known");
    assert_eq!(
        fault.to_string(),
        "charges[peak]: depends on the hour or the day, and only totals are held: give interval readings"
    );
}

#[test]
fn every_fault_is_named_by_its_path() {
    let wrong = tariff(json!({"charges": [
        {"id": "a", "label": "A", "tags": [], "amount": {"kind": "energy"}},
        {"id": "a", "label": "B", "tags": ["energy"], "amount": {"kind": "energy", "windows": [
            {"when": {"from": "06:00", "to": "22:00"}, "price": 0.2}]}},
        {"id": "c", "label": "C", "tags": ["energy"], "amount": {"kind": "energy", "register": "export",
            "blocks": {"bounds": [500, 400], "prices": [0.1, 0.2]}}}]}));
    let faults: Vec<String> = validate(&wrong).iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "charges[0].tags: is empty: a line needs a kind",
            "charges[0].amount: needs exactly one of `price`, `windows`, `series` and `blocks`",
            "charges[1].id: is used by an earlier charge",
            "charges[1].amount.windows[0].when: leaves a gap in the schedule: the last window must have no `when`",
            "charges[2].amount.blocks: needs one price more than bounds: the last block is open",
            "charges[2].amount.blocks.bounds[1]: is not above the bound before it",
            "export: is missing: a charge reads the export register",
        ]
    );
    assert!(compile(&wrong, None, None).is_err());
}
