//! Advice on the whole invented market, as the demo gives it; every rule of it at its bounds; all of it a second time.
#![allow(clippy::float_cmp, reason = "amounts of the answer are rounded, so equality is meant")]

mod reference;
mod risks;
mod small;
mod timing;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use treebeard::domain::advice::{
    CurrentPlan, Location, Options, Priorities, Recommendation, Request, UserProfile, compare_plans, recommend,
};
use treebeard::domain::calendar::Month;
use treebeard::domain::catalog::{CatalogFile, PropertyType};
use treebeard::domain::market::{Listing, Place, Snapshot};
use treebeard::domain::units::{Energy, Money};
use treebeard::domain::usage::profile::profile;
use treebeard::domain::usage::projection::project;
use treebeard::domain::usage::readings::{MonthReading, Quality, ReadingSet};

const AS_OF: Date = date(2026, 10, 15);
const KWH: [i64; 12] = [950, 820, 780, 860, 1_180, 1_520, 1_730, 1_690, 1_310, 930, 800, 910];

fn demo_catalog() -> CatalogFile {
    serde_json::from_str(include_str!("../../assets/demo/catalog.json")).expect("the demo catalog")
}

fn snapshot() -> Snapshot {
    Snapshot::build(vec![demo_catalog()], 1, AS_OF)
}

fn request(snapshot: &Snapshot) -> Request {
    let market = &snapshot.markets()[0].market;
    let first = Month::of(AS_OF).plus(-12);
    let months = KWH.iter().enumerate().map(|(n, &kwh)| MonthReading {
        month: first.plus(n as i32),
        energy: Energy::from_whole_kwh(kwh),
        quality: Quality::Actual,
    });
    let set = ReadingSet::Months(months.collect());
    let zone = TimeZone::get(&market.time_zone).expect("a zone");
    let projection = project(&set, AS_OF, market, PropertyType::Residential, &zone, 1).expect("a year");
    Request {
        as_of: AS_OF,
        place: Location::Zip("78701".into()),
        property_type: PropertyType::Residential,
        profile: UserProfile::of(&profile(&set, market, PropertyType::Residential), &projection),
        projection,
        priorities: Priorities::default(),
        current_plan: Some(CurrentPlan { annual_cost: Some(Money::from_cents(250_000)), ..CurrentPlan::default() }),
        options: Options { top_n: 10, ..Options::default() },
        include_risks: true,
    }
}

fn advice() -> Recommendation {
    let snapshot = snapshot();
    recommend(&snapshot, &request(&snapshot)).expect("advice")
}

#[test]
fn every_plan_of_the_demo_can_be_priced_and_found() {
    let snapshot = snapshot();
    assert_eq!(snapshot.problems(), [""; 0]);
    for listing in snapshot.listings() {
        assert_eq!(listing.faults(), [], "{}", listing.plan.key);
        let prices = listing.prices(None).expect("prices");
        // Solar buy-back, free nights and indexed plans all cost something on average.
        assert!(prices.levels().iter().all(|cents| (1.0..60.0).contains(cents)), "{}: {prices:?}", listing.plan.key);
        assert_eq!(snapshot.plan(listing.id).map(|found| found.id), Some(listing.id));
    }
    for zip in ["78701", "77002", "75001-1234"] {
        assert!(matches!(snapshot.place(zip), Place::Served { .. }), "{zip}");
    }
    assert_eq!(snapshot.place("90210"), Place::NoChoice { market: 0 });
    let plans: u32 = snapshot.suppliers().iter().map(|supplier| supplier.plans).sum();
    assert_eq!(plans as usize, snapshot.listings().len());
}

#[test]
fn the_demo_household_gets_plans_in_order_with_costs_that_add_up() {
    let answer = advice();
    assert_eq!(answer.top_plans.len(), 10);
    let scores: Vec<f64> = answer.top_plans.iter().map(|plan| plan.scores.composite_score).collect();
    assert!(scores.windows(2).all(|pair| pair[0] >= pair[1]), "{scores:?}");
    for plan in &answer.top_plans {
        let parts = plan.cost_breakdown;
        let sum =
            parts.energy + parts.delivery + parts.fixed + parts.credits + parts.fees + parts.taxes + parts.one_time;
        assert!((sum - plan.projected_annual_cost).abs() < 0.005, "{}: {parts:?}", plan.plan_name);
        assert!(plan.cost_range.p10 <= plan.projected_annual_cost && plan.projected_annual_cost <= plan.cost_range.p90);
        assert!(plan.key_differentiators.len() <= 3 && plan.trade_offs.len() <= 3);
        assert!(!plan.explanation.is_empty());
        let saved = plan.savings.expect("a current cost").annual_savings;
        assert!((saved - (2_500.0 - plan.projected_annual_cost + parts.one_time)).abs() < 0.005);
    }
    assert!(answer.excluded.iter().all(|excluded| excluded.plans > 0));
}

#[test]
fn advice_is_the_same_every_time() {
    assert_eq!(serde_json::to_string(&advice()).ok(), serde_json::to_string(&advice()).ok());
}

/// 12,000 kWh in a year, as a flat 1,000 a month is, but with a summer.
const A_YEAR_WITH_A_SUMMER: [i64; 12] = [850, 730, 700, 770, 1_050, 1_350, 1_540, 1_500, 1_170, 830, 710, 800];

/// Expected yearly costs under those months, whole dollars.
fn cost_of(names: &[&str], kwh: [i64; 12]) -> Vec<i64> {
    let snapshot = snapshot();
    let market = &snapshot.markets()[0].market;
    let first = Month::of(AS_OF).plus(-12);
    let reading = |(n, &kwh): (usize, &i64)| MonthReading {
        month: first.plus(n as i32),
        energy: Energy::from_whole_kwh(kwh),
        quality: Quality::Actual,
    };
    let set = ReadingSet::Months(kwh.iter().enumerate().map(reading).collect());
    let zone = TimeZone::get(&market.time_zone).expect("a zone");
    let projection = project(&set, AS_OF, market, PropertyType::Residential, &zone, 1).expect("a year");
    let id = |name: &&str| snapshot.listings().iter().find(|listing| listing.plan.name == *name).expect("listed").id;
    let ids: Vec<_> = names.iter().map(id).collect();
    let Place::Served { utility, .. } = snapshot.place("78701") else { panic!("78701 is served") };
    let compared = compare_plans(&snapshot, &ids, Some(utility), AS_OF, &projection).expect("a comparison");
    compared.plans.iter().map(|plan| plan.projected_annual_cost.round() as i64).collect()
}

#[test]
fn the_demos_bill_credit_plan_that_wins_at_a_flat_1000_kwh_loses_on_real_months() {
    let snapshot = snapshot();
    let Place::Served { utility, .. } = snapshot.place("78701") else { panic!("78701 is served") };
    let on_label = |listing: &&Listing| listing.prices(Some(utility)).map_or(f64::MAX, |prices| prices.kwh_1000);
    let cheapest = snapshot.plans_under(utility).min_by(|a, b| on_label(a).total_cmp(&on_label(b))).expect("plans");
    assert_eq!((cheapest.plan.name.as_str(), on_label(&cheapest)), ("Big Dipper 12", 10.979));
    let (credit, flat) = ("Big Dipper 12", "Trail Boss 12");
    let other = snapshot.plans_under(utility).find(|listing| listing.plan.name == flat).expect("listed");
    assert_eq!(on_label(&other), 15.029);
    // The same 12,000 kWh, and the same plans: only the months differ.
    assert_eq!(cost_of(&[credit, flat], A_YEAR_WITH_A_SUMMER), [2_224, 1_876]);
    // Even who has always used exactly 1,000 kWh may use 999 next month.
    assert_eq!(cost_of(&[credit, flat], [1_000; 12]), [2_087, 1_865]);
}
