//! Links with which a forgotten password is replaced: one at a time for each user, good for one use. Only hashes of
//! their tokens are kept.

use crate::store::db::value::Row;
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use jiff::Timestamp;
use uuid::Uuid;

/// SHA-256 of a reset token.
pub type TokenHash = [u8; 32];

/// A new link; the user's link before it is good no more. False: that one was made after `earliest`, and stays.
pub fn replace(
    tx: &mut Tx<'_>,
    user_id: Uuid,
    token: TokenHash,
    (now, expires_at): (Timestamp, Timestamp),
    earliest: Timestamp,
) -> Result<bool, StoreError> {
    // One statement, so that of two callers at the same moment one is too late on every engine.
    let made = tx.execute(
        "INSERT INTO password_resets (user_id, hash, created_at, expires_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (user_id) DO UPDATE \
         SET hash = excluded.hash, created_at = excluded.created_at, expires_at = excluded.expires_at \
         WHERE password_resets.created_at <= $5",
        &[user_id.into(), token.into(), now.into(), expires_at.into(), earliest.into()],
    )?;
    Ok(made == 1)
}

/// When the user's present link was made.
pub fn made_at(conn: &mut Conn<'_>, user_id: Uuid) -> Result<Option<Timestamp>, StoreError> {
    conn.find("SELECT created_at FROM password_resets WHERE user_id = $1", &[user_id.into()], Row::take)
}

/// Whether the link is still good.
pub fn is_good(conn: &mut Conn<'_>, token: TokenHash, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM password_resets WHERE hash = $1 AND expires_at > $2";
    conn.one(sql, &[token.into(), now.into()], |row: &mut Row| Ok(row.take::<i64>()? == 1))
}

/// Whose link this is, if it is still good; it is not afterwards.
pub fn spend(tx: &mut Tx<'_>, token: TokenHash, now: Timestamp) -> Result<Option<Uuid>, StoreError> {
    let sql = "DELETE FROM password_resets WHERE hash = $1 RETURNING user_id, expires_at";
    let found = tx.find(sql, &[token.into()], |row: &mut Row| Ok((row.take()?, row.take()?)))?;
    Ok(found.filter(|(_, expires_at): &(Uuid, Timestamp)| *expires_at > now).map(|(user_id, _)| user_id))
}

/// The user's link is good no more.
pub fn withdraw(tx: &mut Tx<'_>, user_id: Uuid) -> Result<(), StoreError> {
    tx.execute("DELETE FROM password_resets WHERE user_id = $1", &[user_id.into()]).map(|_| ())
}

/// Removes links that ended before `before`; returns how many.
pub fn sweep(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM password_resets WHERE expires_at < $1", &[before.into()])
}
