//! Opening the configured database.

use crate::cli::Failure;
use crate::config::{Config, DatabaseUrl};
use crate::store::db::postgres::PostgresOptions;
use crate::store::db::sqlite::SqliteOptions;
use crate::store::{Migrations, Options, Store};
use secrecy::ExposeSecret;

/// Opens it, creating a SQLite file and its folder if there is none.
pub fn open(config: &Config, migrations: Migrations) -> Result<Store, Failure> {
    let connections = config.database.pool_size as usize;
    let sqlite = SqliteOptions { readers: connections.clamp(1, 8), ..SqliteOptions::default() };
    let postgres = PostgresOptions { sessions: connections, ..PostgresOptions::default() };
    let url = match &config.database.url {
        DatabaseUrl::Sqlite(path) => {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)
                    .map_err(|error| Failure::failed(format!("{} cannot be made: {error}", folder.display())))?;
            }
            format!("sqlite:{}", path.display())
        }
        DatabaseUrl::Postgres(url) => url.expose_secret().to_owned(),
    };
    Store::open(&url, Options { sqlite, postgres, migrations }).map_err(|error| {
        let cause = error.cause().map(|cause| format!(": {cause}")).unwrap_or_default();
        Failure::failed(format!("{error}{cause}"))
    })
}
