//! A bounded load driver: so many users who each make the calls of one mix for a while, and what came of it.
//!
//! Every user has an account and a connection of their own. Users pause between calls, so the load is what people make
//! and not what the service could bear; `benches/load.sh` asks for the latter.

pub mod client;
mod figures;
mod mix;
mod report;
mod tally;
mod user;

pub use figures::Figures;
pub use mix::{MIX, parse as parse_mix};
pub use report::{Operation, Report, Span};
pub use tally::{Counted, Tally};

use crate::load::client::Target;
use crate::load::report::Watch;
use crate::load::user::User;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time;
use uuid::Uuid;

/// Accounts opened or erased at once: each costs the service a password hash, and it refuses too many at a time.
const HASHES_AT_ONCE: usize = 2;
/// How often the service is asked what it takes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What to do.
#[derive(Debug, Clone)]
pub struct Plan {
    pub target: Target,
    pub users: usize,
    /// Users who begin each second.
    pub spawn_per_second: f64,
    /// From the first user's begin to the last call.
    pub duration: Duration,
    /// Mean pause of a user between two calls; each is between half of it and one and a half.
    pub pause: Duration,
    /// Operations with their weights: [`MIX`], or another.
    pub mix: Vec<(&'static str, u32)>,
    /// What `GET /metrics` asks for, if it does.
    pub metrics_token: Option<String>,
}

/// What all users share.
struct Run {
    plan: Plan,
    /// Tells the accounts of this run from those of another.
    id: Uuid,
    until: Instant,
    hashing: Semaphore,
    requests: AtomicU64,
}

/// Does it; `progress` is told now and then how many requests were answered.
pub async fn run(plan: Plan, progress: impl Fn(u64) + Send + 'static) -> Report {
    let started = Instant::now();
    let run = Arc::new(Run {
        until: started + plan.duration,
        id: Uuid::now_v7(),
        hashing: Semaphore::new(HASHES_AT_ONCE),
        requests: AtomicU64::new(0),
        plan,
    });
    let watching = tokio::spawn(watch(run.clone(), progress));
    let mut users = JoinSet::new();
    let every = Duration::from_secs_f64(1.0 / run.plan.spawn_per_second);
    for number in 0..run.plan.users {
        let begins = started + every * number as u32;
        if begins >= run.until {
            break;
        }
        time::sleep_until(begins.into()).await;
        let run = run.clone();
        users.spawn(async move { User::new(number, run).live().await });
    }
    let mut tally = Tally::default();
    let mut spawned = 0;
    while let Some(ended) = users.join_next().await {
        spawned += 1;
        match ended {
            Ok(counted) => tally.add(&counted),
            // A user's task is ours: where it fails, its calls are lost and that must show.
            Err(_) => tally.lost(),
        }
    }
    let watch = watching.await.unwrap_or_default();
    Report::new(&run.plan, spawned, run.plan.duration, &tally, &watch)
}

/// Looks at the service once a second until the time is up.
async fn watch(run: Arc<Run>, progress: impl Fn(u64)) -> Watch {
    let mut watch = Watch::default();
    let mut ticks = time::interval(LOOK_EVERY);
    loop {
        ticks.tick().await;
        progress(run.requests.load(Ordering::Relaxed));
        if let Some(figures) = Figures::read(&run.plan).await {
            watch.push(figures);
        }
        if Instant::now() >= run.until {
            return watch;
        }
    }
}
