//! Advice for one household: what it stated, completed by what its account holds; computed, kept, read back.

mod household;
mod input;
mod kept;
mod rankings;
mod reading;
mod report;
mod what_if;

pub use household::{Asked, Held, Household};
pub use kept::{Asker, Deleted, Generated};
pub use rankings::Rankings;

use crate::app::error::Error;
use crate::app::once::Once;
use crate::app::outlook::{self, Home};
use crate::app::{App, Result, json, tokens};
use crate::domain::advice::{self, Recommendation};
use crate::domain::market::Snapshot;
use crate::store::recommendations::{self as kept_rows, RankedPlan};
use input::KeptInput;
use jiff::Timestamp;
use rankings::Key;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

/// A recommendation made, and whether its ranking was there already.
pub struct Made {
    pub answer: Vec<u8>,
    pub reused: bool,
}

impl App {
    /// Computes advice, keeps it, and answers the very bytes that are kept. A ranking of the same input is taken again
    /// unless a `fresh` one is wanted; the recommendation has an id and a row of its own either way. Without an account
    /// nothing is kept of what was stated, and the answer carries a token for reading it again.
    pub async fn generate(&self, user: Option<Uuid>, asked: Asked, once: Once, fresh: bool) -> Result<Made> {
        let usage_from_account = asked.usage.is_none();
        let held = match user {
            Some(user) => self.held(user, usage_from_account).await?,
            None => Held::default(),
        };
        let household = Household::of(asked, held)?;
        let input = match user {
            Some(_) => Some(KeptInput::of(&household, usage_from_account).text()?),
            None => None,
        };
        let claim = match user {
            Some(_) => None,
            None => Some(tokens::new_opaque().map_err(|error| Error::Internal(format!("no randomness: {error}")))?),
        };
        let (snapshot, now) = (self.catalog.snapshot(), self.now());
        let id = Uuid::now_v7();
        let (wanted, priorities) = (household.options.explanations, household.priorities);
        let input_hash = household.hash();
        let today = Home::at(&snapshot, Some(&household.zip_code)).today(now);
        let key = Key::of(&household, snapshot.revision, today);
        let kept = if fresh { None } else { self.rankings.find(key) };
        let reused = kept.is_some();
        let ranking = match kept {
            Some(kept) => kept,
            None => {
                let market = snapshot.clone();
                Arc::new(self.workbench.run(move || advise(&market, household, now)).await?)
            }
        };
        let mut advice = Recommendation::clone(&ranking);
        self.word(&mut advice, wanted, priorities, &snapshot).await;
        let generated = Generated::new(id, now, &advice);
        let (kept_body, plans) = (json(&generated)?, plan_rows(&advice));
        if !reused {
            self.rankings.keep(key, ranking, kept_body.len());
        }
        let body = match claim.as_deref() {
            Some(token) => json(&Generated { claim_token: Some(token), ..generated })?,
            None => kept_body.clone(),
        };
        let kept = kept_rows::Recommendation {
            id,
            user_id: user,
            claim_hash: claim.as_deref().map(tokens::hash_of),
            created_at: now,
            expires_at: kept::expires_at(now),
            input_hash,
            catalog_revision: snapshot.revision,
            algorithm_version: advice.algorithm_version,
            answer: String::from_utf8(kept_body).map_err(|_| Error::Internal("JSON is not UTF-8".to_owned()))?,
            input,
        };
        self.store
            .write(move |tx| {
                kept_rows::create(tx, &kept, &plans)?;
                once.keep(tx, kept.answer.as_bytes())
            })
            .await?;
        Ok(Made { answer: body, reused })
    }
}

/// The advice itself. Everything random in it follows from the household's own data: the same input gives the same
/// answer.
pub fn advise(snapshot: &Snapshot, household: Household, now: Timestamp) -> Result<Recommendation> {
    let request = request(snapshot, household, now)?;
    advice::recommend(snapshot, &request).map_err(|error| Error::Rule(format!("{error}.")))
}

/// What advice is asked for, on the day of `now`.
fn request(snapshot: &Snapshot, household: Household, now: Timestamp) -> Result<advice::Request> {
    let home = Home::at(snapshot, Some(&household.zip_code));
    let outlook = outlook::of(&home, household.property_type, &household.usage, now)?;
    Ok(advice::Request {
        as_of: outlook.as_of,
        place: advice::Location::Zip(household.zip_code),
        property_type: household.property_type,
        profile: outlook.user_profile(),
        projection: outlook.projection,
        priorities: household.priorities,
        current_plan: household.current_plan,
        options: household.options,
        include_risks: household.include_risks,
    })
}

fn plan_rows(advice: &Recommendation) -> Vec<RankedPlan> {
    let rows = advice.top_plans.iter().map(|plan| RankedPlan {
        rank: plan.rank,
        plan_id: plan.plan_id,
        plan_name: plan.plan_name.clone(),
        supplier_name: plan.supplier_name.clone(),
        annual_cost_cents: (plan.projected_annual_cost * 100.0).round() as i64,
        composite_score: plan.scores.composite_score,
    });
    rows.collect()
}

impl Household {
    /// Of everything the advice depends on, apart from the catalog and the day.
    fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(format!("{:?}", (&self.zip_code, self.property_type, self.priorities, &self.current_plan)));
        hash.update(format!("{:?}", (&self.options, self.include_risks)));
        for month in self.usage.monthly() {
            hash.update(format!("{}={}", month.month, month.energy.mwh_thousandths()));
        }
        hash.finalize().into()
    }
}
