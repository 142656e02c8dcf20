//! Answers kept for a day under the caller's key, so that a retried request has one effect.

use crate::store::db::value::{Row, Value};
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use crate::store::nodes;
use jiff::Timestamp;

/// The answer given the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// HTTP status.
    pub status: u16,
    pub content_type: String,
    pub body: Vec<u8>,
}

/// What a key stands for when a request arrives with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Not used before: the request is to be worked on, then [`finish`]ed (or [`release`]d) under this key, which is
    /// the claimant's until `lapses_at`.
    New,
    /// The first request under this key is still being worked on.
    InFlight,
    Answered(KeptAnswer),
    /// The key was used for another request.
    OtherRequest,
}

/// A key as it is held: with the first answer, unless that is still being worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldKey {
    pub key: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub answer: Option<Vec<u8>>,
}

/// All keys of a scope, oldest first.
pub fn of_scope(conn: &mut Conn<'_>, scope: &str) -> Result<Vec<HeldKey>, StoreError> {
    let sql =
        "SELECT key, created_at, expires_at, answer FROM idempotency_keys WHERE scope = $1 ORDER BY created_at, key";
    conn.query(sql, &[scope.into()], |row: &mut Row| {
        Ok(HeldKey { key: row.take()?, created_at: row.take()?, expires_at: row.take()?, answer: row.take()? })
    })
}

/// Claims `key` within `scope` (the user's id) for a request of which `request_hash` is the SHA-256. The claim of a
/// node that is gone is taken over by `node`; without one, a claim stands until it lapses.
pub fn claim(
    tx: &mut Tx<'_>,
    (scope, key): (&str, &str),
    request_hash: [u8; 32],
    now: Timestamp,
    lapses_at: Timestamp,
    node: Option<i64>,
) -> Result<Claim, StoreError> {
    tx.execute(
        "DELETE FROM idempotency_keys WHERE scope = $1 AND key = $2 AND expires_at <= $3",
        &[scope.into(), key.into(), now.into()],
    )?;
    let values: [Value; 6] = [scope.into(), key.into(), request_hash.into(), now.into(), lapses_at.into(), node.into()];
    let inserted = tx.execute(
        "INSERT INTO idempotency_keys (scope, key, request_hash, created_at, expires_at, claimed_by) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (scope, key) DO NOTHING",
        &values,
    )?;
    if inserted == 1 {
        return Ok(Claim::New);
    }
    match held(tx, (scope, key), request_hash)? {
        Claim::InFlight if take_over(tx, &values)? => Ok(Claim::New),
        found => Ok(found),
    }
}

/// Whether a claim was a dead node's and is now the one of these values. What that node had still sent to the database
/// is waited for: if it was done, the claim is no more.
fn take_over(tx: &mut Tx<'_>, values: &[Value; 6]) -> Result<bool, StoreError> {
    let sql = format!(
        "UPDATE idempotency_keys SET created_at = $4, expires_at = $5, claimed_by = $6 \
         WHERE scope = $1 AND key = $2 AND request_hash = $3 AND status IS NULL AND {}",
        nodes::is_gone(tx.engine(), "claimed_by", "$6")
    );
    Ok(tx.execute(&sql, values)? == 1)
}

/// Keeps the answer until `expires_at`; belongs in the transaction of the request's effect. `NotFound` when the claim
/// of `claimed_at` lapsed meanwhile: then the effect must not be kept either.
pub fn finish(
    tx: &mut Tx<'_>,
    (scope, key): (&str, &str),
    claimed_at: Timestamp,
    answer: &KeptAnswer,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let values: [Value; 7] = [
        scope.into(),
        key.into(),
        claimed_at.into(),
        answer.status.into(),
        (&answer.content_type).into(),
        answer.body.as_slice().into(),
        expires_at.into(),
    ];
    tx.execute_one(
        "UPDATE idempotency_keys SET status = $4, content_type = $5, answer = $6, expires_at = $7 \
         WHERE scope = $1 AND key = $2 AND created_at = $3 AND status IS NULL",
        &values,
    )
}

/// Frees a key claimed at `claimed_at` whose request came to nothing, so that it can be tried again.
pub fn release(tx: &mut Tx<'_>, (scope, key): (&str, &str), claimed_at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM idempotency_keys WHERE scope = $1 AND key = $2 AND created_at = $3 AND status IS NULL",
        &[scope.into(), key.into(), claimed_at.into()],
    )?;
    Ok(())
}

/// Removes what has expired; returns how many.
pub fn sweep(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM idempotency_keys WHERE expires_at <= $1", &[now.into()])
}

fn held(conn: &mut Conn<'_>, (scope, key): (&str, &str), request_hash: [u8; 32]) -> Result<Claim, StoreError> {
    let sql = "SELECT request_hash, status, content_type, answer FROM idempotency_keys WHERE scope = $1 AND key = $2";
    let held = conn.find(sql, &[scope.into(), key.into()], |row: &mut Row| {
        let first: [u8; 32] = row.take()?;
        if first != request_hash {
            return Ok(Claim::OtherRequest);
        }
        let Some(status) = row.take()? else { return Ok(Claim::InFlight) };
        Ok(Claim::Answered(KeptAnswer { status, content_type: row.take()?, body: row.take()? }))
    })?;
    // Freed since we wanted it: it can be had the next time.
    Ok(held.unwrap_or(Claim::InFlight))
}
