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
use std::ops::Deref;
use uuid::Uuid;

/// Standard deviation of a variable or indexed price whose history is not stated, as a share of it.
pub const DEFAULT_PRICE_SD: f64 = 0.15;

/// A plan with its price and its place. Small: a market of them is put in order for every household.
#[derive(Debug, Clone, Copy)]
pub struct Ranked<'a> {
    pub candidate: Candidate<'a>,
    pub one_time: Money,
    /// The expected year with one-time fees: what plans are ranked on.
    pub total: Money,
    /// At half of the term.
    pub exit_fee: Money,
    pub scores: Scores,
    /// Its tariff reproduces what the supplier publishes.
    pub exact: bool,
    /// By [`Mark`].
    marks: [bool; 4],
}

/// A ranked plan that is shown, with all of its cost.
#[derive(Debug)]
pub struct Shown<'a> {
    pub ranked: Ranked<'a>,
    pub cost: YearCost,
}

impl<'a> Deref for Shown<'a> {
    type Target = Ranked<'a>;

    fn deref(&self) -> &Ranked<'a> {
        &self.ranked
    }
}

impl<'a> Ranked<'a> {
    pub fn id(&self) -> Uuid {
        self.candidate.listing.id
    }
    pub fn renewable(&self) -> f64 {
        self.candidate.listing.plan.renewable.percent()
    }
    fn has(&self, mark: Mark) -> bool {
        self.marks[mark as usize]
    }
    pub fn marks(&self) -> Vec<Mark> {
        [Mark::Cheapest, Mark::Greenest, Mark::MostFlexible, Mark::ParetoFront]
            .into_iter()
            .filter(|&mark| self.has(mark))
            .collect()
    }
    /// With the band of the cost, which ranking does without.
    pub fn shown(self, year: &mut Year<'_>) -> Option<Shown<'a>> {
        let Candidate { listing, offer } = self.candidate;
        let band = price_band(listing.plan.kind, &listing.tariff, offer);
        let cost = year.cost(offer.compiled.as_ref().ok()?, &offer.dependence, band).ok()?;
        Some(Shown { ranked: self, cost })
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
    let mut priced = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        match price(candidate, year) {
            Some(plan) => priced.push(plan),
            None => *excluded.entry(ExclusionReason::CannotBePriced).or_default() += 1,
        }
    }
    score(snapshot, &mut priced, priorities);
    let mut ranked = in_order(&priced);
    mark(&mut ranked);
    ranked
}

/// Best first.
fn in_order<'a>(priced: &[Ranked<'a>]) -> Vec<Ranked<'a>> {
    let mut order: Vec<_> = priced
        .iter()
        .enumerate()
        .map(|(at, plan)| {
            let composite = (plan.scores.composite_score * 100.0).round() as i32;
            let renewable = (plan.renewable() * 1e6).round() as i64;
            ((!plan.exact, Reverse(composite), Reverse(renewable)), at)
        })
        .collect();
    // The id makes the order total, whatever the catalog's order was.
    let tie = |at: usize| (priced[at].total, priced[at].id());
    order.sort_unstable_by(|(a, at), (b, other)| a.cmp(b).then_with(|| tie(*at).cmp(&tie(*other))));
    order.into_iter().map(|(_, at)| priced[at]).collect()
}

/// The plan with its expected cost, not scored; `None` where it cannot be priced on this year.
pub fn price<'a>(candidate: Candidate<'a>, year: &mut Year<'_>) -> Option<Ranked<'a>> {
    let Candidate { listing, offer } = candidate;
    let months = year.expected_months(offer.compiled.as_ref().ok()?, &offer.dependence).ok()?;
    let one_time = listing.one_time_fees();
    Some(Ranked {
        candidate,
        one_time,
        total: months.into_iter().sum::<Money>() + one_time,
        exit_fee: listing.typical_exit_fee(),
        scores: Scores::default(),
        exact: is_exact(listing),
        marks: [false; 4],
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
        plan.marks[Mark::Cheapest as usize] = cheapest == Some(n);
        plan.marks[Mark::Greenest as usize] = greenest == Some(n);
        plan.marks[Mark::MostFlexible as usize] = most_flexible == Some(n);
        plan.marks[Mark::ParetoFront as usize] = front[n];
    }
}

/// The marks of all plans, by id.
pub fn marks(ranked: &[Ranked<'_>]) -> Marks {
    let holder = |mark| ranked.iter().find(|plan| plan.has(mark)).map(Ranked::id);
    let on_front = ranked.iter().filter(|plan| plan.has(Mark::ParetoFront));
    Marks {
        cheapest: holder(Mark::Cheapest),
        greenest: holder(Mark::Greenest),
        most_flexible: holder(Mark::MostFlexible),
        pareto_front: on_front.map(Ranked::id).collect(),
    }
}
