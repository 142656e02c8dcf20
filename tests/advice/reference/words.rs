//! What sets a plan apart: every sentence is known, and true of the figures of all plans.

use super::Case;
use super::bills::Priced;
use super::world::{Exit, Plan, Rate};
use treebeard::domain::advice::RankedPlan;

/// The middle of some values, between the two middle ones where their count is even.
fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    low + (high - low) * 0.5
}

fn money(dollars: f64) -> String {
    // Through whole cents, so that half a dollar is half a dollar.
    grouped((((dollars * 100.0).round() as i64 + 50) / 100) as f64)
}

fn grouped(dollars: f64) -> String {
    let whole = dollars as i64;
    if whole >= 1_000 { format!("${},{:03}", whole / 1_000, whole % 1_000) } else { format!("${whole}") }
}

fn exact(dollars: f64) -> String {
    format!("${dollars:.2}")
}

fn percent(value: f64) -> String {
    format!("{}%", (value * 10.0).round() / 10.0)
}

fn months(count: i64) -> String {
    if count == 1 { "1 month".into() } else { format!("{count} months") }
}

impl Case<'_> {
    pub fn words(&self) {
        for (plan, priced, shown) in &self.plans {
            let (fors, againsts) = (&shown.key_differentiators, &shown.trade_offs);
            assert!(fors.len() <= 3 && againsts.len() <= 3, "{}", self.name);
            // The strongest three of what is true, in their order; nothing else.
            self.told(fors, &self.points_for(plan, priced, shown), plan);
            self.told(againsts, &self.points_against(plan, shown), plan);
        }
    }

    fn told(&self, told: &[String], points: &[(bool, String)], plan: &Plan) {
        let expected: Vec<&String> = points.iter().filter(|(holds, _)| *holds).map(|(_, text)| text).take(3).collect();
        assert_eq!(told.iter().collect::<Vec<_>>(), expected, "{}: {plan:?}", self.name);
    }

    fn all(&self, of: impl Fn(&Plan, &RankedPlan) -> f64) -> Vec<f64> {
        self.plans.iter().map(|(plan, _, shown)| of(plan, shown)).collect()
    }

    fn rated(&self, plan: &Plan) -> Option<(f64, f64)> {
        let rated: Vec<i64> = self.market.suppliers.iter().filter_map(|(stars, _)| *stars).collect();
        let mean = rated.iter().map(|stars| *stars as f64 / 10.0).sum::<f64>() / rated.len().max(1) as f64;
        let (stars, reviews) = self.market.suppliers[plan.supplier];
        stars.filter(|_| reviews >= 50).map(|stars| (stars as f64 / 10.0, mean))
    }

    fn points_for(&self, plan: &Plan, priced: &Priced, shown: &RankedPlan) -> Vec<(bool, String)> {
        let (count, total) = (self.plans.len(), shown.projected_annual_cost);
        let costs = self.all(|_, shown| shown.projected_annual_cost);
        let (typical, green) = (middle(costs.clone()), middle(self.all(|plan, _| plan.renewable as f64)));
        let cheapest = count > 1 && costs.iter().all(|cost| total <= *cost);
        let renewable = plan.renewable as f64;
        let greener = count > 1 && renewable >= green + 10.0;
        let short = count > 1 && plan.term as f64 + 6.0 <= middle(self.all(|plan, _| plan.term as f64));
        let with_fee = self.all(|_, shown| shown.early_termination_fee).iter().filter(|fee| **fee > 0.0).count();
        let free = plan.term > 0 && shown.early_termination_fee == 0.0 && with_fee > 0;
        let (stars, mean) = self.rated(plan).unwrap_or_default();
        let rated = stars > 0.0 && stars >= mean + 0.3;
        let (low, high): (i64, i64) =
            self.household.bands.iter().fold((0, 0), |(low, high), band| (low + band.0, high + band.1));
        let used = self.household.energy.iter().sum::<i64>() as f64;
        let usage_spread = if used > 0.0 { (high - low) as f64 / used } else { 0.0 };
        let annual = priced.annual() as f64;
        let spread = if annual > 0.0 { (priced.at(0.9) - priced.at(0.1)) / annual } else { 0.0 };
        let is_steady = spread < 0.7 * usage_spread;
        vec![
            (cheapest, format!("Lowest expected cost of {count} eligible plans")),
            (
                !cheapest && total < typical * 0.97,
                // Half a dollar between two floats may fall either way: the sum is done as the sentence is read.
                format!("Costs {} a year less than the typical eligible plan", grouped((typical - total).round())),
            ),
            (
                greener,
                format!("{} renewable energy, where the typical plan has {}", percent(renewable), percent(green)),
            ),
            (!greener && plan.renewable == 100, "100% renewable energy".into()),
            (plan.term == 0, "No contract: leave in any month".into()),
            (plan.term > 0 && short, format!("A short contract of {}", months(plan.term))),
            (free, format!("No exit fee, while {with_fee} of {count} eligible plans have one")),
            (rated, format!("{stars:.1} stars from customers, against {mean:.1} on average")),
            (is_steady, "A yearly cost that varies less than your usage may".into()),
            (plan.kind() == "fixed" && plan.term >= 12, format!("The energy price is fixed for {}", months(plan.term))),
        ]
    }

    fn points_against(&self, plan: &Plan, shown: &RankedPlan) -> Vec<(bool, String)> {
        let count = self.plans.len();
        let costs = self.all(|_, shown| shown.projected_annual_cost);
        let dearer = shown.projected_annual_cost - costs.iter().copied().fold(f64::MAX, f64::min);
        let green = middle(self.all(|plan, _| plan.renewable as f64));
        let renewable = plan.renewable as f64;
        let (stars, mean) = self.rated(plan).unwrap_or_default();
        let bound = if let Rate::Credit { from, .. } = plan.rate { from } else { 0 };
        let long = count > 1 && plan.term as f64 >= middle(self.all(|plan, _| plan.term as f64)) + 6.0;
        vec![
            (plan.condition.is_some(), "Only with: Autopay".into()),
            (
                (dearer * 100.0).round() >= 100.0,
                format!("Costs {} a year more than the cheapest eligible plan", money(dearer)),
            ),
            (plan.kind() == "variable", "The energy price can change from month to month".into()),
            (bound > 0, format!("The price depends on a bill credit tied to {bound} kWh a month")),
            (
                plan.exit != Exit::None && shown.early_termination_fee > 0.0,
                format!("Leaving early costs {}", exact(shown.early_termination_fee)),
            ),
            (long, format!("A long contract of {}", months(plan.term))),
            (
                count > 1 && renewable + 10.0 <= green,
                format!("Only {} renewable energy, where the typical plan has {}", percent(renewable), percent(green)),
            ),
            (
                stars > 0.0 && stars <= mean - 0.3,
                format!("{stars:.1} stars from customers, below the average of {mean:.1}"),
            ),
            (plan.joining > 0, format!("Joining costs {} once", exact(plan.joining as f64 / 100.0))),
            (plan.prepaid, "Electricity is paid for in advance".into()),
        ]
    }
}
