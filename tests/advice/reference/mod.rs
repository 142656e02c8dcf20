//! A second, slow computation of everything an answer says, in another style, held against the engine on a thousand
//! made-up households: bills hour by hour, waiting day by day, rankings by trying all pairs, whole numbers throughout.

mod bills;
mod costs;
mod current;
mod dice;
mod household;
mod scores;
mod verdict;
mod words;
mod world;

use bills::{Priced, Terms};
use current::Own;
use dice::Dice;
use household::{Calendar, Household, Known};
use std::collections::BTreeMap;
use treebeard::domain::advice::{RankedPlan, Recommendation, recommend};
use world::{Market, Plan};

const MARKETS: u64 = 40;
const HOUSEHOLDS_EACH: u64 = 25;

/// One answer with everything it is held against.
struct Case<'a> {
    name: String,
    market: &'a Market,
    calendar: &'a Calendar,
    household: &'a Household,
    own: Option<Own<'a>>,
    answer: &'a Recommendation,
    /// The plans shown, in their order.
    plans: Vec<(&'a Plan, Priced, &'a RankedPlan)>,
}

#[test]
fn a_slow_reference_agrees_on_a_thousand_households() {
    let half = |seeds: std::ops::Range<u64>| seeds.for_each(check_market);
    std::thread::scope(|scope| {
        scope.spawn(|| half(0..MARKETS / 2));
        half(MARKETS / 2..MARKETS);
    });
}

fn check_market(seed: u64) {
    let mut dice = Dice::new(seed);
    let market = Market::new(&mut dice);
    let calendar = Calendar::after(market.as_of);
    for n in 0..HOUSEHOLDS_EACH {
        let household = Household::new(&market, &calendar, &mut dice);
        let answer = recommend(&market.snapshot, &household.request(&market, &calendar)).expect("advice");
        let own = Own::of(&market, &calendar, &household);
        let shown = answer.top_plans.iter().map(|shown| {
            let plan = market.plans.iter().find(|plan| plan.name == shown.plan_name).expect("a plan of the market");
            (plan, Terms::of(plan, market.delivery).price(&household, &calendar), shown)
        });
        let plans = shown.collect();
        let name = format!("market {seed}, household {n}");
        let case =
            Case { name, market: &market, calendar: &calendar, household: &household, own, answer: &answer, plans };
        case.eligible();
        case.costs();
        case.scores();
        case.verdict();
        case.words();
    }
}

impl Case<'_> {
    /// The right plans are left out, each for the first reason that holds.
    fn eligible(&self) {
        let household = self.household;
        let kwh = household.energy.iter().sum::<i64>() as f64 / 1e6;
        let supplier = match household.known {
            Known::Nothing => None,
            Known::Plan(n) => Some(self.market.plans[n].supplier),
            _ => household.supplier,
        };
        let mut excluded: BTreeMap<&str, u32> = BTreeMap::new();
        let mut left = 0;
        for plan in &self.market.plans {
            let reasons = [
                (!plan.active, "inactive_plan"),
                (plan.on_sale_until.is_some_and(|last| last < self.market.as_of), "not_on_sale"),
                (plan.businesses_only, "property_type"),
                (plan.most_kwh.is_some_and(|most| kwh > most as f64), "annual_usage"),
                (plan.new_customers_only && supplier == Some(plan.supplier), "new_customers_only"),
                (household.longest.is_some_and(|most| plan.term > most), "contract_too_long"),
                (household.greenest.is_some_and(|least| plan.renewable < least), "not_green_enough"),
            ];
            match reasons.iter().find(|(holds, _)| *holds) {
                Some((_, reason)) => *excluded.entry(reason).or_default() += 1,
                None => left += 1,
            }
        }
        let told: BTreeMap<String, u32> = self
            .answer
            .excluded
            .iter()
            .map(|entry| (serde_json::to_value(entry.reason).expect("a name"), entry.plans))
            .map(|(reason, plans)| (reason.as_str().expect("a name").to_owned(), plans))
            .collect();
        let expected = excluded.into_iter().map(|(reason, plans)| (reason.to_owned(), plans)).collect();
        assert_eq!(told, expected, "{}", self.name);
        assert_eq!((self.answer.total_plans_analyzed, self.plans.len()), (left, left as usize), "{}", self.name);
    }

    /// Equal within a tolerance, both in cents.
    #[track_caller]
    fn near(&self, what: &str, dollars: f64, cents: f64, tolerance: f64) {
        let off = (dollars * 100.0 - cents).abs();
        assert!(off <= tolerance + 1e-6, "{}: {what} is {dollars}, the reference says {}", self.name, cents / 100.0);
    }
}
