//! PostgreSQL 15 or newer (or a service that speaks it): pooled synchronous sessions on their own threads.
//!
//! The synchronous driver must not run, nor be dropped, on a runtime thread. Its sessions live on worker threads only;
//! opening borrows a thread of its own.

use crate::store::db::postgres_types::{Parameter, row_of, store_error};
use crate::store::db::value::{Row, Value};
use crate::store::db::workers::Workers;
use crate::store::db::{Answer, BATCH_CLASSES, Conn, Driver, Figures, Tx};
use crate::store::error::{Cause, StoreError};
use crate::store::nodes::Dial;
use postgres::types::ToSql;
use postgres::{Client, Config, NoTls, Statement};
use r2d2::{ManageConnection, PooledConnection};
use r2d2_postgres::PostgresConnectionManager;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const OLDEST_SERVER: i32 = 150_000;
const STATEMENTS_KEPT: usize = 256;

/// What an operator may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostgresOptions {
    /// Sessions, each with its thread.
    pub sessions: usize,
    /// A statement that runs longer is cancelled and answered as busy.
    pub statement_timeout: Duration,
    pub connect_timeout: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        PostgresOptions {
            sessions: 8,
            statement_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
        }
    }
}

/// An open PostgreSQL database. Dropping it ends its threads, which close their sessions.
pub struct Postgres {
    workers: Workers<Pool>,
    counters: Arc<Counters>,
}

type Pool = r2d2::Pool<Manager>;

#[derive(Default)]
struct Counters {
    kept: AtomicU64,
    refused: AtomicU64,
}

/// A session with the statements it has prepared.
pub struct Session {
    client: Client,
    statements: HashMap<String, Statement>,
    /// Inside a transaction; still so after a closure panicked.
    open: bool,
    /// A statement of the transaction failed, so the server will not commit it.
    failed: bool,
}

struct Manager {
    inner: PostgresConnectionManager<NoTls>,
    statement_timeout: Duration,
}

impl Postgres {
    /// Connects; `prepare` sees a session before anybody else does.
    pub fn open(
        url: &str,
        options: PostgresOptions,
        prepare: impl FnOnce(&mut Client) -> Result<(), StoreError> + Send,
    ) -> Result<Self, StoreError> {
        let config = configured(url, options)?;
        let open = || {
            let mut client = connected(&config)?;
            prepare(&mut client)?;
            let inner = PostgresConnectionManager::new(config.clone(), NoTls);
            let manager = Manager { inner, statement_timeout: options.statement_timeout };
            let pool = pool_of(manager, options)?;
            Workers::start("postgres", options.sessions.max(1), move || pool.clone())
        };
        let workers = on_own_thread(open)?;
        Ok(Postgres { workers, counters: Arc::default() })
    }

    pub fn read<T, E, F>(&self, work: F) -> Answer<T, E>
    where
        F: FnOnce(&mut Conn<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.workers.run(move |pool| {
            let mut session = begun(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
            let result = work(&mut Conn::over(Driver::Postgres(&mut session)));
            session.end(result.is_ok())?;
            result
        })
    }

    pub fn write<T, E, F>(&self, work: F) -> Answer<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let counters = self.counters.clone();
        self.workers.run(move |pool| {
            let result = begun(pool, "BEGIN").map_err(E::from).and_then(|mut session| {
                let result = work(&mut Tx(Conn::over(Driver::Postgres(&mut session))));
                let ended = session.end(result.is_ok());
                result.and_then(|value| ended.map(|()| value).map_err(E::from))
            });
            let counter = if result.is_ok() { &counters.kept } else { &counters.refused };
            counter.fetch_add(1, Ordering::Relaxed);
            result
        })
    }

    pub fn figures(&self) -> Figures {
        let kept = self.counters.kept.load(Ordering::Relaxed);
        Figures {
            reads_waiting: self.workers.waiting(),
            writes_waiting: 0,
            writes_kept: kept,
            writes_refused: self.counters.refused.load(Ordering::Relaxed),
            commits: kept,
            largest_batch: kept.min(1),
            batched: kept,
            batches: BATCH_CLASSES.map(|bound| (bound, if bound == 1 { kept } else { 0 })),
            threads: self.workers.threads(),
            threads_busy: self.workers.busy(),
            panics: self.workers.panics(),
        }
    }
}

/// A session in a new transaction. Sessions that died since their last use (the server was restarted) are passed over.
fn begun(pool: &Pool, begin: &str) -> Result<PooledConnection<Manager>, StoreError> {
    let mut tries = pool.max_size() + 1;
    loop {
        let mut session = pool.get().map_err(|e| StoreError::Unavailable(Cause::new(e)))?;
        match session.begin(begin) {
            Ok(()) => return Ok(session),
            Err(error) if tries == 0 || !session.client.is_closed() => return Err(error),
            Err(_) => tries -= 1,
        }
    }
}

impl Session {
    fn new(client: Client) -> Self {
        Session { client, statements: HashMap::new(), open: false, failed: false }
    }

    fn begin(&mut self, begin: &str) -> Result<(), StoreError> {
        if self.open {
            self.batch("ROLLBACK")?;
        }
        self.batch(begin)?;
        self.open = true;
        self.failed = false;
        Ok(())
    }

    /// Commits if all is to be kept, else rolls back.
    fn end(&mut self, keep: bool) -> Result<(), StoreError> {
        self.open = false;
        if keep && self.failed {
            self.batch("ROLLBACK")?;
            return Err(StoreError::internal("a closure went on after one of its statements had failed"));
        }
        self.batch(if keep { "COMMIT" } else { "ROLLBACK" })
    }

    fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.client.batch_execute(sql).map_err(|e| store_error(&e))
    }

    pub fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, StoreError> {
        self.run(sql, parameters, |client, statement, values| client.execute(statement, values))
    }

    pub fn each(
        &mut self,
        sql: &str,
        parameters: &[Value],
        mut visit: impl FnMut(&mut Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let rows = self.run(sql, parameters, |client, statement, values| client.query(statement, values))?;
        rows.iter().try_for_each(|row| visit(&mut row_of(row)?))
    }

    fn run<T>(
        &mut self,
        sql: &str,
        parameters: &[Value],
        call: impl FnOnce(&mut Client, &Statement, &[&(dyn ToSql + Sync)]) -> Result<T, postgres::Error>,
    ) -> Result<T, StoreError> {
        let parameters: Vec<Parameter<'_>> = parameters.iter().map(Parameter).collect();
        let values: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|value| value as _).collect();
        let result = self.prepared(sql).and_then(|statement| call(&mut self.client, &statement, &values));
        result.map_err(|error| {
            self.failed = true;
            // A statement prepared before a migration may no longer fit.
            self.statements.remove(sql);
            store_error(&error)
        })
    }

    fn prepared(&mut self, sql: &str) -> Result<Statement, postgres::Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql)?;
        if self.statements.len() >= STATEMENTS_KEPT {
            self.statements.clear();
        }
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl ManageConnection for Manager {
    type Connection = Session;
    type Error = postgres::Error;

    fn connect(&self) -> Result<Session, postgres::Error> {
        let mut client = self.inner.connect()?;
        client.batch_execute(&format!("SET statement_timeout = {}", self.statement_timeout.as_millis()))?;
        Ok(Session::new(client))
    }

    fn is_valid(&self, session: &mut Session) -> Result<(), postgres::Error> {
        session.client.is_valid(Duration::from_secs(1))
    }

    fn has_broken(&self, session: &mut Session) -> bool {
        session.client.is_closed()
    }
}

fn configured(url: &str, options: PostgresOptions) -> Result<Config, StoreError> {
    // The parser's message may repeat the password, so it is not passed on.
    let mut config: Config = url.parse().map_err(|_| {
        StoreError::Refused(
            "the PostgreSQL address is not understood; write postgres://USER:PASSWORD@HOST/DATABASE".to_owned(),
        )
    })?;
    config.connect_timeout(options.connect_timeout);
    if config.get_application_name().is_none() {
        config.application_name("treebeard");
    }
    Ok(config)
}

/// Opens sessions of their own with the server at `url`, beside any pool.
pub fn dial(url: &str, options: PostgresOptions) -> Result<Dial, StoreError> {
    let config = configured(url, options)?;
    Ok(Arc::new(move || connected(&config)))
}

/// One look at the database, over a session of its own.
pub fn look<T: Send>(
    url: &str,
    options: PostgresOptions,
    work: impl FnOnce(&mut Client) -> Result<T, StoreError> + Send,
) -> Result<T, StoreError> {
    let config = configured(url, options)?;
    on_own_thread(|| work(&mut connected(&config)?))
}

fn connected(config: &Config) -> Result<Client, StoreError> {
    let mut client = config.connect(NoTls).map_err(cannot_connect)?;
    check_version(&mut client)?;
    Ok(client)
}

fn pool_of(manager: Manager, options: PostgresOptions) -> Result<Pool, StoreError> {
    r2d2::Pool::builder()
        .max_size(options.sessions.max(1) as u32)
        .min_idle(Some(0))
        .idle_timeout(None)
        .max_lifetime(None)
        .test_on_check_out(false)
        .connection_timeout(options.connect_timeout)
        .build(manager)
        .map_err(|e| StoreError::Unavailable(Cause::new(e)))
}

fn check_version(client: &mut Client) -> Result<(), StoreError> {
    let row = client.query_one("SELECT CAST(current_setting('server_version_num') AS INT4)", &[]);
    let version: i32 = row.and_then(|row| row.try_get(0)).map_err(|e| store_error(&e))?;
    if version < OLDEST_SERVER {
        let major = version / 10_000;
        return Err(StoreError::Refused(format!("the PostgreSQL server is version {major}; at least 15 is needed")));
    }
    Ok(())
}

fn cannot_connect(error: postgres::Error) -> StoreError {
    match error.as_db_error() {
        // The server's own words: wrong password, unknown database.
        Some(answer) => StoreError::Refused(format!("PostgreSQL refuses the connection: {}", answer.message())),
        None => StoreError::Unavailable(Cause::new(error)),
    }
}

/// Runs `work` on a thread where no async runtime can be in the way.
fn on_own_thread<T: Send>(work: impl FnOnce() -> Result<T, StoreError> + Send) -> Result<T, StoreError> {
    std::thread::scope(|scope| scope.spawn(work).join())
        .unwrap_or_else(|_| Err(StoreError::internal("panic while opening PostgreSQL")))
}
