//! Looks into a copy of a SQLite database that nobody has open: is it whole, and what is in it?

use crate::store::audit::Head;
use crate::store::db::sqlite::{self, store_error};
use crate::store::error::StoreError;
use crate::store::migrate;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::path::Path;

/// Faults that are named; there may be more.
const FAULTS_NAMED: usize = 10;
/// Between two looks at whether to go on, in steps of SQLite's machine.
const STEPS: i32 = 100_000;

/// What a copy turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    /// Nothing: it is whole.
    pub faults: Vec<String>,
    /// The newest migration applied, and the newest this program has.
    pub schema_version: i64,
    pub schema_known: i64,
    /// Rows of each table.
    pub rows: BTreeMap<String, u64>,
    pub audit_head: Option<Head>,
}

/// Examines the file, which must not be in use; nothing is written to or beside it.
pub fn examine(path: &Path, go_on: impl Fn() -> bool + Send + 'static) -> Result<Examination, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(unchanging(path), flags).map_err(store_error)?;
    connection.progress_handler(STEPS, Some(move || !go_on())).map_err(store_error)?;
    let mut faults = texts(&connection, &format!("PRAGMA integrity_check({FAULTS_NAMED})"))?;
    faults.retain(|line| line != "ok");
    let dangling = "SELECT \"table\" || ' refers to a row that ' || parent || ' does not have' \
                    FROM pragma_foreign_key_check LIMIT 10";
    faults.extend(texts(&connection, dangling)?);
    let status = migrate::status_sqlite(&connection)?;
    let rows = rows(&connection)?;
    let head = |row: &rusqlite::Row<'_>| Ok(Head { seq: row.get(0)?, hash: row.get(1)? });
    let audit_head = if rows.contains_key("audit_head") {
        Some(connection.query_row("SELECT seq, hash FROM audit_head WHERE id = 1", [], head).map_err(store_error)?)
    } else {
        None
    };
    Ok(Examination { faults, schema_version: status.applied, schema_known: status.known, rows, audit_head })
}

/// Rows of each table of a database that may be in use.
pub fn count_rows(path: &Path) -> Result<BTreeMap<String, u64>, StoreError> {
    rows(&sqlite::open_reading(path)?)
}

fn rows(connection: &Connection) -> Result<BTreeMap<String, u64>, StoreError> {
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let count = |table: &String| {
        let count = format!("SELECT count(*) FROM \"{}\"", table.replace('"', "\"\""));
        connection.query_row(&count, [], |row| row.get::<_, i64>(0)).map_err(store_error)
    };
    texts(connection, tables)?.into_iter().map(|table| Ok((table.clone(), count(&table)? as u64))).collect()
}

/// The file as an address that tells SQLite that nobody writes to it, so that it needs no files beside it.
fn unchanging(path: &Path) -> String {
    let mut address = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => address.push(char::from(*byte)),
            other => address += &format!("%{other:02x}"),
        }
    }
    address + "?immutable=1"
}

fn texts(connection: &Connection, sql: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare(sql).map_err(store_error)?;
    let rows = statement.query_map([], |row| row.get(0)).map_err(store_error)?;
    rows.collect::<rusqlite::Result<_>>().map_err(store_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_told_from_a_whole_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a #%?.db");
        let connection = Connection::open(&path).expect("a new file");
        let rows = "CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE child (id INTEGER REFERENCES parent);
                    INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1);";
        connection.execute_batch(rows).expect("rows");
        let whole = examine(&path, || true).expect("it opens");
        assert_eq!((whole.faults, whole.rows["parent"], whole.rows["child"]), (Vec::new(), 2, 1));
        connection.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM parent").expect("a row without its parent");
        let dangling = examine(&path, || true).expect("it opens").faults;
        assert_eq!(dangling, ["child refers to a row that parent does not have"]);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is written beside it");
        std::fs::write(&path, b"not a database at all, but long enough to be looked at as if it were one").expect("so");
        assert!(examine(&path, || true).is_err());
    }
}
