//! Where heavy computation runs: as many threads as there are cores, so that the runtime stays free. They take work in
//! the order it came, each the next piece the moment it is done with one.

use crate::app::error::Error;
use crossbeam_channel::{Receiver, Sender};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long work may wait for its turn.
const WAIT_MAX: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce() + Send>;

/// Ends its threads when it is dropped. A client that hangs up frees none early.
pub struct Workbench {
    jobs: Sender<Job>,
}

impl Workbench {
    /// With a thread for each core.
    pub fn start() -> Result<Self, Error> {
        Workbench::with(thread::available_parallelism().map_or(1, std::num::NonZero::get))
    }

    fn with(threads: usize) -> Result<Self, Error> {
        let (jobs, taken) = crossbeam_channel::unbounded();
        for _ in 0..threads {
            let taken = taken.clone();
            let started = thread::Builder::new().name("workbench".to_owned()).spawn(move || serve(&taken));
            started.map_err(|error| Error::Internal(format!("no thread for computing: {error}")))?;
        }
        Ok(Workbench { jobs })
    }

    /// Runs `work` when its turn has come.
    pub async fn run<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: FnOnce() -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        self.within(WAIT_MAX, work).await
    }

    async fn within<T, F>(&self, patience: Duration, work: F) -> Result<T, Error>
    where
        F: FnOnce() -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, mut answer) = oneshot::channel();
        // Its thread and who waits for it may both want to end the waiting: the first one does.
        let begun = Arc::new(AtomicBool::new(false));
        let own = begun.clone();
        let job = move || {
            if !reply.is_closed() && !own.swap(true, Ordering::AcqRel) {
                let _gone = reply.send(catch_unwind(AssertUnwindSafe(work)));
            }
        };
        // They end with their last sender only.
        let _sent = self.jobs.send(Box::new(job));
        let outcome = match tokio::time::timeout(patience, &mut answer).await {
            Ok(outcome) => outcome,
            Err(_) if begun.swap(true, Ordering::AcqRel) => answer.await,
            Err(_) => {
                let message = "Too much is being computed at once. Try again in a few seconds.".to_owned();
                return Err(Error::Busy { message, retry_after_seconds: 2 });
            }
        };
        // What a panic says may hold what was computed on; where it was stands in the log.
        match outcome {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(Error::Internal("a computation panicked".to_owned())),
        }
    }
}

fn serve(jobs: &Receiver<Job>) {
    for job in jobs {
        job();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::bounded;

    const LONG: Duration = Duration::from_hours(1);

    /// A bench of one thread, which works on something until the sender is dropped.
    fn taken() -> (Workbench, Sender<()>) {
        let bench = Workbench::with(1).expect("a thread starts");
        let (release, released) = bounded::<()>(0);
        let (started, begun) = bounded::<()>(0);
        let held = Box::new(move || {
            let _begun = started.send(());
            let _released = released.recv();
        });
        bench.jobs.send(held).expect("the thread is there");
        begun.recv().expect("it is at work");
        (bench, release)
    }

    #[tokio::test]
    async fn a_panic_is_an_error_that_tells_nothing_and_its_thread_goes_on() {
        let bench = Workbench::with(1).expect("a thread starts");
        let failed: Result<(), Error> = bench.run(|| panic!("a secret")).await;
        let Err(Error::Internal(words)) = failed else { panic!("{failed:?}") };
        assert_eq!(words, "a computation panicked");
        assert_eq!(bench.run(|| Ok(7)).await.expect("done"), 7);
    }

    #[tokio::test]
    async fn work_is_taken_in_the_order_it_came() {
        let (bench, release) = taken();
        let (tell, told) = bounded(3);
        let work = |n: u8| {
            let tell = tell.clone();
            move || tell.send(n).map_err(|_| Error::Internal("nobody listens".to_owned()))
        };
        let all = async { tokio::join!(bench.run(work(1)), bench.run(work(2)), bench.run(work(3))) };
        let ((first, second, third), ()) = tokio::join!(all, async { drop(release) });
        assert!(first.is_ok() && second.is_ok() && third.is_ok());
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[tokio::test]
    async fn work_that_waits_too_long_is_refused_and_never_begun() {
        let (bench, release) = taken();
        let (tell, told) = bounded(1);
        let late =
            bench.within(Duration::ZERO, move || tell.send(()).map_err(|_| Error::Internal(String::new()))).await;
        assert!(matches!(late, Err(Error::Busy { retry_after_seconds: 2, .. })), "{late:?}");
        drop(release);
        bench.within(LONG, || Ok(())).await.expect("the thread is free again");
        assert!(told.try_recv().is_err(), "it was begun");
    }

    #[tokio::test]
    async fn work_whose_client_has_gone_is_not_begun() {
        let (bench, release) = taken();
        let (tell, told) = bounded(1);
        let work = bench.run(move || tell.send(()).map_err(|_| Error::Internal(String::new())));
        tokio::select! {
            biased;
            _ = work => panic!("the only thread is taken"),
            () = std::future::ready(()) => {}
        }
        drop(release);
        bench.run(|| Ok(())).await.expect("the thread is free again");
        assert!(told.try_recv().is_err(), "it was begun");
    }
}
