//! The link that opens the first administrator's account: one at a time, good for one use. Only the hash of its token
//! is kept.

use crate::store::db::value::Row;
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use jiff::Timestamp;

/// SHA-256 of a token.
pub type TokenHash = [u8; 32];

/// A new link; the one before is good no more.
pub fn replace(tx: &mut Tx<'_>, token: TokenHash, expires_at: Timestamp) -> Result<(), StoreError> {
    tx.execute_one(
        "INSERT INTO first_admin_link (id, hash, expires_at) VALUES (1, $1, $2) \
         ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at",
        &[token.into(), expires_at.into()],
    )
}

/// Whether the link is still good.
pub fn is_good(conn: &mut Conn<'_>, token: TokenHash, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM first_admin_link WHERE hash = $1 AND expires_at > $2";
    conn.one(sql, &[token.into(), now.into()], |row: &mut Row| Ok(row.take::<i64>()? == 1))
}

/// Whether the link was still good; it is not afterwards.
pub fn spend(tx: &mut Tx<'_>, token: TokenHash, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "DELETE FROM first_admin_link WHERE hash = $1 AND expires_at > $2";
    Ok(tx.execute(sql, &[token.into(), now.into()])? == 1)
}
