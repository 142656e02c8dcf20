//! The invented world the benches share: a household's year, and a market of any number of plans of every kind that
//! share a few dozen schedules, as real catalogs do.
#![allow(dead_code, reason = "each bench uses its part")]

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::fmt::Write as _;
use treebeard::domain::catalog::CatalogFile;
use treebeard::domain::units::Energy;
use treebeard::domain::usage::readings::Intervals;

/// The day advice is asked for: the household's year has just ended.
pub const AS_OF: Date = date(2026, 1, 15);
/// In the territory of the market's one utility.
pub const ZIP: &str = "75001";
const SUPPLIERS: usize = 40;

pub fn zone() -> TimeZone {
    TimeZone::get("America/Chicago").expect("the zone is compiled in")
}

/// The year 2025 in steps of `minutes`: a base, hot afternoons, and some noise; about 11,000 kWh.
pub fn household(minutes: u16) -> Intervals {
    let mut intervals = Intervals::empty(&zone(), minutes, date(2025, 1, 1), 365);
    let per_day = 1_440 / usize::from(minutes);
    for (step, energy) in intervals.import.iter_mut().enumerate() {
        let (day, hour) = (step / per_day, step % per_day * 24 / per_day);
        let summer = 1.0 + ((day as f64 - 15.0) / 365.0 * std::f64::consts::TAU - std::f64::consts::PI).cos().max(0.0);
        let watts = 720.0 + 1_200.0 * f64::from(u8::from((14..22).contains(&hour))) * summer;
        let watt_hours = watts * f64::from(minutes) / 60.0 + (step * 7_919 % 83) as f64;
        *energy = Energy::from_wh(watt_hours as i64);
    }
    intervals
}

/// The household's 15-minute year as a Smart Meter Texas download: 35,040 rows and its odd autumn day.
pub fn meter_file() -> String {
    let intervals = household(15);
    let mut file = String::from(
        "ESIID,USAGE_DATE,REVISION_DATE,USAGE_START_TIME,USAGE_END_TIME,USAGE_KWH,ESTIMATED_ACTUAL,CONSUMPTION_SURPLUSGENERATION\n",
    );
    let clock = |slot: usize| format!("{:02}:{:02}", slot / 4 % 24, slot % 4 * 15);
    for day in 0..intervals.days() {
        let on = intervals.date(day);
        let mut before = 0;
        for (index, slot) in intervals.day_range(day).zip(intervals.clock_slots(day)) {
            // The first row of the hour that comes twice starts, by its label, where the first pass ended.
            let from = if slot < before { before + 1 } else { slot };
            let day = on.strftime("%m/%d/%Y");
            let (from, to, kwh) = (clock(from), clock(slot + 1), intervals.import[index].kwh());
            let row = writeln!(file, "'10440000000000001,{day},{day} 06:18:33,{from},{to},{kwh:.3},A,Consumption");
            row.expect("a string takes everything");
            before = slot;
        }
    }
    file
}

/// A market of one utility whose delivery every plan passes through.
pub fn catalog(plans: usize) -> CatalogFile {
    let suppliers: Vec<Value> = (0..SUPPLIERS)
        .map(|n| {
            let (rating, reviews) = (2.5 + (n % 5) as f64 / 2.0, n * 37);
            json!({"key": format!("s{n}"), "name": format!("Supplier {n}"), "rating": rating, "review_count": reviews})
        })
        .collect();
    let catalog = json!({
        "market": {"id": "bench", "name": "Bench", "currency": "USD", "time_zone": "America/Chicago"},
        "utilities": [{"id": "wires", "name": "Wires", "zips": ["750"], "delivery": {"versions": [
            {"effective": "2024-09-01", "charges": [
                {"id": "wires", "label": "Delivery", "tags": ["delivery"],
                    "amount": {"kind": "energy", "price": 0.055_833}},
                {"id": "wires-month", "label": "Delivery, monthly", "tags": ["delivery"],
                    "amount": {"kind": "fixed", "value": 4.23, "per": "bill"}}]}]}}],
        "suppliers": suppliers,
        "plans": (0..plans).map(plan).collect::<Vec<_>>(),
    });
    serde_json::from_value(catalog).expect("a catalog")
}

/// Plan `n`: fixed, variable, credit, minimum fee, tiers, free nights, free weekends, time of use by season.
fn plan(n: usize) -> Value {
    let cents = 8.0 + (n % 97) as f64 / 10.0;
    let kind = ["fixed", "variable", "fixed", "fixed", "tiered", "time_of_use", "time_of_use", "time_of_use"][n % 8];
    let terms = [0, 6, 12, 24, 36];
    let mut plan = json!({
        "key": format!("p{n}"), "name": format!("Plan {n}"), "supplier": format!("s{}", n * 7 % SUPPLIERS),
        "kind": kind, "term_months": terms[n / 8 % 5], "delivery": "passthrough",
        "renewable": (n / 8 % 5 * 25) as f64, "exit": {"kind": "flat", "fee": (n / 8 % 4 * 75) as f64},
    });
    plan["rate"] = match n % 8 {
        0 => json!({"type": "fixed", "rate_per_kwh": cents}),
        1 => json!({"type": "variable", "base_rate": cents}),
        4 => json!({"type": "tiered", "tiers": [{"up_to_kwh": 500, "rate_per_kwh": cents},
            {"up_to_kwh": 1_000, "rate_per_kwh": cents + 2.0}, {"up_to_kwh": null, "rate_per_kwh": cents + 4.0}]}),
        _ => json!({"type": "tariff", "charges": charges(n, cents / 100.0)}),
    };
    if n % 8 < 2 {
        plan["monthly_fee"] = json!(4.95);
    }
    plan
}

/// The charges of the kinds that have no short form.
fn charges(n: usize, price: f64) -> Vec<Value> {
    let round = |price: f64| (price * 1e6).round() / 1e6;
    let energy = |amount: Value| json!({"id": "energy", "label": "Energy", "tags": ["energy"], "amount": amount});
    let flat = |price: f64| energy(json!({"kind": "energy", "price": round(price)}));
    let evening = ["20:00", "21:00", "22:00", "23:00"][n / 8 % 4];
    let night = json!({"from": evening, "to": "06:00"});
    let afternoon = json!({"months": [6, 7, 8, 9], "days": ["mon", "tue", "wed", "thu", "fri"],
        "from": "14:00", "to": "19:00"});
    let windows = match n % 8 {
        2 => {
            let value = 50.0 + (n % 75) as f64;
            let credit = json!({"id": "credit", "label": "Usage credit", "tags": ["credit"], "credit": true,
                "amount": {"kind": "fixed", "value": value, "per": "bill"}, "if": {"usage": {"min_kwh": 1_000}}});
            return vec![flat(price + 0.05), credit];
        }
        3 => {
            let fee = json!({"id": "fee", "label": "Minimum use fee", "tags": ["fee"],
                "amount": {"kind": "fixed", "value": 9.95, "per": "bill"}, "if": {"usage": {"max_kwh": 1_000}}});
            return vec![flat(price), fee];
        }
        5 => json!([{"when": night, "price": 0}, {"price": round(price + 0.08)}]),
        6 => json!([{"when": {"days": ["sat", "sun"]}, "price": 0}, {"price": round(price + 0.06)}]),
        _ => json!([{"when": afternoon, "price": round(price + 0.15)}, {"when": night, "price": round(price - 0.03)},
            {"price": round(price)}]),
    };
    vec![energy(json!({"kind": "energy", "windows": windows}))]
}
