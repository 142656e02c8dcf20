//! What has been kept long enough: how much of it there is, and removing it some at a time.

use crate::store::db::value::{Row, Value};
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use uuid::Uuid;

/// Rows of one table that are from before a point in time, `$1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Old {
    pub table: &'static str,
    /// What tells its rows apart.
    key: &'static str,
    is_old: &'static str,
    /// Whether `$1` is the day of the point in time.
    by_day: bool,
    /// The rows stay, without this column.
    column: Option<&'static str>,
}

const fn old(table: &'static str, key: &'static str, is_old: &'static str) -> Old {
    Old { table, key, is_old, by_day: false, column: None }
}

pub const SESSIONS: Old = old("sessions", "id", "expires_at < $1 OR revoked_at < $1");
pub const RESET_LINKS: Old = old("password_resets", "user_id", "expires_at < $1");
pub const RETRIED_REQUESTS: Old = old("idempotency_keys", "scope, key", "expires_at < $1");
pub const USAGE_MONTHS: Old = Old { by_day: true, ..old("usage_history", "user_id, month", "month < $1") };
pub const USAGE_DAYS: Old = Old { by_day: true, ..old("usage_days", "user_id, meter, day", "day < $1") };
pub const RECOMMENDATIONS: Old = old("recommendations", "id", "user_id IS NOT NULL AND expires_at < $1");
pub const ANONYMOUS_RECOMMENDATIONS: Old = old("recommendations", "id", "user_id IS NULL AND expires_at < $1");
pub const FEEDBACK_TEXTS: Old =
    Old { column: Some("feedback_text"), ..old("feedback", "id", "feedback_text IS NOT NULL AND created_at < $1") };
/// Accounts of staff stay: they go by hand.
const INACTIVE: Old = old(
    "users",
    "id",
    "role = 'user' AND coalesce(last_login_at, created_at) < $1 AND created_at < $1 \
     AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.user_id = users.id AND sessions.last_used_at >= $1)",
);

impl Old {
    fn point(&self, before: Timestamp) -> Value {
        if self.by_day { before.to_zoned(TimeZone::UTC).date().into() } else { before.into() }
    }

    pub fn count(&self, conn: &mut Conn<'_>, before: Timestamp) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {} WHERE {}", self.table, self.is_old);
        conn.one(&sql, &[self.point(before)], Row::take)
    }

    /// What tells at most `limit` of them apart. It may read the whole table: to be asked of a reader, so that nobody
    /// who writes waits for it.
    pub fn keys(&self, conn: &mut Conn<'_>, before: Timestamp, limit: u32) -> Result<Vec<Vec<Value>>, StoreError> {
        let Old { table, key, is_old, .. } = self;
        let columns = key.split(',').count();
        let sql = format!("SELECT {key} FROM {table} WHERE {is_old} LIMIT $2");
        conn.query(&sql, &[self.point(before), limit.into()], |row| (0..columns).map(|_| row.take()).collect())
    }

    /// Removes those of `keys` that are still old: how many.
    pub fn remove(&self, tx: &mut Tx<'_>, before: Timestamp, keys: &[Vec<Value>]) -> Result<u64, StoreError> {
        let Old { table, key, is_old, column, .. } = self;
        let change = match column {
            Some(column) => format!("UPDATE {table} SET {column} = NULL"),
            None => format!("DELETE FROM {table}"),
        };
        let each: Vec<String> = key.split(", ").enumerate().map(|(n, name)| format!("{name} = ${}", n + 2)).collect();
        let sql = format!("{change} WHERE {} AND ({is_old})", each.join(" AND "));
        let mut removed = 0;
        for key in keys {
            let values: Vec<Value> = [self.point(before)].into_iter().chain(key.iter().cloned()).collect();
            removed += tx.execute(&sql, &values)?;
        }
        Ok(removed)
    }
}

/// Accounts whose users have not been there since `since`.
pub fn count_inactive(conn: &mut Conn<'_>, since: Timestamp) -> Result<u64, StoreError> {
    INACTIVE.count(conn, since)
}

/// Some of them. It reads all accounts: to be asked of a reader.
pub fn inactive(conn: &mut Conn<'_>, since: Timestamp, limit: u32) -> Result<Vec<Uuid>, StoreError> {
    let sql = format!("SELECT id FROM users WHERE {} LIMIT $2", INACTIVE.is_old);
    conn.query(&sql, &[since.into(), limit.into()], Row::take)
}

/// Whether this is one of them.
pub fn is_inactive(conn: &mut Conn<'_>, id: Uuid, since: Timestamp) -> Result<bool, StoreError> {
    let sql = format!("SELECT count(*) FROM users WHERE id = $2 AND {}", INACTIVE.is_old);
    conn.one(&sql, &[since.into(), id.into()], |row: &mut Row| Ok(row.take::<i64>()? == 1))
}
