//! What is kept: one file per aggregate with its SQL, written once for both engines.
//!
//! Reading functions take a [`Conn`], writing ones a [`Tx`]; the application composes them in [`Store::read`] and
//! [`Store::write`], so that one transaction can span aggregates.

pub mod archive;
pub mod backup;
pub mod db;
pub mod error;
pub mod migrate;
pub mod nodes;

pub mod audit;
pub mod catalog;
pub mod consents;
pub mod current_plans;
pub mod erasure;
pub mod feedback;
pub mod first_admin;
pub mod idempotency;
pub mod inspect;
pub mod maintenance;
pub mod overview;
pub mod password_resets;
pub mod plans;
pub mod preferences;
pub mod recommendations;
pub mod retention;
pub mod sessions;
pub mod suppliers;
pub mod transfer;
pub mod usage_days;
pub mod usage_history;
pub mod users;

use crate::store::db::postgres::{self, Postgres, PostgresOptions};
use crate::store::db::sqlite::{Sqlite, SqliteOptions};
use crate::store::db::{Answer, Conn, Database, Engine, Figures, Tx};
use crate::store::error::StoreError;
use crate::store::nodes::Nodes;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tracing::Span;

/// Spans of this target go to a collector of traces where there is one, and to no log.
const TRACE: &str = "treebeard::trace";

/// The open database; cheap to clone. It closes when the last clone is dropped.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    nodes: Arc<Nodes>,
    slow_query: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub sqlite: SqliteOptions,
    pub postgres: PostgresOptions,
    pub migrations: Migrations,
    /// A statement that takes longer is logged, without its values.
    pub slow_query: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            sqlite: SqliteOptions::default(),
            postgres: PostgresOptions::default(),
            migrations: Migrations::default(),
            slow_query: Duration::MAX,
        }
    }
}

/// What opening does when the database's schema is older than the program's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Migrations {
    #[default]
    Apply,
    /// Refuse to open, naming the command that applies them.
    Require,
}

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Sqlite(PathBuf),
    /// A whole `postgres://` address. It may hold a password: never to be shown.
    Postgres(String),
}

impl Address {
    /// Reads `sqlite:PATH` or `postgres://...`.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Address::Postgres(url.to_owned()));
        }
        let path = url.strip_prefix("sqlite:").map(|rest| rest.strip_prefix("//").unwrap_or(rest));
        match path {
            Some(path) if !path.is_empty() && !path.starts_with(":memory:") => Ok(Address::Sqlite(PathBuf::from(path))),
            _ => Err(StoreError::Refused(
                "the database address is not understood; write sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE"
                    .to_owned(),
            )),
        }
    }
}

impl Store {
    /// Opens the database at `url` (`sqlite:PATH` or `postgres://...`), creating a SQLite file that does not exist and
    /// bringing the schema up to date as `options` says. Blocks; call it before a runtime is started or outside of it.
    pub fn open(url: &str, options: Options) -> Result<Store, StoreError> {
        Store::open_at(&Address::parse(url)?, options)
    }

    /// [`Store::open`] of an address already understood.
    pub fn open_at(address: &Address, options: Options) -> Result<Store, StoreError> {
        let (database, dial) = match address {
            Address::Sqlite(path) => (
                Database::Sqlite(Sqlite::open(path, options.sqlite, |connection, alone| {
                    // A schema is not changed under a running service.
                    let migrations = if alone { options.migrations } else { Migrations::Require };
                    migrate::prepare_sqlite(connection, migrations)
                })?),
                None,
            ),
            Address::Postgres(url) => {
                let prepare = |client: &mut ::postgres::Client| migrate::prepare_postgres(client, options.migrations);
                let database = Postgres::open(url, options.postgres, prepare)?;
                (Database::Postgres(database), Some(postgres::dial(url, options.postgres)?))
            }
        };
        let nodes = Arc::new(Nodes::new(dial)?);
        Ok(Store { database: Arc::new(database), nodes, slow_query: options.slow_query })
    }

    /// One look into the database at `url`, which others may be using; changes nothing. Blocks like [`Store::open`].
    pub fn look<T: Send + 'static>(
        url: &str,
        work: impl FnOnce(&mut Conn<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match Address::parse(url)? {
            Address::Sqlite(path) => db::sqlite::look(&path, work),
            address @ Address::Postgres(_) => {
                let options = Options { migrations: Migrations::Require, ..Options::default() };
                Store::open_at(&address, options)?.read_blocking(work)
            }
        }
    }

    /// How the schema at `url` relates to this program; changes and creates nothing. Blocks like [`Store::open`].
    pub fn schema_status(url: &str) -> Result<migrate::Status, StoreError> {
        migrate::status(&Address::parse(url)?)
    }

    /// Runs `work` in a read-only transaction on a database thread.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Conn<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.reading(work).later().await
    }

    /// Runs `work` in a transaction on a database thread; answers after the commit is durable. An `Err` of `work`
    /// undoes everything it did.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writing(work).later().await
    }

    /// [`Store::read`] for threads that may wait; panics on a runtime thread.
    pub fn read_blocking<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Conn<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.reading(work).now()
    }

    /// [`Store::write`] for threads that may wait; panics on a runtime thread.
    pub fn write_blocking<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writing(work).now()
    }

    /// What is logged on the database's thread belongs to the caller's request.
    fn reading<T, E, F>(&self, work: F) -> Answer<T, E>
    where
        F: FnOnce(&mut Conn<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (slow, caller) = (self.slow_query, Span::current());
        self.database.read(move |conn| {
            conn.watch(slow);
            let _caller = caller.entered();
            tracing::info_span!(target: TRACE, "database read").in_scope(|| work(conn))
        })
    }

    fn writing<T, E, F>(&self, work: F) -> Answer<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (slow, caller) = (self.slow_query, Span::current());
        self.database.write(move |tx| {
            tx.watch(slow);
            let _caller = caller.entered();
            tracing::info_span!(target: TRACE, "database write").in_scope(|| work(tx))
        })
    }

    pub fn engine(&self) -> Engine {
        self.database.engine()
    }

    /// This node among those that use the same database.
    pub fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    /// Folds SQLite's write-ahead log into the file: how many bytes it had. `None`: that is not ours to do.
    pub async fn fold_log(&self) -> Result<Option<u64>, StoreError> {
        let Some(asked) = self.database.ask_to_fold() else { return Ok(None) };
        // It is done between two transactions: when the second begins, it is over.
        for _ in 0..2 {
            self.write(|_| Ok::<_, StoreError>(())).await?;
        }
        Ok(Some(asked))
    }

    /// The archive of commits, where there is one.
    pub fn archive(&self) -> Option<archive::Handle> {
        self.database.archive()
    }

    pub fn figures(&self) -> Figures {
        self.database.figures()
    }
}
