//! Opening the configured database, and how its faults are told.

use crate::cli::Failure;
use crate::config::{Config, DatabaseUrl};
use crate::store::db::postgres::PostgresOptions;
use crate::store::db::sqlite::SqliteOptions;
use crate::store::error::StoreError;
use crate::store::migrate::Status;
use crate::store::{Migrations, Options, Store};

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

fn sqlite(config: &Config) -> SqliteOptions {
    SqliteOptions { readers: (config.database.pool_size as usize).clamp(1, 8), ..SqliteOptions::default() }
}

fn open_as(config: &Config, migrations: Migrations, sqlite: SqliteOptions) -> Result<Store, Failure> {
    let connections = config.database.pool_size as usize;
    let postgres = PostgresOptions { sessions: connections, ..PostgresOptions::default() };
    if let DatabaseUrl::Sqlite(path) = &config.database.url
        && let Some(folder) = path.parent()
    {
        std::fs::create_dir_all(folder)
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
        StoreError::NewerSchema { .. } => Failure::Incompatible(error.to_string()),
        _ => Failure::failed(format!("{error}{cause}")),
    }
}
