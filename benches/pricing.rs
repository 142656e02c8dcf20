//! Pricing a market for one household: fold, bills, and the naive loop beside them.
//!
//! `cargo bench --bench pricing`: a year of 15-minute readings, and 2,000 plans of every kind with delivery passed through.

#[path = "world/mod.rs"]
mod world;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use treebeard::domain::calendar::{LocalDay, Month, Window, calendar_windows};
use treebeard::domain::catalog::Plan;
use treebeard::domain::tariff::{Compiled, Load, Pricer, compile};
use treebeard::domain::units::{Energy, Money, Price};

const PLANS: usize = 2_000;

fn market(plans: usize) -> Vec<Compiled> {
    let catalog = world::catalog(plans);
    let delivery = catalog.utilities[0].delivery.as_ref();
    let compiled = |plan: &Plan| compile(&plan.tariff(), delivery, None).expect("a tariff without faults");
    catalog.plans.iter().map(compiled).collect()
}

/// What a simple program does: look at every reading for every plan. Flat prices by hour only, so it even does less.
fn naive(readings: &[(u8, Energy)], prices: &[Price; 24], months: &[std::ops::Range<usize>]) -> Vec<Money> {
    let bill = |range: &std::ops::Range<usize>| {
        let lines = readings[range.clone()].iter().map(|(hour, energy)| *energy * prices[usize::from(*hour)]);
        lines.sum::<Money>().round(2)
    };
    months.iter().map(bill).collect()
}

/// Linear in plans, flat in readings once they are folded.
fn growth(group: &mut BenchmarkGroup<'_, WallTime>, windows: &[Window]) {
    let mut price = |what: &str, count: usize, load: &Load, plans: &[Compiled]| {
        let mut pricer = Pricer::new(load);
        group.throughput(Throughput::Elements(plans.len() as u64));
        group.bench_function(BenchmarkId::new(what, count), |bencher| {
            bencher.iter(|| plans.iter().map(|plan| pricer.totals(plan).expect("a priced plan")[0]).sum::<Money>());
        });
    };
    let load = Load::from_intervals(&world::household(15), windows);
    for count in [500, 1_000, 2_000, 4_000] {
        price("12 bills each, 35,040 readings, plans", count, &load, &market(count));
    }
    let plans = market(PLANS);
    for minutes in [60, 15, 5] {
        let readings = world::household(minutes);
        let load = Load::from_intervals(&readings, windows);
        price("12 bills each, 2,000 plans, readings", readings.import.len(), &load, &plans);
    }
}

fn benches(criterion: &mut Criterion) {
    let readings = world::household(15);
    let windows = calendar_windows(Month::new(2025, 1).expect("a month"), 12);
    let plans = market(PLANS);
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

    growth(&mut group, &windows);
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
