//! Where heavy computation runs: blocking threads, so many at once as there are cores, so that the runtime stays free.

use crate::app::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long work may wait for its turn.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// The permits. The permit goes with the work: a client that hangs up frees nothing early.
pub struct Workbench {
    permits: Arc<Semaphore>,
}

impl Default for Workbench {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Workbench { permits: Arc::new(Semaphore::new(cores)) }
    }
}

impl Workbench {
    /// Runs `work` when its turn has come.
    pub async fn run<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: FnOnce() -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let waiting = tokio::time::timeout(WAIT_MAX, self.permits.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = waiting else {
            let message = "Too much is being computed at once. Try again in a few seconds.".to_owned();
            return Err(Error::Busy { message, retry_after_seconds: 2 });
        };
        let task = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        // What a panic says may hold what was computed on; where it was stands in the log.
        task.await.map_err(|_| Error::Internal("a computation panicked".to_owned()))?
    }
}
