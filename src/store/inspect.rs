//! Looks into a SQLite database that may be in use: is it whole, and is its schema ours? Also what an operator is asked
//! about either engine: how old is what.

use crate::store::Migrations;
use crate::store::db::Conn;
use crate::store::db::sqlite::{open_reading, store_error};
use crate::store::db::value::Row;
use crate::store::error::StoreError;
use crate::store::migrate;
use jiff::Timestamp;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;

/// What was found; no entries: nothing is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Of the file's structure.
    pub damage: Vec<String>,
    /// Rows that refer to rows that are not there, by table.
    pub dangling: Vec<String>,
    /// Tables, indexes and triggers that are missing or other than a new database has them.
    pub schema: Vec<String>,
    /// Tables that are not ours, which is fine.
    pub others: Vec<String>,
}

/// The kind of an object of the schema and its name, with its definition.
type Objects = BTreeMap<(String, String), String>;

/// Reads the whole file; nothing is written.
pub fn inspect(path: &Path) -> Result<Inspection, StoreError> {
    let connection = open_reading(path)?;
    let mut damage = texts(&connection, "PRAGMA integrity_check(10)")?;
    damage.retain(|line| line != "ok");
    let dangling = "SELECT count(*) || ' rows of ' || \"table\" || ' refer to rows that ' || parent || ' does not have' \
                    FROM pragma_foreign_key_check GROUP BY \"table\", parent";
    let dangling = texts(&connection, dangling)?;
    let (schema, others) = compare(&objects(&connection)?, &of_a_new_one()?);
    Ok(Inspection { damage, dangling, schema, others })
}

/// Differences in what is ours, and the tables that are not.
fn compare(found: &Objects, wanted: &Objects) -> (Vec<String>, Vec<String>) {
    let mut differences = Vec::new();
    for ((kind, name), definition) in wanted {
        match found.get(&(kind.clone(), name.clone())) {
            None => differences.push(format!("{kind} {name} is missing")),
            Some(other) if other != definition => differences.push(format!("{kind} {name} is another one")),
            Some(_) => {}
        }
    }
    let tables = found.keys().filter(|key| key.0 == "table" && !wanted.contains_key(*key));
    (differences, tables.map(|(_, name)| name.clone()).collect())
}

fn of_a_new_one() -> Result<Objects, StoreError> {
    let mut connection = Connection::open_in_memory().map_err(store_error)?;
    migrate::prepare_sqlite(&mut connection, Migrations::Apply)?;
    objects(&connection)
}

fn objects(connection: &Connection) -> Result<Objects, StoreError> {
    let all = "SELECT type, name, coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let mut statement = connection.prepare(all).map_err(store_error)?;
    let rows = statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)));
    rows.and_then(Iterator::collect).map_err(store_error)
}

fn texts(connection: &Connection, sql: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare(sql).map_err(store_error)?;
    let rows = statement.query_map([], |row| row.get(0));
    rows.and_then(Iterator::collect).map_err(store_error)
}

/// What an operator is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ages {
    /// Plans on sale.
    pub plans: u64,
    pub catalog_changed_at: Timestamp,
    /// Of the newest row of the audit log.
    pub logged_at: Option<Timestamp>,
    pub administrators: u64,
    /// Sign-ins that are kept, the addresses they came from, and one of those.
    pub sessions: u64,
    pub addresses: u64,
    pub address: Option<String>,
}

pub fn ages(conn: &mut Conn<'_>) -> Result<Ages, StoreError> {
    let sql = "SELECT (SELECT count(*) FROM plan_catalog WHERE deleted_at IS NULL), \
        (SELECT changed_at FROM catalog_revision WHERE id = 1), \
        (SELECT logged_at FROM audit_logs ORDER BY seq DESC LIMIT 1), \
        (SELECT count(*) FROM users WHERE role = 'admin' AND status = 'active'), \
        (SELECT count(*) FROM sessions WHERE ip IS NOT NULL), \
        (SELECT count(DISTINCT ip) FROM sessions), \
        (SELECT min(ip) FROM sessions)";
    conn.one(sql, &[], |row: &mut Row| {
        Ok(Ages {
            plans: row.take()?,
            catalog_changed_at: row.take()?,
            logged_at: row.take()?,
            administrators: row.take()?,
            sessions: row.take()?,
            addresses: row.take()?,
            address: row.take()?,
        })
    })
}

/// Folds the write-ahead log of a database nobody has open into the file.
pub fn fold(path: &Path) -> Result<(), StoreError> {
    let connection = Connection::open(path).map_err(store_error)?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(store_error)
}
