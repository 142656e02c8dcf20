//! Advice for a household as it might be: other usage, other prices, other priorities.

use super::rate_changes::{AffectedPlans, RateChange, changed_catalog, changed_current};
use super::request::{Priorities, Request};
use super::wording::grouped;
use super::{AdviceError, Recommendation, recommend};
use crate::domain::market::Snapshot;
use crate::domain::units::Energy;
use crate::domain::usage::changes::{ChangeError, UsageChanges};
use crate::domain::usage::projection::Projection;

/// What is different.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scenario {
    pub usage: UsageChanges,
    /// At most [`MOST_RATE_CHANGES`]; each applies to what the ones before it left.
    pub rates: Vec<RateChange>,
    pub priorities: Option<Priorities>,
}

pub const MOST_RATE_CHANGES: usize = 10;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhatIfError {
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error(transparent)]
    Advice(#[from] AdviceError),
}

/// The advice `request` would get under `scenario`. Its first warning says what was assumed.
pub fn what_if(snapshot: &Snapshot, request: &Request, scenario: &Scenario) -> Result<Recommendation, WhatIfError> {
    let wild = scenario.rates.iter().any(|change| !(-100.0..=500.0).contains(&change.percent));
    if wild || scenario.rates.len() > MOST_RATE_CHANGES {
        let message = "must be at most ten changes, each from -100 to 500 percent";
        return Err(ChangeError { field: "rate_changes", message }.into());
    }
    let mut changed = request.clone();
    changed.projection = scenario.usage.apply(&request.projection)?;
    changed.profile = request.profile.with_projection(&changed.projection);
    changed.priorities = scenario.priorities.unwrap_or(request.priorities);
    changed.current_plan = request.current_plan.as_ref().map(|plan| changed_current(plan, &scenario.rates));
    let mut advice = if scenario.rates.is_empty() {
        recommend(snapshot, &changed)?
    } else {
        let prices = changed_catalog(snapshot, &scenario.rates, request, request.as_of);
        recommend(&prices, &changed)?
    };
    advice.warnings.insert(0, scenario.in_words(request, &changed.projection));
    Ok(advice)
}

impl Scenario {
    fn in_words(&self, request: &Request, changed: &Projection) -> String {
        let mut parts = self.usage_in_words(&request.projection, changed);
        for change in &self.rates {
            let whose = match change.plans {
                AffectedPlans::Current => "the current plan",
                AffectedPlans::Variable => "variable and indexed plans",
                AffectedPlans::All => "all plans",
            };
            parts.push(format!("energy prices of {whose} changed by {}%", change.percent));
        }
        if let Some(Priorities { cost, flexibility, renewable, rating }) = self.priorities {
            parts.push(format!(
                "priorities of {cost} for cost, {flexibility} for flexibility, {renewable} for renewable energy and \
                 {rating} for rating"
            ));
        }
        if parts.is_empty() {
            return "This scenario changes nothing.".to_owned();
        }
        format!("This is a scenario: {}.", parts.join("; "))
    }

    fn usage_in_words(&self, before: &Projection, changed: &Projection) -> Vec<String> {
        let UsageChanges { factor, shift, heat_pump, electric_vehicle, solar } = &self.usage;
        let mut parts = Vec::new();
        parts.extend(factor.map(|factor| format!("the use times {factor}")));
        parts.extend(shift.map(|shift| {
            let (out, into) = (shift.out_of, shift.into);
            let percent = shift.percent;
            format!("{percent}% of the use from {} to {} moved to {} to {}", out.from, out.to, into.from, into.to)
        }));
        parts.extend(
            heat_pump
                .as_ref()
                .map(|pump| format!("a heat pump that uses {} kWh a year", whole(pump.kwh_by_month.iter().sum()))),
        );
        parts.extend(
            electric_vehicle.map(|car| {
                format!("a car charged with {} kWh a week from {} to {}", car.kwh_per_week, car.from, car.to)
            }),
        );
        parts.extend(solar.map(|solar| {
            let made = self.usage.solar_production(before).unwrap_or(Energy::ZERO);
            let sum = |of: &Projection| of.intervals.export.iter().copied().sum::<Energy>();
            let (made, fed) = (whole(made.kwh()), whole((sum(changed) - sum(before)).kwh()));
            format!("{} kW of solar panels that make {made} kWh a year, {fed} kWh of them fed into the grid", solar.kw)
        }));
        parts
    }
}

fn whole(kwh: f64) -> String {
    grouped(kwh.round().max(0.0) as u64)
}
