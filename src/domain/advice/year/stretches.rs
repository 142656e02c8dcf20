//! Between its bends a bill is a straight line: what a set of bends comes to on a household's usage paths.
//!
//! Found once for all plans with the same bends: where each month's paths lie, the two ends of every stretch that any
//! of them reaches, and how much each end weighs in the mean over the paths. A plan then takes one bill per end.

use super::{MONTHS, ONE, YearLoad};
use crate::domain::market::Bend;
use crate::domain::tariff::Points;
use crate::domain::units::{Energy, Money};

/// The factors, in millionths, on each month's energy.
pub(super) type Path = [i64; MONTHS];

#[derive(Debug)]
pub(super) struct Stretches {
    /// Where bills are needed: the ends of the stretches, month by month.
    pub points: Points,
    /// Of each point in the mean bill of its month.
    weights: Vec<f64>,
    /// By month: the points of it, and its stretches, ascending.
    months: [(std::ops::Range<usize>, Vec<Stretch>); MONTHS],
}

/// Bills from factor `low` to factor `low + step` lie on the line between two points.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    low: i64,
    step: i64,
    /// Numbers of the points at the ends; the same where the stretch is one factor long.
    ends: (usize, usize),
}

impl Stretches {
    /// `None` where every path is priced sooner than the stretches are.
    pub fn of(bends: &[Bend], load: &YearLoad, paths: &[Path]) -> Option<Stretches> {
        let cut: [Vec<(i64, i64)>; MONTHS] = std::array::from_fn(|month| cut(bends, load, paths, month));
        let most = cut.iter().map(Vec::len).max().unwrap_or(0);
        if 2 * most >= paths.len() {
            return None;
        }
        let (mut wanted, mut weights) = (Vec::new(), Vec::new());
        let months = std::array::from_fn(|month| {
            let first = wanted.len();
            let reached = cut[month].iter().filter_map(|&(low, high)| {
                let on_it = paths.iter().map(|path| path[month]).filter(|factor| (low..=high).contains(factor));
                let (count, above) = on_it.fold((0, 0), |(count, above), factor| (count + 1, above + factor - low));
                (count > 0).then_some((low, high - low, count, above))
            });
            let reached = reached.map(|(low, step, count, above)| {
                let share_above = if step == 0 { 0.0 } else { above as f64 / step as f64 };
                let at = wanted.len();
                wanted.push((month, low));
                weights.push((f64::from(count) - share_above) / paths.len() as f64);
                if step > 0 {
                    wanted.push((month, low + step));
                    weights.push(share_above / paths.len() as f64);
                }
                Stretch { low, step, ends: (at, wanted.len() - 1) }
            });
            let stretches = reached.collect();
            (first..wanted.len(), stretches)
        });
        Some(Stretches { points: Points::of(&load.load, wanted), weights, months })
    }

    /// The mean bill of each month over the paths, from the bill of each point.
    pub fn mean(&self, bills: &[Money]) -> [f64; MONTHS] {
        std::array::from_fn(|month| {
            let points = self.months[month].0.clone();
            let weighed = self.weights[points.clone()].iter().zip(&bills[points]);
            weighed.map(|(weight, bill)| weight * super::in_currency(bill)).sum()
        })
    }

    /// The bills of a path, from the bill of each point.
    pub fn along(&self, path: &Path, bills: &[Money]) -> [f64; MONTHS] {
        std::array::from_fn(|month| {
            let stretches = &self.months[month].1;
            let Some(on) = stretches.iter().rfind(|stretch| path[month] >= stretch.low) else { return 0.0 };
            let (low, high) = (super::in_currency(&bills[on.ends.0]), super::in_currency(&bills[on.ends.1]));
            let slope = if on.step == 0 { 0.0 } else { (high - low) / on.step as f64 };
            low + slope * (path[month] - on.low) as f64
        })
    }
}

/// The stretches between bends that the paths of a month span, as factors with both ends, ascending.
fn cut(bends: &[Bend], load: &YearLoad, paths: &[Path], month: usize) -> Vec<(i64, i64)> {
    let factors = || paths.iter().map(|path| path[month]).chain([ONE]);
    let (least, greatest) = (factors().min().unwrap_or(ONE), factors().max().unwrap_or(ONE));
    let days = load.windows[month].days();
    let bounds = bends.iter().map(|bend| if bend.per_day { bend.energy.scale(days, 1) } else { bend.energy });
    // At a bound, and above it: a stretch of its own for energy that meets the bound exactly.
    let mut cuts: Vec<i64> = bounds
        .flat_map(|bound| [bound, bound + Energy::from_mwh_thousandths(1)])
        .filter_map(|bound| least_factor_reaching(bound, load.energies[month]))
        .filter(|&cut| cut > least && cut <= greatest)
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut stretches = Vec::with_capacity(cuts.len() + 1);
    let mut low = least;
    for cut in cuts {
        stretches.push((low, cut - 1));
        low = cut;
    }
    stretches.push((low, greatest));
    stretches
}

/// The least factor whose energy, rounded as bills round it, is at least `bound`.
fn least_factor_reaching(bound: Energy, energy: Energy) -> Option<i64> {
    let own = i128::from(energy.mwh_thousandths());
    if own <= 0 {
        return None;
    }
    let half_below = (2 * i128::from(bound.mwh_thousandths()) - 1).max(0);
    i64::try_from((half_below * i128::from(ONE) + 2 * own - 1) / (2 * own)).ok()
}

#[cfg(test)]
mod tests {
    use crate::domain::advice::fixture::{SEASONAL_YEAR, credit, fixed, plan, projection, snapshot};
    use crate::domain::advice::year::{Year, YearLoad};
    use crate::domain::catalog::PlanKind;

    #[test]
    fn a_plan_is_ranked_on_the_months_it_is_shown_with() {
        let tiers = r#"{"type":"tiered","tiers":[{"up_to_kwh":500,"rate_per_kwh":8},{"up_to_kwh":1000,"rate_per_kwh":10},
            {"up_to_kwh":null,"rate_per_kwh":12}]}"#;
        let limited = r#"{"type":"tariff","charges":[{"id":"e","label":"Energy","tags":["energy"],"amount":{"kind":"energy",
            "price":0.11}}],"totals":[{"id":"least","label":"Least bill","of":["energy"],"min":99,"per":"bill"}]}"#;
        let plans = vec![
            credit("credit", 18.0),
            plan("tiers", PlanKind::Tiered, 12, tiers),
            plan("limited", PlanKind::Fixed, 12, limited),
            fixed("fixed", 11.3),
        ];
        let (snapshot, projection) = (snapshot(plans), projection(SEASONAL_YEAR, 20));
        let load = YearLoad::new(&projection);
        let mut year = Year::new(&load, &projection);
        for listing in snapshot.listings() {
            let offer = &listing.offers[0];
            let tariff = offer.compiled.as_ref().expect("compiles");
            let ranked = year.expected_months(tariff, &offer.dependence).expect("priced");
            let shown = year.cost(tariff, &offer.dependence, None).expect("priced");
            assert_eq!(ranked, shown.months, "{}", listing.plan.name);
            // The mean over the stretches is the mean of what they give for each path.
            let of_paths = shown.paths.iter().sum::<f64>() / shown.paths.len() as f64;
            assert!((of_paths - shown.annual.currency()).abs() < 0.07, "{}: {of_paths}", listing.plan.name);
        }
    }
}
