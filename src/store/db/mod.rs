//! The database port: one dialect of SQL (`$1`, `RETURNING`, `ON CONFLICT`) over two engines.
//!
//! [`Conn`] reads, [`Tx`] also writes; who holds only a `Conn` cannot change anything. Closures run on the database's
//! own threads and never on a runtime thread: SQLite has reader threads and one group-committing writer, PostgreSQL a
//! pool of worker threads. On PostgreSQL a failed statement ends its transaction, so a closure that gets an error
//! returns it.

pub mod access;
pub mod filter;
pub mod guard;
pub mod postgres;
pub mod postgres_types;
mod server_certificate;
pub mod sqlite;
pub mod value;
pub mod workers;
pub mod writer;

use self::postgres::Postgres;
use self::sqlite::Sqlite;
use self::value::{Row, Value};
use crate::store::archive::Handle;
use crate::store::error::{Cause, StoreError};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Letters of a statement that a log line shows.
const SQL_CHARS_LOGGED: usize = 1_000;
/// Upper bounds of the classes batches are counted in.
const BATCH_CLASSES: [u64; 8] = [1, 2, 4, 8, 16, 64, 256, 1024];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// An open database of either engine.
pub enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// What the database is doing right now and has done since it was opened; plain numbers for the metrics page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Closures waiting for a reader (SQLite) or a worker (PostgreSQL).
    pub reads_waiting: u64,
    /// Closures waiting for the writer; 0 on PostgreSQL, where workers take both.
    pub writes_waiting: u64,
    /// Write closures that were kept.
    pub writes_kept: u64,
    /// Write closures rolled back.
    pub writes_refused: u64,
    /// Commits; `writes_kept / commits` is the mean batch.
    pub commits: u64,
    /// Write closures in the largest batch.
    pub largest_batch: u64,
    /// Batches by size: upper bound of each class, and how many batches fell into it.
    pub batches: [(u64, u64); BATCH_CLASSES.len()],
    /// Write closures of all batches, rolled back ones too.
    pub batched: u64,
    /// Threads that read (SQLite) or work (PostgreSQL), and how many of them are at work.
    pub threads: u64,
    pub threads_busy: u64,
    pub panics: u64,
}

impl Database {
    pub fn engine(&self) -> Engine {
        match self {
            Database::Sqlite(_) => Engine::Sqlite,
            Database::Postgres(_) => Engine::Postgres,
        }
    }

    /// Has the write-ahead log folded after the next transaction: how many bytes it has. `None`: not ours to do.
    pub fn ask_to_fold(&self) -> Option<u64> {
        match self {
            Database::Sqlite(sqlite) => sqlite.ask_to_fold(),
            Database::Postgres(_) => None,
        }
    }

    /// The archive of commits, where there is one.
    pub fn archive(&self) -> Option<Handle> {
        match self {
            Database::Sqlite(sqlite) => sqlite.archive(),
            Database::Postgres(_) => None,
        }
    }

    pub fn figures(&self) -> Figures {
        match self {
            Database::Sqlite(sqlite) => sqlite.figures(),
            Database::Postgres(postgres) => postgres.figures(),
        }
    }

    /// Runs `work` in a read-only transaction: it sees one state of the data.
    pub fn read<T, E, F>(&self, work: F) -> Answer<T, E>
    where
        F: FnOnce(&mut Conn<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match self {
            Database::Sqlite(sqlite) => sqlite.read(work),
            Database::Postgres(postgres) => postgres.read(work),
        }
    }

    /// Runs `work` in a transaction and answers after it is durable; an `Err` undoes all that `work` did.
    pub fn write<T, E, F>(&self, work: F) -> Answer<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match self {
            Database::Sqlite(sqlite) => sqlite.write(work),
            Database::Postgres(postgres) => postgres.write(work),
        }
    }
}

/// The pending answer of a closure given to the database.
pub struct Answer<T, E> {
    reply: Result<oneshot::Receiver<Result<T, E>>, StoreError>,
    turn: Turn,
    patience: Duration,
}

/// Whether a closure waits yet. Its thread and who waits for it may both want to end that: the first one does.
#[derive(Clone, Default)]
struct Turn(Arc<AtomicBool>);

impl Turn {
    /// False: somebody else was first.
    fn has_come(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

impl<T, E: From<StoreError>> Answer<T, E> {
    /// Waits on a runtime; who waits too long for the work to begin is refused as busy, and it is not begun.
    pub async fn later(self) -> Result<T, E> {
        let mut reply = self.reply?;
        if self.patience == Duration::MAX {
            return reply.await.unwrap_or_else(|_| Err(closed()));
        }
        let answer = match tokio::time::timeout(self.patience, &mut reply).await {
            Err(_elapsed) if self.turn.has_come() => {
                let cause = format!("no session was free for {} s", self.patience.as_secs());
                return Err(StoreError::Busy(Cause::new(cause)).into());
            }
            Err(_elapsed) => reply.await,
            Ok(answer) => answer,
        };
        answer.unwrap_or_else(|_| Err(closed()))
    }

    /// Waits on the calling thread, which must not be a runtime thread, however long it takes.
    pub fn now(self) -> Result<T, E> {
        self.reply?.blocking_recv().unwrap_or_else(|_| Err(closed()))
    }

    /// `submit` queues the work that will send the answer, or says why it cannot.
    fn of(submit: impl FnOnce(oneshot::Sender<Result<T, E>>) -> Result<(), StoreError>) -> Self {
        Answer::within(Duration::MAX, |sender, _| submit(sender))
    }

    /// Work whose turn comes within `patience` or never.
    fn within(
        patience: Duration,
        submit: impl FnOnce(oneshot::Sender<Result<T, E>>, Turn) -> Result<(), StoreError>,
    ) -> Self {
        let ((sender, receiver), turn) = (oneshot::channel(), Turn::default());
        Answer { reply: submit(sender, turn.clone()).map(|()| receiver), turn, patience }
    }
}

fn closed<E: From<StoreError>>() -> E {
    StoreError::Unavailable(Cause::new("the database was closed before the work was done")).into()
}

/// A connection that may read.
pub struct Conn<'a> {
    driver: Driver<'a>,
    /// A statement that takes longer is logged.
    slow: Duration,
}

enum Driver<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(&'a mut postgres::Session),
}

impl<'a> Conn<'a> {
    fn over(driver: Driver<'a>) -> Self {
        Conn { driver, slow: Duration::MAX }
    }

    /// From now on a statement that takes longer than `slow` is logged, without its values.
    pub fn watch(&mut self, slow: Duration) {
        self.slow = slow;
    }

    pub fn engine(&self) -> Engine {
        match self.driver {
            Driver::Sqlite(_) => Engine::Sqlite,
            Driver::Postgres(_) => Engine::Postgres,
        }
    }

    /// All rows, each turned into a `T`.
    pub fn query<T>(
        &mut self,
        sql: &str,
        parameters: &[Value],
        mut read: impl FnMut(&mut Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.each(sql, parameters, |row| {
            found.push(read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The first row if there is one.
    pub fn find<T>(
        &mut self,
        sql: &str,
        parameters: &[Value],
        read: impl FnMut(&mut Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.query(sql, parameters, read)?.into_iter().next())
    }

    /// The one row there must be.
    pub fn one<T>(
        &mut self,
        sql: &str,
        parameters: &[Value],
        read: impl FnMut(&mut Row) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.find(sql, parameters, read)?.ok_or(StoreError::NotFound)
    }

    /// Hands every row to `visit`.
    pub fn each(
        &mut self,
        sql: &str,
        parameters: &[Value],
        visit: impl FnMut(&mut Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let started = Instant::now();
        let result = match &mut self.driver {
            Driver::Sqlite(connection) => sqlite::each(connection, sql, parameters, visit),
            Driver::Postgres(session) => session.each(sql, parameters, visit),
        };
        self.report(sql, started.elapsed());
        result
    }

    /// Statements name their values `$1`, so their text says nothing of anybody.
    fn report(&self, sql: &str, took: Duration) {
        if took < self.slow {
            return;
        }
        let milliseconds = (took.as_secs_f64() * 1e6).round() / 1e3;
        let shown: String =
            sql.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SQL_CHARS_LOGGED).collect();
        tracing::warn!(milliseconds, sql = shown, slow = true, "slow query");
    }
}

/// A transaction that may also write.
pub struct Tx<'a>(Conn<'a>);

impl<'a> Deref for Tx<'a> {
    type Target = Conn<'a>;
    fn deref(&self) -> &Conn<'a> {
        &self.0
    }
}

impl<'a> DerefMut for Tx<'a> {
    fn deref_mut(&mut self) -> &mut Conn<'a> {
        &mut self.0
    }
}

impl Tx<'_> {
    /// How many rows the statement changed.
    pub fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, StoreError> {
        let started = Instant::now();
        let result = match &mut self.0.driver {
            Driver::Sqlite(connection) => sqlite::execute(connection, sql, parameters),
            Driver::Postgres(session) => session.execute(sql, parameters),
        };
        self.0.report(sql, started.elapsed());
        result
    }

    /// As [`Tx::execute`], but a row must be there to change.
    pub fn execute_one(&mut self, sql: &str, parameters: &[Value]) -> Result<(), StoreError> {
        if self.execute(sql, parameters)? == 0 { Err(StoreError::NotFound) } else { Ok(()) }
    }

    /// Inserts `rows` many at a time: `INSERT INTO {target} VALUES (...), ... {after}`, `target` naming table and
    /// columns, `after` an `ON CONFLICT` clause or nothing.
    pub fn insert_all(&mut self, target: &str, rows: &[Vec<Value>], after: &str) -> Result<u64, StoreError> {
        const ROWS_PER_STATEMENT: usize = 64;
        let mut changed = 0;
        for chunk in rows.chunks(ROWS_PER_STATEMENT) {
            let columns = chunk[0].len();
            let tuples: Vec<String> = (0..chunk.len()).map(|row| tuple(row * columns, columns)).collect();
            let sql = format!("INSERT INTO {target} VALUES {} {after}", tuples.join(", "));
            changed += self.execute(&sql, &chunk.concat())?;
        }
        Ok(changed)
    }
}

/// `($4, $5, $6)` for three columns after the first three.
fn tuple(before: usize, columns: usize) -> String {
    let places: Vec<String> = (1..=columns).map(|n| format!("${}", before + n)).collect();
    format!("({})", places.join(", "))
}
