//! Scores from 0 to 100, the order they give, and the plans no other plan beats (method.md 4).

use super::Priorities;
use crate::domain::units::Money;

/// At this length a contract scores 0 for flexibility, months.
pub const LONGEST_CONTRACT_MONTHS: f64 = 36.0;
/// At this exit fee a plan scores 0 for its part of flexibility, currency.
pub const HIGHEST_EXIT_FEE: f64 = 500.0;
/// Weight of the contract's length in flexibility; the exit fee has the rest.
pub const CONTRACT_WEIGHT: f64 = 0.6;
/// Reviews at which a supplier's own stars count as much as the market's mean.
pub const REVIEWS_FOR_HALF_WEIGHT: f64 = 50.0;
/// What a supplier nobody has rated scores.
pub const UNRATED: f64 = 50.0;
/// The dear end of the cost scale, as a share of the sorted costs.
pub const DEAR_END: f64 = 0.9;

/// The two ends of the cost scale: 100 at the cheapest, 0 at the 90th percentile, so that an outlier moves nobody.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CostScale {
    cheapest: f64,
    dear: f64,
}

impl CostScale {
    /// From the yearly costs of the eligible plans; `None` of no plans.
    pub fn of(costs: &[Money]) -> Option<CostScale> {
        let mut sorted: Vec<f64> = costs.iter().map(|cost| cost.currency()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Some(CostScale { cheapest: *sorted.first()?, dear: quantile(&sorted, DEAR_END) })
    }

    /// 0..=100.
    pub fn score(&self, cost: Money) -> f64 {
        let (cost, span) = (cost.currency(), self.dear - self.cheapest);
        if cost <= self.cheapest {
            100.0
        } else if span <= 0.0 {
            0.0
        } else {
            (100.0 * (self.dear - cost) / span).clamp(0.0, 100.0)
        }
    }
}

/// The value at `share` (0..=1) of ascending values, between neighbours in proportion; 0 of none.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let at = share.clamp(0.0, 1.0) * last as f64;
    let below = sorted[at.floor() as usize];
    let above = sorted[at.ceil() as usize];
    below + (above - below) * at.fract()
}

/// From the contract's length in months (0: month to month) and the exit fee at half of it.
pub fn flexibility(term_months: u32, exit_fee: Money) -> f64 {
    let contract = 100.0 * (1.0 - f64::from(term_months) / LONGEST_CONTRACT_MONTHS).max(0.0);
    let exit = (100.0 * (1.0 - exit_fee.currency() / HIGHEST_EXIT_FEE)).clamp(0.0, 100.0);
    CONTRACT_WEIGHT * contract + (1.0 - CONTRACT_WEIGHT) * exit
}

/// Stars (0..=5) shrunk towards the market's mean stars the fewer reviews they rest on.
pub fn rating(stars: Option<f64>, reviews: u32, mean_stars: Option<f64>) -> f64 {
    let Some(stars) = stars else { return UNRATED };
    let weight = f64::from(reviews) / (f64::from(reviews) + REVIEWS_FOR_HALF_WEIGHT);
    let shrunk = weight * stars + (1.0 - weight) * mean_stars.unwrap_or(stars);
    (shrunk * 20.0).clamp(0.0, 100.0)
}

/// The four scores weighted by what matters to the household.
pub fn composite(cost: f64, flexibility: f64, renewable: f64, rating: f64, priorities: Priorities) -> f64 {
    let parts = [
        (cost, priorities.cost),
        (flexibility, priorities.flexibility),
        (renewable, priorities.renewable),
        (rating, priorities.rating),
    ];
    parts.into_iter().map(|(score, weight)| score * f64::from(weight)).sum::<f64>() / 100.0
}

/// Which of the candidates no other beats: none is at least as good in all measures and better in one. Measures are
/// "higher is better".
pub fn pareto_front(measures: &[[f64; 4]]) -> Vec<bool> {
    let beats =
        |a: &[f64; 4], b: &[f64; 4]| a.iter().zip(b).all(|(a, b)| a >= b) && a.iter().zip(b).any(|(a, b)| a > b);
    let mut front: Vec<([f64; 4], usize)> = Vec::new();
    for (at, &candidate) in measures.iter().enumerate() {
        match front.iter().position(|(other, _)| beats(other, &candidate)) {
            // Who beats one beats many: it is asked sooner the next time.
            Some(by) => front.swap(by, by / 2),
            None => {
                // Whom it has beaten beat nobody whom it does not.
                front.retain(|(other, _)| !beats(&candidate, other));
                front.push((candidate, at));
            }
        }
    }
    let mut on_front = vec![false; measures.len()];
    for (_, at) in front {
        on_front[at] = true;
    }
    on_front
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(dollars: i64) -> Money {
        Money::from_cents(dollars * 100)
    }

    #[test]
    fn flexibility_follows_the_worked_examples() {
        for (months, fee, expected) in [(0, 0, 100.0), (36, 500, 0.0), (12, 150, 68.0), (60, 900, 0.0)] {
            let score = flexibility(months, money(fee));
            assert!((score - expected).abs() < 1e-9, "{months} months, ${fee}: {score}");
        }
    }

    #[test]
    fn cost_runs_from_the_cheapest_to_the_ninetieth_percentile() {
        let costs: Vec<Money> = (0..=10).map(|n| money(1_000 + 100 * n)).collect();
        let scale = CostScale::of(&costs).expect("plans");
        assert_eq!(
            costs.iter().map(|&c| scale.score(c).round() as i64).collect::<Vec<_>>(),
            [100, 89, 78, 67, 56, 44, 33, 22, 11, 0, 0]
        );
        assert_eq!(CostScale::of(&[]), None);
    }

    #[test]
    fn an_outlier_moves_nobody() {
        let mut costs: Vec<Money> = (0..=10).map(|n| money(1_000 + 100 * n)).collect();
        let before = CostScale::of(&costs).expect("plans");
        costs[10] = money(90_000);
        assert_eq!(CostScale::of(&costs), Some(before));
    }

    #[test]
    fn a_single_plan_and_equal_plans_score_100() {
        for costs in [vec![money(900)], vec![money(900); 5]] {
            assert_eq!(CostScale::of(&costs).map(|scale| scale.score(money(900))), Some(100.0));
        }
    }

    #[test]
    fn few_reviews_are_shrunk_towards_the_mean() {
        let cases = [
            (None, 0, Some(4.0), 50.0),
            (Some(5.0), 0, Some(3.0), 60.0),
            (Some(5.0), 50, Some(3.0), 80.0),
            (Some(5.0), 950, Some(3.0), 98.0),
            (Some(0.0), 0, None, 0.0),
        ];
        for (stars, reviews, mean, expected) in cases {
            let score = rating(stars, reviews, mean);
            assert!((score - expected).abs() < 1e-9, "{stars:?} {reviews}: {score}");
        }
    }

    #[test]
    fn the_composite_weighs_by_priorities() {
        let priorities = Priorities::new(50, 20, 20, 10).expect("100");
        assert!((composite(100.0, 50.0, 25.0, 10.0, priorities) - 66.0).abs() < 1e-9);
    }

    #[test]
    fn the_pareto_front_keeps_what_nobody_beats() {
        let measures = [
            [-100.0, 50.0, 0.0, 50.0],
            [-100.0, 50.0, 0.0, 50.0],
            [-110.0, 50.0, 100.0, 50.0],
            [-120.0, 50.0, 100.0, 50.0],
            [-90.0, 10.0, 0.0, 50.0],
        ];
        assert_eq!(pareto_front(&measures), [true, true, true, false, true]);
        assert_eq!(pareto_front(&[]), Vec::<bool>::new());
    }
}
