//! Opening the configured database, and how its faults are told.

use crate::app::backups::{Reason, Shelf, Watch};
use crate::cli::Failure;
use crate::config::{Checkpoint, Config, DatabaseUrl};
use crate::store::backup::files::create_folder;
use crate::store::db::access::{Access, Protection};
use crate::store::db::guard;
use crate::store::db::postgres::PostgresOptions;
use crate::store::db::sqlite::SqliteOptions;
use crate::store::error::StoreError;
use crate::store::migrate::Status;
use crate::store::migrate::rehearsal::{self, Rehearsal};
use crate::store::{Address, Migrations, Options, Store};
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::time::Duration;

/// No request waits as long for its answer.
const READ_AGE_MAX: Duration = Duration::from_secs(300);

/// Opens it, creating a SQLite file and its folder if there is none.
pub fn open(config: &Config, migrations: Migrations) -> Result<Store, Failure> {
    open_as(config, migrations, sqlite(config))
}

/// Opens it with so many writes a commit at most, to measure what group commit is worth.
pub fn open_grouped(config: &Config, batch_max: u64) -> Result<Store, Failure> {
    open_as(config, Migrations::Apply, SqliteOptions { batch_max, ..sqlite(config) })
}

/// Opens it for a short piece of work, also beside a running service.
pub fn open_beside(config: &Config) -> Result<Store, Failure> {
    open_as(config, Migrations::Apply, SqliteOptions { beside: true, ..sqlite(config) })
}

/// Brings the schema up to date; the name of the backup made before, where there was something to lose.
pub fn migrate(config: &Config) -> Result<Option<String>, Failure> {
    let backup = back_up(config)?;
    open_unguarded(config, Migrations::Apply, sqlite(config))?;
    Ok(backup)
}

/// Tries out what is pending; changes nothing.
pub fn rehearse(config: &Config) -> Result<Rehearsal, Failure> {
    Address::parse(&config.database.url.reveal())
        .and_then(|address| rehearsal::rehearse(&address))
        .map_err(|error| failure(&error))
}

fn sqlite(config: &Config) -> SqliteOptions {
    SqliteOptions {
        readers: (config.database.pool_size as usize).clamp(1, 8),
        patience: config.database.pool_timeout,
        read_age_max: READ_AGE_MAX,
        archive: config.archive_folder(),
        archive_recipients: config.backup.recipients.iter().map(ToString::to_string).collect(),
        external_checkpoint: config.database.checkpoint == Checkpoint::External,
        ..SqliteOptions::default()
    }
}

fn postgres(config: &Config) -> PostgresOptions {
    PostgresOptions {
        sessions: config.database.pool_size as usize,
        statement_timeout: config.database.statement_timeout,
        connect_timeout: config.database.connect_timeout,
        patience: config.database.pool_timeout,
    }
}

/// How sessions with PostgreSQL are protected; `None`: there are none.
pub fn protection(config: &Config) -> Option<Result<Protection, StoreError>> {
    let DatabaseUrl::Postgres(url) = &config.database.url else { return None };
    Some(crate::store::db::postgres::protection(url.expose_secret(), postgres(config)))
}

/// What is wrong with an address of PostgreSQL, seen without connecting.
pub fn fault_of_address(config: &Config) -> Option<String> {
    let DatabaseUrl::Postgres(url) = &config.database.url else { return None };
    Access::of(url.expose_secret(), config.database.connect_timeout).err().map(|error| error.to_string())
}

/// A migration that goes wrong must cost nothing: what was there before it is on the shelf of backups, checked.
fn back_up(config: &Config) -> Result<Option<String>, Failure> {
    let DatabaseUrl::Sqlite(path) = &config.database.url else { return Ok(None) };
    // Whatever is wrong with the database is told by who opens it.
    let Ok(status) = Store::schema_status(&config.database.url.reveal()) else { return Ok(None) };
    if status.applied == 0 || status.pending.is_empty() || status.refuse_strange().is_err() {
        return Ok(None);
    }
    // Beside a service nothing is migrated.
    let Ok(_alone) = guard::lock(path) else { return Ok(None) };
    let shelf = Shelf::of(config);
    let made = shelf.create(Reason::Migration, None, &Watch::quiet(Arc::default())).map_err(|error| {
        Failure::failed(format!("the database is not migrated, because it cannot be backed up before: {error}"))
    })?;
    tracing::info!(backup = made.manifest.name, first = status.pending[0], "backed up before migrating");
    Ok(Some(made.manifest.name))
}

fn open_as(config: &Config, migrations: Migrations, sqlite: SqliteOptions) -> Result<Store, Failure> {
    if migrations == Migrations::Apply {
        back_up(config)?;
    }
    open_unguarded(config, migrations, sqlite)
}

fn open_unguarded(config: &Config, migrations: Migrations, sqlite: SqliteOptions) -> Result<Store, Failure> {
    let postgres = postgres(config);
    if let DatabaseUrl::Sqlite(path) = &config.database.url
        && let Some(folder) = path.parent()
    {
        create_folder(folder)
            .map_err(|error| Failure::failed(format!("{} cannot be made: {error}", folder.display())))?;
    }
    Store::open(
        &config.database.url.reveal(),
        Options { sqlite, postgres, migrations, slow_query: config.logging.slow_query },
    )
    .map_err(|error| failure(&error))
}

/// How the schema relates to this program; changes nothing and creates nothing.
pub fn status(config: &Config) -> Result<Status, Failure> {
    Store::schema_status(&config.database.url.reveal()).map_err(|error| failure(&error))
}

/// In a person's words, with the driver's own for those who can use them.
pub fn failure(error: &StoreError) -> Failure {
    let cause = error.cause().map(|cause| format!(": {cause}")).unwrap_or_default();
    match error {
        StoreError::NewerSchema { .. } | StoreError::AlteredSchema(_) => Failure::Incompatible(error.to_string()),
        _ => Failure::failed(format!("{error}{cause}")),
    }
}
