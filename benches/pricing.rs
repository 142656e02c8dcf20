//! Pricing a market for one household: fold, bills, and the naive loop beside them.
//!
//! `cargo bench --bench pricing`. The world is made here: a year of 15-minute readings and a market of 2,000 plans of
//! every kind that share a few dozen schedules, as real catalogs do.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jiff::civil::date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::hint::black_box;
use treebeard::domain::calendar::{LocalDay, Month, calendar_windows};
use treebeard::domain::tariff::model::{DeliveryTariff, Tariff};
use treebeard::domain::tariff::{Compiled, Load, Pricer, compile};
use treebeard::domain::units::{Energy, Money, Price};
use treebeard::domain::usage::readings::Intervals;

const PLANS: usize = 2_000;

/// 35,040 readings over 2026 in Chicago: a base, a morning, an evening, hot afternoons.
fn household() -> Intervals {
    let zone = TimeZone::get("America/Chicago").expect("the zone is compiled in");
    let mut intervals = Intervals::empty(&zone, 15, date(2026, 1, 1), 365);
    for (step, energy) in intervals.import.iter_mut().enumerate() {
        let (day, quarter) = (step / 96, step % 96);
        let summer = 1.0 + ((day as f64 - 15.0) / 365.0 * std::f64::consts::TAU - std::f64::consts::PI).cos().max(0.0);
        let shape = 90.0 + 120.0 * f64::from(u8::from((56..88).contains(&quarter))) * summer;
        *energy = Energy::from_wh((shape + (step * 7_919 % 83) as f64) as i64);
    }
    intervals
}

fn energy(id: &str, price: f64, when: Value) -> Value {
    let mut amount = json!({"kind": "energy", "price": price});
    if !when.is_null() {
        amount["when"] = when;
    }
    json!({"id": id, "label": id, "tags": ["energy"], "amount": amount})
}

fn fixed(id: &str, value: f64) -> Value {
    json!({"id": id, "label": id, "tags": ["fixed"], "amount": {"kind": "fixed", "value": value, "per": "bill"}})
}

/// The charges of plan `n`: flat, credit, minimum fee, tiers, free nights, free weekends, EV, time of use by season.
fn charges(n: usize) -> Vec<Value> {
    let price = 0.08 + (n % 97) as f64 / 1_000.0;
    let evening = ["20:00", "21:00", "22:00", "23:00"][n / 8 % 4];
    let night = json!({"from": evening, "to": "06:00"});
    let credit = |value: f64, min: f64| {
        json!({"id": "credit", "label": "Usage credit", "tags": ["credit"], "credit": true,
            "amount": {"kind": "fixed", "value": value, "per": "bill"}, "if": {"usage": {"min_kwh": min}}})
    };
    match n % 8 {
        0 | 1 => vec![energy("energy", price, Value::Null), fixed("base", 4.95)],
        2 => vec![energy("energy", price + 0.05, Value::Null), credit(50.0 + (n % 75) as f64, 1_000.0)],
        3 => vec![
            energy("energy", price, Value::Null),
            json!({"id": "fee", "label": "Minimum use fee", "tags": ["fee"],
                "amount": {"kind": "fixed", "value": 9.95, "per": "bill"}, "if": {"usage": {"max_kwh": 1000}}}),
        ],
        4 => vec![json!({"id": "energy", "label": "Energy", "tags": ["energy"], "amount": {"kind": "energy",
            "blocks": {"bounds": [500, 1000], "prices": [price, price + 0.02, price + 0.04]}}})],
        5 => vec![json!({"id": "energy", "label": "Energy", "tags": ["energy"], "amount": {"kind": "energy",
            "windows": [{"when": night, "price": 0}, {"price": price + 0.08}]}})],
        6 => vec![json!({"id": "energy", "label": "Energy", "tags": ["energy"], "amount": {"kind": "energy",
            "windows": [{"when": {"days": ["sat", "sun"]}, "price": 0}, {"price": price + 0.06}]}})],
        _ => vec![
            json!({"id": "energy", "label": "Energy", "tags": ["energy"], "amount": {"kind": "energy", "windows": [
            {"when": {"months": [6, 7, 8, 9], "days": ["mon", "tue", "wed", "thu", "fri"], "from": "14:00", "to": "19:00"}, "price": price + 0.15},
            {"when": night, "price": price - 0.03}, {"price": price}]}}),
        ],
    }
}

fn market() -> Vec<Compiled> {
    let delivery: DeliveryTariff = serde_json::from_value(json!({"versions": [{"effective": "2025-09-01", "charges": [
        {"id": "wires", "label": "Delivery", "tags": ["delivery"], "amount": {"kind": "energy", "price": 0.055833}},
        {"id": "wires-month", "label": "Delivery, monthly", "tags": ["delivery"], "amount": {"kind": "fixed", "value": 4.23, "per": "bill"}}]}]}))
        .expect("a delivery tariff");
    let plan = |n| {
        let tariff: Tariff = serde_json::from_value(json!({"charges": charges(n)})).expect("a tariff");
        compile(&tariff, Some(&delivery), None).expect("a tariff without faults")
    };
    (0..PLANS).map(plan).collect()
}

/// What a simple program does: look at every reading for every plan. Flat prices by hour only, so it even does less.
fn naive(readings: &[(u8, Energy)], prices: &[Price; 24], months: &[std::ops::Range<usize>]) -> Vec<Money> {
    let bill = |range: &std::ops::Range<usize>| {
        let lines = readings[range.clone()].iter().map(|(hour, energy)| *energy * prices[usize::from(*hour)]);
        lines.sum::<Money>().round(2)
    };
    months.iter().map(bill).collect()
}

fn benches(criterion: &mut Criterion) {
    let readings = household();
    let windows = calendar_windows(Month::new(2026, 1).expect("a month"), 12);
    let plans = market();
    let load = Load::from_intervals(&readings, &windows);

    let mut group = criterion.benchmark_group("pricing");
    group.sample_size(30);
    group.bench_function("fold 35,040 readings into running sums", |bencher| {
        bencher.iter(|| Load::from_intervals(black_box(&readings), &windows));
    });
    let seasonal = &plans[7..8];
    group.bench_function("fold one time-of-use schedule and bill it", |bencher| {
        bencher.iter(|| Pricer::new(&load).totals(black_box(&seasonal[0])));
    });
    group.throughput(Throughput::Elements(PLANS as u64));
    group.bench_function("12 monthly bills of 2,000 plans, schedules folded", |bencher| {
        let mut pricer = Pricer::new(&load);
        bencher.iter(|| plans.iter().map(|plan| pricer.totals(plan).expect("a priced plan")[0]).sum::<Money>());
    });
    group.bench_function("12 monthly bills of 2,000 plans, folds included", |bencher| {
        bencher.iter_batched(
            || Pricer::new(&load),
            |mut pricer| plans.iter().map(|plan| pricer.totals(plan).expect("a priced plan")[0]).sum::<Money>(),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("the same with every line of every bill", |bencher| {
        let mut pricer = Pricer::new(&load);
        bencher.iter(|| plans.iter().map(|plan| pricer.bills(plan).expect("a priced plan").len()).sum::<usize>());
    });

    let mut by_hour = Vec::with_capacity(readings.import.len());
    let mut months = Vec::new();
    let mut day = readings.first_day;
    for n in 0..readings.days() {
        let local = LocalDay::of(day, &readings.zone);
        if day.day() == 1 {
            months.push(by_hour.len()..by_hour.len());
        }
        for (step, index) in readings.day_range(n).enumerate() {
            let elapsed = step as u16 * readings.minutes;
            let stretch = local.stretches.iter().rfind(|stretch| stretch.elapsed <= elapsed).expect("a stretch");
            by_hour.push((((stretch.clock + elapsed - stretch.elapsed) / 60) as u8, readings.import[index]));
        }
        months.last_mut().expect("the first day is a first").end = by_hour.len();
        day = day.tomorrow().expect("a date");
    }
    let prices = std::array::from_fn(|hour| Price::from_nanos(100_000_000 + hour as i64));
    group.throughput(Throughput::Elements(20));
    group.sample_size(10);
    group.bench_function("naive: 20 plans, every reading for every plan", |bencher| {
        bencher.iter(|| (0..20).map(|_| naive(black_box(&by_hour), &prices, &months)[0]).sum::<Money>());
    });
    group.finish();
}

criterion_group!(pricing, benches);
criterion_main!(pricing);
