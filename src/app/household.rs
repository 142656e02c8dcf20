//! What a user keeps for recommendations: the weights of what matters, and the plan they are on.

use crate::app::error::Error;
use crate::app::version::{Expected, Version};
use crate::app::{App, Result};
use crate::domain::advice::{CurrentPlan, Priorities};
use crate::domain::tariff::Cents;
use crate::domain::units::{Money, Price};
use crate::store::db::Tx;
use crate::store::error::StoreError;
use crate::store::{current_plans, preferences};
use jiff::Timestamp;
use uuid::Uuid;

/// The weights in force for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavedPriorities {
    pub priorities: Priorities,
    /// `None`: never saved, these are the defaults.
    pub updated_at: Option<Timestamp>,
}

impl App {
    pub async fn priorities(&self, user_id: Uuid) -> Result<SavedPriorities> {
        Ok(priorities_of(self.store.read(move |conn| preferences::of_user(conn, user_id)).await?))
    }

    /// Saves cost, flexibility, renewable and rating, in this order, in place of what is `expected`.
    pub async fn save_priorities(
        &self,
        user_id: Uuid,
        percent: [u8; 4],
        expected: Expected,
    ) -> Result<SavedPriorities> {
        let [cost, flexibility, renewable, rating] = percent;
        Priorities::new(cost, flexibility, renewable, rating)
            .map_err(|wrong| Error::Rule(format!("The priorities sum to {}. They must sum to 100.", wrong.sum)))?;
        let updated_at = self.now();
        let row = preferences::Preferences { cost, flexibility, renewable, rating, updated_at };
        self.store
            .write(move |tx| {
                expected.hold(tx, user_id)?;
                let present = priorities_of(preferences::of_user(tx, user_id)?);
                expected.check(Some(&Version::of(&present)))?;
                preferences::save(tx, user_id, &row)?;
                // As the database keeps it, so that its version is that of the next read.
                Ok(priorities_of(preferences::of_user(tx, user_id)?))
            })
            .await
    }

    /// The plan the user said they are on, and since when we know.
    pub async fn current_plan(&self, user_id: Uuid) -> Result<Option<(CurrentPlan, Timestamp)>> {
        let saved = self.store.read(move |conn| current_plans::of_user(conn, user_id)).await?;
        Ok(saved.map(|(plan, updated_at)| (of_row(plan), updated_at)))
    }

    /// Saves the plan in place of what is `expected`.
    pub async fn save_current_plan(
        &self,
        user_id: Uuid,
        plan: CurrentPlan,
        expected: Expected,
    ) -> Result<(CurrentPlan, Timestamp)> {
        if let (Some(start), Some(end)) = (plan.contract_start_date, plan.contract_end_date)
            && end < start
        {
            return Err(Error::field("contract_end_date", "must not lie before contract_start_date", "order"));
        }
        let (now, row) = (self.now(), to_row(plan)?);
        let saved = move |tx: &mut Tx<'_>| -> Result<_> {
            let found = current_plans::of_user(tx, user_id)?;
            Ok(found.map(|(plan, updated_at)| (of_row(plan), updated_at)))
        };
        self.store
            .write(move |tx| {
                expected.hold(tx, user_id)?;
                expected.check(saved(tx)?.as_ref().map(Version::of).as_ref())?;
                current_plans::save(tx, user_id, &row, now)?;
                saved(tx)?.ok_or_else(|| Error::from(StoreError::NotFound))
            })
            .await
    }

    /// Deleting what is not there is done, too.
    pub async fn delete_current_plan(&self, user_id: Uuid) -> Result<()> {
        self.store.write(move |tx| current_plans::delete(tx, user_id)).await?;
        Ok(())
    }
}

fn priorities_of(saved: Option<preferences::Preferences>) -> SavedPriorities {
    let Some(saved) = saved else {
        return SavedPriorities { priorities: Priorities::default(), updated_at: None };
    };
    let preferences::Preferences { cost, flexibility, renewable, rating, updated_at } = saved;
    SavedPriorities { priorities: Priorities { cost, flexibility, renewable, rating }, updated_at: Some(updated_at) }
}

fn of_row(row: current_plans::CurrentPlan) -> CurrentPlan {
    CurrentPlan {
        plan_id: row.plan_id,
        plan_name: row.plan_name,
        supplier_name: row.supplier_name,
        current_rate: row.rate.map(Cents),
        monthly_fee: row.monthly_fee,
        rate_structure: row.rate_structure,
        contract_start_date: row.contract_start,
        contract_end_date: row.contract_end,
        early_termination_fee: row.early_termination_fee,
        annual_cost: row.annual_cost.map(Price::once),
    }
}

fn to_row(plan: CurrentPlan) -> Result<current_plans::CurrentPlan> {
    let yearly = |money: Money| Price::from_currency(money.currency());
    let annual_cost = plan.annual_cost.map(yearly).transpose();
    Ok(current_plans::CurrentPlan {
        plan_id: plan.plan_id,
        supplier_name: plan.supplier_name,
        plan_name: plan.plan_name,
        rate: plan.current_rate.map(|cents| cents.0),
        monthly_fee: plan.monthly_fee,
        rate_structure: plan.rate_structure,
        contract_start: plan.contract_start_date,
        contract_end: plan.contract_end_date,
        early_termination_fee: plan.early_termination_fee,
        annual_cost: annual_cost.map_err(|wrong| Error::field("annual_cost", wrong.to_string(), "number"))?,
    })
}
