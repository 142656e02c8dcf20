//! What sets a plan apart from the others this household could have: for it and against it, each a checked fact.

use super::ranking::{Ranked, Shown};
use super::scores::quantile;
use super::wording::{about, money, months, percent};
use crate::domain::catalog::{Confidence, PlanKind, Supplier};
use crate::domain::units::Money;

/// Most points of each sort that are told.
pub const MOST_POINTS: usize = 3;

/// The eligible plans in numbers, to hold one of them against.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub plans: usize,
    cheapest: Money,
    median_cost: f64,
    median_renewable: f64,
    median_term: f64,
    /// How many plans have an exit fee.
    with_exit_fee: usize,
}

/// The points for and against one plan, the strongest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contrast {
    pub differentiators: Vec<String>,
    pub trade_offs: Vec<String>,
}

/// One plan as it is held against the field.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub plan: &'a Shown<'a>,
    pub supplier: &'a Supplier,
    pub mean_rating: Option<f64>,
    pub currency: &'a str,
    /// The width of the year's usage band, as a share of the expected usage.
    pub usage_spread: f64,
}

impl Field {
    /// `None` of no plans.
    pub fn of(ranked: &[Ranked<'_>]) -> Option<Field> {
        let median = |value: &dyn Fn(&Ranked<'_>) -> f64| {
            let mut values: Vec<f64> = ranked.iter().map(value).collect();
            values.sort_unstable_by(f64::total_cmp);
            quantile(&values, 0.5)
        };
        Some(Field {
            plans: ranked.len(),
            cheapest: ranked.iter().map(|plan| plan.total).min()?,
            median_cost: median(&|plan| plan.total.currency()),
            median_renewable: median(&|plan| plan.renewable()),
            median_term: median(&|plan| f64::from(plan.candidate.listing.plan.term_months)),
            with_exit_fee: ranked.iter().filter(|plan| !plan.exit_fee.is_zero()).count(),
        })
    }

    pub fn contrast(&self, subject: Subject<'_>) -> Contrast {
        let mut contrast = Contrast::default();
        self.strengths(subject, &mut contrast.differentiators);
        self.weaknesses(subject, &mut contrast.trade_offs);
        contrast.differentiators.truncate(MOST_POINTS);
        contrast.trade_offs.truncate(MOST_POINTS);
        contrast
    }

    fn strengths(&self, subject: Subject<'_>, points: &mut Vec<String>) {
        let Subject { plan, supplier, mean_rating, currency, .. } = subject;
        let listing = &plan.candidate.listing.plan;
        let (total, others) = (plan.total.currency(), self.plans > 1);
        if others && plan.exact && plan.total == self.cheapest {
            points.push(format!("Lowest expected cost of {} eligible plans", self.plans));
        } else if plan.exact && total < self.median_cost * 0.97 {
            let saved = about(currency, self.median_cost - total);
            points.push(format!("Costs {saved} a year less than the typical eligible plan"));
        }
        let renewable = plan.renewable();
        if others && renewable >= self.median_renewable + 10.0 {
            let typical = percent(self.median_renewable);
            points.push(format!("{} renewable energy, where the typical plan has {typical}", percent(renewable)));
        } else if renewable >= 100.0 {
            points.push("100% renewable energy".into());
        }
        match listing.term_months {
            0 => points.push("No contract: leave in any month".into()),
            term if others && f64::from(term) + 6.0 <= self.median_term => {
                points.push(format!("A short contract of {}", months(term)));
            }
            _ => {}
        }
        if listing.term_months > 0 && plan.exit_fee.is_zero() && self.with_exit_fee > 0 {
            points.push(format!("No exit fee, while {} of {} eligible plans have one", self.with_exit_fee, self.plans));
        }
        if let (Some(stars), Some(mean)) = (supplier.rating, mean_rating)
            && stars >= mean + 0.3
            && supplier.review_count >= 50
        {
            points.push(format!("{stars:.1} stars from customers, against {mean:.1} on average"));
        }
        if spread(plan) < 0.7 * subject.usage_spread {
            points.push("A yearly cost that varies less than your usage may".into());
        }
        if listing.kind == PlanKind::Fixed && listing.term_months >= 12 {
            points.push(format!("The energy price is fixed for {}", months(listing.term_months)));
        }
    }

    fn weaknesses(&self, subject: Subject<'_>, points: &mut Vec<String>) {
        let Subject { plan, supplier, mean_rating, currency, .. } = subject;
        let listing = &plan.candidate.listing.plan;
        let dependence = &plan.candidate.offer.dependence;
        // Who cannot meet them cannot have the plan: nothing else matters before that.
        points.extend(only_with(&listing.conditions));
        if let Confidence::Unreproduced { residual_cents } = listing.provenance.confidence {
            points.push(format!(
                "Its published prices could not be reproduced (off by {residual_cents:.2} cents per kWh), so its cost is a guess"
            ));
        }
        let dearer = plan.total - self.cheapest;
        if dearer >= Money::from_cents(100) {
            points.push(format!(
                "Costs {} a year more than the cheapest eligible plan",
                about(currency, dearer.currency())
            ));
        }
        if matches!(listing.kind, PlanKind::Variable | PlanKind::Indexed) {
            points.push("The energy price can change from month to month".into());
        }
        if let Some(bound) = dependence.cliffs.iter().find(|_| dependence.has_usage_credit) {
            points.push(format!("The price depends on a bill credit tied to {} kWh a month", bound.kwh().round()));
        }
        if plan.exit_fee > Money::ZERO {
            points.push(format!("Leaving early costs {}", money(currency, plan.exit_fee)));
        }
        if self.plans > 1 && f64::from(listing.term_months) >= self.median_term + 6.0 {
            points.push(format!("A long contract of {}", months(listing.term_months)));
        }
        let renewable = plan.renewable();
        if self.plans > 1 && renewable + 10.0 <= self.median_renewable {
            let typical = percent(self.median_renewable);
            points.push(format!("Only {} renewable energy, where the typical plan has {typical}", percent(renewable)));
        }
        if let (Some(stars), Some(mean)) = (supplier.rating, mean_rating)
            && stars <= mean - 0.3
            && supplier.review_count >= 50
        {
            points.push(format!("{stars:.1} stars from customers, below the average of {mean:.1}"));
        }
        if !plan.one_time.is_zero() {
            points.push(format!("Joining costs {} once", money(currency, plan.one_time)));
        }
        if listing.kind == PlanKind::Prepaid {
            points.push("Electricity is paid for in advance".into());
        }
    }
}

/// What must be fulfilled to get the plan at its price, in one sentence; `None` where nothing must.
pub fn only_with(conditions: &[String]) -> Option<String> {
    let plain = |text: &String| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let stated: Vec<String> =
        conditions.iter().map(|text| plain(text).trim().trim_end_matches('.').to_owned()).collect();
    let stated: Vec<&str> = stated.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    (!stated.is_empty()).then(|| format!("Only with: {}", stated.join("; ")))
}

/// The width of the cost band, as a share of the cost.
fn spread(plan: &Shown<'_>) -> f64 {
    let annual = plan.cost.annual.currency();
    if annual > 0.0 { (plan.cost.p90 - plan.cost.p10).currency() / annual } else { 0.0 }
}
