//! Plans of the Energy Made Easy site: a real one whose yearly costs stand beside it, and each trap of the form.

use super::{import, shared};
use serde_json::{Value, json};
use treebeard::domain::calendar::{Month, calendar_windows};
use treebeard::domain::catalog::{Plan, PlanKind};
use treebeard::domain::tariff::{Load, Pricer, compile};
use treebeard::domain::units::{Energy, Money};
use treebeard::formats::catalog::{CatalogFormat, CatalogImport, CatalogOptions};

/// The bills of a year of so many kWh each day.
fn year(plan: &Plan, daily_kwh: f64) -> Money {
    let windows = calendar_windows(Month::new(2026, 7).expect("a month"), 12);
    let use_of = |days: i64| Energy::from_kwh(daily_kwh * days as f64).expect("an energy");
    let months: Vec<_> = windows.iter().map(|window| (*window, use_of(window.days()))).collect();
    let tariff = compile(&plan.rate.expand(None), None, None).expect("a tariff");
    Pricer::new(&Load::from_totals(&months)).bills(&tariff).expect("bills").iter().map(|bill| bill.total).sum()
}

#[test]
fn a_real_plan_costs_a_year_what_the_site_says() {
    let test = "a_real_plan_costs_a_year_what_the_site_says";
    let Some(bytes) = shared("data/au/energymadeeasy/plan-sr.json", test) else { return };
    let read = import(&bytes, &CatalogOptions::default());
    assert_eq!((read.format, read.rows_read, read.rejected.len()), (CatalogFormat::Cdr, 1, 0));
    let plan = &read.catalog.plans[0];
    assert_eq!((plan.key.as_str(), plan.supplier.as_str()), ("GLO1054006MRE1", "globird-energy"));
    assert_eq!((plan.kind, plan.term_months), (PlanKind::Tiered, 0));
    let charges = &serde_json::to_value(&plan.rate).expect("plain data")["charges"];
    assert_eq!(charges[0]["amount"], json!({"kind": "fixed", "value": 1.16, "per": "day"}));
    assert_eq!(
        charges[1]["amount"]["blocks"],
        json!({"bounds": [15.0], "prices": [0.426, 0.446], "unit": "kwh_per_day"})
    );
    // The retailer's one cent is a credit; the government's 44 is for other customers.
    assert_eq!(charges[2]["amount"]["price"], json!(0.01));
    assert!(plan.conditions.iter().any(|words| words.starts_with("Pay-on-time Discount: ")), "{:?}", plan.conditions);
    let answer: Value = serde_json::from_slice(&bytes).expect("JSON");
    let (costs, uses) = (&answer["data"]["pcr"]["costs"], &answer["data"]["pcr"]["usageData"]["benchmarkData"]);
    let (costs, uses) = if costs.is_null() {
        (&answer["pcr"]["costs"], &answer["pcr"]["usageData"]["benchmarkData"])
    } else {
        (costs, uses)
    };
    for size in ["small", "medium", "large"] {
        let stated = costs["electricity"][size]["yearly"]["noDiscounts"].as_f64().expect("a yearly cost");
        let billed = year(plan, uses["electricity"][size].as_f64().expect("a daily use")).currency();
        assert!((billed - stated).abs() <= 5.0, "{size}: {billed} is not {stated}, which is rounded to tens");
    }
}

/// An answer of the site with one contract.
fn answer(contract: &Value) -> CatalogImport {
    let plan = json!({
        "planId": "ACM1", "planName": "Three rates", "retailerName": "Acme", "fuelType": "E", "customerType": "R",
        "distributor": "SA Power Networks", "effectiveDate": "2026-06-11", "contract": [contract],
    });
    import(json!({ "data": { "planData": plan } }).to_string().as_bytes(), &CatalogOptions::default())
}

fn contract() -> Value {
    let all = "MON|TUE|WED|THU|FRI|SAT|SUN";
    let block = |name: &str, cents: f64, hours: &[(&str, &str)]| {
        let windows: Vec<Value> =
            hours.iter().map(|(from, to)| json!({"days": all, "startTime": from, "endTime": to})).collect();
        json!({"name": name, "blockRate": [{"unitPrice": cents, "measureUnit": "KWH"}], "timeOfUse": windows})
    };
    json!({
        "termType": "N", "isFixed": false, "timeDefinition": "LOCAL",
        "tariffPeriod": [{
            "startDate": "2020-07-01", "endDate": "2020-06-30", "blockPeriod": "P1Y", "dailySupplyCharge": 110,
            "touBlock": [
                block("Peak", 45.0, &[("1500", "2359"), ("0000", "0059")]),
                block("Free", 0.0, &[("1000", "1459")]),
                block("Night", 30.5, &[("0100", "0959")]),
            ],
        }],
    })
}

#[test]
fn hours_end_with_their_last_minute_and_prices_are_cents() {
    let read = answer(&contract());
    assert_eq!((read.catalog.plans.len(), read.catalog.plans[0].kind), (1, PlanKind::TimeOfUse), "{:?}", read.rejected);
    let rate = serde_json::to_value(&read.catalog.plans[0].rate).expect("plain data");
    assert_eq!(rate["charges"][0]["amount"]["value"], json!(1.1));
    assert_eq!(
        rate["charges"][1]["amount"]["windows"],
        json!([
            {"when": {"from": "15:00", "to": "24:00"}, "price": 0.45, "label": "Peak"},
            {"when": {"from": "00:00", "to": "01:00"}, "price": 0.45, "label": "Peak"},
            {"when": {"from": "10:00", "to": "15:00"}, "price": 0.0, "label": "Free"},
            {"price": 0.305, "label": "Night"},
        ])
    );
    assert_eq!(rate["tax"]["rates"][0]["percent"], json!(10.0));
}

#[test]
fn feed_in_rates_that_differ_in_words_alone_are_told_and_not_taken() {
    let mut two = contract();
    let rate = |cents: f64, words: &str, payer: &str| json!({"singleTariffRates": [{"unitPrice": cents, "measureUnit": "KWH"}], "description": words, "type": payer});
    two["solarFit"] = json!([rate(16.0, "16 cents from 5pm to 9pm", "R"), rate(0.0, "nothing at other times", "R")]);
    let read = answer(&two);
    let plan = &read.catalog.plans[0];
    assert_eq!(plan.rate.expand(None).export, None);
    assert!(plan.conditions.contains(&"Feed-in, not in the bills: 16 cents from 5pm to 9pm".to_owned()));
    let mut one = contract();
    one["solarFit"] = json!([rate(5.0, "5 cents", "R"), rate(44.0, "the government's scheme", "G")]);
    let charges = serde_json::to_value(&answer(&one).catalog.plans[0].rate).expect("plain data")["charges"].clone();
    assert_eq!((&charges[2]["amount"]["price"], &charges[2]["credit"]), (&json!(0.05), &json!(true)));
}

#[test]
fn discounts_are_taken_when_they_are_given_to_all() {
    let mut some = contract();
    some["discount"] = json!([
        {"name": "For all", "type": "G", "method": "B", "discountPercent": 10, "description": "off the bill"},
        {"name": "On time", "type": "C", "method": "B", "discountPercent": 5, "description": "paid in time"},
    ]);
    some["fee"] = json!([
        {"description": "Early termination fee", "amount": 60, "feeType": "X", "feeTerm": "F"},
        {"description": "Late payment", "amount": 12, "feeType": "LPF", "feeTerm": "F"},
    ]);
    let read = answer(&some);
    let plan = &read.catalog.plans[0];
    let charges = serde_json::to_value(&plan.rate).expect("plain data")["charges"].clone();
    // The discount is on prices with tax: 10 % of 1.10 for each dollar of the lines.
    assert_eq!(charges[2]["amount"], json!({"kind": "percent", "percent": 11.0, "of": ["energy", "fixed"]}));
    assert!(plan.conditions.contains(&"On time: paid in time".to_owned()), "{:?}", plan.conditions);
    assert_eq!(serde_json::to_value(plan.exit).expect("plain data"), json!({"kind": "flat", "fee": 60.0}));
}

#[test]
fn what_the_form_holds_beyond_this_is_refused_by_its_name() {
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut changed = contract();
        change(&mut changed);
        answer(&changed).rejected.remove(0).to_string()
    };
    assert_eq!(
        refused(&|of| of["controlledLoad"] = json!([{}])),
        "record 1: \"Three rates\": its controlledLoad is in a form we do not know, so it cannot be priced"
    );
    assert_eq!(
        refused(&|of| of["tariffPeriod"][0]["demandCharge"] = json!([{"rate": 30}])),
        "record 1: \"Three rates\": its tariff period has demandCharge, which cannot be priced"
    );
    assert_eq!(
        refused(&|of| of["tariffPeriod"][0]["touBlock"][2]["timeOfUse"][0]["endTime"] = json!("0859")),
        "record 1: \"Three rates\": its times of use leave Mon 09:00 without a price"
    );
    assert_eq!(
        refused(&|of| of["tariffPeriod"][0]["dailySupplyCharge"] = json!("much")),
        "record 1: \"Three rates\": dailySupplyCharge \"much\" is not an amount"
    );
}
