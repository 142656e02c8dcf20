//! SQLite's one writer: queued closures share a transaction and are acknowledged after its commit.
//!
//! A commit costs one `fsync`, however many closures it carries, so under load the price of durability is divided by
//! the batch. Each closure runs in its own savepoint: one that fails undoes only itself.

use crate::store::archive::Archive;
use crate::store::db::sqlite::{run_cached, store_error};
use crate::store::db::workers::{QUEUE_LIMIT, guarded, join, refusal};
use crate::store::db::{Answer, BATCH_CLASSES, Conn, Driver, Figures, Tx};
use crate::store::error::{Cause, StoreError};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A batch takes no further closures after this long, so that the first does not wait for ever.
const BATCH_TIME: Duration = Duration::from_millis(25);
/// With nothing to write for this long, the write-ahead log is folded into the file and cut to nothing.
const IDLE: Duration = Duration::from_secs(3);
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// So often is looked what programs beside us have committed.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Pages in the write-ahead log after which it is folded into the file.
const FOLD_PAGES: i64 = 1000;

/// What is done with the write-ahead log.
pub struct Log {
    /// Gets every commit.
    pub archive: Option<Archive>,
    /// Whether it is ours to fold into the file.
    pub folds: bool,
}

/// Runs in the batch's transaction, or is told why there is none.
type Job = Box<dyn FnOnce(Result<&mut Tx<'_>, StoreError>) -> Done + Send>;

/// What a job came to, and how to tell who waits for it once the batch is committed (or is not).
struct Done {
    keep: bool,
    panicked: bool,
    acknowledge: Box<dyn FnOnce(Result<(), StoreError>)>,
}

pub struct Writer {
    /// None only while being dropped.
    queue: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
    /// Whether the write-ahead log is ours to fold.
    folds: bool,
}

#[derive(Default)]
struct Counters {
    kept: AtomicU64,
    refused: AtomicU64,
    commits: AtomicU64,
    largest_batch: AtomicU64,
    batches: [AtomicU64; BATCH_CLASSES.len()],
    batched: AtomicU64,
    panics: AtomicU64,
    fold_asked: AtomicBool,
}

impl Writer {
    /// Each transaction carries `batch_max` closures at most.
    pub fn start(connection: Connection, mut log: Log, batch_max: u64) -> Result<Self, StoreError> {
        let (queue, jobs) = bounded::<Job>(QUEUE_LIMIT);
        let counters = Arc::<Counters>::default();
        let (shared, folds) = (counters.clone(), log.folds);
        let thread = std::thread::Builder::new()
            .name("sqlite-write".to_owned())
            .spawn(move || {
                // From now on every commit is archived.
                log.take(&connection);
                write_until_closed(&connection, &jobs, batch_max, &mut log, &shared);
                drop(connection);
                log.rest();
            })
            .map_err(|e| StoreError::Unavailable(Cause::new(e)))?;
        Ok(Writer { queue: Some(queue), thread: Some(thread), counters, folds })
    }

    pub fn run<T, E, F>(&self, work: F) -> Answer<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        Answer::of(|reply| {
            let Some(queue) = &self.queue else {
                return Err(StoreError::Unavailable(Cause::new("the database is closing")));
            };
            let job: Job = Box::new(move |tx| {
                let (result, panicked) = match tx {
                    Ok(_) if reply.is_closed() => (Err(StoreError::NotFound.into()), false),
                    Ok(tx) => guarded(|| work(tx)),
                    Err(error) => (Err(error.into()), false),
                };
                let keep = result.is_ok();
                let acknowledge = move |outcome: Result<(), StoreError>| {
                    let _ = reply.send(result.and_then(|value| outcome.map(|()| value).map_err(E::from)));
                };
                Done { keep, panicked, acknowledge: Box::new(acknowledge) }
            });
            queue.try_send(job).map_err(refusal)
        })
    }

    /// Has the log folded after the next transaction, if that is ours to do.
    pub fn ask_to_fold(&self) -> bool {
        self.counters.fold_asked.store(self.folds, Ordering::Release);
        self.folds
    }

    pub fn figures(&self) -> Figures {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Figures {
            writes_waiting: self.queue.as_ref().map_or(0, Sender::len) as u64,
            writes_kept: count(&self.counters.kept),
            writes_refused: count(&self.counters.refused),
            commits: count(&self.counters.commits),
            largest_batch: count(&self.counters.largest_batch),
            batches: std::array::from_fn(|class| (BATCH_CLASSES[class], count(&self.counters.batches[class]))),
            batched: count(&self.counters.batched),
            panics: count(&self.counters.panics),
            ..Figures::default()
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            join(thread);
        }
    }
}

fn write_until_closed(
    connection: &Connection,
    jobs: &Receiver<Job>,
    batch_max: u64,
    log: &mut Log,
    counters: &Counters,
) {
    let mut written_at = None;
    loop {
        let wait = match (&log.archive, written_at) {
            (Some(_), _) => LOOK_EVERY,
            (None, Some(_)) => IDLE,
            (None, None) => Duration::from_secs(3600),
        };
        match jobs.recv_timeout(wait) {
            Ok(first) => {
                write_batch(connection, first, jobs, batch_max, log, counters);
                written_at = Some(Instant::now());
                if counters.fold_asked.swap(false, Ordering::AcqRel) {
                    cut_log(connection);
                    log.rest();
                } else if log.folds {
                    fold_long_log(connection);
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                log.take(connection);
                if log.folds && written_at.is_some_and(|at| at.elapsed() >= IDLE) {
                    cut_log(connection);
                    log.rest();
                    written_at = None;
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if let Err(error) = connection.execute_batch("PRAGMA optimize") {
        tracing::warn!(%error, "the statistics could not be renewed at close");
    }
    log.take(connection);
}

impl Log {
    fn take(&mut self, connection: &Connection) {
        if let Some(archive) = &mut self.archive {
            archive.take(connection);
        }
    }

    fn rest(&mut self) {
        if let Some(archive) = &mut self.archive {
            archive.rest();
        }
    }
}

fn write_batch(
    connection: &Connection,
    first: Job,
    jobs: &Receiver<Job>,
    batch_max: u64,
    log: &mut Log,
    counters: &Counters,
) {
    if let Err(error) = run_cached(connection, "BEGIN IMMEDIATE") {
        let done = first(Err(error));
        counters.refused.fetch_add(1, Ordering::Relaxed);
        (done.acknowledge)(Ok(()));
        return;
    }
    let started = Instant::now();
    let mut batch = Vec::new();
    let mut next = Some(first);
    let mut fault = None;
    while let Some(job) = next.take() {
        let (done, lost) = run_job(connection, job);
        counters.panics.fetch_add(u64::from(done.panicked), Ordering::Relaxed);
        batch.push(done);
        if lost.is_some() {
            fault = lost;
            break;
        }
        if (batch.len() as u64) < batch_max && started.elapsed() < BATCH_TIME {
            next = jobs.try_recv().ok();
        }
    }
    let outcome = match fault {
        Some(error) => Err(error),
        None => run_cached(connection, "COMMIT"),
    };
    if outcome.is_err() && !connection.is_autocommit() && run_cached(connection, "ROLLBACK").is_err() {
        tracing::error!("a failed batch could not be rolled back");
    }
    // Before anybody is told, so that no commit has a time after its acknowledgement.
    log.take(connection);
    count_batch(&batch, outcome.is_ok(), counters);
    for done in batch {
        (done.acknowledge)(outcome.clone());
    }
}

/// Runs a job in its savepoint. Also says why the whole transaction is lost, if it is: some faults (a full disk, an
/// I/O error) make SQLite roll back everything, and then nothing of the batch may be acknowledged.
fn run_job(connection: &Connection, job: Job) -> (Done, Option<StoreError>) {
    if let Err(error) = run_cached(connection, "SAVEPOINT job") {
        return (job(Err(error.clone())), Some(error));
    }
    let done = job(Ok(&mut Tx(Conn::over(Driver::Sqlite(connection)))));
    if connection.is_autocommit() {
        let cause = Cause::new("a fault in the same batch rolled the transaction back");
        return (done, Some(StoreError::Unavailable(cause)));
    }
    let closed = if done.keep {
        run_cached(connection, "RELEASE job")
    } else {
        run_cached(connection, "ROLLBACK TO job").and_then(|()| run_cached(connection, "RELEASE job"))
    };
    (done, closed.err())
}

fn count_batch(batch: &[Done], committed: bool, counters: &Counters) {
    let kept = if committed { batch.iter().filter(|done| done.keep).count() as u64 } else { 0 };
    counters.kept.fetch_add(kept, Ordering::Relaxed);
    counters.refused.fetch_add(batch.len() as u64 - kept, Ordering::Relaxed);
    counters.commits.fetch_add(u64::from(committed), Ordering::Relaxed);
    let size = batch.len() as u64;
    counters.largest_batch.fetch_max(size, Ordering::Relaxed);
    counters.batched.fetch_add(size, Ordering::Relaxed);
    let class = BATCH_CLASSES.iter().position(|bound| size <= *bound).unwrap_or(BATCH_CLASSES.len() - 1);
    counters.batches[class].fetch_add(1, Ordering::Relaxed);
}

/// After everybody is told: a commit that folds the log itself keeps its callers waiting for what they do not need.
/// Readers that are in the way are left alone, and the next batch goes on with it.
fn fold_long_log(connection: &Connection) {
    let fold = || -> rusqlite::Result<()> {
        let pages: i64 = connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?.query_row([], |row| row.get(1))?;
        if pages >= FOLD_PAGES {
            connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], |_| Ok(()))?;
        }
        Ok(())
    };
    if let Err(error) = fold().map_err(store_error) {
        tracing::warn!(cause = error.cause(), "the write-ahead log could not be folded into the file");
    }
}

/// Best done when nobody waits; readers that are in the way are left alone.
fn cut_log(connection: &Connection) {
    let cut = || -> rusqlite::Result<()> {
        connection.busy_timeout(Duration::from_millis(50))?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        connection.busy_timeout(BUSY_TIMEOUT)
    };
    if let Err(error) = cut().map_err(store_error) {
        tracing::warn!(cause = error.cause(), "the write-ahead log could not be folded into the file");
    }
}
