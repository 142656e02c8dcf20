//! The buckets of one limit: one per key, in a map of bounded size that forgets the idle ones.
//!
//! A bucket left alone for its window is full again, so forgetting it loses nothing. When more keys come than the map
//! has room for, some are forgotten earlier: a flood of addresses costs no more memory than that.

use governor::clock::{Clock, QuantaClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use moka::sync::Cache;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

type Bucket = RateLimiter<NotKeyed, InMemoryState, QuantaClock, StateInformationMiddleware>;

/// Buckets of `limit` requests that refill evenly over `window`.
pub struct Buckets {
    limit: AtomicU32,
    window: Duration,
    clock: QuantaClock,
    held: Cache<u128, Arc<(u32, Bucket)>>,
    refusals: AtomicU64,
}

/// What came of asking a bucket for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    pub admitted: bool,
    pub limit: u32,
    pub remaining: u32,
    /// Until the bucket has one request more at the latest; when refused, until the next one is admitted.
    pub wait: Duration,
}

impl Buckets {
    pub fn new(limit: u32, window: Duration, keys_max: u64) -> Self {
        let held = Cache::builder().max_capacity(keys_max).time_to_idle(window).build();
        Buckets {
            limit: AtomicU32::new(limit),
            window,
            clock: QuantaClock::default(),
            held,
            refusals: AtomicU64::new(0),
        }
    }

    /// Takes one request out of the bucket of `key`, whose limit is the common one or one of its own.
    pub fn take(&self, key: u128, limit: u32) -> Taken {
        let mut bucket = self.held.get_with(key, || Arc::new((limit, self.full(limit))));
        // A limit that has changed begins with a full bucket.
        if bucket.0 != limit {
            bucket = Arc::new((limit, self.full(limit)));
            self.held.insert(key, bucket.clone());
        }
        match bucket.1.check() {
            Ok(left) => Taken {
                admitted: true,
                limit,
                remaining: left.remaining_burst_capacity(),
                wait: left.quota().replenish_interval(),
            },
            Err(refused) => {
                self.refusals.fetch_add(1, Ordering::Relaxed);
                Taken { admitted: false, limit, remaining: 0, wait: refused.wait_time_from(self.clock.now()) }
            }
        }
    }

    pub fn limit(&self) -> u32 {
        self.limit.load(Ordering::Relaxed)
    }

    pub fn set_limit(&self, limit: u32) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Requests refused since the start.
    pub fn refusals(&self) -> u64 {
        self.refusals.load(Ordering::Relaxed)
    }

    /// Buckets held now.
    pub fn keys(&self) -> u64 {
        self.held.entry_count()
    }

    fn full(&self, limit: u32) -> Bucket {
        let limit = NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN);
        let interval = (self.window / limit.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(interval).expect("the interval is not zero").allow_burst(limit);
        RateLimiter::direct_with_clock(quota, self.clock.clone()).with_middleware()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn a_bucket_counts_down_and_then_says_when_it_admits_again() {
        let buckets = Buckets::new(3, HOUR, 10);
        let taken: Vec<_> = (0..4).map(|_| buckets.take(7, 3)).collect();
        let seen: Vec<_> = taken.iter().map(|taken| (taken.admitted, taken.limit, taken.remaining)).collect();
        assert_eq!(seen, [(true, 3, 2), (true, 3, 1), (true, 3, 0), (false, 3, 0)]);
        let third = Duration::from_mins(20);
        assert_eq!(taken[0].wait, third);
        assert!(taken[3].wait > Duration::ZERO && taken[3].wait <= third, "{:?}", taken[3].wait);
        assert_eq!(buckets.refusals(), 1);
        assert_eq!(buckets.take(8, 3).remaining, 2, "another key has a bucket of its own");
        assert_eq!(buckets.take(9, 100).remaining, 99, "a key may have a limit of its own");
    }

    #[test]
    fn a_changed_limit_holds_from_the_next_request_on() {
        let buckets = Buckets::new(3, HOUR, 10);
        assert_eq!(buckets.take(7, buckets.limit()).remaining, 2);
        buckets.set_limit(10);
        let taken = buckets.take(7, buckets.limit());
        assert_eq!((taken.limit, taken.remaining), (10, 9));
        assert_eq!(buckets.take(7, buckets.limit()).remaining, 8);
    }

    #[test]
    fn more_keys_than_the_map_has_room_for_are_forgotten() {
        let buckets = Buckets::new(1_000, HOUR, 1_000);
        for key in 0..100_000 {
            buckets.take(key, 1_000);
        }
        buckets.held.run_pending_tasks();
        assert!(buckets.keys() <= 1_000, "{} held", buckets.keys());
    }
}
