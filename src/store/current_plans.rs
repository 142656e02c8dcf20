//! The plan a user is on now, from the catalog or in the user's own words.

use crate::domain::tariff::RateStructure;
use crate::domain::units::Price;
use crate::store::db::value::{FromValue, Row, Value, json_text};
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

/// The constraint that is violated when a contract ends before it starts.
pub const CONTRACT_DATES: &str = "current_plans_contract";

/// Every part may be unknown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CurrentPlan {
    pub plan_id: Option<Uuid>,
    pub supplier_name: Option<String>,
    pub plan_name: Option<String>,
    /// Currency per kWh.
    pub rate: Option<Price>,
    /// Currency per month.
    pub monthly_fee: Option<Price>,
    pub rate_structure: Option<RateStructure>,
    pub contract_start: Option<Date>,
    pub contract_end: Option<Date>,
    /// Currency, once.
    pub early_termination_fee: Option<Price>,
    /// Currency per year.
    pub annual_cost: Option<Price>,
}

pub fn save(tx: &mut Tx<'_>, user_id: Uuid, plan: &CurrentPlan, now: Timestamp) -> Result<(), StoreError> {
    let rate_structure = plan.rate_structure.as_ref().map(json_text).transpose()?;
    tx.execute_one(
        "INSERT INTO current_plans (user_id, plan_id, supplier_name, plan_name, rate_per_kwh, monthly_fee, rate_structure, \
         contract_start, contract_end, early_termination_fee, annual_cost, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (user_id) DO UPDATE SET \
         plan_id = excluded.plan_id, supplier_name = excluded.supplier_name, plan_name = excluded.plan_name, \
         rate_per_kwh = excluded.rate_per_kwh, monthly_fee = excluded.monthly_fee, \
         rate_structure = excluded.rate_structure, contract_start = excluded.contract_start, \
         contract_end = excluded.contract_end, early_termination_fee = excluded.early_termination_fee, \
         annual_cost = excluded.annual_cost, updated_at = excluded.updated_at",
        &[
            user_id.into(),
            plan.plan_id.into(),
            plan.supplier_name.as_deref().into(),
            plan.plan_name.as_deref().into(),
            plan.rate.into(),
            plan.monthly_fee.into(),
            rate_structure.into(),
            plan.contract_start.into(),
            plan.contract_end.into(),
            plan.early_termination_fee.into(),
            plan.annual_cost.into(),
            now.into(),
        ],
    )
}

/// The plan and when it was last changed.
pub fn of_user(conn: &mut Conn<'_>, user_id: Uuid) -> Result<Option<(CurrentPlan, Timestamp)>, StoreError> {
    let sql = "SELECT plan_id, supplier_name, plan_name, rate_per_kwh, monthly_fee, rate_structure, contract_start, \
               contract_end, early_termination_fee, annual_cost, updated_at FROM current_plans WHERE user_id = $1";
    conn.find(sql, &[user_id.into()], |row: &mut Row| {
        let plan = CurrentPlan {
            plan_id: row.take()?,
            supplier_name: row.take()?,
            plan_name: row.take()?,
            rate: row.take()?,
            monthly_fee: row.take()?,
            rate_structure: row.take_optional_json()?,
            contract_start: row.take()?,
            contract_end: row.take()?,
            early_termination_fee: row.take()?,
            annual_cost: row.take()?,
        };
        Ok((plan, row.take()?))
    })
}

/// Whether there was one.
pub fn delete(tx: &mut Tx<'_>, user_id: Uuid) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM current_plans WHERE user_id = $1", &[user_id.into()])? > 0)
}

/// Prices are kept in 1e-9 of the currency.
impl FromValue for Price {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        i64::from_value(value).map(Price::from_nanos)
    }
}

impl From<Price> for Value {
    fn from(value: Price) -> Self {
        Value::Int(value.nanos())
    }
}
