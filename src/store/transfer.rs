//! All rows of one database into another of either engine: table by table in the order of their references, in portions,
//! and in the end counted and summed on both sides.
//!
//! A target that was begun is marked by a table of its own, so that a copy that was cut off goes on where it stopped and
//! nothing else is ever written over. What is read is one state of the source.

use crate::store::Store;
use crate::store::db::value::{Row, Value};
use crate::store::db::{Conn, Engine, Tx};
use crate::store::error::{Cause, StoreError};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Every table, after those it refers to.
const TABLES: [&str; 24] = [
    "users",
    "consents",
    "sessions",
    "refresh_tokens",
    "password_resets",
    "user_preferences",
    "current_plans",
    "usage_history",
    "usage_days",
    "markets",
    "utilities",
    "suppliers",
    "plan_catalog",
    "catalog_revision",
    "recommendations",
    "recommendation_plans",
    "feedback",
    "idempotency_keys",
    "first_admin_link",
    "erasures",
    "audit_logs",
    "audit_details",
    "audit_head",
    "audit_anchor",
];
/// Tables whose one row a new database has already, and the column that tells whether it was used.
const SINGLE: [(&str, &str); 3] = [("catalog_revision", "revision"), ("audit_head", "seq"), ("audit_anchor", "seq")];
/// Its presence says that a copy into this database has begun and not ended.
const MARK: &str = "copy_under_way";
/// Rows of one transaction.
const ROWS_AT_ONCE: u64 = 200;

/// One table that was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Copied {
    pub table: &'static str,
    pub rows: u64,
    /// Of these, copied now and not by a run before that was cut off.
    pub copied: u64,
    /// Of all rows, the same on both sides; their order does not matter.
    pub checksum: String,
}

/// Told the table, the rows of it that are done, and how many it has; says whether to go on.
pub type Watch = Box<dyn FnMut(&'static str, u64, u64) -> bool + Send>;

#[derive(Debug, Clone)]
struct Table {
    name: &'static str,
    keys: Vec<String>,
    columns: Vec<(String, Kind)>,
}

/// What a column holds, whatever the engine keeps it as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Real,
    Uuid,
    Timestamp,
    Date,
    /// As it comes from either: whole numbers, texts and bytes.
    Plain,
}

/// Rows and checksum of each table.
type Sums = BTreeMap<&'static str, (u64, String)>;

/// Copies everything. At least one side is PostgreSQL, which knows the kinds of the columns. Blocks.
pub fn copy(source: &Store, target: &Store, mut watch: Watch) -> Result<Vec<Copied>, StoreError> {
    let typed = [source, target].into_iter().find(|store| store.engine() == Engine::Postgres);
    let Some(typed) = typed else {
        return Err(refused("both are files of SQLite: `treebeard backup` and `treebeard restore` copy those"));
    };
    let tables = typed.read_blocking(shape)?;
    let begun = target.read_blocking(begin_or_go_on)?;
    if !begun {
        target.write_blocking(|tx| tx.execute(&format!("CREATE TABLE {MARK} (id INTEGER)"), &[]))?;
    }
    let (into, all) = (target.clone(), tables.clone());
    let (copied, wanted) = source.read_blocking(move |conn| {
        let mut copied = BTreeMap::new();
        for table in &all {
            copied.insert(table.name, copy_table(conn, &into, table, &mut watch)?);
        }
        Ok::<_, StoreError>((copied, sums(conn, &all)?))
    })?;
    let found = target.read_blocking(move |conn| sums(conn, &tables))?;
    for (table, wanted) in &wanted {
        if found.get(table) != Some(wanted) {
            let rows = found.get(table).map_or(0, |(rows, _)| *rows);
            return Err(refused(&format!(
                "{table} is not the same on both sides ({} rows and {rows}): was the source used meanwhile? Begin again with an empty target",
                wanted.0
            )));
        }
    }
    target.write_blocking(|tx| tx.execute(&format!("DROP TABLE {MARK}"), &[]))?;
    let told = |(table, (rows, checksum)): (&'static str, (u64, String))| Copied {
        table,
        rows,
        copied: copied.get(table).copied().unwrap_or(0),
        checksum,
    };
    Ok(TABLES
        .iter()
        .filter_map(|name| wanted.get_key_value(name))
        .map(|(name, sum)| told((name, sum.clone())))
        .collect())
}

fn refused(text: &str) -> StoreError {
    StoreError::Refused(text.to_owned())
}

/// The tables as PostgreSQL knows them.
fn shape(conn: &mut Conn<'_>) -> Result<Vec<Table>, StoreError> {
    let columns = "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT) \
                   FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY ordinal_position";
    let texts = |row: &mut Row| Ok((row.take::<String>()?, row.take::<String>()?, row.take::<String>()?));
    let columns = conn.query(columns, &[], texts)?;
    let keys = "SELECT CAST(k.table_name AS TEXT), CAST(k.column_name AS TEXT) \
                FROM information_schema.key_column_usage k JOIN information_schema.table_constraints c \
                ON c.constraint_schema = k.constraint_schema AND c.constraint_name = k.constraint_name \
                AND c.table_name = k.table_name \
                WHERE k.table_schema = current_schema() AND c.constraint_type = 'PRIMARY KEY' ORDER BY k.ordinal_position";
    let keys = conn.query(keys, &[], |row| Ok((row.take::<String>()?, row.take::<String>()?)))?;
    let table = |name: &'static str| Table {
        name,
        keys: keys.iter().filter(|(table, _)| table == name).map(|(_, key)| key.clone()).collect(),
        columns: columns
            .iter()
            .filter(|(table, ..)| table == name)
            .map(|(_, column, kind)| (column.clone(), Kind::of(kind)))
            .collect(),
    };
    Ok(TABLES.into_iter().map(table).collect())
}

/// Whether a copy into it was begun before; a database in which there is anything else is refused.
fn begin_or_go_on(conn: &mut Conn<'_>) -> Result<bool, StoreError> {
    let marked = match conn.engine() {
        Engine::Sqlite => "SELECT count(*) FROM sqlite_master WHERE name = $1",
        Engine::Postgres => {
            "SELECT count(*) FROM pg_tables WHERE CAST(tablename AS TEXT) = $1 AND schemaname = current_schema()"
        }
    };
    if conn.one(marked, &[MARK.into()], Row::take::<i64>)? > 0 {
        return Ok(true);
    }
    for table in TABLES {
        let used = match SINGLE.iter().find(|(single, _)| *single == table) {
            Some((_, column)) => format!("SELECT count(*) FROM {table} WHERE {column} <> 0"),
            None => format!("SELECT count(*) FROM {table}"),
        };
        if conn.one(&used, &[], Row::take::<i64>)? > 0 {
            return Err(refused(&format!("the target is not empty: there are rows in {table}; name a new database")));
        }
    }
    Ok(false)
}

/// Copies what is not there yet: how many rows.
fn copy_table(conn: &mut Conn<'_>, target: &Store, table: &Table, watch: &mut Watch) -> Result<u64, StoreError> {
    let name = table.name;
    let all: u64 = conn.one(&format!("SELECT count(*) FROM {name}"), &[], Row::take)?;
    if SINGLE.iter().any(|(single, _)| *single == name) {
        let rows = portion(conn, table, None)?;
        let table = table.clone();
        target.write_blocking(move |tx| rows.iter().try_for_each(|row| set_single(tx, &table, row)))?;
        return Ok(all);
    }
    let there: u64 =
        target.read_blocking(move |conn| conn.one(&format!("SELECT count(*) FROM {name}"), &[], Row::take))?;
    let mut after = match there {
        0 => None,
        there => key_at(conn, table, there - 1)?,
    };
    let mut done = there;
    loop {
        if !watch(name, done, all) {
            return Err(StoreError::Busy(Cause::new("the copy was stopped")));
        }
        let rows = portion(conn, table, after.as_deref())?;
        let Some(last) = rows.last() else { return Ok(done - there) };
        after = Some(table.keys_of(last));
        done += rows.len() as u64;
        let columns = table.columns();
        target.write_blocking(move |tx| tx.insert_all(&format!("{name} ({columns})"), &rows, ""))?;
    }
}

/// Rows in the order of their keys, after a key.
fn portion(conn: &mut Conn<'_>, table: &Table, after: Option<&[Value]>) -> Result<Vec<Vec<Value>>, StoreError> {
    let keys = table.keys.join(", ");
    let places: Vec<String> = (1..=table.keys.len()).map(|n| format!("${n}")).collect();
    let behind = after.map(|_| format!("WHERE ({keys}) > ({})", places.join(", "))).unwrap_or_default();
    let sql = format!("SELECT {} FROM {} {behind} ORDER BY {keys} LIMIT {ROWS_AT_ONCE}", table.columns(), table.name);
    conn.query(&sql, after.unwrap_or_default(), |row| table.read(row))
}

fn key_at(conn: &mut Conn<'_>, table: &Table, offset: u64) -> Result<Option<Vec<Value>>, StoreError> {
    let keys = table.keys.join(", ");
    let sql = format!("SELECT {} FROM {} ORDER BY {keys} LIMIT 1 OFFSET {offset}", table.columns(), table.name);
    Ok(conn.find(&sql, &[], |row| table.read(row))?.map(|row| table.keys_of(&row)))
}

/// Writes over the one row a new database has.
fn set_single(tx: &mut Tx<'_>, table: &Table, row: &[Value]) -> Result<(), StoreError> {
    let guards = if table.name == "audit_anchor" { lift_guards(tx)? } else { Vec::new() };
    let sets: Vec<String> =
        table.columns.iter().enumerate().map(|(n, (column, _))| format!("{column} = ${}", n + 1)).collect();
    tx.execute_one(&format!("UPDATE {} SET {}", table.name, sets.join(", ")), row)?;
    guards.iter().try_for_each(|guard| tx.execute(guard, &[]).map(|_| ()))
}

/// The anchor only moves on beside the rows that expire, which are not here any more: its triggers are off for this
/// transaction. Gives the statements that set them again.
fn lift_guards(tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
    if tx.engine() == Engine::Postgres {
        tx.execute("ALTER TABLE audit_anchor DISABLE TRIGGER USER", &[])?;
        return Ok(vec!["ALTER TABLE audit_anchor ENABLE TRIGGER USER".to_owned()]);
    }
    let triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_anchor'";
    let triggers = tx.query(triggers, &[], |row| Ok((row.take::<String>()?, row.take::<String>()?)))?;
    for (name, _) in &triggers {
        tx.execute(&format!("DROP TRIGGER {name}"), &[])?;
    }
    Ok(triggers.into_iter().map(|(_, sql)| sql).collect())
}

fn sums(conn: &mut Conn<'_>, tables: &[Table]) -> Result<Sums, StoreError> {
    let sum = |table: &Table| {
        let (mut rows, mut sum, mut after) = (0, 0_u128, None);
        loop {
            let some = portion(conn, table, after.as_deref())?;
            let Some(last) = some.last() else { return Ok((table.name, (rows, format!("{sum:032x}")))) };
            after = Some(table.keys_of(last));
            rows += some.len() as u64;
            for row in &some {
                let hash = Sha256::digest(format!("{row:?}"));
                sum = hash.iter().take(16).fold(0, |sum, byte| sum << 8 | u128::from(*byte)).wrapping_add(sum);
            }
        }
    };
    tables.iter().map(sum).collect()
}

impl Table {
    fn columns(&self) -> String {
        self.columns.iter().map(|(column, _)| column.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn keys_of(&self, row: &[Value]) -> Vec<Value> {
        let place = |key: &String| self.columns.iter().position(|(column, _)| column == key);
        self.keys.iter().filter_map(place).filter_map(|place| row.get(place).cloned()).collect()
    }

    fn read(&self, row: &mut Row) -> Result<Vec<Value>, StoreError> {
        self.columns.iter().map(|(_, kind)| kind.read(row)).collect()
    }
}

impl Kind {
    /// Of a column of PostgreSQL.
    fn of(data_type: &str) -> Self {
        match data_type {
            "boolean" => Kind::Bool,
            "double precision" => Kind::Real,
            "uuid" => Kind::Uuid,
            "timestamp with time zone" => Kind::Timestamp,
            "date" => Kind::Date,
            _ => Kind::Plain,
        }
    }

    fn read(self, row: &mut Row) -> Result<Value, StoreError> {
        Ok(match self {
            Kind::Bool => row.take::<Option<bool>>()?.into(),
            Kind::Real => row.take::<Option<f64>>()?.into(),
            Kind::Uuid => row.take::<Option<Uuid>>()?.into(),
            Kind::Timestamp => row.take::<Option<Timestamp>>()?.into(),
            Kind::Date => row.take::<Option<Date>>()?.into(),
            Kind::Plain => row.take()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Options;

    #[test]
    fn every_table_is_copied_after_those_it_refers_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("a.db").display());
        let store = Store::open(&url, Options::default()).expect("it opens");
        let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                     AND name <> 'refinery_schema_history' ORDER BY name";
        let mut known = TABLES.to_vec();
        known.sort_unstable();
        let names: Vec<String> =
            store.read_blocking(move |conn| conn.query(names, &[], |row| row.take())).expect("tables");
        assert_eq!(names, known);
        for (place, table) in TABLES.iter().enumerate() {
            let parents = format!("SELECT \"table\" FROM pragma_foreign_key_list('{table}')");
            let parents: Vec<String> =
                store.read_blocking(move |conn| conn.query(&parents, &[], |row| row.take())).expect("references");
            let behind: Vec<&String> =
                parents.iter().filter(|parent| !TABLES[..place].contains(&parent.as_str())).collect();
            assert_eq!(behind, [] as [&String; 0], "{table}");
        }
    }
}
