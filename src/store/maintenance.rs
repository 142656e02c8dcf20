//! Looking after a database: what has expired, statistics, pages nobody uses.

use crate::store::db::value::Row;
use crate::store::db::{Engine, Tx};
use crate::store::error::StoreError;
use crate::store::{idempotency, password_resets, sessions};
use jiff::Timestamp;

/// Free pages given back in one transaction, so that nobody waits long behind it.
const PAGES_AT_ONCE: u64 = 256;

const SMALL_TABLE_ROWS: u32 = 1_000;

/// Rows removed because their time was over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    pub tokens: u64,
    pub reset_links: u64,
    pub idempotency_keys: u64,
}

/// Removes what is good for nothing any more. How long the rest is kept is a matter of retention.
pub fn sweep(tx: &mut Tx<'_>, now: Timestamp) -> Result<Swept, StoreError> {
    Ok(Swept {
        tokens: sessions::sweep_tokens(tx, now)?,
        reset_links: password_resets::sweep(tx, now)?,
        idempotency_keys: idempotency::sweep(tx, now)?,
    })
}

/// Renews the statistics by which indexes are chosen.
pub fn analyze(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    if tx.engine() == Engine::Postgres {
        // It may take as long as it takes: nobody waits for it.
        tx.execute("SET LOCAL statement_timeout = 0", &[])?;
        return tx.execute("ANALYZE", &[]).map(|_| ());
    }
    tx.execute("PRAGMA analysis_limit = 1000", &[])?;
    // Tables that have changed enough to matter, and those that were never looked at.
    tx.execute("PRAGMA optimize = 0x10002", &[])?;
    forget_small_tables(tx)
}

/// Of a table with few rows the statistics say that reading it whole is cheapest; it may be large before they are
/// renewed. Without statistics SQLite takes it to be large.
fn forget_small_tables(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let sql = "SELECT name FROM sqlite_schema WHERE name IN ('sqlite_stat1', 'sqlite_stat4')";
    for statistics in tx.query(sql, &[], Row::take::<String>)? {
        let small = format!(
            "DELETE FROM {statistics} WHERE tbl NOT IN \
             (SELECT tbl FROM sqlite_stat1 WHERE CAST(stat AS INTEGER) >= {SMALL_TABLE_ROWS})"
        );
        tx.execute(&small, &[])?;
    }
    // Makes the connection read what is left.
    tx.execute("ANALYZE sqlite_schema", &[]).map(|_| ())
}

/// Gives pages nobody uses back to the disk: how many. Fewer than there are, so call it until it is none. PostgreSQL
/// does it by itself.
pub fn give_back(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    if tx.engine() == Engine::Postgres {
        return Ok(0);
    }
    let free = |tx: &mut Tx<'_>| tx.one("PRAGMA freelist_count", &[], Row::take::<u64>);
    let before = free(tx)?;
    // It answers rows without columns.
    tx.each(&format!("PRAGMA incremental_vacuum({PAGES_AT_ONCE})"), &[], |_| Ok(()))?;
    Ok(before.saturating_sub(free(tx)?))
}
