//! Saved answers: the whole answer as it was given, and the plans it named.

use crate::store::db::filter::{Filter, Page, Paged};
use crate::store::db::value::{Row, Value};
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use jiff::Timestamp;
use uuid::Uuid;

/// An answer to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Recommendation {
    pub id: Uuid,
    /// None: asked without an account.
    pub user_id: Option<Uuid>,
    /// SHA-256 of the secret that lets somebody without an account read it.
    pub claim_hash: Option<[u8; 32]>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// SHA-256 of everything the answer depends on.
    pub input_hash: [u8; 32],
    pub catalog_revision: i64,
    pub algorithm_version: String,
    /// JSON text, returned as it was stored.
    pub answer: String,
    /// What it was made from, JSON text; None: not kept.
    pub input: Option<String>,
}

/// A plan as an answer ranked it.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedPlan {
    /// From 1.
    pub rank: u32,
    pub plan_id: Uuid,
    pub plan_name: String,
    pub supplier_name: String,
    pub annual_cost_cents: i64,
    /// 0..=100.
    pub composite_score: f64,
}

/// Which answers a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecommendationFilter {
    pub user_id: Option<Uuid>,
    pub created_from: Option<Timestamp>,
    /// Before this instant.
    pub created_to: Option<Timestamp>,
}

const COLUMNS: &str =
    "id, user_id, claim_hash, created_at, expires_at, input_hash, catalog_revision, algorithm_version, answer, input";

fn recommendation(row: &mut Row) -> Result<Recommendation, StoreError> {
    Ok(Recommendation {
        id: row.take()?,
        user_id: row.take()?,
        claim_hash: row.take()?,
        created_at: row.take()?,
        expires_at: row.take()?,
        input_hash: row.take()?,
        catalog_revision: row.take()?,
        algorithm_version: row.take()?,
        answer: row.take()?,
        input: row.take()?,
    })
}

pub fn create(tx: &mut Tx<'_>, new: &Recommendation, plans: &[RankedPlan]) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO recommendations ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
    let values: [Value; 10] = [
        new.id.into(),
        new.user_id.into(),
        new.claim_hash.into(),
        new.created_at.into(),
        new.expires_at.into(),
        new.input_hash.into(),
        new.catalog_revision.into(),
        (&new.algorithm_version).into(),
        (&new.answer).into(),
        new.input.clone().into(),
    ];
    tx.execute_one(&sql, &values)?;
    let rows: Vec<Vec<Value>> = plans
        .iter()
        .map(|plan| {
            vec![
                new.id.into(),
                plan.rank.into(),
                plan.plan_id.into(),
                (&plan.plan_name).into(),
                (&plan.supplier_name).into(),
                plan.annual_cost_cents.into(),
                plan.composite_score.into(),
            ]
        })
        .collect();
    tx.insert_all(
        "recommendation_plans (recommendation_id, rank, plan_id, plan_name, supplier_name, annual_cost_cents, \
         composite_score)",
        &rows,
        "",
    )?;
    Ok(())
}

pub fn by_id(conn: &mut Conn<'_>, id: Uuid) -> Result<Option<Recommendation>, StoreError> {
    conn.find(&format!("SELECT {COLUMNS} FROM recommendations WHERE id = $1"), &[id.into()], recommendation)
}

/// The user's newest answer to exactly this question that is still good.
pub fn by_input(
    conn: &mut Conn<'_>,
    user_id: Uuid,
    input_hash: [u8; 32],
    now: Timestamp,
) -> Result<Option<Recommendation>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM recommendations WHERE user_id = $1 AND input_hash = $2 AND expires_at > $3 \
         ORDER BY created_at DESC, id LIMIT 1"
    );
    conn.find(&sql, &[user_id.into(), input_hash.into(), now.into()], recommendation)
}

/// Newest first.
pub fn list(
    conn: &mut Conn<'_>,
    wanted: &RecommendationFilter,
    page: Page,
) -> Result<Paged<Recommendation>, StoreError> {
    let mut filter = Filter::default();
    filter.and_some("user_id = ?", wanted.user_id);
    filter.and_some("created_at >= ?", wanted.created_from);
    filter.and_some("created_at < ?", wanted.created_to);
    filter.page(conn, (COLUMNS, "recommendations", "created_at DESC, id"), page, recommendation)
}

/// By rank.
pub fn plans(conn: &mut Conn<'_>, id: Uuid) -> Result<Vec<RankedPlan>, StoreError> {
    let sql = "SELECT rank, plan_id, plan_name, supplier_name, annual_cost_cents, composite_score \
               FROM recommendation_plans WHERE recommendation_id = $1 ORDER BY rank";
    conn.query(sql, &[id.into()], |row: &mut Row| {
        Ok(RankedPlan {
            rank: row.take()?,
            plan_id: row.take()?,
            plan_name: row.take()?,
            supplier_name: row.take()?,
            annual_cost_cents: row.take()?,
            composite_score: row.take()?,
        })
    })
}

pub fn delete(tx: &mut Tx<'_>, id: Uuid) -> Result<(), StoreError> {
    tx.execute_one("DELETE FROM recommendations WHERE id = $1", &[id.into()])
}

/// Removes answers that expired before `before`; returns how many.
pub fn sweep(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM recommendations WHERE expires_at < $1", &[before.into()])
}
