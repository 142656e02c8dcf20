//! Taking in a whole catalog: what differs from what is held is written, all of it or nothing.

use crate::domain::catalog::{CatalogFile, Market};
use crate::store::catalog::items::{self, Item};
use crate::store::catalog::{self, lock};
use crate::store::db::value::{Row, Value, json_text};
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use crate::store::suppliers::ids_by_key;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What becomes of plans and suppliers that are held but not in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// They are retired: kept, no longer active.
    Replace,
    /// They stay as they are.
    Merge,
}

/// What an import changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportReport {
    pub plans: Changes,
    pub suppliers: Changes,
    /// Whether the market or one of its utilities changed.
    pub territory_changed: bool,
}

/// Keys, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub retired: Vec<String>,
    /// In the file, but deleted by an administrator: they stay deleted until they are restored.
    pub kept_deleted: Vec<String>,
    pub unchanged: u64,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.retired.is_empty()
    }
}

impl ImportReport {
    pub fn is_empty(&self) -> bool {
        self.plans.is_empty() && self.suppliers.is_empty() && !self.territory_changed
    }
}

/// What [`replace`] would change.
pub fn compare(conn: &mut Conn<'_>, file: &CatalogFile, mode: ImportMode) -> Result<ImportReport, StoreError> {
    let suppliers = difference(conn, &file.market, &file.suppliers, mode)?;
    let plans = difference(conn, &file.market, &file.plans, mode)?;
    Ok(ImportReport {
        plans: plans.changes,
        suppliers: suppliers.changes,
        territory_changed: territory_differs(conn, file, mode)?,
    })
}

/// Makes the file's market what the file says, and raises the revision if that changed anything. A plan or supplier
/// is known by its key (or by the id the file states); one key twice is a conflict, an unknown supplier dangling.
pub fn replace(
    tx: &mut Tx<'_>,
    file: &CatalogFile,
    mode: ImportMode,
    now: Timestamp,
) -> Result<ImportReport, StoreError> {
    lock(tx)?;
    let territory_changed = territory_differs(tx, file, mode)?;
    if territory_changed {
        write_territory(tx, file, mode, now)?;
    }
    let suppliers = difference(tx, &file.market, &file.suppliers, mode)?;
    write(tx, &suppliers, (&file.market.id, &file.suppliers), now)?;
    let plans = difference(tx, &file.market, &file.plans, mode)?;
    write(tx, &plans, (&file.market.id, &file.plans), now)?;
    let report = ImportReport { plans: plans.changes, suppliers: suppliers.changes, territory_changed };
    if !report.is_empty() {
        catalog::bump(tx, now)?;
    }
    Ok(report)
}

/// A row to be inserted or updated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Of the item in the file.
    pub index: usize,
    pub id: Uuid,
    pub position: i64,
    pub doc: String,
    new: bool,
}

impl Put {
    /// A new row at `position`.
    pub fn new(id: Uuid, position: i64, doc: String) -> Self {
        Put { index: 0, id, position, doc, new: true }
    }
}

/// How the items of a file differ from the rows held.
#[derive(Default)]
struct Difference {
    changes: Changes,
    put: Vec<Put>,
    /// Ids of rows to retire, with their documents.
    retire: Vec<(Uuid, String)>,
}

struct Held {
    id: Uuid,
    key: String,
    doc: String,
    position: i64,
    active: bool,
    deleted: bool,
}

fn held(conn: &mut Conn<'_>, table: &str, market_id: &str) -> Result<Vec<Held>, StoreError> {
    let sql = format!(
        "SELECT id, key, doc, position, active, deleted_at IS NOT NULL FROM {table} WHERE market_id = $1 \
         ORDER BY position, key"
    );
    conn.query(&sql, &[market_id.into()], |row: &mut Row| {
        Ok(Held {
            id: row.take()?,
            key: row.take()?,
            doc: row.take()?,
            position: row.take()?,
            active: row.take()?,
            deleted: row.take()?,
        })
    })
}

fn difference<T: Item>(
    conn: &mut Conn<'_>,
    market: &Market,
    file: &[T],
    mode: ImportMode,
) -> Result<Difference, StoreError> {
    let held = held(conn, T::TABLE, &market.id)?;
    let by_key: HashMap<&str, &Held> = held.iter().map(|row| (row.key.as_str(), row)).collect();
    let by_id: HashMap<Uuid, &Held> = held.iter().map(|row| (row.id, row)).collect();
    let conflict = || StoreError::Conflict(T::key_constraint());
    let after_last = held.iter().map(|row| row.position + 1).max().unwrap_or(0);
    let (mut result, mut seen) = (Difference::default(), HashSet::new());
    let mut keys = HashSet::new();
    for (index, item) in file.iter().enumerate() {
        let (key, stated) = (item.key(), item.id());
        if !keys.insert(key) {
            return Err(conflict());
        }
        // A file that states an id may have given the item a new key.
        let row = by_key.get(key).or_else(|| by_id.get(&stated?)).copied();
        let derived = market.derived_id(T::KIND, key);
        let id = stated.or(row.map(|row| row.id)).unwrap_or(derived);
        if row.is_some_and(|row| row.id != id || !seen.insert(row.id)) {
            return Err(conflict());
        }
        let doc = json_text(&item.with_id(stated.or((id != derived).then_some(id))))?;
        let position = match (mode, row) {
            (ImportMode::Merge, Some(row)) => row.position,
            (ImportMode::Merge, None) => after_last + index as i64,
            (ImportMode::Replace, _) => index as i64,
        };
        let changes = &mut result.changes;
        match row {
            None => changes.added.push(key.to_owned()),
            Some(row) if row.deleted => changes.kept_deleted.push(key.to_owned()),
            Some(row) if row.doc != doc => changes.changed.push(key.to_owned()),
            Some(_) => changes.unchanged += 1,
        }
        if row.is_none_or(|row| row.doc != doc || row.position != position) {
            result.put.push(Put { index, id, position, doc, new: row.is_none() });
        }
    }
    if mode == ImportMode::Replace {
        for row in held.iter().filter(|row| row.active && !row.deleted && !seen.contains(&row.id)) {
            result.changes.retired.push(row.key.clone());
            result.retire.push((row.id, inactive(&row.doc)?));
        }
    }
    Ok(result)
}

fn inactive(doc: &str) -> Result<String, StoreError> {
    let mut doc: serde_json::Value = serde_json::from_str(doc).map_err(StoreError::internal)?;
    doc["active"] = false.into();
    Ok(doc.to_string())
}

fn write<T: Item>(
    tx: &mut Tx<'_>,
    difference: &Difference,
    (market_id, file): (&str, &[T]),
    now: Timestamp,
) -> Result<(), StoreError> {
    let suppliers = ids_by_key(tx, market_id)?;
    let (new, changed): (Vec<&Put>, Vec<&Put>) = difference.put.iter().partition(|put| put.new);
    let row = |put: &Put| Ok(items::row(market_id, put, file[put.index].own(&suppliers)?, now));
    let rows = |put: Vec<&Put>| put.into_iter().map(row).collect::<Result<Vec<_>, StoreError>>();
    // A new row whose id another market's row has is a conflict, not an update of that row.
    tx.insert_all(&items::target::<T>(), &rows(new)?, "")?;
    tx.insert_all(&items::target::<T>(), &rows(changed)?, &items::on_conflict::<T>())?;
    let sql = format!(
        "UPDATE {} SET active = FALSE, doc = $2, version = version + 1, updated_at = $3 WHERE id = $1",
        T::TABLE
    );
    for (id, doc) in &difference.retire {
        tx.execute_one(&sql, &[(*id).into(), doc.into(), now.into()])?;
    }
    Ok(())
}

fn territory_differs(conn: &mut Conn<'_>, file: &CatalogFile, mode: ImportMode) -> Result<bool, StoreError> {
    let id: Value = file.market.id.as_str().into();
    let market: Option<String> =
        conn.find("SELECT doc FROM markets WHERE id = $1", std::slice::from_ref(&id), Row::take)?;
    if market != Some(json_text(&file.market)?) {
        return Ok(true);
    }
    let sql = "SELECT doc FROM utilities WHERE market_id = $1 ORDER BY position, id";
    let held: Vec<String> = conn.query(sql, &[id], Row::take)?;
    let wanted = file.utilities.iter().map(json_text).collect::<Result<Vec<_>, _>>()?;
    Ok(match mode {
        ImportMode::Replace => held != wanted,
        ImportMode::Merge => wanted.iter().any(|doc| !held.contains(doc)),
    })
}

fn write_territory(tx: &mut Tx<'_>, file: &CatalogFile, mode: ImportMode, now: Timestamp) -> Result<(), StoreError> {
    let id: Value = file.market.id.as_str().into();
    tx.execute(
        "INSERT INTO markets (id, doc, updated_at) VALUES ($1, $2, $3) \
         ON CONFLICT (id) DO UPDATE SET doc = excluded.doc, updated_at = excluded.updated_at",
        &[id.clone(), json_text(&file.market)?.into(), now.into()],
    )?;
    if mode == ImportMode::Replace {
        tx.execute("DELETE FROM utilities WHERE market_id = $1", std::slice::from_ref(&id))?;
    }
    let mut rows = Vec::with_capacity(file.utilities.len());
    for (position, utility) in file.utilities.iter().enumerate() {
        rows.push(vec![id.clone(), (&utility.id).into(), (position as i64).into(), json_text(utility)?.into()]);
    }
    tx.insert_all(
        "utilities (market_id, id, position, doc)",
        &rows,
        "ON CONFLICT (market_id, id) DO UPDATE SET doc = excluded.doc",
    )?;
    Ok(())
}
