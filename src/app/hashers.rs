//! The threads that hash passwords, in the idle class of the system's scheduler.
//!
//! A hash keeps a core for some ten milliseconds, and an ordinary thread that has one is left there for milliseconds
//! after somebody else woke up: a flood of sign-ins would be felt by everyone. A thread of the idle class gives way at
//! once. Where everything else leaves it nothing, an ordinary thread does its work again, and for a while all that comes
//! after it at once: each would wait as long, and too few could sign in.

use crate::app::error::Error;
use crossbeam_channel::{Receiver, Sender};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Ends its threads when it is dropped.
pub struct Hashers {
    jobs: Sender<Job>,
    limits: Limits,
    started: Instant,
    /// Until when they are asked nothing, in milliseconds since the start.
    starved_until: AtomicU64,
}

#[derive(Clone, Copy)]
pub struct Limits {
    /// How long a piece of work may lie with them.
    pub patience: Duration,
    /// How long they are left alone once it is lost.
    pub rest: Duration,
}

impl Hashers {
    pub fn start(threads: usize, limits: Limits) -> Result<Self, Error> {
        let (jobs, taken) = crossbeam_channel::unbounded::<Job>();
        for _ in 0..threads {
            let taken = taken.clone();
            let started = thread::Builder::new().name("password-hash".to_owned()).spawn(move || serve(&taken));
            started.map_err(|error| Error::Internal(format!("no thread for hashing passwords: {error}")))?;
        }
        Ok(Hashers { jobs, limits, started: Instant::now(), starved_until: AtomicU64::new(0) })
    }

    /// Runs `work`, twice at worst.
    pub async fn run<T: Send + 'static>(&self, work: impl Fn() -> T + Send + Sync + 'static) -> Result<T, Error> {
        let panicked = || Error::Internal("password hashing panicked".to_owned());
        let (work, (reply, answer)) = (Arc::new(work), oneshot::channel());
        if self.age() < self.starved_until.load(Ordering::Relaxed) {
            return tokio::task::spawn_blocking(move || work()).await.map_err(|_| panicked());
        }
        let own = work.clone();
        let job = move || {
            // Whoever waited long enough has had it done elsewhere.
            if !reply.is_closed() {
                let _gone = reply.send(catch_unwind(AssertUnwindSafe(|| own())));
            }
        };
        // They end with their last sender only.
        let _sent = self.jobs.send(Box::new(job));
        match tokio::time::timeout(self.limits.patience, answer).await {
            Ok(outcome) => outcome.map_err(|_| panicked())?.map_err(|_| panicked()),
            Err(_) => {
                self.starved_until.store(self.age() + self.limits.rest.as_millis() as u64, Ordering::Relaxed);
                tokio::task::spawn_blocking(move || work()).await.map_err(|_| panicked())
            }
        }
    }

    fn age(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }
}

fn serve(jobs: &Receiver<Job>) {
    // Refused by some sandboxes, that of our own systemd unit among them: then hashing is as ordinary as all else.
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    let _refused = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
    for job in jobs {
        job();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_hours(1);
    const SHORT: Duration = Duration::from_millis(1);

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
    }

    fn policy() -> ThreadSchedulePolicy {
        thread_priority::thread_schedule_policy_param(thread_native_id()).expect("it is told").0
    }

    const IDLE: ThreadSchedulePolicy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    const ORDINARY: ThreadSchedulePolicy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);

    #[test]
    fn work_is_done_on_a_thread_of_the_idle_class_and_a_panic_is_an_error() {
        let hashers = Hashers::start(1, Limits { patience: LONG, rest: LONG }).expect("a thread starts");
        let seen = runtime().block_on(hashers.run(|| (thread::current().name().map(str::to_owned), policy())));
        assert_eq!(seen.expect("done"), (Some("password-hash".to_owned()), IDLE));
        let failed: Result<(), Error> = runtime().block_on(hashers.run(|| panic!("on purpose")));
        assert!(matches!(failed, Err(Error::Internal(_))), "{failed:?}");
        assert_eq!(runtime().block_on(hashers.run(|| 7)).expect("the thread goes on"), 7);
    }

    #[test]
    fn work_that_finds_no_free_thread_in_time_is_done_by_an_ordinary_one() {
        let hashers = Hashers::start(0, Limits { patience: SHORT, rest: LONG }).expect("nothing to start");
        let runs = Arc::new(AtomicU64::new(0));
        let counted = runs.clone();
        let outcome = runtime().block_on(hashers.run(move || (counted.fetch_add(1, Ordering::SeqCst), policy())));
        assert_eq!((outcome.expect("done"), runs.load(Ordering::SeqCst)), ((0, ORDINARY), 1));
    }

    #[test]
    fn what_comes_after_it_is_ordinary_until_the_threads_have_rested() {
        for (rest, then) in [(LONG, ORDINARY), (Duration::ZERO, IDLE)] {
            let mut hashers = Hashers::start(1, Limits { patience: SHORT, rest }).expect("a thread starts");
            let (release, released) = crossbeam_channel::bounded::<()>(0);
            let (freed, free) = crossbeam_channel::bounded::<()>(1);
            let held = Box::new(move || {
                let _released = released.recv();
                let _freed = freed.send(());
            });
            hashers.jobs.send(held).expect("the thread is there");
            let outcome = runtime().block_on(hashers.run(policy));
            assert_eq!(outcome.expect("done"), ORDINARY, "the thread is taken");
            drop(release);
            free.recv().expect("it is free");
            hashers.limits.patience = LONG;
            assert_eq!(runtime().block_on(hashers.run(policy)).expect("done"), then, "{rest:?}");
        }
    }
}
