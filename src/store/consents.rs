//! Which documents a user agreed to; append-only, withdrawing is a new row.

use crate::store::db::value::Row;
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use jiff::Timestamp;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    pub id: Uuid,
    /// `terms`, `privacy`, `marketing`, ...
    pub document: String,
    pub version: String,
    pub granted: bool,
    pub given_at: Timestamp,
}

fn consent(row: &mut Row) -> Result<Consent, StoreError> {
    Ok(Consent {
        id: row.take()?,
        document: row.take()?,
        version: row.take()?,
        granted: row.take()?,
        given_at: row.take()?,
    })
}

pub fn append(tx: &mut Tx<'_>, user_id: Uuid, new: &Consent) -> Result<(), StoreError> {
    tx.execute_one(
        "INSERT INTO consents (id, user_id, document, version, granted, given_at) VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            new.id.into(),
            user_id.into(),
            (&new.document).into(),
            (&new.version).into(),
            new.granted.into(),
            new.given_at.into(),
        ],
    )
}

/// Oldest first.
pub fn of_user(conn: &mut Conn<'_>, user_id: Uuid) -> Result<Vec<Consent>, StoreError> {
    conn.query(
        "SELECT id, document, version, granted, given_at FROM consents WHERE user_id = $1 ORDER BY given_at, id",
        &[user_id.into()],
        consent,
    )
}

/// What the user said last about a document.
pub fn latest(conn: &mut Conn<'_>, user_id: Uuid, document: &str) -> Result<Option<Consent>, StoreError> {
    conn.find(
        "SELECT id, document, version, granted, given_at FROM consents WHERE user_id = $1 AND document = $2 \
         ORDER BY given_at DESC, id DESC LIMIT 1",
        &[user_id.into(), document.into()],
        consent,
    )
}
