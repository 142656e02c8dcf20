//! The eligible plans priced, scored and put in order.

use super::answer::{Mark, Marks, Scores, rounded};
use super::eligibility::{Candidate, is_exact};
use super::scores::{CostScale, composite, flexibility, pareto_front, rating};
use super::year::{PriceBand, Year, YearCost};
use super::{Priorities, answer::ExclusionReason};
use crate::domain::catalog::PlanKind;
use crate::domain::market::{Offer, Snapshot};
use crate::domain::tariff::model::Tariff;
use crate::domain::units::Money;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Standard deviation of a variable or indexed price whose history is not stated, as a share of it.
pub const DEFAULT_PRICE_SD: f64 = 0.15;

/// A plan with its price and its place.
#[derive(Debug)]
pub struct Ranked<'a> {
    pub candidate: Candidate<'a>,
    pub cost: YearCost,
    pub one_time: Money,
    /// The expected year with one-time fees: what plans are ranked on.
    pub total: Money,
    /// At half of the term.
    pub exit_fee: Money,
    pub scores: Scores,
    /// Its tariff reproduces what the supplier publishes.
    pub exact: bool,
    pub marks: Vec<Mark>,
}

impl Ranked<'_> {
    pub fn id(&self) -> Uuid {
        self.candidate.listing.id
    }
    pub fn renewable(&self) -> f64 {
        self.candidate.listing.plan.renewable.percent()
    }
    /// Adds the band of the cost, which ranking does without.
    pub fn complete(&mut self, year: &mut Year<'_>) {
        let Candidate { listing, offer } = self.candidate;
        let band = price_band(listing.plan.kind, &listing.tariff, offer);
        let cost = offer.compiled.as_ref().ok().and_then(|tariff| year.cost(tariff, &offer.dependence, band).ok());
        if let Some(cost) = cost {
            self.cost = cost;
        }
    }
}

/// Prices every candidate; those that this usage cannot price are counted out.
pub fn rank<'a>(
    snapshot: &Snapshot,
    candidates: Vec<Candidate<'a>>,
    year: &mut Year<'_>,
    priorities: Priorities,
    excluded: &mut BTreeMap<ExclusionReason, u32>,
) -> Vec<Ranked<'a>> {
    let mut ranked = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        match price(candidate, year) {
            Some(plan) => ranked.push(plan),
            None => *excluded.entry(ExclusionReason::CannotBePriced).or_default() += 1,
        }
    }
    score(snapshot, &mut ranked, priorities);
    // Cached: a comparison must not compute. The id makes the order total, whatever the catalog's order was.
    ranked.sort_by_cached_key(|plan| {
        let composite = (plan.scores.composite_score * 100.0).round() as i64;
        let renewable = (plan.renewable() * 1e6).round() as i64;
        (!plan.exact, Reverse(composite), Reverse(renewable), plan.total, plan.id())
    });
    mark(&mut ranked);
    ranked
}

/// The plan with its cost, not scored; `None` where it cannot be priced on this year.
pub fn price<'a>(candidate: Candidate<'a>, year: &mut Year<'_>) -> Option<Ranked<'a>> {
    let Candidate { listing, offer } = candidate;
    let compiled = offer.compiled.as_ref().ok()?;
    let cost = year.expected_cost(compiled, &offer.dependence).ok()?;
    let one_time = listing.one_time_fees();
    let total = cost.annual + one_time;
    Some(Ranked {
        candidate,
        cost,
        one_time,
        total,
        exit_fee: listing.typical_exit_fee(),
        scores: Scores::default(),
        exact: is_exact(listing),
        marks: Vec::new(),
    })
}

/// How far a price that may change is expected to stray; `None` for one that is agreed.
pub fn price_band(kind: PlanKind, tariff: &Tariff, offer: &Offer) -> Option<PriceBand> {
    let changes = matches!(kind, PlanKind::Variable | PlanKind::Indexed) || tariff.price_sd.is_some();
    let sd = tariff.price_sd.map_or(DEFAULT_PRICE_SD, |sd| sd.percent() / 100.0);
    changes.then_some(PriceBand { share: offer.energy_share, sd })
}

fn score(snapshot: &Snapshot, ranked: &mut [Ranked<'_>], priorities: Priorities) {
    // Prices that are not certain set no scale for those that are.
    let any_exact = ranked.iter().any(|plan| plan.exact);
    let costs: Vec<Money> = ranked.iter().filter(|plan| plan.exact || !any_exact).map(|plan| plan.total).collect();
    let Some(scale) = CostScale::of(&costs) else { return };
    for plan in ranked {
        let listing = plan.candidate.listing;
        let supplier = &snapshot.supplier_of(listing).supplier;
        let mean = snapshot.market_of(listing).mean_rating;
        let cost = scale.score(plan.total);
        let flexible = flexibility(listing.plan.term_months, plan.exit_fee);
        let renewable = listing.plan.renewable.percent().clamp(0.0, 100.0);
        let rated = rating(supplier.rating, supplier.review_count, mean);
        plan.scores = Scores {
            cost_score: rounded(cost, 2),
            flexibility_score: rounded(flexible, 2),
            renewable_score: rounded(renewable, 2),
            rating_score: rounded(rated, 2),
            composite_score: rounded(composite(cost, flexible, renewable, rated, priorities), 2),
        };
    }
}

/// Marks the best by each measure among the exactly priced plans; `ranked` is in order, so ties go to the better rank.
fn mark(ranked: &mut [Ranked<'_>]) {
    let exact = ranked.iter().take_while(|plan| plan.exact).count();
    let plans = if exact == 0 { ranked } else { &mut ranked[..exact] };
    let first_by =
        |key: &dyn Fn(&Ranked<'_>) -> i128| plans.iter().enumerate().min_by_key(|(_, p)| key(p)).map(|(n, _)| n);
    let cheapest = first_by(&|plan| plan.total.femtos());
    let greenest = first_by(&|plan| -((plan.renewable() * 1e6) as i128));
    let most_flexible = first_by(&|plan| -((plan.scores.flexibility_score * 100.0).round() as i128));
    let measures: Vec<[f64; 4]> = plans
        .iter()
        .map(|plan| {
            let scores = &plan.scores;
            [-plan.total.currency(), scores.flexibility_score, scores.renewable_score, scores.rating_score]
        })
        .collect();
    let front = pareto_front(&measures);
    for (n, plan) in plans.iter_mut().enumerate() {
        let marks = [
            (cheapest == Some(n), Mark::Cheapest),
            (greenest == Some(n), Mark::Greenest),
            (most_flexible == Some(n), Mark::MostFlexible),
            (front[n], Mark::ParetoFront),
        ];
        plan.marks = marks.into_iter().filter_map(|(holds, mark)| holds.then_some(mark)).collect();
    }
}

/// The marks of all plans, by id.
pub fn marks(ranked: &[Ranked<'_>]) -> Marks {
    let holder = |mark| ranked.iter().find(|plan| plan.marks.contains(&mark)).map(Ranked::id);
    let on_front = ranked.iter().filter(|plan| plan.marks.contains(&Mark::ParetoFront));
    Marks {
        cheapest: holder(Mark::Cheapest),
        greenest: holder(Mark::Greenest),
        most_flexible: holder(Mark::MostFlexible),
        pareto_front: on_front.map(Ranked::id).collect(),
    }
}
