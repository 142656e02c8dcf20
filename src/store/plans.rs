//! Plans of the catalog, one by one. Whole catalogs are `catalog`'s.

use crate::domain::catalog::{Plan, PlanKind};
use crate::store::catalog::import::Put;
use crate::store::db::filter::{Filter, Page, Paged};
use crate::store::db::value::{Row, Value, json_text};
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use crate::store::{catalog, suppliers};
use jiff::Timestamp;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq)]
pub struct StoredPlan {
    pub id: Uuid,
    pub market_id: String,
    pub supplier_id: Uuid,
    pub plan: Plan,
    /// Raised by every change.
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlanFilter {
    pub market_id: Option<String>,
    pub supplier_id: Option<Uuid>,
    pub kind: Option<PlanKind>,
    /// 0..=100.
    pub min_renewable: Option<f64>,
    pub max_term_months: Option<u32>,
    pub active: Option<bool>,
    /// Deleted ones too.
    pub deleted: bool,
    /// A part of the name.
    pub text: Option<String>,
}

const COLUMNS: &str = "id, market_id, supplier_id, doc, version, created_at, updated_at, deleted_at";

/// Table and columns of [`row`].
pub const TARGET: &str = "plan_catalog (id, market_id, key, supplier_id, name, kind, term_months, renewable_percentage, \
                          active, position, doc, version, created_at, updated_at)";
pub const ON_CONFLICT: &str = "ON CONFLICT (id) DO UPDATE SET key = excluded.key, supplier_id = excluded.supplier_id, \
    name = excluded.name, kind = excluded.kind, term_months = excluded.term_months, \
    renewable_percentage = excluded.renewable_percentage, active = excluded.active, position = excluded.position, \
    doc = excluded.doc, version = plan_catalog.version + 1, updated_at = excluded.updated_at";

pub fn row(market_id: &str, put: &Put, plan: &Plan, supplier_id: Uuid, now: Timestamp) -> Vec<Value> {
    vec![
        put.id.into(),
        market_id.into(),
        (&plan.key).into(),
        supplier_id.into(),
        (&plan.name).into(),
        plan.kind.as_str().into(),
        plan.term_months.into(),
        plan.renewable.percent().into(),
        plan.active.into(),
        put.position.into(),
        (&put.doc).into(),
        1_i64.into(),
        now.into(),
        now.into(),
    ]
}

fn stored(row: &mut Row) -> Result<StoredPlan, StoreError> {
    Ok(StoredPlan {
        id: row.take()?,
        market_id: row.take()?,
        supplier_id: row.take()?,
        plan: row.take_json()?,
        version: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
        deleted_at: row.take()?,
    })
}

/// Also one that is inactive or deleted.
pub fn by_id(conn: &mut Conn<'_>, id: Uuid) -> Result<Option<StoredPlan>, StoreError> {
    conn.find(&format!("SELECT {COLUMNS} FROM plan_catalog WHERE id = $1"), &[id.into()], stored)
}

/// By name.
pub fn list(conn: &mut Conn<'_>, wanted: &PlanFilter, page: Page) -> Result<Paged<StoredPlan>, StoreError> {
    let mut filter = Filter::default();
    filter.and_some("market_id = ?", wanted.market_id.as_deref());
    filter.and_some("supplier_id = ?", wanted.supplier_id);
    filter.and_some("kind = ?", wanted.kind.map(PlanKind::as_str));
    filter.and_some("renewable_percentage >= ?", wanted.min_renewable);
    filter.and_some("term_months <= ?", wanted.max_term_months);
    filter.and_some("active = ?", wanted.active);
    if !wanted.deleted {
        filter.and_always("deleted_at IS NULL");
    }
    filter.and_contains(&["name"], wanted.text.as_deref());
    filter.page(conn, (COLUMNS, "plan_catalog", "name, id"), page, stored)
}

/// Adds a plan at the end of its market; its document states its id. An unknown supplier is dangling.
pub fn create(
    tx: &mut Tx<'_>,
    market_id: &str,
    id: Uuid,
    plan: &Plan,
    now: Timestamp,
) -> Result<StoredPlan, StoreError> {
    let plan = Plan { id: Some(id), ..plan.clone() };
    let supplier_id = supplier_of(tx, market_id, &plan)?;
    let sql = "SELECT coalesce(max(position) + 1, 0) FROM plan_catalog WHERE market_id = $1";
    let position = tx.one(sql, &[market_id.into()], Row::take)?;
    let put = Put::new(id, position, json_text(&plan)?);
    tx.insert_all(TARGET, &[row(market_id, &put, &plan, supplier_id, now)], "")?;
    catalog::bump(tx, now)?;
    by_id(tx, id)?.ok_or(StoreError::NotFound)
}

/// Replaces a plan, if its version is still `version` (none: whatever it is); a stale one is a conflict on
/// [`catalog::STALE`].
pub fn update(
    tx: &mut Tx<'_>,
    id: Uuid,
    plan: &Plan,
    version: Option<i64>,
    now: Timestamp,
) -> Result<StoredPlan, StoreError> {
    let market_id = by_id(tx, id)?.ok_or(StoreError::NotFound)?.market_id;
    let plan = Plan { id: Some(id), ..plan.clone() };
    let supplier_id = supplier_of(tx, &market_id, &plan)?;
    let values: [Value; 10] = [
        id.into(),
        (&plan.key).into(),
        supplier_id.into(),
        (&plan.name).into(),
        plan.kind.as_str().into(),
        plan.term_months.into(),
        plan.renewable.percent().into(),
        plan.active.into(),
        json_text(&plan)?.into(),
        now.into(),
    ];
    let change = "key = $2, supplier_id = $3, name = $4, kind = $5, term_months = $6, renewable_percentage = $7, \
                  active = $8, doc = $9, updated_at = $10";
    catalog::change_row(tx, ("plan_catalog", change), &values, version)?;
    catalog::bump(tx, now)?;
    by_id(tx, id)?.ok_or(StoreError::NotFound)
}

/// Marks a plan deleted, or restores it.
pub fn set_deleted(
    tx: &mut Tx<'_>,
    id: Uuid,
    deleted: bool,
    version: Option<i64>,
    now: Timestamp,
) -> Result<StoredPlan, StoreError> {
    let values: [Value; 3] = [id.into(), deleted.then_some(now).into(), now.into()];
    catalog::change_row(tx, ("plan_catalog", "deleted_at = $2, updated_at = $3"), &values, version)?;
    catalog::bump(tx, now)?;
    by_id(tx, id)?.ok_or(StoreError::NotFound)
}

fn supplier_of(conn: &mut Conn<'_>, market_id: &str, plan: &Plan) -> Result<Uuid, StoreError> {
    suppliers::ids_by_key(conn, market_id)?.get(&plan.supplier).copied().ok_or(StoreError::Dangling)
}
