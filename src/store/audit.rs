//! The audit log: append-only, numbered without gaps, each row sealed together with the row before.
//!
//! The chain covers who (pseudonymous ids), what and when, and the hash of the detail. The detail itself lies beside
//! the log and can be erased with whom it is about; the chain still verifies.

mod chain;

pub use chain::{EXPIRED, Verdict, count_expiring, expire, hex, holds, verify};

use crate::store::db::filter::{Filter, Page, Paged};
use crate::store::db::value::{Row, Value};
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use jiff::Timestamp;
use uuid::Uuid;

pub type Hash = [u8; 32];

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub logged_at: Timestamp,
    /// A name of the OWASP logging vocabulary: `authn_login_fail`, `privilege_permissions_changed`, ...
    pub event: String,
    /// Who did it; none: nobody logged in, or the system.
    pub actor_id: Option<Uuid>,
    /// What it was done to.
    pub subject_id: Option<Uuid>,
    pub success: bool,
    /// Anything worth knowing of the subject, addresses included; erased with it.
    pub detail: serde_json::Value,
}

/// A row of the log. `detail` is none once it was erased.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub seq: i64,
    pub logged_at: Timestamp,
    pub event: String,
    pub actor_id: Option<Uuid>,
    pub subject_id: Option<Uuid>,
    pub success: bool,
    pub detail_hash: Hash,
    pub prev_hash: Hash,
    pub hash: Hash,
    pub detail: Option<serde_json::Value>,
}

/// The end of the chain: what a backup notes, so that a cut tail shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub seq: i64,
    pub hash: Hash,
}

impl Head {
    /// Before the first row.
    pub const START: Head = Head { seq: 0, hash: [0; 32] };
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub event: Option<String>,
    pub actor_id: Option<Uuid>,
    pub subject_id: Option<Uuid>,
    pub success: Option<bool>,
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub to: Option<Timestamp>,
}

const COLUMNS: &str =
    "audit_logs.seq, logged_at, event, actor_id, subject_id, success, detail_hash, prev_hash, hash, detail";
const TABLES: &str = "audit_logs LEFT JOIN audit_details ON audit_details.seq = audit_logs.seq";

fn entry(row: &mut Row) -> Result<Entry, StoreError> {
    Ok(Entry {
        seq: row.take()?,
        logged_at: row.take()?,
        event: row.take()?,
        actor_id: row.take()?,
        subject_id: row.take()?,
        success: row.take()?,
        detail_hash: row.take()?,
        prev_hash: row.take()?,
        hash: row.take()?,
        detail: row.take_optional_json()?,
    })
}

/// Appends one row.
pub fn append(tx: &mut Tx<'_>, event: &Event) -> Result<Head, StoreError> {
    // Taking the number first locks the head, so nobody else can continue the chain until this transaction ends.
    let (seq, prev_hash): (i64, Hash) =
        tx.one("UPDATE audit_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, hash", &[], |row: &mut Row| {
            Ok((row.take()?, row.take()?))
        })?;
    let (detail, detail_hash) = chain::hashed(&event.detail);
    // As it will be read back.
    let logged_at = Timestamp::from_microsecond(event.logged_at.as_microsecond()).map_err(StoreError::internal)?;
    let mut entry = Entry {
        seq,
        logged_at,
        event: event.event.clone(),
        actor_id: event.actor_id,
        subject_id: event.subject_id,
        success: event.success,
        detail_hash,
        prev_hash,
        hash: prev_hash,
        detail: None,
    };
    entry.hash = chain::seal(&entry);
    insert(tx, &entry, detail)?;
    tx.execute_one("UPDATE audit_head SET hash = $1 WHERE id = 1", &[entry.hash.into()])?;
    Ok(Head { seq, hash: entry.hash })
}

fn insert(tx: &mut Tx<'_>, entry: &Entry, detail: String) -> Result<(), StoreError> {
    let values: [Value; 9] = [
        entry.seq.into(),
        entry.logged_at.into(),
        (&entry.event).into(),
        entry.actor_id.into(),
        entry.subject_id.into(),
        entry.success.into(),
        entry.detail_hash.into(),
        entry.prev_hash.into(),
        entry.hash.into(),
    ];
    tx.execute_one(
        "INSERT INTO audit_logs (seq, logged_at, event, actor_id, subject_id, success, detail_hash, prev_hash, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &values,
    )?;
    tx.execute_one("INSERT INTO audit_details (seq, detail) VALUES ($1, $2)", &[entry.seq.into(), detail.into()])
}

/// The conditions of a filter.
pub fn filter_of(wanted: &AuditFilter) -> Filter {
    let mut filter = Filter::default();
    filter.and_some("event = ?", wanted.event.as_deref());
    filter.and_some("actor_id = ?", wanted.actor_id);
    filter.and_some("subject_id = ?", wanted.subject_id);
    filter.and_some("success = ?", wanted.success);
    filter.and_some("logged_at >= ?", wanted.from);
    filter.and_some("logged_at < ?", wanted.to);
    filter
}

/// Newest first.
pub fn list(conn: &mut Conn<'_>, wanted: &AuditFilter, page: Page) -> Result<Paged<Entry>, StoreError> {
    filter_of(wanted).page(conn, (COLUMNS, TABLES, "audit_logs.seq DESC"), page, entry)
}

/// Rows after row `seq`, the oldest first.
pub fn after(conn: &mut Conn<'_>, wanted: &AuditFilter, seq: i64, limit: u32) -> Result<Vec<Entry>, StoreError> {
    let mut filter = filter_of(wanted);
    filter.and("audit_logs.seq > ?", seq);
    filter.query(conn, (COLUMNS, TABLES, &format!("ORDER BY audit_logs.seq LIMIT {limit}")), entry)
}

/// All that a user did or that was done to them, oldest first.
pub fn about(conn: &mut Conn<'_>, user_id: Uuid) -> Result<Vec<Entry>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE actor_id = $1 OR subject_id = $1 ORDER BY audit_logs.seq");
    conn.query(&sql, &[user_id.into()], entry)
}

/// When something happened last.
pub fn last(conn: &mut Conn<'_>, event: &str) -> Result<Option<Timestamp>, StoreError> {
    conn.find("SELECT logged_at FROM audit_logs WHERE event = $1 ORDER BY seq DESC LIMIT 1", &[event.into()], Row::take)
}

/// The time of the first row.
pub fn begin(conn: &mut Conn<'_>) -> Result<Option<Timestamp>, StoreError> {
    conn.find("SELECT logged_at FROM audit_logs ORDER BY seq LIMIT 1", &[], Row::take)
}

pub fn head(conn: &mut Conn<'_>) -> Result<Head, StoreError> {
    conn.one("SELECT seq, hash FROM audit_head WHERE id = 1", &[], |row: &mut Row| {
        Ok(Head { seq: row.take()?, hash: row.take()? })
    })
}

/// How many details of rows from before `before` are still there.
pub fn count_details(conn: &mut Conn<'_>, before: Timestamp) -> Result<u64, StoreError> {
    let last = last_with_detail(conn, before)?;
    conn.one("SELECT count(*) FROM audit_details WHERE seq <= $1", &[last.into()], Row::take)
}

/// Removes at most `limit` details of rows from before `before`; the rows stay.
pub fn remove_details(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let last = last_with_detail(tx, before)?;
    let sql = "DELETE FROM audit_details WHERE seq IN \
               (SELECT seq FROM audit_details WHERE seq <= $1 ORDER BY seq LIMIT $2)";
    tx.execute(sql, &[last.into(), limit.into()])
}

/// The last of the rows from before `before`, looked for from the first row that still has its detail.
fn last_with_detail(conn: &mut Conn<'_>, before: Timestamp) -> Result<i64, StoreError> {
    let first: Option<i64> = conn.one("SELECT min(seq) FROM audit_details", &[], Row::take)?;
    chain::last_before(conn, before, first.unwrap_or(i64::MAX))
}
