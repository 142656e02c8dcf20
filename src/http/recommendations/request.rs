//! The body of `generate`: what a caller may state, and what it means.

use crate::app::error::Error;
use crate::app::recommendations::Asked;
use crate::domain::advice;
use crate::domain::catalog::{PlanKind, PropertyType};
use crate::domain::tariff::{Cents, RateStructure};
use crate::domain::units::{Money, Price};
use crate::http::described::described;
use crate::http::fields::{Faults, MonthUse};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

/// Everything is optional that the caller's account already holds.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GenerateRequest {
    pub user_data: Option<GenerateUser>,
    /// 3 to 60 distinct months; the usage held for the account when absent.
    #[schemars(length(min = 3, max = 60))]
    pub usage_data: Option<Vec<MonthUse>>,
    pub preferences: Option<GeneratePriorities>,
    pub current_plan: Option<GenerateCurrentPlan>,
    /// Whether the answer names risks; `true` when absent.
    pub include_risks: Option<bool>,
    pub options: Option<GenerateOptions>,
}

/// Where the household is.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GenerateUser {
    /// Five digits, or ZIP+4.
    #[schemars(regex(pattern = r"^\d{5}(-\d{4})?$"), length(max = 10))]
    pub zip_code: Option<String>,
    pub property_type: Option<PropertyType>,
    /// Ignored: the caller is known by the token.
    #[schemars(length(max = 320))]
    pub email: Option<String>,
}

/// What matters how much; the four sum to 100.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GeneratePriorities {
    #[schemars(range(min = 0, max = 100))]
    pub cost_priority: u8,
    #[schemars(range(min = 0, max = 100))]
    pub flexibility_priority: u8,
    #[schemars(range(min = 0, max = 100))]
    pub renewable_priority: u8,
    #[schemars(range(min = 0, max = 100))]
    pub rating_priority: u8,
}

/// What is known of the present plan; any subset will do.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GenerateCurrentPlan {
    #[schemars(length(max = 255))]
    pub plan_name: Option<String>,
    #[schemars(length(max = 255))]
    pub supplier_name: Option<String>,
    /// A plan of the catalog: it is priced by its own tariff.
    pub plan_id: Option<Uuid>,
    /// All-in cents per kWh.
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub current_rate: Option<f64>,
    #[schemars(range(min = 0.0, max = 10_000.0))]
    pub monthly_fee: Option<f64>,
    pub rate_structure: Option<RateStructure>,
    #[schemars(extend("format" = "date"))]
    pub contract_start_date: Option<String>,
    /// Another name of `contract_start_date`.
    #[schemars(extend("format" = "date"))]
    pub plan_start_date: Option<String>,
    /// The contract's last day.
    #[schemars(extend("format" = "date"))]
    pub contract_end_date: Option<String>,
    #[schemars(range(min = 0.0, max = 100_000.0))]
    pub early_termination_fee: Option<f64>,
    /// What a year costs now.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub annual_cost: Option<f64>,
}

/// Filters, and the length of the answer.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GenerateOptions {
    /// Plans to return; 3 when absent.
    #[schemars(range(min = 1, max = 10))]
    pub top_n: Option<u8>,
    /// Longest contract, months.
    #[schemars(range(min = 0, max = 600))]
    pub max_contract_length: Option<u32>,
    /// Least renewable share, percent.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub min_renewable: Option<f64>,
    /// Kinds of plan to consider; all when absent or empty.
    #[schemars(length(max = 6))]
    pub plan_types: Option<Vec<PlanKind>>,
    /// `ai` when absent: the model where one is configured, else the template.
    pub explanations: Option<advice::Explanations>,
}

described!(GenerateRequest);

impl GenerateRequest {
    /// The request in domain values, or every fault of it.
    pub fn checked(self, today: Date) -> Result<Asked, Error> {
        let mut faults = Faults::default();
        let user = self.user_data.unwrap_or_default();
        let asked = Asked {
            zip_code: user.zip_code,
            property_type: user.property_type,
            usage: self.usage_data.map(|months| faults.months("usage_data", &months, today)),
            priorities: self.preferences.and_then(|stated| priorities(stated, &mut faults)),
            current_plan: self.current_plan.map(|plan| current_plan(plan, &mut faults)),
            include_risks: self.include_risks.unwrap_or(true),
            options: options(self.options.unwrap_or_default()),
        };
        faults.or(asked)
    }
}

pub fn priorities(stated: GeneratePriorities, faults: &mut Faults) -> Option<advice::Priorities> {
    let GeneratePriorities { cost_priority, flexibility_priority, renewable_priority, rating_priority } = stated;
    advice::Priorities::new(cost_priority, flexibility_priority, renewable_priority, rating_priority)
        .map_err(|wrong| faults.add("preferences", format!("must sum to 100, not to {}", wrong.sum), "sum"))
        .ok()
}

fn current_plan(stated: GenerateCurrentPlan, faults: &mut Faults) -> advice::CurrentPlan {
    let start = faults.date("current_plan.contract_start_date", stated.contract_start_date.as_deref());
    let alias = faults.date("current_plan.plan_start_date", stated.plan_start_date.as_deref());
    let end = faults.date("current_plan.contract_end_date", stated.contract_end_date.as_deref());
    if start.is_some() && alias.is_some() && start != alias {
        let message = "is another name of contract_start_date: give one of the two";
        faults.add("current_plan.plan_start_date", message, "conflict");
    }
    let start = start.or(alias);
    if start.zip(end).is_some_and(|(start, end)| end < start) {
        faults.add("current_plan.contract_end_date", "must not lie before the contract's start", "range");
    }
    let rate = stated.current_rate.map(Price::from_cents);
    advice::CurrentPlan {
        plan_id: stated.plan_id,
        plan_name: faults.text("current_plan.plan_name", stated.plan_name.as_deref()),
        supplier_name: faults.text("current_plan.supplier_name", stated.supplier_name.as_deref()),
        current_rate: rate.and_then(|rate| faults.exact("current_plan.current_rate", rate)).map(Cents),
        monthly_fee: faults.price("current_plan.monthly_fee", stated.monthly_fee),
        rate_structure: stated.rate_structure.inspect(|rate| faults.rate("current_plan.rate_structure", rate)),
        contract_start_date: start,
        contract_end_date: end,
        early_termination_fee: faults.price("current_plan.early_termination_fee", stated.early_termination_fee),
        annual_cost: stated
            .annual_cost
            .and_then(|cost| faults.exact("current_plan.annual_cost", Money::from_currency(cost))),
    }
}

fn options(stated: GenerateOptions) -> advice::Options {
    let defaults = advice::Options::default();
    advice::Options {
        top_n: stated.top_n.unwrap_or(defaults.top_n),
        max_contract_length: stated.max_contract_length,
        min_renewable: stated.min_renewable,
        plan_types: stated.plan_types.unwrap_or_default(),
        explanations: stated.explanations.unwrap_or_default(),
    }
}
