//! The chain of the audit log: how a row is sealed, how all of them are checked, and how old ones expire.
//!
//! A row's hash covers the row before and every column. No key goes into it, so that anybody with the database can
//! check it, and no change of a key breaks it. It proves that no row was changed, removed or moved without making every
//! later hash anew; against that helps a hash noted elsewhere ([`holds`]).

use super::{COLUMNS, Entry, Event, Hash, Head, TABLES, append, entry, head};
use crate::store::db::value::Row;
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use uuid::Uuid;

/// The event of rows that expired and were removed. The database lets the log begin later only where a row says so.
pub const EXPIRED: &str = "audit_log_expired";

/// Goes first into every hash: what is hashed, and in which way.
const PURPOSE: &[u8] = b"treebeard audit log, 1";

/// What came of checking the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Intact(Head),
    /// The first row that does not fit.
    BrokenAt(i64),
}

/// Where the log begins: the last row that expired, and the row that tells so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Anchor {
    end: Head,
    told_by: i64,
}

impl Anchor {
    /// What the row that tells of it says. It is known without that row's detail, which may be gone.
    fn detail(&self) -> Value {
        json!({ "removed_through": self.end.seq, "hash": hex(&self.end.hash) })
    }
}

/// The detail as it is kept, and its hash.
pub(super) fn hashed(detail: &Value) -> (String, Hash) {
    let text = detail.to_string();
    let hash = Sha256::digest(text.as_bytes()).into();
    (text, hash)
}

/// SHA-256 over the hash before and every column, each preceded by its length.
pub(super) fn seal(entry: &Entry) -> Hash {
    let id = |id: &Option<Uuid>| id.map_or(Vec::new(), |id| id.as_bytes().to_vec());
    let parts: [&[u8]; 9] = [
        PURPOSE,
        &entry.prev_hash,
        &entry.seq.to_be_bytes(),
        &entry.logged_at.as_microsecond().to_be_bytes(),
        entry.event.as_bytes(),
        &id(&entry.actor_id),
        &id(&entry.subject_id),
        &[u8::from(entry.success)],
        &entry.detail_hash,
    ];
    let mut sum = Sha256::new();
    for part in parts {
        sum.update((part.len() as u64).to_be_bytes());
        sum.update(part);
    }
    sum.finalize().into()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Recomputes the whole chain. A missing row, a changed column, a changed detail, a cut tail and a beginning that no
/// row tells of all show; a detail that was erased does not.
pub fn verify(conn: &mut Conn<'_>) -> Result<Verdict, StoreError> {
    const ROWS_AT_ONCE: u32 = 1_000;
    let (end, Some(begin)) = (head(conn)?, anchor(conn)?) else { return Ok(Verdict::BrokenAt(1)) };
    let mut reached = begin.end;
    let mut told = begin.end == Head::START;
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE audit_logs.seq > $1 ORDER BY audit_logs.seq LIMIT $2");
    loop {
        let entries = conn.query(&sql, &[reached.seq.into(), ROWS_AT_ONCE.into()], entry)?;
        if entries.is_empty() {
            return Ok(match (reached == end, told) {
                (true, true) => Verdict::Intact(end),
                (false, _) => Verdict::BrokenAt(reached.seq + 1),
                (true, false) => Verdict::BrokenAt(begin.end.seq),
            });
        }
        for entry in entries {
            let follows = entry.seq == reached.seq + 1 && entry.prev_hash == reached.hash;
            if !follows || !is_sealed(&entry) {
                return Ok(Verdict::BrokenAt(reached.seq + 1));
            }
            told |=
                entry.seq == begin.told_by && entry.event == EXPIRED && entry.detail_hash == hashed(&begin.detail()).1;
            reached = Head { seq: entry.seq, hash: entry.hash };
        }
    }
}

fn is_sealed(entry: &Entry) -> bool {
    let detail_fits = entry.detail.as_ref().is_none_or(|detail| entry.detail_hash == hashed(detail).1);
    detail_fits && entry.hash == seal(entry)
}

/// Whether the log still has the row whose hash this is, or ended with it before it had any or before they expired.
pub fn holds(conn: &mut Conn<'_>, hash: Hash) -> Result<bool, StoreError> {
    let begins = anchor(conn)?.is_some_and(|anchor| anchor.end.hash == hash);
    let sql = "SELECT count(*) FROM audit_logs WHERE hash = $1";
    let start = hash == Head::START.hash;
    Ok(start || begins || conn.one(sql, &[hash.into()], |row: &mut Row| row.take::<i64>())? > 0)
}

/// How many rows would expire, were everything from before `before` to.
pub fn count_expiring(conn: &mut Conn<'_>, before: Timestamp) -> Result<u64, StoreError> {
    let begin = anchor(conn)?.map_or(0, |anchor| anchor.end.seq);
    Ok(u64::try_from(last_before(conn, before, begin + 1)? - begin).unwrap_or(0))
}

/// Removes at most `limit` rows from before `before`, the oldest first, and tells so in a row: how many. The chain
/// begins with the row after them; a beginning that is not told is found by [`verify`] and refused by the database.
pub fn expire(tx: &mut Tx<'_>, before: Timestamp, limit: u32, now: Timestamp) -> Result<u64, StoreError> {
    // Taken first: it keeps others from adding rows, and from expiring the same ones.
    let next = tx.one("UPDATE audit_head SET seq = seq WHERE id = 1 RETURNING seq + 1", &[], Row::take)?;
    let begin = anchor(tx)?.ok_or(StoreError::NotFound)?.end.seq;
    let last = last_before(tx, before, begin + 1)?.min(begin + i64::from(limit));
    if last <= begin {
        return Ok(0);
    }
    let hash = tx.one("SELECT hash FROM audit_logs WHERE seq = $1", &[last.into()], Row::take)?;
    let anchor = Anchor { end: Head { seq: last, hash }, told_by: next };
    let told = Event {
        logged_at: now,
        event: EXPIRED.to_owned(),
        actor_id: None,
        subject_id: None,
        success: true,
        detail: anchor.detail(),
    };
    append(tx, &told)?;
    let moved = "UPDATE audit_anchor SET seq = $1, hash = $2, told_by = $3 WHERE id = 1";
    tx.execute_one(moved, &[last.into(), hash.into(), next.into()])?;
    tx.execute("DELETE FROM audit_details WHERE seq <= $1", &[last.into()])?;
    tx.execute("DELETE FROM audit_logs WHERE seq <= $1", &[last.into()])
}

/// The last row of those from `first` on that are all from before `before`. Times may stand a little out of order: a
/// row's is taken before its transaction begins. What is read are these rows, and nothing after them.
pub(super) fn last_before(conn: &mut Conn<'_>, before: Timestamp, first: i64) -> Result<i64, StoreError> {
    // IS TRUE keeps either engine from going by time: it would read, and sort, every row that stays.
    let sql = "SELECT seq FROM audit_logs WHERE seq >= $1 AND (logged_at >= $2) IS TRUE ORDER BY seq LIMIT 1";
    match conn.find(sql, &[first.into(), before.into()], |row: &mut Row| row.take::<i64>())? {
        Some(first_kept) => Ok(first_kept - 1),
        None => Ok(head(conn)?.seq),
    }
}

fn anchor(conn: &mut Conn<'_>) -> Result<Option<Anchor>, StoreError> {
    conn.find("SELECT seq, hash, told_by FROM audit_anchor WHERE id = 1", &[], |row: &mut Row| {
        Ok(Anchor { end: Head { seq: row.take()?, hash: row.take()? }, told_by: row.take()? })
    })
}
