//! Loading what an account holds, and reading kept recommendations back.

use super::household::Held;
use super::kept::{Asker, Deleted};
use crate::app::audit::{Act, note};
use crate::app::catalog::{PageRequest, no_such};
use crate::app::error::Error;
use crate::app::outlook::Home;
use crate::app::sessions::Caller;
use crate::app::usage::held_usage;
use crate::app::{self, App};
use crate::domain::advice::{CurrentPlan, Priorities};
use crate::domain::tariff::Cents;
use crate::store::db::filter::Page;
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use crate::store::recommendations::{Recommendation, RecommendationFilter};
use crate::store::{current_plans, preferences, recommendations, users};
use jiff::tz::TimeZone;
use serde_json::json;
use uuid::Uuid;

/// How many `GET /user/{id}` answers.
const NEWEST: u32 = 10;

impl App {
    /// What the account holds, read in one transaction; its usage only where that is needed.
    pub(in crate::app) async fn held(&self, user: Uuid, with_usage: bool) -> Result<Held, Error> {
        let snapshot = self.catalog.snapshot();
        let zone_at = move |zip: &str| -> TimeZone { Home::at(&snapshot, Some(zip)).zone };
        let load = move |conn: &mut Conn<'_>| -> Result<_, StoreError> {
            let Some(account) = users::by_id(conn, user)? else { return Ok(None) };
            let zone = zone_at(&account.zip_code);
            let usage = if with_usage { held_usage(conn, user, &zone)? } else { None };
            Ok(Some(Held {
                usage,
                priorities: preferences::of_user(conn, user)?.as_ref().map(priorities),
                current_plan: current_plans::of_user(conn, user)?.map(|(plan, _)| current_plan(plan)),
                property_type: account.property_type,
                zip_code: Some(account.zip_code),
            }))
        };
        let held = self.store.read(load).await?;
        held.ok_or_else(|| Error::Unauthenticated("The account no longer exists. Sign in again.".to_owned()))
    }

    /// What is kept. That an administrator reads another's is noted before it leaves.
    pub(super) async fn kept(&self, id: Uuid, asker: Asker) -> Result<Recommendation, Error> {
        let found = self.store.read(move |conn| recommendations::by_id(conn, id)).await?;
        let kept = found.filter(|kept| asker.may_have(kept)).ok_or_else(|| no_such("recommendation"))?;
        if let Some(staff) = asker.staff_at(kept.user_id) {
            self.note_read(staff, kept.user_id, json!({ "read": "recommendation", "id": id })).await?;
        }
        Ok(kept)
    }

    /// The kept bytes.
    pub async fn recommendation(&self, id: Uuid, asker: Asker) -> Result<Vec<u8>, Error> {
        Ok(self.kept(id, asker).await?.answer.into_bytes())
    }

    /// One page of a user's own, newest first, and how many pages there are.
    pub async fn recommendations_of(&self, user: Uuid, page: PageRequest) -> Result<(Vec<u8>, u32), Error> {
        let asked: Page = page.into();
        let own = RecommendationFilter { user_id: Some(user), ..RecommendationFilter::default() };
        let found = self.store.read(move |conn| recommendations::list(conn, &own, asked)).await?;
        let answers: Vec<String> = found.items.into_iter().map(|kept| kept.answer).collect();
        let around = crate::app::catalog::Page::of(page, found.total as usize, Vec::<()>::new());
        let around_json = String::from_utf8_lossy(&app::json(&around)?).into_owned();
        // The kept documents go in as they are: they are never parsed again.
        let filled = around_json.replacen("\"items\":[]", &format!("\"items\":[{}]", answers.join(",")), 1);
        Ok((filled.into_bytes(), around.total_pages))
    }

    /// The newest ten of a user.
    pub async fn newest_recommendations(&self, user: Uuid, caller: Caller) -> Result<Vec<u8>, Error> {
        if user != caller.user_id && !caller.is_admin {
            return Err(no_such("user"));
        }
        if user != caller.user_id {
            self.note_read(caller.user_id, Some(user), json!({ "read": "recommendations" })).await?;
        }
        let newest = Page { limit: NEWEST, offset: 0 };
        let own = RecommendationFilter { user_id: Some(user), ..RecommendationFilter::default() };
        let found = self.store.read(move |conn| recommendations::list(conn, &own, newest)).await?;
        let answers: Vec<String> = found.items.into_iter().map(|kept| kept.answer).collect();
        Ok(format!("[{}]", answers.join(",")).into_bytes())
    }

    pub async fn delete_recommendation(&self, id: Uuid, asker: Asker) -> Result<Vec<u8>, Error> {
        let now = self.now();
        let delete = move |tx: &mut Tx<'_>| -> Result<bool, StoreError> {
            let Some(kept) = recommendations::by_id(tx, id)?.filter(|kept| asker.may_have(kept)) else {
                return Ok(false);
            };
            if let Some(staff) = asker.staff_at(kept.user_id) {
                let before = json!({ "id": id, "created_at": kept.created_at });
                let detail = json!({ "act": "recommendation_deleted", "before": before, "after": null });
                note(tx, "authz_admin", Act { actor: Some(staff), subject: kept.user_id, detail }, now)?;
            }
            recommendations::delete(tx, id)?;
            Ok(true)
        };
        let deleted = self.store.write(delete).await?;
        if deleted { app::json(&Deleted::default()) } else { Err(no_such("recommendation")) }
    }
}

fn priorities(held: &preferences::Preferences) -> Priorities {
    Priorities { cost: held.cost, flexibility: held.flexibility, renewable: held.renewable, rating: held.rating }
}

fn current_plan(held: current_plans::CurrentPlan) -> CurrentPlan {
    CurrentPlan {
        plan_id: held.plan_id,
        plan_name: held.plan_name,
        supplier_name: held.supplier_name,
        current_rate: held.rate.map(Cents),
        monthly_fee: held.monthly_fee,
        rate_structure: held.rate_structure,
        contract_start_date: held.contract_start,
        contract_end_date: held.contract_end,
        early_termination_fee: held.early_termination_fee,
        annual_cost: held.annual_cost.map(crate::domain::units::Price::once),
    }
}
