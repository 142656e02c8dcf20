//! The plan a user is on, as the API reads and writes it.

use crate::app::error::{Error, FieldFault};
use crate::domain::advice::CurrentPlan;
use crate::domain::from_json;
use crate::domain::tariff::{Cents, RateStructure};
use crate::domain::units::{Money, Price, UnitError};
use crate::http::body::misplaced;
use crate::http::described::described;
use crate::http::values::{DateValue, TimeValue};
use jiff::Timestamp;
use poem_openapi::Object;
use poem_openapi::types::ToJSON;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use uuid::Uuid;

/// The plan somebody is on; every part may be unknown.
#[derive(Object)]
#[oai(rename = "CurrentPlan", skip_serializing_if_is_none)]
pub struct PlanOnNow {
    /// A plan of the catalog.
    plan_id: Option<Uuid>,
    #[oai(validator(max_length = 255))]
    supplier_name: Option<String>,
    #[oai(validator(max_length = 255))]
    plan_name: Option<String>,
    /// All-in cents per kWh.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000")))]
    current_rate: Option<f64>,
    /// Currency per month.
    #[oai(validator(minimum(value = "0"), maximum(value = "10000")))]
    monthly_fee: Option<f64>,
    /// A short form (`fixed`, `tiered`, `time_of_use`, `variable`) or a full `tariff`.
    rate_structure: Option<RateValue>,
    contract_start_date: Option<DateValue>,
    /// The last day of the contract.
    contract_end_date: Option<DateValue>,
    /// Currency, once.
    #[oai(validator(minimum(value = "0"), maximum(value = "100000")))]
    early_termination_fee: Option<f64>,
    /// Currency per year.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000")))]
    annual_cost: Option<f64>,
    /// When it was saved.
    #[oai(read_only)]
    updated_at: Option<TimeValue>,
}

/// Checked against the schema of a [`RateStructure`] when it comes in, made one later.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct RateValue(Value);
described!(RateValue);

impl JsonSchema for RateValue {
    fn schema_name() -> Cow<'static, str> {
        RateStructure::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        RateStructure::json_schema(generator)
    }
}

impl ToJSON for RateValue {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.clone())
    }
}

impl PlanOnNow {
    pub fn of((plan, updated_at): (CurrentPlan, Timestamp)) -> Self {
        PlanOnNow {
            plan_id: plan.plan_id,
            supplier_name: plan.supplier_name,
            plan_name: plan.plan_name,
            current_rate: plan.current_rate.map(|rate| rate.0.cents()),
            monthly_fee: plan.monthly_fee.map(Price::currency),
            rate_structure: plan.rate_structure.and_then(|rate| serde_json::to_value(rate).ok()).map(RateValue),
            contract_start_date: plan.contract_start_date.map(DateValue),
            contract_end_date: plan.contract_end_date.map(DateValue),
            early_termination_fee: plan.early_termination_fee.map(Price::currency),
            annual_cost: plan.annual_cost.map(Money::currency),
            updated_at: Some(TimeValue(updated_at)),
        }
    }
}

/// What a schema cannot say is checked here, every fault by its path.
impl TryFrom<PlanOnNow> for CurrentPlan {
    type Error = Error;

    fn try_from(stated: PlanOnNow) -> Result<Self, Error> {
        let mut faults = Vec::new();
        let plan = CurrentPlan {
            plan_id: stated.plan_id,
            plan_name: text("plan_name", stated.plan_name, &mut faults),
            supplier_name: text("supplier_name", stated.supplier_name, &mut faults),
            current_rate: exact("current_rate", stated.current_rate, Price::from_cents, &mut faults).map(Cents),
            monthly_fee: exact("monthly_fee", stated.monthly_fee, Price::from_currency, &mut faults),
            rate_structure: stated.rate_structure.and_then(|rate| rate_structure(rate.0, &mut faults)),
            contract_start_date: stated.contract_start_date.map(|date| date.0),
            contract_end_date: stated.contract_end_date.map(|date| date.0),
            early_termination_fee: exact(
                "early_termination_fee",
                stated.early_termination_fee,
                Price::from_currency,
                &mut faults,
            ),
            annual_cost: exact("annual_cost", stated.annual_cost, Money::from_currency, &mut faults),
        };
        if faults.is_empty() { Ok(plan) } else { Err(Error::Invalid(faults)) }
    }
}

/// The text without blanks around it, which must not be all of it.
fn text(field: &str, stated: Option<String>, faults: &mut Vec<FieldFault>) -> Option<String> {
    let trimmed = stated?.trim().to_owned();
    if trimmed.is_empty() || trimmed.chars().any(char::is_control) {
        faults.push(FieldFault::new(field, "must be a text of one line that is not blank", "blank"));
        return None;
    }
    Some(trimmed)
}

fn exact<T>(
    field: &str,
    stated: Option<f64>,
    of: fn(f64) -> Result<T, UnitError>,
    faults: &mut Vec<FieldFault>,
) -> Option<T> {
    of(stated?).map_err(|wrong| faults.push(FieldFault::new(field, wrong.to_string(), "number"))).ok()
}

/// A rate that means something, or every fault of it.
fn rate_structure(stated: Value, faults: &mut Vec<FieldFault>) -> Option<RateStructure> {
    let below = |fault: FieldFault| FieldFault { field: from_json::join("rate_structure", &fault.field), ..fault };
    match from_json::read::<RateStructure, _>(stated) {
        Ok(rate) => {
            let wrong = rate.faults().into_iter().map(|fault| FieldFault::new(fault.path, fault.message, "invalid"));
            faults.extend(wrong.map(below));
            Some(rate)
        }
        Err(misfit) => {
            faults.push(below(misplaced(misfit)));
            None
        }
    }
}
