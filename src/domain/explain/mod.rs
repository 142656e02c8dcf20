//! Why a plan fits, in plain words: the facts one plan stands on, and the writer that always works.
//!
//! Every number a text may use is on the [`FactSheet`]; nothing personal is. A text that comes from elsewhere has to
//! pass [`check`].

mod check;
#[cfg(test)]
mod check_tests;
mod figures;
mod template;

pub use check::{Refusal, WORDS_MAX, WORDS_MIN, check};
pub use template::write;

use crate::domain::advice::{
    Mark, PriceConfidence, Priorities, RankedPlan, RiskType, Savings, Severity, ShapeRange, UserProfile,
};
use crate::domain::catalog::PlanKind;
use serde::Serialize;

/// What is known about one plan for one household.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FactSheet {
    pub rank: u32,
    pub plan_name: String,
    pub supplier_name: String,
    pub plan_type: PlanKind,
    /// ISO 4217.
    pub currency: String,
    pub annual_cost: f64,
    pub cost_p10: f64,
    pub cost_p90: f64,
    /// All-in cents per kWh.
    pub average_rate: f64,
    pub savings: Option<Savings>,
    pub contract_months: u32,
    pub exit_fee: f64,
    pub renewable_percent: f64,
    pub profile_type: String,
    pub annual_kwh: f64,
    pub seasonal: bool,
    /// What matters most to the reader, the highest priority first; those of no weight are left out.
    pub priorities: Vec<Priority>,
    pub marks: Vec<Mark>,
    pub differentiators: Vec<String>,
    pub trade_offs: Vec<String>,
    pub risks: Vec<(RiskType, Severity)>,
    pub shape_range: Option<ShapeRange>,
    pub price_confidence: PriceConfidence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    Cost,
    Flexibility,
    Renewable,
    Rating,
}

/// Names go into a text as data: no longer than this.
pub const LONGEST_NAME: usize = 80;

impl FactSheet {
    pub fn of(plan: &RankedPlan, profile: &UserProfile, priorities: Priorities, currency: &str) -> FactSheet {
        FactSheet {
            rank: plan.rank,
            plan_name: shortened(&plan.plan_name),
            supplier_name: shortened(&plan.supplier_name),
            plan_type: plan.plan_type,
            currency: currency.to_owned(),
            annual_cost: plan.projected_annual_cost,
            cost_p10: plan.cost_range.p10,
            cost_p90: plan.cost_range.p90,
            average_rate: plan.average_rate_per_kwh,
            savings: plan.savings,
            contract_months: plan.contract_length_months,
            exit_fee: plan.early_termination_fee,
            renewable_percent: plan.renewable_percentage,
            profile_type: profile.profile_type.clone(),
            annual_kwh: profile.projected_annual_kwh,
            seasonal: profile.has_seasonal_pattern,
            priorities: by_weight(priorities),
            marks: plan.marks.clone(),
            differentiators: plan.key_differentiators.clone(),
            trade_offs: plan.trade_offs.clone(),
            risks: plan.risk_warnings.iter().map(|risk| (risk.risk_type, risk.severity)).collect(),
            shape_range: plan.shape_range,
            price_confidence: plan.price_confidence,
        }
    }
}

fn by_weight(priorities: Priorities) -> Vec<Priority> {
    let mut weighted = vec![
        (priorities.cost, Priority::Cost),
        (priorities.flexibility, Priority::Flexibility),
        (priorities.renewable, Priority::Renewable),
        (priorities.rating, Priority::Rating),
    ];
    // Stable: equal weights keep the order of the contract.
    weighted.sort_by_key(|&(weight, _)| std::cmp::Reverse(weight));
    weighted.into_iter().filter(|&(weight, _)| weight > 0).map(|(_, priority)| priority).collect()
}

fn shortened(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    name.trim().chars().take(LONGEST_NAME).collect()
}
