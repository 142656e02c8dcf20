//! Taking in a whole catalog: what differs from what is held is written, all of it or nothing.

use crate::domain::catalog::{CatalogFile, Plan, Supplier};
use crate::store::catalog;
use crate::store::db::value::{Row, Value, json_text};
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use crate::store::{plans, suppliers};
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
    let suppliers = supplier_difference(conn, file, mode)?;
    let plans = plan_difference(conn, file, mode)?;
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
    let territory_changed = territory_differs(tx, file, mode)?;
    if territory_changed {
        write_territory(tx, file, mode, now)?;
    }
    let suppliers = supplier_difference(tx, file, mode)?;
    let rows = |put: &Put| Ok(suppliers::row(&file.market.id, put, &file.suppliers[put.index], now));
    write(tx, &suppliers, (suppliers::TARGET, suppliers::ON_CONFLICT, "suppliers"), now, rows)?;
    let supplier_ids = suppliers::ids_by_key(tx, &file.market.id)?;
    let plans = plan_difference(tx, file, mode)?;
    let rows = |put: &Put| {
        let plan = &file.plans[put.index];
        let supplier_id = supplier_ids.get(&plan.supplier).copied().ok_or(StoreError::Dangling)?;
        Ok(plans::row(&file.market.id, put, plan, supplier_id, now))
    };
    write(tx, &plans, (plans::TARGET, plans::ON_CONFLICT, "plan_catalog"), now, rows)?;
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

/// What names an item of the file: its key, the id it states, the id that follows from its key.
struct Name<'a> {
    key: &'a str,
    stated: Option<Uuid>,
    derived: Uuid,
}

fn supplier_difference(conn: &mut Conn<'_>, file: &CatalogFile, mode: ImportMode) -> Result<Difference, StoreError> {
    let names = file.suppliers.iter().map(|item| Name {
        key: &item.key,
        stated: item.id,
        derived: file.market.derived_id("supplier", &item.key),
    });
    let held = held(conn, "suppliers", &file.market.id)?;
    difference(held, names, mode, "suppliers_market_id_key_key", |index, id| {
        json_text(&Supplier { id, ..file.suppliers[index].clone() })
    })
}

fn plan_difference(conn: &mut Conn<'_>, file: &CatalogFile, mode: ImportMode) -> Result<Difference, StoreError> {
    let names = file.plans.iter().map(|item| Name {
        key: &item.key,
        stated: item.id,
        derived: file.market.derived_id("plan", &item.key),
    });
    let held = held(conn, "plan_catalog", &file.market.id)?;
    difference(held, names, mode, "plan_catalog_market_id_key_key", |index, id| {
        json_text(&Plan { id, ..file.plans[index].clone() })
    })
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

/// `document` writes the item with the id it has to state.
fn difference<'a>(
    held: Vec<Held>,
    names: impl Iterator<Item = Name<'a>>,
    mode: ImportMode,
    constraint: &str,
    document: impl Fn(usize, Option<Uuid>) -> Result<String, StoreError>,
) -> Result<Difference, StoreError> {
    let by_key: HashMap<&str, &Held> = held.iter().map(|row| (row.key.as_str(), row)).collect();
    let by_id: HashMap<Uuid, &Held> = held.iter().map(|row| (row.id, row)).collect();
    let conflict = || StoreError::Conflict(constraint.to_owned());
    let after_last = held.iter().map(|row| row.position + 1).max().unwrap_or(0);
    let (mut result, mut seen) = (Difference::default(), HashSet::new());
    let mut keys = HashSet::new();
    for (index, name) in names.enumerate() {
        if !keys.insert(name.key.to_owned()) {
            return Err(conflict());
        }
        // A file that states an id may have given the item a new key.
        let row = by_key.get(name.key).or_else(|| by_id.get(&name.stated?)).copied();
        let id = name.stated.or(row.map(|row| row.id)).unwrap_or(name.derived);
        if row.is_some_and(|row| row.id != id || !seen.insert(row.id)) {
            return Err(conflict());
        }
        let doc = document(index, name.stated.or((id != name.derived).then_some(id)))?;
        let position = match (mode, row) {
            (ImportMode::Merge, Some(row)) => row.position,
            (ImportMode::Merge, None) => after_last + index as i64,
            (ImportMode::Replace, _) => index as i64,
        };
        let changes = &mut result.changes;
        match row {
            None => changes.added.push(name.key.to_owned()),
            Some(row) if row.deleted => changes.kept_deleted.push(name.key.to_owned()),
            Some(row) if row.doc != doc => changes.changed.push(name.key.to_owned()),
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

fn write(
    tx: &mut Tx<'_>,
    difference: &Difference,
    (target, on_conflict, table): (&str, &str, &str),
    now: Timestamp,
    row: impl Fn(&Put) -> Result<Vec<Value>, StoreError>,
) -> Result<(), StoreError> {
    let (new, changed): (Vec<&Put>, Vec<&Put>) = difference.put.iter().partition(|put| put.new);
    let rows = |put: Vec<&Put>| put.into_iter().map(&row).collect::<Result<Vec<_>, _>>();
    // A new row whose id another market's row has is a conflict, not an update of that row.
    tx.insert_all(target, &rows(new)?, "")?;
    tx.insert_all(target, &rows(changed)?, on_conflict)?;
    let sql =
        format!("UPDATE {table} SET active = FALSE, doc = $2, version = version + 1, updated_at = $3 WHERE id = $1");
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
