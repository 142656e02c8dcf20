//! Bringing the schema up to date: embedded migrations, the same numbers with the same meaning for both engines.
//!
//! All that is pending is applied in one transaction. Each has a checksum: a database that was made by others than
//! these is refused, as is one of a newer program, before anything is written to it.

use crate::store::db::postgres::{self, PostgresOptions};
use crate::store::db::sqlite::{self, store_error};
use crate::store::db::value::Row;
use crate::store::db::{Conn, Engine, postgres_types};
use crate::store::error::{Cause, StoreError};
use crate::store::{Address, Migrations};
use refinery::{Migration, Runner};
use std::error::Error;

pub mod rehearsal;

mod for_sqlite {
    refinery::embed_migrations!("migrations/sqlite");
}
mod for_postgres {
    refinery::embed_migrations!("migrations/postgres");
}

/// Taken while migrating, so that of several nodes starting together one does the work.
const ADVISORY_LOCK: i64 = 0x5472_6565_4265_6172;
/// How long it is waited for, and for the locks a migration takes, unless the address says otherwise.
const LOCK_PATIENCE: &str =
    "SELECT set_config('lock_timeout', '60s', false) WHERE current_setting('lock_timeout') = '0'";
/// A statement whose client is gone ends, instead of going on for nobody.
const NOTICE_THE_KILLED: &str = "SET client_connection_check_interval = 1000";
/// Where refinery keeps what was applied.
const HISTORY: &str = "refinery_schema_history";

/// How the schema of a database relates to this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The newest applied migration; 0: none.
    pub applied: i64,
    /// The newest migration this program has.
    pub known: i64,
    /// Names of the migrations that are not applied yet, oldest first.
    pub pending: Vec<String>,
    /// Every migration of this program, oldest first.
    pub steps: Vec<Step>,
    /// What was applied and is not what this program would apply, in words.
    pub altered: Vec<String>,
}

/// A migration, and when it was applied to the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// As its file: `V1__initial`.
    pub name: String,
    /// Of its name and text.
    pub checksum: String,
    /// As the database has noted it; `None`: not yet.
    pub applied_at: Option<String>,
}

/// A row of the history.
struct Applied {
    version: i64,
    name: String,
    at: String,
    checksum: String,
}

impl Status {
    fn of(history: &[Applied], runner: &Runner) -> Self {
        let all = in_order(runner);
        let applied = history.iter().map(|done| done.version).max().unwrap_or(0);
        let known = all.last().map_or(0, |migration| i64::from(migration.version()));
        let mut status = Status { applied, known, pending: Vec::new(), steps: Vec::new(), altered: Vec::new() };
        for migration in &all {
            let (version, name) = (i64::from(migration.version()), migration.to_string());
            let checksum = migration.checksum().to_string();
            let done = history.iter().find(|done| done.version == version);
            match done {
                None if version > applied => status.pending.push(name.clone()),
                None => status.altered.push(format!("{name} was left out")),
                Some(done) if done.name != migration.name() || done.checksum != checksum => {
                    status.altered.push(format!("{name} was another one when it was applied"));
                }
                Some(_) => {}
            }
            status.steps.push(Step { name, checksum, applied_at: done.map(|done| done.at.clone()) });
        }
        let is_known = |version| all.iter().any(|migration| i64::from(migration.version()) == version);
        let strange = history.iter().filter(|done| done.version <= known && !is_known(done.version));
        status.altered.extend(strange.map(|done| format!("V{}__{} is none of ours", done.version, done.name)));
        status
    }

    /// Whether this program can work with the database at all.
    pub fn refuse_strange(&self) -> Result<(), StoreError> {
        if self.applied > self.known {
            return Err(StoreError::NewerSchema { found: self.applied, known: self.known });
        }
        if self.altered.is_empty() { Ok(()) } else { Err(StoreError::AlteredSchema(self.altered.join(", "))) }
    }

    /// Whether migrations are to be applied now.
    fn wanted(&self, migrations: Migrations) -> Result<bool, StoreError> {
        self.refuse_strange()?;
        match (self.pending.len(), migrations) {
            (0, _) => Ok(false),
            (_, Migrations::Apply) => Ok(true),
            (count, Migrations::Require) => Err(StoreError::Refused(format!(
                "the database lacks {count} migration(s), first {}; run `treebeard migrate`",
                self.pending[0]
            ))),
        }
    }
}

fn in_order(runner: &Runner) -> Vec<Migration> {
    let mut all = runner.get_migrations().clone();
    all.sort_by_key(Migration::version);
    all
}

/// All that is pending becomes one transaction: a database is at the old version or at the new one.
fn in_one_transaction(runner: Runner) -> Runner {
    runner.set_grouped(true)
}

/// How the schema at `address` stands, without changing or creating anything.
pub fn status(address: &Address) -> Result<Status, StoreError> {
    match address {
        Address::Sqlite(path) if !path.exists() => Ok(Status::of(&[], &for_sqlite::migrations::runner())),
        Address::Sqlite(path) => status_sqlite(&sqlite::open_reading(path)?),
        Address::Postgres(url) => postgres::look(url, PostgresOptions::default(), status_postgres),
    }
}

/// The newest migration this program has.
pub fn newest_of_sqlite() -> i64 {
    Status::of(&[], &for_sqlite::migrations::runner()).known
}

pub fn newest_of_postgres() -> i64 {
    Status::of(&[], &for_postgres::migrations::runner()).known
}

pub fn prepare_sqlite(connection: &mut rusqlite::Connection, migrations: Migrations) -> Result<(), StoreError> {
    if status_sqlite(connection)?.wanted(migrations)? {
        in_one_transaction(for_sqlite::migrations::runner()).run(connection).map_err(failed)?;
    }
    Ok(())
}

pub fn status_sqlite(connection: &rusqlite::Connection) -> Result<Status, StoreError> {
    let exists = "SELECT count(*) FROM sqlite_master WHERE name = ?1";
    let exists: i64 = connection.query_row(exists, [HISTORY], |row| row.get(0)).map_err(store_error)?;
    let mut history = Vec::new();
    if exists > 0 {
        let rows = format!("SELECT version, name, applied_on, checksum FROM {HISTORY} ORDER BY version");
        let mut statement = connection.prepare(&rows).map_err(store_error)?;
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Applied { version: row.get(0)?, name: row.get(1)?, at: row.get(2)?, checksum: row.get(3)? })
        };
        let rows = statement.query_map([], read).and_then(Iterator::collect);
        history = rows.map_err(store_error)?;
    }
    Ok(Status::of(&history, &for_sqlite::migrations::runner()))
}

pub fn prepare_postgres(client: &mut ::postgres::Client, migrations: Migrations) -> Result<(), StoreError> {
    if !status_postgres(client)?.wanted(migrations)? {
        return Ok(());
    }
    alone(client)?;
    // Another node may have done it while we waited; then nothing is left to run.
    let result = status_postgres(client).and_then(|status| {
        if status.wanted(migrations)? {
            in_one_transaction(for_postgres::migrations::runner()).run(client).map_err(failed)?;
        }
        Ok(())
    });
    let freed = client.execute("SELECT pg_advisory_unlock($1)", &[&ADVISORY_LOCK]);
    // What went wrong first explains the rest.
    result.and(freed.map(|_| ()).map_err(|e| postgres_types::store_error(&e)))
}

/// Waits until nobody else migrates. Who was killed at it is gone when the server notices, which is asked to look; who
/// is at it for longer is named.
fn alone(client: &mut ::postgres::Client) -> Result<(), StoreError> {
    let fault = |e: ::postgres::Error| postgres_types::store_error(&e);
    client.batch_execute(LOCK_PATIENCE).map_err(fault)?;
    // Not every system that PostgreSQL runs on can do this.
    let _can_do_without = client.batch_execute(NOTICE_THE_KILLED);
    match client.execute("SELECT pg_advisory_lock($1)", &[&ADVISORY_LOCK]) {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some(&::postgres::error::SqlState::LOCK_NOT_AVAILABLE) => {
            let holder = "SELECT concat_ws(' ', 'session', pid, 'of', application_name, 'from', client_addr) \
                FROM pg_locks JOIN pg_stat_activity USING (pid) \
                WHERE locktype = 'advisory' AND granted AND pg_locks.database = \
                (SELECT oid FROM pg_database WHERE datname = current_database()) \
                AND (classid::BIGINT << 32 | objid::BIGINT) = $1";
            let holder = client.query_opt(holder, &[&ADVISORY_LOCK]).map_err(fault)?;
            let holder: String =
                holder.map(|row| row.try_get(0)).transpose().map_err(fault)?.unwrap_or_else(|| "a session".to_owned());
            Err(StoreError::Refused(format!(
                "{holder} is migrating this database and does not come to an end; wait for it, or end it with \
                 pg_terminate_backend"
            )))
        }
        Err(error) => Err(fault(error)),
    }
}

pub fn status_postgres(client: &mut ::postgres::Client) -> Result<Status, StoreError> {
    let fault = |e: ::postgres::Error| postgres_types::store_error(&e);
    let exists: bool = client
        .query_one("SELECT to_regclass($1) IS NOT NULL", &[&HISTORY])
        .and_then(|row| row.try_get(0))
        .map_err(fault)?;
    let mut history = Vec::new();
    if exists {
        let rows = format!("SELECT version, name, applied_on, checksum FROM {HISTORY} ORDER BY version");
        for row in client.query(&rows, &[]).map_err(fault)? {
            let version: i32 = row.try_get(0).map_err(fault)?;
            let text = |column: usize| row.try_get::<_, String>(column).map_err(fault);
            history.push(Applied { version: version.into(), name: text(1)?, at: text(2)?, checksum: text(3)? });
        }
    }
    Ok(Status::of(&history, &for_postgres::migrations::runner()))
}

/// With what the server said: refinery's own text for that is only "db error".
fn failed(error: refinery::Error) -> StoreError {
    let Some(told) = error.source().and_then(|cause| cause.downcast_ref::<::postgres::Error>()) else {
        return StoreError::internal(format_args!("a migration failed: {error}"));
    };
    let step = match error.kind() {
        refinery::error::Kind::Connection(step, _) => step.as_str(),
        _ => "",
    };
    let cause = Cause::new(format_args!("a migration failed ({step}): {}", postgres_types::described(told)));
    match postgres_types::store_error(told) {
        StoreError::Unavailable(_) => StoreError::Unavailable(cause),
        StoreError::Busy(_) => StoreError::Busy(cause),
        StoreError::Full(_) => StoreError::Full(cause),
        _ => StoreError::Internal(cause),
    }
}

/// The newest migration applied to an open database, and the newest this program has; equal when all is well.
pub fn versions(conn: &mut Conn<'_>) -> Result<(i64, i64), StoreError> {
    let runner = match conn.engine() {
        Engine::Sqlite => for_sqlite::migrations::runner(),
        Engine::Postgres => for_postgres::migrations::runner(),
    };
    let newest = format!("SELECT CAST(coalesce(max(version), 0) AS BIGINT) FROM {HISTORY}");
    let applied = conn.one(&newest, &[], Row::take)?;
    Ok((applied, Status::of(&[], &runner).known))
}
