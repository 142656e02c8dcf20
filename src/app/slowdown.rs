//! Guessing at one account gets slower with every failure, from wherever it comes. Nobody is ever locked out: the right
//! password is let in, only later. Unknown addresses are slowed down alike, so the delay tells nothing.

use moka::sync::Cache;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const ACCOUNTS_MAX: u64 = 100_000;
/// Failures are forgotten when none has come for this long.
const REMEMBERED: Duration = Duration::from_mins(15);
/// Typing errors cost nothing.
const FREE_FAILURES: u32 = 5;
const FIRST_DELAY: Duration = Duration::from_millis(250);
const DELAY_MAX: Duration = Duration::from_secs(4);

/// Recent failures by account. It holds no e-mail address: accounts are known by a hash with a key of this process.
pub struct Slowdown {
    failures: Cache<u64, u32>,
    hasher: RandomState,
}

impl Default for Slowdown {
    fn default() -> Self {
        let failures = Cache::builder().max_capacity(ACCOUNTS_MAX).time_to_idle(REMEMBERED).build();
        Slowdown { failures, hasher: RandomState::new() }
    }
}

impl Slowdown {
    /// How long the next attempt at an account waits.
    pub fn delay(&self, email: &str) -> Duration {
        delay_after(self.failures.get(&self.key(email)).unwrap_or(0))
    }

    pub fn failed(&self, email: &str) {
        let key = self.key(email);
        self.failures.insert(key, self.failures.get(&key).unwrap_or(0).saturating_add(1));
    }

    pub fn succeeded(&self, email: &str) {
        self.failures.invalidate(&self.key(email));
    }

    fn key(&self, email: &str) -> u64 {
        self.hasher.hash_one(crate::store::users::fold_email(email))
    }
}

fn delay_after(failures: u32) -> Duration {
    match failures.checked_sub(FREE_FAILURES) {
        None => Duration::ZERO,
        Some(more) => FIRST_DELAY.saturating_mul(1 << more.min(10)).min(DELAY_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_after_five_failures_up_to_four_seconds() {
        let milliseconds = |failures| delay_after(failures).as_millis();
        assert_eq!([0, 4, 5, 6, 7, 8, 9, 10, 1_000].map(milliseconds), [0, 0, 250, 500, 1000, 2000, 4000, 4000, 4000]);
    }

    #[test]
    fn a_success_ends_the_delay_and_other_accounts_have_none() {
        let slowdown = Slowdown::default();
        for _ in 0..6 {
            slowdown.failed("Anna@example.org");
        }
        assert_eq!(slowdown.delay("anna@EXAMPLE.org "), Duration::from_millis(500));
        assert_eq!(slowdown.delay("ben@example.org"), Duration::ZERO);
        slowdown.succeeded("anna@example.org");
        assert_eq!(slowdown.delay("anna@example.org"), Duration::ZERO);
    }
}
