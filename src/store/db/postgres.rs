//! PostgreSQL 15 or newer (or a service that speaks it): pooled synchronous sessions on their own threads.
//!
//! The synchronous driver must not run, nor be dropped, on a runtime thread. Its sessions live on worker threads only;
//! opening borrows a thread of its own.

use crate::store::db::access::{Access, Protection};
use crate::store::db::postgres_types::{Parameter, row_of, store_error};
use crate::store::db::value::{Row, Value};
use crate::store::db::workers::Workers;
use crate::store::db::{Answer, BATCH_CLASSES, Conn, Driver, Figures, Tx};
use crate::store::error::{Cause, StoreError};
use crate::store::nodes::Dial;
use postgres::types::ToSql;
use postgres::{Client, Statement};
use r2d2::{ManageConnection, NopErrorHandler, PooledConnection};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const OLDEST_SERVER: i32 = 150_000;
const STATEMENTS_KEPT: usize = 256;
/// Between two looks at whether the server can be reached at all, while a session is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A server that is away is tried again after half of this at the latest.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// What an operator may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostgresOptions {
    /// Sessions, each with its thread.
    pub sessions: usize,
    /// A statement that runs longer is cancelled and answered as busy.
    pub statement_timeout: Duration,
    pub connect_timeout: Duration,
    /// Work that waits longer for a session is refused as busy.
    pub patience: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        PostgresOptions {
            sessions: 8,
            statement_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            patience: Duration::MAX,
        }
    }
}

/// An open PostgreSQL database. Dropping it ends its threads, which close their sessions.
pub struct Postgres {
    workers: Workers<Sessions>,
    counters: Arc<Counters>,
}

/// Where threads get their sessions from.
#[derive(Clone)]
struct Sessions {
    pool: r2d2::Pool<Manager>,
    reach: Arc<Reach>,
    connect_timeout: Duration,
}

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
    /// The server ended it.
    dead: bool,
}

struct Manager {
    access: Access,
    statement_timeout: Duration,
    reach: Arc<Reach>,
}

/// Why the server could not be reached when it was last tried; `None`: it could.
#[derive(Default)]
struct Reach(Mutex<Option<StoreError>>);

impl Reach {
    fn fault(&self) -> Option<StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes how a try ended; what changes by it is logged.
    fn note(&self, fault: Option<&StoreError>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            Some(error) if known.is_none() => {
                let cause = error.cause().unwrap_or_default();
                tracing::error!(%error, cause, "PostgreSQL is away; requests are answered with 503 until it is back");
            }
            None if known.is_some() => tracing::info!("PostgreSQL is back"),
            _ => {}
        }
        // A wrong password is an operator's matter by now, and for a request just another reason to come back later.
        *known = fault.map(|error| {
            StoreError::Unavailable(Cause::new(error.cause().map_or_else(|| error.to_string(), str::to_owned)))
        });
    }
}

impl Postgres {
    /// Connects; `prepare` sees a session before anybody else does.
    pub fn open(
        url: &str,
        options: PostgresOptions,
        prepare: impl FnOnce(&mut Client) -> Result<(), StoreError> + Send,
    ) -> Result<Self, StoreError> {
        let access = Access::of(url, options.connect_timeout)?;
        let open = || {
            prepare(&mut connected(&access)?)?;
            let reach = Arc::<Reach>::default();
            let manager = Manager { access, statement_timeout: options.statement_timeout, reach: reach.clone() };
            let pool = pool_of(manager, options)?;
            let sessions = Sessions { pool, reach, connect_timeout: options.connect_timeout };
            Workers::start("postgres", options.sessions.max(1), options.patience, move || sessions.clone())
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
        self.workers.run(move |sessions| {
            let mut session = sessions.begun("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
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
        self.workers.run(move |sessions| {
            let result = sessions.begun("BEGIN").map_err(E::from).and_then(|mut session| {
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

impl Sessions {
    /// A session in a new transaction. Sessions that died since their last use (the server was restarted) are passed
    /// over.
    fn begun(&self, begin: &str) -> Result<PooledConnection<Manager>, StoreError> {
        let mut tries = self.pool.max_size() + 1;
        loop {
            let mut session = self.one()?;
            match session.begin(begin) {
                Err(StoreError::Unavailable(_)) if tries > 0 => {
                    session.dead = true;
                    tries -= 1;
                }
                begun => return begun.map(|()| session),
            }
        }
    }

    /// A free session or a new one; an error as soon as it is known that the server is away.
    fn one(&self) -> Result<PooledConnection<Manager>, StoreError> {
        let end = Instant::now() + self.connect_timeout;
        loop {
            if let Ok(session) = self.pool.get_timeout(LOOK_EVERY) {
                return Ok(session);
            }
            let others = self.pool.state().connections > 0;
            if let Some(fault) = self.reach.fault().filter(|_| !others || Instant::now() >= end) {
                return Err(fault);
            }
            if Instant::now() >= end {
                return Err(StoreError::Unavailable(Cause::new("no session came about in time")));
            }
        }
    }
}

impl Session {
    fn new(client: Client) -> Self {
        Session { client, statements: HashMap::new(), open: false, failed: false, dead: false }
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

impl Manager {
    fn session(&self) -> Result<Session, StoreError> {
        let mut client = self.access.connect()?;
        let settings = format!("SET statement_timeout = {}", self.statement_timeout.as_millis());
        client.batch_execute(&settings).map_err(|e| store_error(&e))?;
        Ok(Session::new(client))
    }
}

impl ManageConnection for Manager {
    type Connection = Session;
    type Error = StoreError;

    fn connect(&self) -> Result<Session, StoreError> {
        let session = self.session();
        self.reach.note(session.as_ref().err());
        session
    }

    fn is_valid(&self, session: &mut Session) -> Result<(), StoreError> {
        session.client.is_valid(Duration::from_secs(1)).map_err(|e| store_error(&e))
    }

    fn has_broken(&self, session: &mut Session) -> bool {
        session.dead || session.client.is_closed()
    }
}

/// Opens sessions of their own with the server at `url`, beside any pool.
pub fn dial(url: &str, options: PostgresOptions) -> Result<Dial, StoreError> {
    let access = Access::of(url, options.connect_timeout)?;
    Ok(Arc::new(move || connected(&access)))
}

/// One look at the database, over a session of its own.
pub fn look<T: Send>(
    url: &str,
    options: PostgresOptions,
    work: impl FnOnce(&mut Client) -> Result<T, StoreError> + Send,
) -> Result<T, StoreError> {
    let access = Access::of(url, options.connect_timeout)?;
    on_own_thread(|| work(&mut connected(&access)?))
}

/// How sessions with the server at `url` are protected.
pub fn protection(url: &str, options: PostgresOptions) -> Result<Protection, StoreError> {
    let access = Access::of(url, options.connect_timeout)?;
    on_own_thread(|| access.protection(&mut access.connect()?))
}

fn connected(access: &Access) -> Result<Client, StoreError> {
    let mut client = access.connect()?;
    check_version(&mut client)?;
    Ok(client)
}

fn pool_of(manager: Manager, options: PostgresOptions) -> Result<r2d2::Pool<Manager>, StoreError> {
    r2d2::Pool::builder()
        .max_size(options.sessions.max(1) as u32)
        .min_idle(Some(0))
        .idle_timeout(None)
        .max_lifetime(None)
        .test_on_check_out(false)
        .connection_timeout(TRY_AGAIN)
        // Told by `Reach`, once.
        .error_handler(Box::new(NopErrorHandler))
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

/// Runs `work` on a thread where no async runtime can be in the way.
fn on_own_thread<T: Send>(work: impl FnOnce() -> Result<T, StoreError> + Send) -> Result<T, StoreError> {
    std::thread::scope(|scope| scope.spawn(work).join())
        .unwrap_or_else(|_| Err(StoreError::internal("panic while opening PostgreSQL")))
}
