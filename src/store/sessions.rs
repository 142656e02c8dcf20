//! Logins and their refresh tokens. Only hashes of tokens are kept.
//!
//! A token is spent once, by being exchanged for its successor. Presented again shortly after (two tabs, a retried
//! request) it yields the same successor; later it is taken for stolen and the whole session ends.

use crate::store::db::value::Row;
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use crate::store::nodes::{News, tell};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// SHA-256 of a refresh token.
pub type TokenHash = [u8; 32];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: Uuid,
    pub user_id: Uuid,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
    pub expires_at: Timestamp,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    pub revoked_at: Option<Timestamp>,
}

/// What came of presenting a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The token is spent; its successor is the one offered.
    Rotated(Session),
    /// The token was spent within the leeway: hand out the successor it has. (Derive successors from their
    /// predecessor with a secret, and this is the one offered.)
    Repeated { session: Session, successor: TokenHash },
    /// The token was spent long ago: the session has been revoked, all its tokens with it.
    Reused(Session),
    /// Unknown, expired, or of a session that was revoked.
    Refused,
}

const COLUMNS: &str = "id, user_id, created_at, last_used_at, expires_at, ip, user_agent, revoked_at";

fn session(row: &mut Row) -> Result<Session, StoreError> {
    Ok(Session {
        id: row.take()?,
        user_id: row.take()?,
        created_at: row.take()?,
        last_used_at: row.take()?,
        expires_at: row.take()?,
        ip: row.take()?,
        user_agent: row.take()?,
        revoked_at: row.take()?,
    })
}

/// Starts a session with its first refresh token.
pub fn create(tx: &mut Tx<'_>, new: &Session, token: TokenHash) -> Result<(), StoreError> {
    tx.execute_one(
        "INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at, ip, user_agent, revoked_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            new.id.into(),
            new.user_id.into(),
            new.created_at.into(),
            new.last_used_at.into(),
            new.expires_at.into(),
            new.ip.as_deref().into(),
            new.user_agent.as_deref().into(),
            new.revoked_at.into(),
        ],
    )?;
    insert_token(tx, new.id, token, new.created_at, new.expires_at)
}

/// Exchanges the token `presented` for `offered`, which expires at `expires_at`, but not later than `age_max` after the
/// session began.
pub fn rotate(
    tx: &mut Tx<'_>,
    presented: TokenHash,
    offered: TokenHash,
    now: Timestamp,
    expires_at: Timestamp,
    leeway: SignedDuration,
    age_max: SignedDuration,
) -> Result<Rotation, StoreError> {
    // Spending is the first statement, so that of two racing requests one waits for the other.
    let spent = tx.execute(
        "UPDATE refresh_tokens SET spent_at = $2, successor_hash = $3 WHERE hash = $1 AND spent_at IS NULL",
        &[presented.into(), now.into(), offered.into()],
    )?;
    let Some(token) = token(tx, presented)? else { return Ok(Rotation::Refused) };
    let session = by_id(tx, token.session_id)?.ok_or(StoreError::NotFound)?;
    if session.revoked_at.is_some() || token.expires_at <= now {
        return Ok(Rotation::Refused);
    }
    let ends_at = session.created_at.saturating_add(age_max).unwrap_or(Timestamp::MAX);
    let expires_at = expires_at.min(ends_at);
    if spent == 1 {
        insert_token(tx, session.id, offered, now, expires_at)?;
        tx.execute(
            "UPDATE sessions SET last_used_at = $2, expires_at = $3 WHERE id = $1",
            &[session.id.into(), now.into(), expires_at.into()],
        )?;
        return Ok(Rotation::Rotated(Session { last_used_at: now, expires_at, ..session }));
    }
    match (token.spent_at, token.successor_hash) {
        (Some(at), Some(successor)) if now.duration_since(at) <= leeway => {
            Ok(Rotation::Repeated { session, successor })
        }
        _ => {
            revoke(tx, session.id, now)?;
            Ok(Rotation::Reused(Session { revoked_at: Some(now), ..session }))
        }
    }
}

pub fn by_id(conn: &mut Conn<'_>, id: Uuid) -> Result<Option<Session>, StoreError> {
    conn.find(&format!("SELECT {COLUMNS} FROM sessions WHERE id = $1"), &[id.into()], session)
}

/// The session a refresh token belongs to, spent or not.
pub fn by_token(conn: &mut Conn<'_>, hash: TokenHash) -> Result<Option<Session>, StoreError> {
    match token(conn, hash)? {
        Some(token) => by_id(conn, token.session_id),
        None => Ok(None),
    }
}

/// The user's sessions that are still good, last used first.
pub fn of_user(conn: &mut Conn<'_>, user_id: Uuid, now: Timestamp) -> Result<Vec<Session>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 \
         ORDER BY last_used_at DESC, id"
    );
    conn.query(&sql, &[user_id.into(), now.into()], session)
}

/// All of the user's sessions, ended ones too, oldest first.
pub fn all_of_user(conn: &mut Conn<'_>, user_id: Uuid) -> Result<Vec<Session>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM sessions WHERE user_id = $1 ORDER BY created_at, id");
    conn.query(&sql, &[user_id.into()], session)
}

/// Whether the session is there and was not ended. That its refresh token has expired does not end it.
pub fn is_open(conn: &mut Conn<'_>, id: Uuid) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM sessions WHERE id = $1 AND revoked_at IS NULL";
    conn.one(sql, &[id.into()], |row| Ok(row.take::<i64>()? == 1))
}

/// Ends one of the user's own sessions; `false` when there is none such that is still good.
pub fn revoke_own(tx: &mut Tx<'_>, user_id: Uuid, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE sessions SET revoked_at = $3 \
               WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3";
    let ended = tx.execute(sql, &[id.into(), user_id.into(), now.into()])? == 1;
    if ended {
        tell(tx, News::Session(id))?;
    }
    Ok(ended)
}

pub fn revoke(tx: &mut Tx<'_>, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    tell(tx, News::Session(id))?;
    tx.execute_one("UPDATE sessions SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1", &[id.into(), now.into()])
}

/// Revokes the user's sessions, except `keep`; returns how many were still good. Other nodes hear of it by what goes
/// with it: a change of the user's tokens.
pub fn revoke_all(tx: &mut Tx<'_>, user_id: Uuid, keep: Option<Uuid>, now: Timestamp) -> Result<u64, StoreError> {
    // No session has the nil id, so it keeps none.
    tx.execute(
        "UPDATE sessions SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL AND id <> $3",
        &[user_id.into(), now.into(), keep.unwrap_or(Uuid::nil()).into()],
    )
}

/// Removes sessions that ended before `before`; returns how many.
pub fn sweep(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM sessions WHERE expires_at < $1", &[before.into()])
}

/// Removes refresh tokens that can be used no more, those of open sessions too; returns how many.
pub fn sweep_tokens(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM refresh_tokens WHERE expires_at < $1", &[before.into()])
}

struct Token {
    session_id: Uuid,
    expires_at: Timestamp,
    spent_at: Option<Timestamp>,
    successor_hash: Option<TokenHash>,
}

fn token(conn: &mut Conn<'_>, hash: TokenHash) -> Result<Option<Token>, StoreError> {
    let sql = "SELECT session_id, expires_at, spent_at, successor_hash FROM refresh_tokens WHERE hash = $1";
    conn.find(sql, &[hash.into()], |row| {
        Ok(Token {
            session_id: row.take()?,
            expires_at: row.take()?,
            spent_at: row.take()?,
            successor_hash: row.take()?,
        })
    })
}

fn insert_token(
    tx: &mut Tx<'_>,
    session_id: Uuid,
    hash: TokenHash,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute_one(
        "INSERT INTO refresh_tokens (hash, session_id, issued_at, expires_at) VALUES ($1, $2, $3, $4)",
        &[hash.into(), session_id.into(), now.into(), expires_at.into()],
    )
}
