//! What is on sale, as a whole: loaded for the in-memory catalog, imported, and numbered by revisions.

pub mod import;
pub mod items;

use crate::domain::catalog::{CatalogFile, Market};
use crate::store::db::value::{Row, Value};
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use crate::store::nodes::{News, tell};
use jiff::Timestamp;
use std::collections::HashMap;

/// The conflict of a change made on a version that is no longer the newest.
pub const STALE: &str = "version";

/// The number raised by every change of what is on sale. A cached answer holds as long as this does.
pub fn revision(conn: &mut Conn<'_>) -> Result<i64, StoreError> {
    conn.one("SELECT revision FROM catalog_revision WHERE id = 1", &[], Row::take)
}

/// Raises the revision; belongs into every transaction that changes what is on sale.
pub fn bump(tx: &mut Tx<'_>, now: Timestamp) -> Result<i64, StoreError> {
    let sql = "UPDATE catalog_revision SET revision = revision + 1, changed_at = $1 WHERE id = 1 RETURNING revision";
    let revision: i64 = tx.one(sql, &[now.into()], Row::take)?;
    tell(tx, News::Catalog)?;
    Ok(revision)
}

/// Keeps everybody else from changing what is on sale until the transaction ends; what is read from now on stays so.
pub fn lock(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.execute_one("UPDATE catalog_revision SET revision = revision WHERE id = 1", &[])
}

/// Everything that is not deleted, retired plans and suppliers included (their `active` is false), one file a market
/// in order of market ids, each in the order it was imported in; and the revision it is.
pub fn load(conn: &mut Conn<'_>) -> Result<(Vec<CatalogFile>, i64), StoreError> {
    let markets: Vec<Market> = conn.query("SELECT doc FROM markets ORDER BY id", &[], Row::take_json)?;
    let mut utilities = by_market(conn, "SELECT market_id, doc FROM utilities ORDER BY market_id, position, id")?;
    let mut suppliers = by_market(
        conn,
        "SELECT market_id, doc FROM suppliers WHERE deleted_at IS NULL ORDER BY market_id, position, key",
    )?;
    let mut plans = by_market(
        conn,
        "SELECT market_id, doc FROM plan_catalog WHERE deleted_at IS NULL ORDER BY market_id, position, key",
    )?;
    let files = markets.into_iter().map(|market| CatalogFile {
        utilities: utilities.remove(&market.id).unwrap_or_default(),
        suppliers: suppliers.remove(&market.id).unwrap_or_default(),
        plans: plans.remove(&market.id).unwrap_or_default(),
        market,
    });
    Ok((files.collect(), revision(conn)?))
}

/// A market with its utilities and the suppliers that are not deleted, without its plans.
pub fn frame(conn: &mut Conn<'_>, id: &str) -> Result<Option<CatalogFile>, StoreError> {
    let Some(market) = market(conn, id)? else { return Ok(None) };
    let of = [Value::from(id)];
    let sql = "SELECT doc FROM utilities WHERE market_id = $1 ORDER BY position, id";
    let utilities = conn.query(sql, &of, Row::take_json)?;
    let sql = "SELECT doc FROM suppliers WHERE market_id = $1 AND deleted_at IS NULL ORDER BY position, key";
    let suppliers = conn.query(sql, &of, Row::take_json)?;
    Ok(Some(CatalogFile { market, utilities, suppliers, plans: Vec::new() }))
}

pub fn market_ids(conn: &mut Conn<'_>) -> Result<Vec<String>, StoreError> {
    conn.query("SELECT id FROM markets ORDER BY id", &[], Row::take)
}

pub fn market(conn: &mut Conn<'_>, id: &str) -> Result<Option<Market>, StoreError> {
    conn.find("SELECT doc FROM markets WHERE id = $1", &[Value::from(id)], Row::take_json)
}

/// `UPDATE {table} SET {change}` of the row whose id is the first value, raising its version, which must be `version`
/// if one is given.
pub fn change_row(
    tx: &mut Tx<'_>,
    (table, change): (&str, &str),
    values: &[Value],
    version: Option<i64>,
) -> Result<(), StoreError> {
    let mut values = values.to_vec();
    let condition = match version {
        None => String::new(),
        Some(version) => {
            values.push(version.into());
            format!("AND version = ${}", values.len())
        }
    };
    let sql = format!("UPDATE {table} SET {change}, version = version + 1 WHERE id = $1 {condition}");
    if tx.execute(&sql, &values)? > 0 {
        return Ok(());
    }
    let exists = tx.find(&format!("SELECT version FROM {table} WHERE id = $1"), &values[..1], Row::take::<i64>)?;
    Err(if exists.is_some() { StoreError::Conflict(STALE.to_owned()) } else { StoreError::NotFound })
}

fn by_market<T: serde::de::DeserializeOwned>(
    conn: &mut Conn<'_>,
    sql: &str,
) -> Result<HashMap<String, Vec<T>>, StoreError> {
    let mut found: HashMap<String, Vec<T>> = HashMap::new();
    conn.each(sql, &[], |row| {
        let market: String = row.take()?;
        found.entry(market).or_default().push(row.take_json()?);
        Ok(())
    })?;
    Ok(found)
}
