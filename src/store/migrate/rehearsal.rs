//! What a migration would do, tried out: on a copy of a SQLite database, in a transaction undone on PostgreSQL.

use super::{Status, for_postgres, in_order, prepare_sqlite, status_postgres, status_sqlite};
use crate::store::backup::copy::copy;
use crate::store::backup::examine::examine;
use crate::store::backup::files::{folder_of, free_bytes};
use crate::store::db::postgres::{self, PostgresOptions};
use crate::store::db::postgres_types;
use crate::store::db::sqlite::{open_reading, store_error};
use crate::store::error::{Cause, StoreError};
use crate::store::{Address, Migrations};
use std::path::Path;
use std::time::{Duration, Instant};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsal {
    /// How the database stands, which is as before.
    pub status: Status,
    /// Nothing: what is pending can be applied.
    pub faults: Vec<String>,
    /// Of the migrations alone.
    pub took: Duration,
}

/// Tries out what is pending; the database at `address` is not changed.
pub fn rehearse(address: &Address) -> Result<Rehearsal, StoreError> {
    match address {
        Address::Sqlite(path) => on_a_copy(path),
        Address::Postgres(url) => postgres::look(url, PostgresOptions::default(), undone),
    }
}

/// The copy lies beside the database and is gone at the end, however that comes.
fn on_a_copy(path: &Path) -> Result<Rehearsal, StoreError> {
    let unusable = |e: std::io::Error| StoreError::Unavailable(Cause::new(e));
    let exists = path.exists();
    let place = if exists { folder_of(path).to_owned() } else { std::env::temp_dir() };
    let folder = tempfile::Builder::new().prefix(".rehearsal-").tempdir_in(&place).map_err(unusable)?;
    let copied = folder.path().join("copy.db");
    let mut status = None;
    if exists {
        let standing = status_sqlite(&open_reading(path)?)?;
        standing.refuse_strange()?;
        let size = std::fs::metadata(path).map_err(unusable)?.len();
        if free_bytes(&place).map_err(unusable)? < 2 * size {
            return Err(StoreError::Refused(format!(
                "{} has less free than twice the size of the database, which a copy and its migration may take; make room",
                place.display()
            )));
        }
        copy(path, &copied, || Ok(()), &mut |_, _| true)?;
        status = Some(standing);
    }
    let mut connection = rusqlite::Connection::open(&copied).map_err(store_error)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(store_error)?;
    let standing = match status {
        Some(standing) => standing,
        None => status_sqlite(&connection)?,
    };
    let began = Instant::now();
    let applied = prepare_sqlite(&mut connection, Migrations::Apply);
    let took = began.elapsed();
    drop(connection);
    let faults = match applied {
        Ok(()) => examine(&copied, || true)?.faults,
        Err(error) => vec![told(&error)],
    };
    Ok(Rehearsal { status: standing, faults, took })
}

fn undone(client: &mut ::postgres::Client) -> Result<Rehearsal, StoreError> {
    let fault = |e: ::postgres::Error| postgres_types::store_error(&e);
    let status = status_postgres(client)?;
    status.refuse_strange()?;
    let began = Instant::now();
    let mut transaction = client.transaction().map_err(fault)?;
    let mut faults = Vec::new();
    for migration in in_order(&for_postgres::migrations::runner()) {
        let sql = migration.sql().unwrap_or_default();
        if i64::from(migration.version()) > status.applied
            && let Err(error) = transaction.batch_execute(sql)
        {
            faults.push(format!("{migration}: {}", told(&fault(error))));
            break;
        }
    }
    let took = began.elapsed();
    transaction.rollback().map_err(fault)?;
    Ok(Rehearsal { status, faults, took })
}

fn told(error: &StoreError) -> String {
    error.cause().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
