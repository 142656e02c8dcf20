//! A fixed pool of threads that take jobs from one bounded queue; each thread keeps its own state.

use crate::store::db::Answer;
use crate::store::error::{Cause, StoreError};
use crossbeam_channel::{Sender, TrySendError, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Jobs that may wait before more are refused as busy.
pub const QUEUE_LIMIT: usize = 8192;

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

pub struct Workers<S> {
    /// None only while being dropped.
    queue: Option<Sender<Job<S>>>,
    threads: Vec<JoinHandle<()>>,
    busy: Arc<AtomicU64>,
    panics: Arc<AtomicU64>,
    /// Work that waits longer for a thread is refused as busy.
    patience: Duration,
}

impl<S: 'static> Workers<S> {
    /// Starts `count` threads named `name`, each with the state `state` makes on that thread.
    pub fn start(
        name: &str,
        count: usize,
        patience: Duration,
        state: impl Fn() -> S + Clone + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (queue, jobs) = bounded::<Job<S>>(QUEUE_LIMIT);
        let mut threads = Vec::with_capacity(count);
        let busy = Arc::<AtomicU64>::default();
        for _ in 0..count {
            let (jobs, state, busy) = (jobs.clone(), state.clone(), busy.clone());
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
                let mut own = state();
                drop(state);
                for job in jobs {
                    busy.fetch_add(1, Ordering::Relaxed);
                    job(&mut own);
                    busy.fetch_sub(1, Ordering::Relaxed);
                }
            });
            threads.push(thread.map_err(|e| StoreError::Unavailable(Cause::new(e)))?);
        }
        Ok(Workers { queue: Some(queue), threads, busy, panics: Arc::default(), patience })
    }

    /// Runs `work` on one of the threads. Work whose answer nobody waits for any more is not started.
    pub fn run<T, E>(&self, work: impl FnOnce(&mut S) -> Result<T, E> + Send + 'static) -> Answer<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        Answer::within(self.patience, |reply, turn| {
            let panics = self.panics.clone();
            self.submit(Box::new(move |state| {
                if !reply.is_closed() && turn.has_come() {
                    let (result, panicked) = guarded(|| work(state));
                    panics.fetch_add(u64::from(panicked), Ordering::Relaxed);
                    let _ = reply.send(result);
                }
            }))
        })
    }

    fn submit(&self, job: Job<S>) -> Result<(), StoreError> {
        let Some(queue) = &self.queue else {
            return Err(StoreError::Unavailable(Cause::new("the database is closing")));
        };
        queue.try_send(job).map_err(refusal)
    }

    pub fn waiting(&self) -> u64 {
        self.queue.as_ref().map_or(0, Sender::len) as u64
    }

    pub fn threads(&self) -> u64 {
        self.threads.len() as u64
    }

    /// Threads at work now.
    pub fn busy(&self) -> u64 {
        self.busy.load(Ordering::Relaxed)
    }

    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }
}

impl<S> Drop for Workers<S> {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            join(thread);
        }
    }
}

/// Why a job could not be queued.
pub fn refusal<J>(error: TrySendError<J>) -> StoreError {
    match error {
        TrySendError::Full(_) => StoreError::Busy(Cause::new("the queue of the database threads is full")),
        TrySendError::Disconnected(_) => StoreError::Unavailable(Cause::new("the database threads have ended")),
    }
}

/// Waits for a thread to end, unless it is the calling one (a job may hold the last handle of its own database).
pub fn join(thread: JoinHandle<()>) {
    if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
        tracing::error!("a database thread had ended by a panic");
    }
}

/// Runs a closure of the application, turning a panic into an error; also says whether there was one. Its words may
/// hold what the closure was working on: where it was stands in the log.
pub fn guarded<T, E: From<StoreError>>(work: impl FnOnce() -> Result<T, E>) -> (Result<T, E>, bool) {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => (result, false),
        Err(_panic) => (Err(StoreError::internal("panic in a database closure").into()), true),
    }
}
