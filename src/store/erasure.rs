//! Erasing a user: what becomes of the rows of each table, and who was erased.
//!
//! The list of the erased keeps a hash of each id and nothing else, so that it says of nobody who they were; with it a
//! restored backup can be brought to forget them again.

use crate::store::db::value::{Row, Value};
use crate::store::db::{Conn, Engine, Tx};
use crate::store::error::StoreError;
use crate::store::nodes::{News, tell};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// SHA-256 of a user's id.
pub type Trace = [u8; 32];

/// What an erasure does to the rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Erased,
    /// The row stays without what ties it to anybody.
    Anonymised,
}

/// The rows of one table that belong to a user, `$1`.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub table: &'static str,
    pub fate: Fate,
    whose: &'static str,
    change: &'static str,
    /// Whether `$1` is the id as text.
    by_text: bool,
}

const fn erased(table: &'static str, whose: &'static str) -> Step {
    Step { table, fate: Fate::Erased, whose, change: "DELETE FROM", by_text: false }
}

/// A detail is about its subject: what somebody did to others is not theirs to take along.
const OF_AUDIT: &str = "seq IN (SELECT seq FROM audit_logs WHERE subject_id = $1)";

/// Every table that holds something of a user, children before parents.
pub const STEPS: &[Step] = &[
    erased("audit_details", OF_AUDIT),
    Step {
        fate: Fate::Anonymised,
        change: "UPDATE feedback SET feedback_text = NULL, user_id = NULL",
        ..erased("feedback", "user_id = $1")
    },
    Step { by_text: true, ..erased("idempotency_keys", "scope = $1") },
    erased("consents", "user_id = $1"),
    erased("refresh_tokens", "session_id IN (SELECT id FROM sessions WHERE user_id = $1)"),
    erased("sessions", "user_id = $1"),
    erased("password_resets", "user_id = $1"),
    erased("user_preferences", "user_id = $1"),
    erased("current_plans", "user_id = $1"),
    erased("usage_history", "user_id = $1"),
    erased("usage_days", "user_id = $1"),
    erased("recommendation_plans", "recommendation_id IN (SELECT id FROM recommendations WHERE user_id = $1)"),
    erased("recommendations", "user_id = $1"),
    erased("users", "id = $1"),
];

impl Step {
    fn user(&self, id: Uuid) -> Value {
        if self.by_text { id.to_string().into() } else { id.into() }
    }

    fn statement(&self) -> String {
        let change = match self.fate {
            Fate::Erased => format!("{} {}", self.change, self.table),
            Fate::Anonymised => self.change.to_owned(),
        };
        format!("{change} WHERE {}", self.whose)
    }
}

/// How many rows of each table an erasure would change.
pub fn preview(conn: &mut Conn<'_>, id: Uuid) -> Result<Vec<(&'static Step, u64)>, StoreError> {
    let count = |step: &'static Step| {
        let sql = format!("SELECT count(*) FROM {} WHERE {}", step.table, step.whose);
        Ok((step, conn.one(&sql, &[step.user(id)], Row::take)?))
    };
    STEPS.iter().map(count).collect()
}

/// Erases a user: the account and all that belongs to it goes, feedback stays without its author and text, and log
/// rows about the user stay without their detail.
pub fn erase(tx: &mut Tx<'_>, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    let mut last = 0;
    for step in STEPS {
        last = tx.execute(&step.statement(), &[step.user(id)])?;
    }
    // The last step is the account itself.
    if last == 0 {
        return Err(StoreError::NotFound);
    }
    tell(tx, News::User(id))?;
    forget_samples(tx)?;
    list(tx, &trace_of(id), now)
}

/// SQLite's planner may have kept values of indexed columns as samples; the next ANALYZE takes new ones. (PostgreSQL is
/// told by the schema to take none of personal columns.)
fn forget_samples(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    const SAMPLES: &str = "sqlite_stat4";
    if tx.engine() == Engine::Postgres {
        return Ok(());
    }
    let sql = "SELECT count(*) FROM sqlite_schema WHERE name = $1";
    if tx.one(sql, &[SAMPLES.into()], |row: &mut Row| row.take::<i64>())? == 0 {
        return Ok(());
    }
    let tables: Vec<String> = STEPS.iter().map(|step| format!("'{}'", step.table)).collect();
    tx.execute(&format!("DELETE FROM {SAMPLES} WHERE tbl IN ({})", tables.join(", ")), &[]).map(|_| ())
}

/// What the list of the erased keeps of a user.
pub fn trace_of(id: Uuid) -> Trace {
    Sha256::digest(id.as_bytes()).into()
}

/// Puts somebody on the list of the erased; who stands there already is left as they are.
pub fn list(tx: &mut Tx<'_>, trace: &Trace, at: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO erasures (user_hash, erased_at) VALUES ($1, $2) ON CONFLICT (user_hash) DO NOTHING";
    tx.execute(sql, &[(*trace).into(), at.into()]).map(|_| ())
}

/// Everybody on the list, the oldest first.
pub fn listed(conn: &mut Conn<'_>) -> Result<Vec<(Trace, Timestamp)>, StoreError> {
    conn.query("SELECT user_hash, erased_at FROM erasures ORDER BY erased_at, user_hash", &[], |row: &mut Row| {
        Ok((row.take()?, row.take()?))
    })
}

/// The ids of all accounts.
pub fn everybody(conn: &mut Conn<'_>) -> Result<Vec<Uuid>, StoreError> {
    conn.query("SELECT id FROM users", &[], Row::take)
}
