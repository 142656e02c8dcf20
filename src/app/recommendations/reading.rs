//! Loading what an account holds, and reading kept recommendations back.

use super::household::Held;
use super::kept::Deleted;
use crate::app::audit::Act;
use crate::app::catalog::{PageRequest, no_such};
use crate::app::error::Error;
use crate::app::outlook::Home;
use crate::app::usage::held_usage;
use crate::app::{App, json, tokens};
use crate::domain::advice::{CurrentPlan, Priorities};
use crate::domain::tariff::Cents;
use crate::store::db::filter::Page;
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use crate::store::recommendations::{Recommendation, RecommendationFilter};
use crate::store::{current_plans, preferences, recommendations, users};
use jiff::tz::TimeZone;
use serde_json::json as value;
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

    /// What is kept. Another user's recommendation is as good as none; that an administrator reads it is noted first.
    pub(super) async fn kept(&self, id: Uuid, caller: Uuid, is_admin: bool) -> Result<Recommendation, Error> {
        let found = self.store.read(move |conn| recommendations::by_id(conn, id)).await?;
        let readable = found.filter(|kept| is_admin || kept.user_id == Some(caller));
        let kept = readable.ok_or_else(|| no_such("recommendation"))?;
        if kept.user_id != Some(caller) {
            self.note_read(caller, kept.user_id, value!({ "read": "recommendation", "id": id })).await?;
        }
        Ok(kept)
    }

    /// The kept bytes.
    pub async fn recommendation(&self, id: Uuid, caller: Uuid, is_admin: bool) -> Result<Vec<u8>, Error> {
        Ok(self.kept(id, caller, is_admin).await?.answer.into_bytes())
    }

    /// The kept bytes, for who holds the token of a recommendation made without an account.
    pub async fn claimed_recommendation(&self, id: Uuid, claim: &str) -> Result<Vec<u8>, Error> {
        let hash = tokens::hash_of(claim);
        let found = self.store.read(move |conn| recommendations::by_id(conn, id)).await?;
        let kept = found.filter(|kept| kept.claim_hash == Some(hash));
        Ok(kept.ok_or_else(|| no_such("recommendation"))?.answer.into_bytes())
    }

    /// Deletes it likewise.
    pub async fn delete_claimed(&self, id: Uuid, claim: &str) -> Result<Vec<u8>, Error> {
        let hash = tokens::hash_of(claim);
        self.delete_if(id, None, move |kept| kept.claim_hash == Some(hash)).await
    }

    /// One page of a user's own, newest first, and how many pages there are.
    pub async fn recommendations_of(&self, user: Uuid, page: PageRequest) -> Result<(Vec<u8>, u32), Error> {
        let asked: Page = page.into();
        let own = RecommendationFilter { user_id: Some(user), ..RecommendationFilter::default() };
        let found = self.store.read(move |conn| recommendations::list(conn, &own, asked)).await?;
        let answers: Vec<String> = found.items.into_iter().map(|kept| kept.answer).collect();
        let around = crate::app::catalog::Page::of(page, found.total as usize, Vec::<()>::new());
        let around_json = String::from_utf8_lossy(&json(&around)?).into_owned();
        // The kept documents go in as they are: they are never parsed again.
        let filled = around_json.replacen("\"items\":[]", &format!("\"items\":[{}]", answers.join(",")), 1);
        Ok((filled.into_bytes(), around.total_pages))
    }

    /// The newest ten of a user. That an administrator reads them is noted first.
    pub async fn newest_recommendations(&self, user: Uuid, caller: Uuid, is_admin: bool) -> Result<Vec<u8>, Error> {
        if user != caller && !is_admin {
            return Err(no_such("user"));
        }
        if user != caller {
            self.note_read(caller, Some(user), value!({ "read": "recommendations" })).await?;
        }
        let newest = Page { limit: NEWEST, offset: 0 };
        let own = RecommendationFilter { user_id: Some(user), ..RecommendationFilter::default() };
        let found = self.store.read(move |conn| recommendations::list(conn, &own, newest)).await?;
        let answers: Vec<String> = found.items.into_iter().map(|kept| kept.answer).collect();
        Ok(format!("[{}]", answers.join(",")).into_bytes())
    }

    pub async fn delete_recommendation(&self, id: Uuid, caller: Uuid, is_admin: bool) -> Result<Vec<u8>, Error> {
        self.delete_if(id, Some(caller), move |kept| is_admin || kept.user_id == Some(caller)).await
    }

    /// Deletes what the caller may; what an administrator deletes of another is noted with it.
    async fn delete_if(
        &self,
        id: Uuid,
        caller: Option<Uuid>,
        may: impl FnOnce(&recommendations::Recommendation) -> bool + Send + 'static,
    ) -> Result<Vec<u8>, Error> {
        let (now, seal) = (self.now(), self.seal());
        let delete = move |tx: &mut Tx<'_>| -> Result<bool, StoreError> {
            let Some(kept) = recommendations::by_id(tx, id)?.filter(may) else { return Ok(false) };
            if caller.is_some() && caller != kept.user_id {
                let before = value!({ "id": id, "created_at": kept.created_at });
                let detail = value!({ "act": "recommendation_deleted", "before": before, "after": null });
                seal.note(tx, "authz_admin", Act { actor: caller, subject: kept.user_id, detail }, now)?;
            }
            recommendations::delete(tx, id)?;
            Ok(true)
        };
        let deleted = self.store.write(delete).await?;
        if deleted { json(&Deleted::default()) } else { Err(no_such("recommendation")) }
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
