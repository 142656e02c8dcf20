//! Bringing the schema up to date: embedded migrations, the same numbers with the same meaning for both engines.

use crate::store::db::postgres::{self, PostgresOptions};
use crate::store::db::sqlite::{self, store_error};
use crate::store::db::value::Row;
use crate::store::db::{Conn, Engine, postgres_types};
use crate::store::error::StoreError;
use crate::store::{Address, Migrations};
use refinery::Runner;

mod for_sqlite {
    refinery::embed_migrations!("migrations/sqlite");
}
mod for_postgres {
    refinery::embed_migrations!("migrations/postgres");
}

/// Taken while migrating, so that of several nodes starting together one does the work.
const ADVISORY_LOCK: i64 = 0x5472_6565_4265_6172;
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
}

impl Status {
    fn of(applied: i64, runner: &Runner) -> Self {
        let mut pending: Vec<_> =
            runner.get_migrations().iter().filter(|migration| i64::from(migration.version()) > applied).collect();
        pending.sort_by_key(|migration| migration.version());
        let known = runner.get_migrations().iter().map(|migration| i64::from(migration.version())).max().unwrap_or(0);
        Status { applied, known, pending: pending.into_iter().map(ToString::to_string).collect() }
    }

    fn refuse_newer(&self) -> Result<(), StoreError> {
        if self.applied > self.known {
            return Err(StoreError::NewerSchema { found: self.applied, known: self.known });
        }
        Ok(())
    }

    /// Whether migrations are to be applied now.
    fn wanted(&self, migrations: Migrations) -> Result<bool, StoreError> {
        self.refuse_newer()?;
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

/// How the schema at `address` stands, without changing or creating anything.
pub fn status(address: &Address) -> Result<Status, StoreError> {
    match address {
        Address::Sqlite(path) if !path.exists() => Ok(Status::of(0, &for_sqlite::migrations::runner())),
        Address::Sqlite(path) => status_sqlite(&sqlite::open_reading(path)?),
        Address::Postgres(url) => postgres::look(url, PostgresOptions::default(), status_postgres),
    }
}

/// The newest migration this program has.
pub fn newest_of_sqlite() -> i64 {
    Status::of(0, &for_sqlite::migrations::runner()).known
}

pub fn prepare_sqlite(connection: &mut rusqlite::Connection, migrations: Migrations) -> Result<(), StoreError> {
    if status_sqlite(connection)?.wanted(migrations)? {
        for_sqlite::migrations::runner().run(connection).map_err(failed)?;
    }
    Ok(())
}

pub fn status_sqlite(connection: &rusqlite::Connection) -> Result<Status, StoreError> {
    let exists = "SELECT count(*) FROM sqlite_master WHERE name = ?1";
    let exists: i64 = connection.query_row(exists, [HISTORY], |row| row.get(0)).map_err(store_error)?;
    let newest = format!("SELECT coalesce(max(version), 0) FROM {HISTORY}");
    let applied = match exists {
        0 => 0,
        _ => connection.query_row(&newest, [], |row| row.get(0)).map_err(store_error)?,
    };
    Ok(Status::of(applied, &for_sqlite::migrations::runner()))
}

pub fn prepare_postgres(client: &mut ::postgres::Client, migrations: Migrations) -> Result<(), StoreError> {
    if !status_postgres(client)?.wanted(migrations)? {
        return Ok(());
    }
    let fault = |e: ::postgres::Error| postgres_types::store_error(&e);
    client.execute("SELECT pg_advisory_lock($1)", &[&ADVISORY_LOCK]).map_err(fault)?;
    // Another node may have done it while we waited; then nothing is left to run.
    let result = status_postgres(client).and_then(|status| {
        if status.wanted(migrations)? {
            for_postgres::migrations::runner().run(client).map_err(failed)?;
        }
        Ok(())
    });
    client.execute("SELECT pg_advisory_unlock($1)", &[&ADVISORY_LOCK]).map_err(fault)?;
    result
}

pub fn status_postgres(client: &mut ::postgres::Client) -> Result<Status, StoreError> {
    let fault = |e: ::postgres::Error| postgres_types::store_error(&e);
    let exists: bool = client
        .query_one("SELECT to_regclass($1) IS NOT NULL", &[&HISTORY])
        .and_then(|row| row.try_get(0))
        .map_err(fault)?;
    let newest = format!("SELECT CAST(coalesce(max(version), 0) AS BIGINT) FROM {HISTORY}");
    let applied =
        if exists { client.query_one(&newest, &[]).and_then(|row| row.try_get(0)).map_err(fault)? } else { 0 };
    Ok(Status::of(applied, &for_postgres::migrations::runner()))
}

fn failed(error: refinery::Error) -> StoreError {
    StoreError::internal(format_args!("a migration failed: {error}"))
}

/// The newest migration applied to an open database, and the newest this program has; equal when all is well.
pub fn versions(conn: &mut Conn<'_>) -> Result<(i64, i64), StoreError> {
    let runner = match conn.engine() {
        Engine::Sqlite => for_sqlite::migrations::runner(),
        Engine::Postgres => for_postgres::migrations::runner(),
    };
    let newest = format!("SELECT CAST(coalesce(max(version), 0) AS BIGINT) FROM {HISTORY}");
    let applied = conn.one(&newest, &[], Row::take)?;
    Ok((applied, Status::of(applied, &runner).known))
}
