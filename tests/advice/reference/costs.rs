//! Costs, bands, parts and whole contracts.

use super::Case;
use super::bills::{Priced, Terms};
use super::current::Days;
use super::world::{Plan, Rate};
use jiff::ToSpan;
use treebeard::domain::advice::RankedPlan;

/// Where bills bend, the engine may go through a few of them and draw lines between: cents of twelve rounded bills.
const BENT_YEAR: f64 = 15.0;
const BENT_MONTH: f64 = 3.0;
/// A line through two rounded bills of several lines each, followed to the far side of the year.
const WORST_MONTH: f64 = 8.0;

impl Case<'_> {
    pub fn costs(&self) {
        let kwh = self.household.energy.iter().sum::<i64>() as f64 / 1e6;
        for (plan, priced, shown) in &self.plans {
            let what = |part: &str| format!("{part} of {plan:?}");
            let (month, year) = if priced.exact { (0.0, 0.0) } else { (BENT_MONTH, BENT_YEAR) };
            for (n, (bill, expected)) in shown.monthly_costs.iter().zip(&priced.months).enumerate() {
                self.near(&what(&format!("month {n}")), *bill, *expected as f64, month);
            }
            let joining = plan.joining as f64;
            let annual = priced.annual() as f64;
            self.near(&what("the year"), shown.projected_annual_cost, annual + joining, year);
            self.near(&what("a month"), shown.projected_monthly_cost, (annual + joining) / 12.0, 0.5 + year);
            let rate = if kwh > 0.0 { annual / kwh } else { 0.0 };
            let slack = if kwh > 0.0 { year / kwh } else { 0.0 };
            assert!(
                (shown.average_rate_per_kwh - rate).abs() <= 0.0001 + slack,
                "{}: {rate}",
                what("the average rate")
            );
            self.near(&what("P10"), shown.cost_range.p10, priced.at(0.1) + joining, BENT_YEAR);
            self.near(&what("P90"), shown.cost_range.p90, priced.at(0.9) + joining, BENT_YEAR);
            self.near(&what("the worst month"), shown.cost_range.worst_month, priced.worst, WORST_MONTH);
            self.parts(plan, shown);
            self.mean_of_paths(plan, priced);
            self.over_term(plan, priced, shown);
        }
    }

    fn parts(&self, plan: &Plan, shown: &RankedPlan) {
        let parts = shown.cost_breakdown;
        let sum =
            parts.energy + parts.delivery + parts.fixed + parts.credits + parts.fees + parts.taxes + parts.one_time;
        self.near("the sum of the parts", sum, shown.projected_annual_cost * 100.0, 0.0);
        self.near("one-time fees", parts.one_time, plan.joining as f64, 0.0);
        if !matches!(plan.rate, Rate::LeastBill { .. }) {
            self.near("fixed parts", parts.fixed, (plan.monthly_fee * 12) as f64, 0.0);
        }
        assert!(parts.credits <= 0.5 && parts.taxes == 0.0, "{}: {parts:?}", self.name);
    }

    /// What is called expected is the mean over the paths, for straight bills too.
    fn mean_of_paths(&self, plan: &Plan, priced: &Priced) {
        if matches!(plan.rate, Rate::Variable { .. }) {
            return;
        }
        let mean = priced.paths.iter().sum::<f64>() / 64.0;
        assert!((mean - priced.annual() as f64).abs() < 12.0, "{}: {plan:?}", self.name);
    }

    fn over_term(&self, plan: &Plan, priced: &Priced, shown: &RankedPlan) {
        let Some(term) = &shown.over_term else { return assert_eq!(plan.term, 0, "{}", self.name) };
        assert_eq!(i64::from(term.contract_months), plan.term, "{}", self.name);
        let slack = if priced.exact { 0.0 } else { BENT_YEAR };
        let cost = self.own.as_ref().and_then(|own| Some((own, own.cost.as_ref()?)));
        let days = cost.map(|(own, cost)| Days::of(self.market.as_of, plan.term, own, cost, &[0; 12]));
        let (mut bills, mut left) = (0.0, plan.term);
        for (n, year) in term.years.iter().enumerate() {
            let months = left.min(12) as usize;
            left -= months as i64;
            let start = self.calendar.first.checked_sub((12 * n as i64).months()).expect("a day");
            let terms = Terms { start: Some(start), ..Terms::of(plan, self.market.delivery) };
            // Only an introductory price makes another year another bill.
            let is_other = n > 0 && matches!(plan.rate, Rate::Intro { .. });
            let bills_of_year = if is_other { terms.plain(self.household, self.calendar) } else { priced.months };
            let own: i128 = bills_of_year[..months].iter().sum();
            assert_eq!(year.months as usize, months, "{}", self.name);
            self.near("a year of the contract", year.cost, own as f64, slack);
            bills += year.cost;
            let stayed =
                days.as_ref().map(|days| days.stayed(12 * n, 12 * n + months) as f64 / super::current::SPLIT as f64);
            assert_eq!(year.current_cost.is_some(), stayed.is_some(), "{}", self.name);
            if let (Some(told), Some(stayed), Some(saved)) = (year.current_cost, stayed, year.savings) {
                self.near("a year of staying", told, stayed, 0.51 + self.own_slack());
                self.near("a year's savings", saved, (told - year.cost) * 100.0, 0.5);
            }
        }
        assert_eq!(left, 0, "{}", self.name);
        self.near("the contract", term.total_cost, bills * 100.0 + plan.joining as f64, 0.0);
        if let (Some(saved), Some(savings)) = (term.total_savings, shown.savings) {
            let stayed: f64 = term.years.iter().filter_map(|year| year.current_cost).sum();
            self.near("the contract's savings", saved, (stayed - bills - savings.switching_cost) * 100.0, 1.5);
        }
        let after = plan.after.map(|price| {
            let rate = Rate::Flat(price);
            Terms { rate: &rate, ..Terms::of(plan, self.market.delivery) }
                .plain(self.household, self.calendar)
                .iter()
                .sum()
        });
        assert_eq!(term.annual_cost_after.map(|cost| (cost * 100.0).round() as i128), after, "{}", self.name);
        let said = if plan.after.is_some() { "Month to month." } else { "The catalog does not say" };
        assert!(term.after.starts_with(said), "{}: {}", self.name, term.after);
    }

    /// How far the cost of the household's own plan may be off, cents a year.
    pub fn own_slack(&self) -> f64 {
        let cost = self.own.as_ref().and_then(|own| own.cost.as_ref());
        if cost.is_some_and(|cost| cost.exact) { 0.0 } else { BENT_YEAR }
    }
}
