//! Retail suppliers, one by one. Whole catalogs are `catalog`'s.

use crate::domain::catalog::Supplier;
use crate::store::catalog;
use crate::store::catalog::import::Put;
use crate::store::db::filter::{Filter, Page, Paged};
use crate::store::db::value::{Row, Value, json_text};
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use jiff::Timestamp;
use std::collections::HashMap;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq)]
pub struct StoredSupplier {
    pub id: Uuid,
    pub market_id: String,
    pub supplier: Supplier,
    /// Raised by every change.
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
    /// Active plans.
    pub plans: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SupplierFilter {
    pub market_id: Option<String>,
    pub active: Option<bool>,
    /// Deleted ones too.
    pub deleted: bool,
    /// A part of the name.
    pub text: Option<String>,
}

const COLUMNS: &str = "id, market_id, doc, version, created_at, updated_at, deleted_at, (SELECT count(*) FROM plan_catalog \
                       WHERE supplier_id = suppliers.id AND plan_catalog.active AND plan_catalog.deleted_at IS NULL)";

/// Table and columns of [`row`].
pub const TARGET: &str = "suppliers (id, market_id, key, name, active, position, doc, version, created_at, updated_at)";
pub const ON_CONFLICT: &str = "ON CONFLICT (id) DO UPDATE SET key = excluded.key, name = excluded.name, \
    active = excluded.active, position = excluded.position, doc = excluded.doc, version = suppliers.version + 1, \
    updated_at = excluded.updated_at";

pub fn row(market_id: &str, put: &Put, supplier: &Supplier, now: Timestamp) -> Vec<Value> {
    vec![
        put.id.into(),
        market_id.into(),
        (&supplier.key).into(),
        (&supplier.name).into(),
        supplier.active.into(),
        put.position.into(),
        (&put.doc).into(),
        1_i64.into(),
        now.into(),
        now.into(),
    ]
}

fn stored(row: &mut Row) -> Result<StoredSupplier, StoreError> {
    Ok(StoredSupplier {
        id: row.take()?,
        market_id: row.take()?,
        supplier: row.take_json()?,
        version: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
        deleted_at: row.take()?,
        plans: row.take()?,
    })
}

pub fn by_id(conn: &mut Conn<'_>, id: Uuid) -> Result<Option<StoredSupplier>, StoreError> {
    conn.find(&format!("SELECT {COLUMNS} FROM suppliers WHERE id = $1"), &[id.into()], stored)
}

/// By name.
pub fn list(conn: &mut Conn<'_>, wanted: &SupplierFilter, page: Page) -> Result<Paged<StoredSupplier>, StoreError> {
    let mut filter = Filter::default();
    filter.and_some("market_id = ?", wanted.market_id.as_deref());
    filter.and_some("active = ?", wanted.active);
    if !wanted.deleted {
        filter.and_always("deleted_at IS NULL");
    }
    filter.and_contains(&["name"], wanted.text.as_deref());
    filter.page(conn, (COLUMNS, "suppliers", "name, id"), page, stored)
}

/// Ids of all suppliers of a market, deleted ones included.
pub fn ids_by_key(conn: &mut Conn<'_>, market_id: &str) -> Result<HashMap<String, Uuid>, StoreError> {
    let sql = "SELECT key, id FROM suppliers WHERE market_id = $1";
    Ok(conn.query(sql, &[market_id.into()], |row| Ok((row.take()?, row.take()?)))?.into_iter().collect())
}

/// Adds a supplier at the end of its market; its document states its id.
pub fn create(
    tx: &mut Tx<'_>,
    market_id: &str,
    id: Uuid,
    supplier: &Supplier,
    now: Timestamp,
) -> Result<StoredSupplier, StoreError> {
    let supplier = Supplier { id: Some(id), ..supplier.clone() };
    let sql = "SELECT coalesce(max(position) + 1, 0) FROM suppliers WHERE market_id = $1";
    let position = tx.one(sql, &[market_id.into()], Row::take)?;
    let put = Put::new(id, position, json_text(&supplier)?);
    tx.insert_all(TARGET, &[row(market_id, &put, &supplier, now)], "")?;
    catalog::bump(tx, now)?;
    by_id(tx, id)?.ok_or(StoreError::NotFound)
}

/// Replaces a supplier, if its version is still `version` (none: whatever it is); a stale one is a conflict on
/// [`catalog::STALE`].
pub fn update(
    tx: &mut Tx<'_>,
    id: Uuid,
    supplier: &Supplier,
    version: Option<i64>,
    now: Timestamp,
) -> Result<StoredSupplier, StoreError> {
    let supplier = Supplier { id: Some(id), ..supplier.clone() };
    let values: [Value; 6] = [
        id.into(),
        (&supplier.key).into(),
        (&supplier.name).into(),
        supplier.active.into(),
        json_text(&supplier)?.into(),
        now.into(),
    ];
    catalog::change_row(
        tx,
        ("suppliers", "key = $2, name = $3, active = $4, doc = $5, updated_at = $6"),
        &values,
        version,
    )?;
    catalog::bump(tx, now)?;
    by_id(tx, id)?.ok_or(StoreError::NotFound)
}

/// Marks a supplier deleted, or restores it. Its plans are not touched.
pub fn set_deleted(
    tx: &mut Tx<'_>,
    id: Uuid,
    deleted: bool,
    version: Option<i64>,
    now: Timestamp,
) -> Result<StoredSupplier, StoreError> {
    let values: [Value; 3] = [id.into(), deleted.then_some(now).into(), now.into()];
    catalog::change_row(tx, ("suppliers", "deleted_at = $2, updated_at = $3"), &values, version)?;
    catalog::bump(tx, now)?;
    by_id(tx, id)?.ok_or(StoreError::NotFound)
}
