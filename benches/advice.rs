//! From a meter file to ranked advice: every stage, the whole way, and how the cost grows with the plans.
//!
//! `cargo bench --bench advice`. One thread; the catalog's snapshot is built once, as the service holds it.

#[path = "world/mod.rs"]
mod world;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use treebeard::domain::advice::{
    CurrentPlan, Location, Options, Priorities, Recommendation, Request, UserProfile, recommend,
};
use treebeard::domain::calendar::Month;
use treebeard::domain::catalog::{Market, PropertyType};
use treebeard::domain::market::Snapshot;
use treebeard::domain::units::Energy;
use treebeard::domain::usage::normalise::normalise;
use treebeard::domain::usage::profile::profile;
use treebeard::domain::usage::projection::{Projection, project};
use treebeard::domain::usage::readings::{RawMonth, RawReadings, ReadingSet};
use treebeard::formats::usage::{UsageOptions, read};
use world::{AS_OF, ZIP, zone};

const PLANS: usize = 2_000;
const HOME: PropertyType = PropertyType::Residential;
const SEED: u64 = 7;

fn snapshot(plans: usize) -> Snapshot {
    Snapshot::build(vec![world::catalog(plans)], 1, AS_OF)
}

fn read_file(file: &str) -> RawReadings {
    read(file.as_bytes(), &UsageOptions::new(zone())).expect("a good file").readings
}

fn normalised(raw: RawReadings) -> ReadingSet {
    normalise(raw, &zone()).expect("good readings").0
}

fn projected(set: &ReadingSet, market: &Market) -> Projection {
    project(set, AS_OF, market, HOME, &zone(), SEED).expect("a year")
}

fn request(set: &ReadingSet, market: &Market) -> Request {
    let projection = projected(set, market);
    Request {
        as_of: AS_OF,
        place: Location::Zip(ZIP.to_owned()),
        property_type: HOME,
        profile: UserProfile::of(&profile(set, market, HOME), &projection),
        projection,
        priorities: Priorities::default(),
        current_plan: None,
        options: Options::default(),
        include_risks: true,
    }
}

/// A year of monthly totals, as a household without a smart meter types them.
fn monthly() -> ReadingSet {
    let kwh = [900, 800, 750, 850, 1_100, 1_300, 1_500, 1_400, 1_050, 800, 750, 800];
    let month = |(n, kwh): (usize, &i64)| RawMonth {
        month: Month::new(2025, n as i8 + 1).expect("a month"),
        energy: Energy::from_whole_kwh(*kwh),
        line: n as u64 + 1,
    };
    normalised(RawReadings::Months(kwh.iter().enumerate().map(month).collect()))
}

fn advise(snapshot: &Snapshot, request: &Request) -> Recommendation {
    recommend(snapshot, request).expect("advice")
}

fn stages(criterion: &mut Criterion) {
    let snapshot = snapshot(PLANS);
    let market = &snapshot.markets()[0].market;
    let file = world::meter_file();
    let raw = read_file(&file);
    let set = normalised(raw.clone());
    let asked = request(&set, market);
    assert_eq!(advise(&snapshot, &asked).total_plans_analyzed as usize, PLANS, "every plan is eligible");

    let mut group = criterion.benchmark_group("advice");
    group.sample_size(20);
    group.bench_function("file to ranked list, 35,040 rows, 2,000 plans", |bencher| {
        bencher.iter(|| advise(&snapshot, &request(&normalised(read_file(black_box(&file))), market)));
    });
    group.bench_function("stage 1: read the file", |bencher| bencher.iter(|| read_file(black_box(&file))));
    group.bench_function("stage 2: normalise", |bencher| {
        bencher.iter_batched(|| raw.clone(), normalised, criterion::BatchSize::LargeInput);
    });
    group.bench_function("stage 3: profile", |bencher| bencher.iter(|| profile(black_box(&set), market, HOME)));
    group.bench_function("stage 4: project", |bencher| bencher.iter(|| projected(black_box(&set), market)));
    group.bench_function("stage 5: recommend", |bencher| bencher.iter(|| advise(&snapshot, black_box(&asked))));
    group.bench_function("build the snapshot of 2,000 plans", |bencher| {
        bencher.iter_batched(
            || world::catalog(PLANS),
            |file| Snapshot::build(vec![file], 1, AS_OF),
            criterion::BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn monthly_readings(criterion: &mut Criterion) {
    let set = monthly();
    let mut group = criterion.benchmark_group("advice from 12 monthly readings");
    group.sample_size(20);
    for plans in [500, 1_000, 2_000, 4_000] {
        let snapshot = snapshot(plans);
        let asked = request(&set, &snapshot.markets()[0].market);
        group.throughput(Throughput::Elements(plans as u64));
        group.bench_with_input(BenchmarkId::new("recommend, plans", plans), &asked, |bencher, asked| {
            bencher.iter(|| advise(&snapshot, asked));
        });
    }
    let snapshot = snapshot(1_000);
    let mut asked = request(&set, &snapshot.markets()[0].market);
    asked.options.top_n = 10;
    asked.current_plan = Some(CurrentPlan {
        plan_id: Some(snapshot.listings()[12].id),
        contract_end_date: Some(jiff::civil::date(2027, 3, 31)),
        ..CurrentPlan::default()
    });
    let advice = advise(&snapshot, &asked);
    assert!(advice.top_plans.len() == 10 && advice.switch_timing.is_some() && advice.stay_recommendation.is_some());
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("1,000 plans, ten shown with all there is: paths, risks, timing, words", |bencher| {
        bencher.iter(|| advise(&snapshot, &asked));
    });
    group.finish();
}

criterion_group!(advice, stages, monthly_readings);
criterion_main!(advice);
