//! What advice is asked for: the household, its usage, what matters to it, the plan it is on.

use super::answer::UserProfile;
use crate::domain::catalog::{PlanKind, PropertyType};
use crate::domain::tariff::{Cents, RateStructure};
use crate::domain::units::{Money, Price};
use crate::domain::usage::projection::Projection;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Everything advice depends on, apart from the catalog.
#[derive(Debug, Clone)]
pub struct Request {
    pub as_of: Date,
    pub place: Location,
    pub property_type: PropertyType,
    pub projection: Projection,
    pub profile: UserProfile,
    pub priorities: Priorities,
    pub current_plan: Option<CurrentPlan>,
    pub options: Options,
    pub include_risks: bool,
}

/// Where the household is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    Zip(String),
    /// A utility's id, name or alias.
    Utility(String),
}

/// What matters, in percent; the four sum to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Priorities {
    pub cost: u8,
    pub flexibility: u8,
    pub renewable: u8,
    pub rating: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the four priorities sum to {sum}: they must sum to 100")]
pub struct PrioritiesError {
    pub sum: u32,
}

impl Priorities {
    pub fn new(cost: u8, flexibility: u8, renewable: u8, rating: u8) -> Result<Self, PrioritiesError> {
        let sum = [cost, flexibility, renewable, rating].into_iter().map(u32::from).sum();
        if sum == 100 { Ok(Priorities { cost, flexibility, renewable, rating }) } else { Err(PrioritiesError { sum }) }
    }
}

impl Default for Priorities {
    fn default() -> Self {
        Priorities { cost: 40, flexibility: 30, renewable: 20, rating: 10 }
    }
}

/// The plan the household is on: any part may be missing. Its yearly cost is taken from the first of `plan_id`,
/// `rate_structure`, `current_rate` with `monthly_fee`, `annual_cost` that is given and can be priced.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CurrentPlan {
    /// A plan of the catalog, inactive ones too.
    pub plan_id: Option<Uuid>,
    pub plan_name: Option<String>,
    pub supplier_name: Option<String>,
    /// All-in cents per kWh.
    pub current_rate: Option<Cents>,
    pub monthly_fee: Option<Price>,
    pub rate_structure: Option<RateStructure>,
    #[serde(alias = "plan_start_date")]
    pub contract_start_date: Option<Date>,
    /// The last day of the contract.
    pub contract_end_date: Option<Date>,
    pub early_termination_fee: Option<Price>,
    pub annual_cost: Option<Money>,
}

/// Filters and the length of the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// 1..=10.
    pub top_n: u8,
    pub max_contract_length: Option<u32>,
    /// Percent.
    pub min_renewable: Option<f64>,
    /// Empty: every kind.
    pub plan_types: Vec<PlanKind>,
    pub explanations: Explanations,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            top_n: 3,
            max_contract_length: None,
            min_renewable: None,
            plan_types: Vec::new(),
            explanations: Explanations::default(),
        }
    }
}

/// Who writes the explanations. `ai` is the model where a key for it is configured and it answers well in time, else
/// the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Explanations {
    #[default]
    Ai,
    Template,
    None,
}
