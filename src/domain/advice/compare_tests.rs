//! Plans side by side: figures, best and worst, words, and what cannot be compared.
#![allow(clippy::float_cmp, reason = "amounts of the answer are rounded, so equality is meant")]

use super::fixture::{AS_OF, catalog, credit, fixed, flat_exit, projection, snapshot};
use super::*;
use crate::domain::catalog::{Plan, PlanKind};
use crate::domain::market::{Snapshot, UtilityRef};
use crate::domain::units::Percent;
use uuid::Uuid;

fn ids(snapshot: &Snapshot) -> Vec<Uuid> {
    snapshot.listings().iter().map(|listing| listing.id).collect()
}

fn compared(plans: Vec<Plan>) -> PlanComparison {
    let snapshot = snapshot(plans);
    compare_plans(&snapshot, &ids(&snapshot), None, AS_OF, &projection([1_000; 12], 10)).expect("a comparison")
}

fn measure(answer: &PlanComparison, measure: Measure) -> &Measured {
    answer.measures.iter().find(|measured| measured.measure == measure).expect("every measure")
}

#[test]
fn two_plans_are_told_apart_in_figures_and_words() {
    let mut cheap = fixed("cheap", 9.0);
    (cheap.term_months, cheap.exit) = (24, flat_exit(150));
    let mut green = fixed("green", 11.0);
    green.renewable = Percent::from_percent(100.0).expect("a share");
    (green.term_months, green.supplier) = (0, "t".into());
    green.conditions = vec!["Autopay".into()];
    let answer = compared(vec![cheap, green]);
    let [cheap, green] = &answer.plans[..] else { panic!("two plans: {answer:?}") };
    assert_eq!((cheap.projected_annual_cost, green.projected_annual_cost), (1_080.0, 1_320.0));
    assert_eq!(cheap.monthly_costs, [90.0; 12]);
    assert_eq!(cheap.cost_breakdown.energy, 1_080.0);
    assert_eq!((answer.projected_annual_kwh, &answer.monthly_kwh), (12_000.0, &vec![1_000.0; 12]));
    assert_eq!(answer.months.len(), 12);
    assert_eq!(
        cheap.gains[..2],
        ["The lowest yearly cost, $240 less than Plan green", "A yearly cost that varies the least with your usage"]
    );
    assert_eq!(cheap.gains.last().map(String::as_str), Some("The best-rated supplier, 4.0 stars"));
    assert_eq!(
        cheap.trade_offs,
        ["The longest contract, 24 months", "The highest exit fee, $150.00", "The least renewable energy, 0%"]
    );
    let expected = ["No contract: leave in any month", "No exit fee", "The most renewable energy, 100%"];
    assert_eq!(green.gains, expected);
    assert_eq!(green.trade_offs[..2], ["Only with: Autopay", "Costs $240.00 a year more than Plan cheap"]);
    let cost = measure(&answer, Measure::AnnualCost);
    assert_eq!(cost.values, [Some(1_080.0), Some(1_320.0)]);
    assert_eq!((&cost.best, &cost.worst), (&vec![cheap.plan_id], &vec![green.plan_id]));
    let term = measure(&answer, Measure::ContractLength);
    assert_eq!((&term.best, &term.worst), (&vec![green.plan_id], &vec![cheap.plan_id]));
}

#[test]
fn plans_that_are_alike_have_no_best_and_no_worst() {
    let answer = compared(vec![fixed("a", 10.0), fixed("b", 10.0)]);
    for measured in &answer.measures {
        assert!(measured.best.is_empty() && measured.worst.is_empty(), "{measured:?}");
    }
    assert!(answer.plans.iter().all(|plan| plan.gains.is_empty() && plan.trade_offs.is_empty()));
}

#[test]
fn the_costs_are_those_of_the_recommendation() {
    let plans = || vec![fixed("a", 10.0), credit("b", 16.0), fixed("c", 12.0)];
    let answer = compared(plans());
    let request = super::fixture::request(projection([1_000; 12], 10));
    let advice = recommend(&snapshot(plans()), &request).expect("advice");
    for plan in &answer.plans {
        let ranked = advice.top_plans.iter().find(|ranked| ranked.plan_id == plan.plan_id).expect("the same plan");
        assert_eq!(plan.projected_annual_cost, ranked.projected_annual_cost);
        assert_eq!((plan.cost_range, plan.cost_breakdown), (ranked.cost_range, ranked.cost_breakdown));
    }
    let credit = answer.plans.iter().find(|plan| plan.plan_name == "Plan b").expect("the credit plan");
    let told = "The price depends on a bill credit tied to 1000 kWh a month";
    assert!(credit.trade_offs.iter().any(|point| point == told), "{:?}", credit.trade_offs);
}

#[test]
fn what_cannot_be_compared_is_said() {
    let (mut south, mut gone, mut tou) = (fixed("south", 9.0), fixed("gone", 9.5), fixed("open", 9.9));
    south.utilities = vec!["south".into()];
    tou.kind = PlanKind::TimeOfUse;
    gone.active = false;
    let mut north = fixed("north", 9.0);
    north.utilities = vec!["north".into()];
    let snapshot = Snapshot::build(vec![catalog(vec![south, gone, tou, north])], 1, AS_OF);
    let ids = ids(&snapshot);
    let projection = projection([1_000; 12], 0);
    let run = |plans: &[Uuid], place| compare_plans(&snapshot, plans, place, AS_OF, &projection);
    let error = |plans: &[Uuid], place| run(plans, place).expect_err("refused").to_string();
    assert_eq!(error(&ids[..1], None), "1 plans are given: give 2 to 5 different ones");
    assert_eq!(run(&[ids[0], ids[0]], None), Err(CompareError::Repeated { id: ids[0] }));
    assert_eq!(run(&[ids[0], Uuid::nil()], None), Err(CompareError::Unknown { id: Uuid::nil() }));
    assert_eq!(run(&[ids[0], ids[3]], None), Err(CompareError::NoCommonUtility));
    let north = UtilityRef { market: 0, utility: 0 };
    let told = "Plan south is not sold under north wires: leave it out, or say where the household is";
    assert_eq!(error(&ids[..2], Some(north)), told);
    let answer = run(&ids[..3], None).expect("all are sold in the south");
    assert_eq!(answer.utility.as_deref(), Some("south wires"));
    assert_eq!(answer.warnings, ["Plan gone is not on sale on 2026-01-15."]);
}
