//! Looking after a database: what has expired, statistics, pages nobody uses.

use crate::store::db::value::Row;
use crate::store::db::{Engine, Tx};
use crate::store::error::StoreError;
use crate::store::{idempotency, password_resets, sessions};
use jiff::Timestamp;

/// Free pages given back in one transaction, so that nobody waits long behind it.
const PAGES_AT_ONCE: u64 = 256;

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
        return tx.execute("ANALYZE", &[]).map(|_| ());
    }
    tx.execute("PRAGMA analysis_limit = 1000", &[])?;
    // Tables that have changed enough to matter, and those that were never looked at.
    tx.execute("PRAGMA optimize = 0x10002", &[]).map(|_| ())
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
