//! SQLite: how connections are set, reader threads, statements, and what its errors mean.

use crate::store::archive::{Archive, Handle};
use crate::store::backup::files::beside;
use crate::store::db::guard::{self, FileLock};
use crate::store::db::value::{Row, Value};
use crate::store::db::workers::Workers;
use crate::store::db::writer::{Log, Writer};
use crate::store::db::{Answer, Conn, Driver, Figures, Tx};
use crate::store::error::{Cause, StoreError};
use crate::store::migrate;
use jiff::Timestamp;
use r2d2::PooledConnection;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::config::DbConfig;
use rusqlite::ffi::{SQLITE_CONSTRAINT_FOREIGNKEY, SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// "TreB": tells `file(1)` and us that the file is ours.
const APPLICATION_ID: i64 = 0x5472_6542;
const STATEMENTS_KEPT: usize = 256;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Of SQLite's machine, between two looks at how long a read has taken.
const STEPS: i32 = 10_000;
/// Set on every connection; busy_timeout comes before them, because switching to WAL can itself find the file locked.
/// The log is folded into the file by the writer's thread, where that is ours to do.
const PRAGMAS: &str = "
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -16384;
    PRAGMA mmap_size = 268435456;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA wal_autocheckpoint = 0;";

/// An open SQLite file. Dropping it ends its threads and closes the file.
pub struct Sqlite {
    // Dropped in this order: the writer closes last and so removes the write-ahead log.
    readers: Workers<Reader>,
    writer: Writer,
    archive: Option<Handle>,
    /// Of the write-ahead log.
    log_path: PathBuf,
    _lock: Option<FileLock>,
}

/// What an operator may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// Reader threads.
    pub readers: usize,
    /// A read that waits longer for a thread is refused as busy.
    pub patience: Duration,
    /// `synchronous=FULL`: an acknowledged write survives a power cut. Otherwise NORMAL.
    pub durable: bool,
    /// The file may not grow beyond this many bytes; 0: only the disk limits it.
    pub bytes_max: u64,
    /// Writes one commit carries at most; 1 turns group commit off.
    pub batch_max: u64,
    /// Opens a file that another process serves beside that process, for a short piece of work. Without it, such a
    /// file is refused.
    pub beside: bool,
    /// A read that takes longer is ended: while it lasts, the write-ahead log cannot be used anew and grows.
    pub read_age_max: Duration,
    /// Folder that gets every commit with its time; `None`: none does.
    pub archive: Option<PathBuf>,
    /// Public keys of age that the archive is encrypted for; none: it is not.
    pub archive_recipients: Vec<String>,
    /// Whether another program folds the write-ahead log into the file, and we must not.
    pub external_checkpoint: bool,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        SqliteOptions {
            readers: cores.clamp(2, 8),
            patience: Duration::MAX,
            durable: true,
            bytes_max: 0,
            batch_max: 1024,
            beside: false,
            read_age_max: Duration::MAX,
            archive: None,
            archive_recipients: Vec::new(),
            external_checkpoint: false,
        }
    }
}

/// The state of a reader thread: it keeps its connection until that breaks.
struct Reader {
    pool: r2d2::Pool<SqliteConnectionManager>,
    connection: Option<PooledConnection<SqliteConnectionManager>>,
    age_max: Duration,
}

impl Sqlite {
    /// Opens (or creates) the file; `prepare` sees the writing connection before anybody else does, and is told
    /// whether the file is ours alone.
    pub fn open(
        path: &Path,
        options: SqliteOptions,
        prepare: impl FnOnce(&mut Connection, bool) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        let lock = guard::prepare(path, options.beside)?;
        // Who works beside a service leaves archive and log to that.
        let alone = lock.is_some();
        let mut connection = Connection::open_with_flags(path, flags()).map_err(|e| cannot_open(path, e))?;
        refuse_foreign(path, &connection)?;
        refuse_strange(&connection)?;
        // Before anything is written to the log or folded.
        let folder = options.archive.as_deref().filter(|_| alone);
        let archive = folder
            .map(|folder| Archive::open(path, folder, &options.archive_recipients, Timestamp::now()))
            .transpose()?;
        set_writing(&connection, &options).map_err(|e| cannot_open(path, e))?;
        prepare(&mut connection, alone)?;
        let handle = archive.as_ref().map(Archive::handle);
        let log = Log { archive, folds: alone && !options.external_checkpoint };
        let pool = reader_pool(path, options.readers)?;
        let age_max = options.read_age_max;
        let reader = move || Reader { pool: pool.clone(), connection: None, age_max };
        let readers = Workers::start("sqlite-read", options.readers.max(1), options.patience, reader)?;
        let writer = Writer::start(connection, log, options.batch_max)?;
        Ok(Sqlite { readers, writer, archive: handle, log_path: beside(path, "-wal"), _lock: lock })
    }

    pub fn read<T, E, F>(&self, work: F) -> Answer<T, E>
    where
        F: FnOnce(&mut Conn<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.readers.run(move |reader| reader.run(work))
    }

    pub fn write<T, E, F>(&self, work: F) -> Answer<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writer.run(work)
    }

    pub fn ask_to_fold(&self) -> Option<u64> {
        self.writer.ask_to_fold().then(|| std::fs::metadata(&self.log_path).map_or(0, |data| data.len()))
    }

    pub fn archive(&self) -> Option<Handle> {
        self.archive.clone()
    }

    pub fn figures(&self) -> Figures {
        let mut figures = self.writer.figures();
        figures.reads_waiting = self.readers.waiting();
        figures.threads = self.readers.threads();
        figures.threads_busy = self.readers.busy();
        figures.panics += self.readers.panics();
        figures
    }
}

impl Reader {
    fn run<T, E: From<StoreError>>(&mut self, work: impl FnOnce(&mut Conn<'_>) -> Result<T, E>) -> Result<T, E> {
        if self.connection.is_none() {
            self.connection = Some(self.pool.get().map_err(|e| StoreError::Unavailable(Cause::new(e)))?);
        }
        let Some(connection) = &self.connection else { return Err(StoreError::internal("no connection").into()) };
        // A closure that panicked left its transaction open.
        if !connection.is_autocommit() {
            run_cached(connection, "ROLLBACK")?;
        }
        let began = Instant::now();
        let age_max = self.age_max;
        connection.progress_handler(STEPS, Some(move || began.elapsed() > age_max)).map_err(store_error)?;
        run_cached(connection, "BEGIN")?;
        let result = work(&mut Conn::over(Driver::Sqlite(connection)));
        connection.progress_handler(0, None::<fn() -> bool>).map_err(store_error)?;
        if began.elapsed() > age_max {
            tracing::warn!(seconds = began.elapsed().as_secs(), "a read took too long and was ended");
        }
        run_cached(connection, "COMMIT")?;
        result
    }
}

/// A file that another program made is left as it is.
fn refuse_foreign(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    let look = || -> rusqlite::Result<(i64, i64)> {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let id = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
        Ok((id, connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?))
    };
    match look().map_err(|e| cannot_open(path, e))? {
        (APPLICATION_ID, _) | (0, 0) => Ok(()),
        _ => Err(StoreError::Refused(format!(
            "{} is the database of another program; name another file",
            path.display()
        ))),
    }
}

/// A file that this program cannot work with is left as it is: its log is not even folded into it.
fn refuse_strange(connection: &Connection) -> Result<(), StoreError> {
    let accepted = migrate::status_sqlite(connection)?.refuse_strange();
    if accepted.is_err() {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(store_error)?;
    }
    accepted
}

fn set_writing(connection: &Connection, options: &SqliteOptions) -> rusqlite::Result<()> {
    // In force for a file that has no tables yet.
    connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL")?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch(PRAGMAS)?;
    if options.external_checkpoint {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    }
    connection.pragma_update(None, "synchronous", if options.durable { "FULL" } else { "NORMAL" })?;
    // What is deleted is overwritten: an erased person is not to be read out of the file.
    connection.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    let id: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if id != APPLICATION_ID {
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    if options.bytes_max > 0 {
        let page: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let pages = (options.bytes_max as i64 / page.max(1)).max(1);
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    }
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(())
}

/// A connection for one look at an existing file.
pub fn open_reading(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
        Ok(connection)
    };
    open().map_err(|e| cannot_open(path, e))
}

/// Runs `work` in a transaction of a connection that only reads.
pub fn look<T>(path: &Path, work: impl FnOnce(&mut Conn<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
    let connection = open_reading(path)?;
    run_cached(&connection, "BEGIN")?;
    work(&mut Conn::over(Driver::Sqlite(&connection)))
}

fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn reader_pool(path: &Path, readers: usize) -> Result<r2d2::Pool<SqliteConnectionManager>, StoreError> {
    let manager = SqliteConnectionManager::file(path).with_flags(flags()).with_init(|connection| {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.execute_batch(PRAGMAS)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        Ok(())
    });
    r2d2::Pool::builder()
        .max_size(readers.max(1) as u32)
        .min_idle(Some(0))
        .idle_timeout(None)
        .max_lifetime(None)
        .test_on_check_out(false)
        .connection_timeout(BUSY_TIMEOUT)
        .build(manager)
        .map_err(|e| StoreError::Unavailable(Cause::new(e)))
}

fn cannot_open(path: &Path, error: rusqlite::Error) -> StoreError {
    match store_error(error) {
        StoreError::Corrupt(_) => StoreError::Refused(format!(
            "{} is not a SQLite database, or is damaged; name another file or restore a backup",
            path.display()
        )),
        StoreError::Internal(cause) | StoreError::Unavailable(cause) => {
            StoreError::Refused(format!("{} cannot be opened: {cause:?}", path.display()))
        }
        other => other,
    }
}

/// Runs a statement without parameters or result, prepared once.
pub fn run_cached(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.raw_execute()).map_err(store_error)?;
    Ok(())
}

pub fn execute(connection: &Connection, sql: &str, parameters: &[Value]) -> Result<u64, StoreError> {
    let mut statement = bound(connection, sql, parameters)?;
    // A statement that returns rows is run to its end too.
    if statement.column_count() == 0 {
        return statement.raw_execute().map(|changed| changed as u64).map_err(store_error);
    }
    let mut rows = statement.raw_query();
    let mut count = 0;
    while rows.next().map_err(store_error)?.is_some() {
        count += 1;
    }
    Ok(count)
}

pub fn each(
    connection: &Connection,
    sql: &str,
    parameters: &[Value],
    mut visit: impl FnMut(&mut Row) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = bound(connection, sql, parameters)?;
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(store_error)? {
        let values: Result<Vec<Value>, StoreError> =
            (0..columns).map(|n| value_of(row.get_ref(n).map_err(store_error)?)).collect();
        visit(&mut Row::new(values?))?;
    }
    Ok(())
}

/// The prepared statement with its parameters. SQLite numbers `$n` by first appearance, so each is bound by its name.
fn bound<'c>(connection: &'c Connection, sql: &str, parameters: &[Value]) -> Result<CachedStatement<'c>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(store_error)?;
    for place in 1..=statement.parameter_count() {
        let name = statement.parameter_name(place).and_then(|name| name.get(1..)).unwrap_or_default();
        let value = name.parse::<usize>().ok().and_then(|n| parameters.get(n.wrapping_sub(1)));
        let value = value.ok_or_else(|| StoreError::internal(format_args!("no value for a parameter of {sql}")))?;
        statement.raw_bind_parameter(place, Parameter(value)).map_err(store_error)?;
    }
    Ok(statement)
}

struct Parameter<'a>(&'a Value);

impl rusqlite::ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Bool(value) => ToSqlOutput::Borrowed(ValueRef::Integer(i64::from(*value))),
            Value::Int(value) => ToSqlOutput::Borrowed(ValueRef::Integer(*value)),
            Value::Real(value) => ToSqlOutput::Borrowed(ValueRef::Real(*value)),
            Value::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Value::Bytes(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
            Value::Uuid(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value.as_bytes())),
            Value::Timestamp(value) => ToSqlOutput::Borrowed(ValueRef::Integer(value.as_microsecond())),
            Value::Date(value) => ToSqlOutput::Owned(rusqlite::types::Value::Text(value.to_string())),
        })
    }
}

fn value_of(value: ValueRef<'_>) -> Result<Value, StoreError> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(text) => Value::Text(std::str::from_utf8(text).map_err(StoreError::internal)?.to_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    })
}

pub fn store_error(error: rusqlite::Error) -> StoreError {
    let cause = Cause::new(&error);
    let rusqlite::Error::SqliteFailure(failure, message) = &error else {
        return StoreError::Internal(cause);
    };
    match failure.code {
        ErrorCode::ConstraintViolation => constraint_error(failure.extended_code, message.as_deref().unwrap_or("")),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OperationInterrupted => {
            StoreError::Busy(cause)
        }
        ErrorCode::DiskFull => StoreError::Full(cause),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt(cause),
        ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::PermissionDenied
        | ErrorCode::OutOfMemory
        | ErrorCode::FileLockingProtocolFailed => StoreError::Unavailable(cause),
        _ => StoreError::Internal(cause),
    }
}

/// Names the constraint as PostgreSQL does: `users_pkey`, `users_email_folded_key`, or the CHECK's own name.
fn constraint_error(extended_code: i32, message: &str) -> StoreError {
    let subject = message.split_once("failed: ").map_or("", |(_, subject)| subject);
    let columns: Vec<(&str, &str)> = subject.split(", ").filter_map(|column| column.split_once('.')).collect();
    let table = columns.first().map_or(subject, |(table, _)| *table);
    match extended_code {
        SQLITE_CONSTRAINT_FOREIGNKEY => StoreError::Dangling,
        SQLITE_CONSTRAINT_PRIMARYKEY => StoreError::Conflict(format!("{table}_pkey")),
        SQLITE_CONSTRAINT_UNIQUE => {
            let names: Vec<&str> = columns.iter().map(|(_, column)| *column).collect();
            StoreError::Conflict(format!("{table}_{}_key", names.join("_")))
        }
        // A trigger refuses with the bare name of its rule.
        _ if subject.is_empty() => StoreError::Rejected(message.to_owned()),
        _ => StoreError::Rejected(subject.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_named_as_postgresql_names_them() {
        let named = |code, message: &str| constraint_error(code, message);
        assert_eq!(
            named(SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: plan_catalog.market_id, plan_catalog.key"),
            StoreError::Conflict("plan_catalog_market_id_key_key".to_owned())
        );
        assert_eq!(
            named(SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE constraint failed: users.id"),
            StoreError::Conflict("users_pkey".to_owned())
        );
        assert_eq!(
            named(275, "CHECK constraint failed: feedback_rating"),
            StoreError::Rejected("feedback_rating".to_owned())
        );
        assert_eq!(named(SQLITE_CONSTRAINT_FOREIGNKEY, "FOREIGN KEY constraint failed"), StoreError::Dangling);
    }
}
