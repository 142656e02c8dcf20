//! Suppliers and plans one by one: what both have in common. Whole catalogs are `import`'s.

use crate::store::catalog::import::Put;
use crate::store::catalog::{bump, change_row, lock};
use crate::store::db::filter::{Filter, Page, Paged};
use crate::store::db::value::{FromValue, Row, Value, json_text};
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use crate::store::suppliers;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::fmt::Debug;
use uuid::Uuid;

/// What a market's catalog consists of.
pub trait Item: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + 'static {
    /// As derived ids name it.
    const KIND: &'static str;
    const TABLE: &'static str;
    /// The columns of its own, beside those every item has.
    const OWN: &'static [&'static str];
    /// An expression for [`Stored::related`].
    const RELATED: &'static str;
    type Related: FromValue + Clone + Debug + PartialEq + Send + 'static;

    fn key(&self) -> &str;
    /// The id its document states.
    fn id(&self) -> Option<Uuid>;
    fn with_id(&self, id: Option<Uuid>) -> Self;
    /// The values of [`Item::OWN`]; `suppliers` has the ids of the market's suppliers by key.
    fn own(&self, suppliers: &HashMap<String, Uuid>) -> Result<Vec<Value>, StoreError>;

    /// The unique constraint of its key.
    fn key_constraint() -> String {
        format!("{}_market_id_key_key", Self::TABLE)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Stored<T: Item> {
    pub id: Uuid,
    pub market_id: String,
    pub item: T,
    /// Raised by every change.
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
    /// A plan's supplier; how many active plans a supplier has.
    pub related: T::Related,
}

fn stored<T: Item>(row: &mut Row) -> Result<Stored<T>, StoreError> {
    Ok(Stored {
        id: row.take()?,
        market_id: row.take()?,
        item: row.take_json()?,
        version: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
        deleted_at: row.take()?,
        related: row.take()?,
    })
}

fn columns<T: Item>() -> String {
    format!("id, market_id, doc, version, created_at, updated_at, deleted_at, {}", T::RELATED)
}

/// Table and columns of [`row`].
pub fn target<T: Item>() -> String {
    let own = T::OWN.join(", ");
    format!("{} (id, market_id, {own}, position, doc, version, created_at, updated_at)", T::TABLE)
}

/// What becomes of a row of [`target`] whose id is there already.
pub fn on_conflict<T: Item>() -> String {
    let changed = T::OWN.iter().chain(&["position", "doc", "updated_at"]);
    let changed: Vec<String> = changed.map(|column| format!("{column} = excluded.{column}")).collect();
    let table = T::TABLE;
    format!("ON CONFLICT (id) DO UPDATE SET {}, version = {table}.version + 1", changed.join(", "))
}

/// A row of [`target`]; `own` are the values of [`Item::OWN`].
pub fn row(market_id: &str, put: &Put, own: Vec<Value>, now: Timestamp) -> Vec<Value> {
    let mut values: Vec<Value> = vec![put.id.into(), market_id.into()];
    values.extend(own);
    values.extend([put.position.into(), (&put.doc).into(), 1_i64.into(), now.into(), now.into()]);
    values
}

/// Also one that is inactive or deleted.
pub fn by_id<T: Item>(conn: &mut Conn<'_>, id: Uuid) -> Result<Option<Stored<T>>, StoreError> {
    let sql = format!("SELECT {} FROM {} WHERE id = $1", columns::<T>(), T::TABLE);
    conn.find(&sql, &[id.into()], stored)
}

/// By name.
pub fn list<T: Item>(conn: &mut Conn<'_>, filter: Filter, page: Page) -> Result<Paged<Stored<T>>, StoreError> {
    filter.page(conn, (&columns::<T>(), T::TABLE, "name, id"), page, stored)
}

/// Adds an item at the end of its market; its document states its id. A plan of an unknown supplier is dangling.
pub fn create<T: Item>(
    tx: &mut Tx<'_>,
    market_id: &str,
    id: Uuid,
    item: &T,
    now: Timestamp,
) -> Result<Stored<T>, StoreError> {
    lock(tx)?;
    let item = item.with_id(Some(id));
    let own = item.own(&suppliers::ids_by_key(tx, market_id)?)?;
    let sql = format!("SELECT coalesce(max(position) + 1, 0) FROM {} WHERE market_id = $1", T::TABLE);
    let position = tx.one(&sql, &[market_id.into()], Row::take)?;
    let put = Put::new(id, position, json_text(&item)?);
    tx.insert_all(&target::<T>(), &[row(market_id, &put, own, now)], "")?;
    bumped(tx, id, now)
}

/// Replaces an item, if its version is still `version` (none: whatever it is); a stale one is a conflict on
/// [`super::STALE`].
pub fn update<T: Item>(
    tx: &mut Tx<'_>,
    id: Uuid,
    item: &T,
    version: Option<i64>,
    now: Timestamp,
) -> Result<Stored<T>, StoreError> {
    let market_id = by_id::<T>(tx, id)?.ok_or(StoreError::NotFound)?.market_id;
    let item = item.with_id(Some(id));
    let mut values = vec![id.into(), json_text(&item)?.into(), now.into()];
    values.extend(item.own(&suppliers::ids_by_key(tx, &market_id)?)?);
    let own = T::OWN.iter().enumerate().map(|(n, column)| format!(", {column} = ${}", n + 4));
    let change = format!("doc = $2, updated_at = $3{}", own.collect::<String>());
    change_row(tx, (T::TABLE, &change), &values, version)?;
    bumped(tx, id, now)
}

/// Marks an item deleted, or restores it. A supplier's plans are not touched.
pub fn set_deleted<T: Item>(
    tx: &mut Tx<'_>,
    id: Uuid,
    deleted: bool,
    version: Option<i64>,
    now: Timestamp,
) -> Result<Stored<T>, StoreError> {
    let values: [Value; 3] = [id.into(), deleted.then_some(now).into(), now.into()];
    change_row(tx, (T::TABLE, "deleted_at = $2, updated_at = $3"), &values, version)?;
    bumped(tx, id, now)
}

fn bumped<T: Item>(tx: &mut Tx<'_>, id: Uuid, now: Timestamp) -> Result<Stored<T>, StoreError> {
    bump(tx, now)?;
    by_id(tx, id)?.ok_or(StoreError::NotFound)
}
