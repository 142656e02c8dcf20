//! What a SQLite file holds, as texts that can be compared.

use std::path::Path;

/// Every table of the file at `path` with its columns and rows, as text, but for the history of migrations.
pub fn rows(path: &Path) -> Vec<(String, Vec<String>, Vec<String>)> {
    let connection = rusqlite::Connection::open(path).expect("it opens");
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
                 AND name <> 'refinery_schema_history' ORDER BY name";
    texts(&connection, names)
        .into_iter()
        .map(|table| {
            let columns = texts(&connection, &format!("SELECT name FROM pragma_table_info('{table}')"));
            let rows = rows_of(&connection, &table, &columns);
            (table, columns, rows)
        })
        .collect()
}

/// The rows of a table, of these columns only.
pub fn rows_of(connection: &rusqlite::Connection, table: &str, columns: &[String]) -> Vec<String> {
    let quoted: Vec<String> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
    texts(connection, &format!("SELECT {} AS line FROM {table} ORDER BY line", quoted.join(" || ',' || ")))
}

pub fn texts(connection: &rusqlite::Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).expect("it is prepared");
    let rows = statement.query_map([], |row| row.get(0)).expect("it runs");
    rows.collect::<rusqlite::Result<_>>().expect("texts")
}

/// Kind, name and definition of everything in the schema.
pub fn schema(path: &Path) -> Vec<String> {
    let connection = rusqlite::Connection::open(path).expect("it opens");
    let all = "SELECT type || ' ' || name || ' on ' || tbl_name || ': ' || coalesce(sql, '-') FROM sqlite_master \
               WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name";
    texts(&connection, all)
}
