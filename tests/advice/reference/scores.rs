//! Scores, their order, and the marks, from the figures the answer itself shows.

use super::Case;
use super::current::typical_exit_fee;
use treebeard::domain::advice::{Mark, RankedPlan, Scores};

impl Case<'_> {
    pub fn scores(&self) {
        let totals: Vec<f64> = self.answer.top_plans.iter().map(|plan| plan.projected_annual_cost).collect();
        for (plan, _, shown) in &self.plans {
            self.near("the exit fee", shown.early_termination_fee, typical_exit_fee(plan) as f64, 0.0);
            let contract = (36 - plan.term).max(0) as f64 / 36.0;
            let exit = (500_00.0 - typical_exit_fee(plan) as f64).max(0.0) / 500_00.0;
            let expected = [
                cost_score(&totals, shown.projected_annual_cost),
                60.0 * contract + 40.0 * exit,
                plan.renewable as f64,
                self.rating_score(plan.supplier),
            ];
            let Scores { cost_score, flexibility_score, renewable_score, rating_score, composite_score } = shown.scores;
            let told = [cost_score, flexibility_score, renewable_score, rating_score];
            let weights = self.household.priorities.map(f64::from);
            let composite: f64 = expected.iter().zip(weights).map(|(score, weight)| score * weight).sum();
            let pairs = expected.into_iter().chain([composite / 100.0]).zip(told.into_iter().chain([composite_score]));
            for (expected, told) in pairs {
                assert!((expected - told).abs() <= 0.005 + 5e-4, "{}: {expected} {:?}", self.name, shown.scores);
            }
        }
        self.order();
        self.marks();
    }

    /// Stars towards the mean of all rated suppliers, the fewer reviews the more.
    fn rating_score(&self, supplier: usize) -> f64 {
        let rated: Vec<i64> = self.market.suppliers.iter().filter_map(|(stars, _)| *stars).collect();
        let mean = rated.iter().sum::<i64>() as f64 / rated.len().max(1) as f64;
        let (stars, reviews) = self.market.suppliers[supplier];
        let Some(stars) = stars else { return 50.0 };
        let (own, others) = (reviews as f64 * stars as f64, 50.0 * mean);
        (own + others) / (reviews + 50) as f64 * 2.0
    }

    /// No plan stands before one that comes first by composite, renewable share, cost, id.
    fn order(&self) {
        for (n, ahead) in self.answer.top_plans.iter().enumerate() {
            assert_eq!(ahead.rank as usize, n + 1, "{}", self.name);
            for behind in &self.answer.top_plans[n + 1..] {
                let (a, b) = (&ahead.scores.composite_score, &behind.scores.composite_score);
                let by = b.total_cmp(a);
                let by = by.then(behind.renewable_percentage.total_cmp(&ahead.renewable_percentage));
                let by = by.then(ahead.projected_annual_cost.total_cmp(&behind.projected_annual_cost));
                let by = by.then(ahead.plan_id.cmp(&behind.plan_id));
                assert!(by.is_lt(), "{}: {} before {}", self.name, ahead.plan_name, behind.plan_name);
            }
        }
    }

    fn marks(&self) {
        let plans = &self.answer.top_plans;
        let best = |better: &dyn Fn(&RankedPlan, &RankedPlan) -> bool| {
            plans.iter().enumerate().find(|(n, plan)| {
                plans[..*n].iter().all(|other| better(plan, other)) && plans.iter().all(|other| !better(other, plan))
            })
        };
        let cheapest = best(&|a, b| a.projected_annual_cost < b.projected_annual_cost);
        let greenest = best(&|a, b| a.renewable_percentage > b.renewable_percentage);
        let flexible = best(&|a, b| a.scores.flexibility_score > b.scores.flexibility_score);
        let id = |found: Option<(usize, &RankedPlan)>| found.map(|(_, plan)| plan.plan_id);
        let marks = &self.answer.marks;
        assert_eq!(
            (marks.cheapest, marks.greenest, marks.most_flexible),
            (id(cheapest), id(greenest), id(flexible)),
            "{}",
            self.name
        );
        for plan in plans {
            let beaten = plans.iter().any(|other| beats(other, plan));
            assert_eq!(marks.pareto_front.contains(&plan.plan_id), !beaten, "{}: {}", self.name, plan.plan_name);
            assert_eq!(plan.marks.contains(&Mark::ParetoFront), !beaten, "{}", self.name);
            assert_eq!(plan.marks.contains(&Mark::Cheapest), marks.cheapest == Some(plan.plan_id), "{}", self.name);
        }
    }
}

/// 100 at the cheapest, 0 at nine tenths of the way to the dearest, counted in plans.
fn cost_score(totals: &[f64], own: f64) -> f64 {
    let mut sorted = totals.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (tenths, step) = (9 * (sorted.len() - 1) / 10, 9 * (sorted.len() - 1) % 10);
    let next = sorted[(tenths + 1).min(sorted.len() - 1)];
    let dear = sorted[tenths] + (next - sorted[tenths]) * step as f64 / 10.0;
    let cheapest = sorted[0];
    if own <= cheapest {
        return 100.0;
    }
    if dear <= cheapest { 0.0 } else { (100.0 * (dear - own) / (dear - cheapest)).clamp(0.0, 100.0) }
}

fn beats(a: &RankedPlan, b: &RankedPlan) -> bool {
    let measures = |plan: &RankedPlan| {
        let scores = &plan.scores;
        [-plan.projected_annual_cost, scores.flexibility_score, scores.renewable_score, scores.rating_score]
    };
    let pairs = || measures(a).into_iter().zip(measures(b));
    pairs().all(|(a, b)| a >= b) && pairs().any(|(a, b)| a > b)
}
