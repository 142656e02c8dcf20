//! The circuit breaker: a service that keeps failing is left alone for a while, then tried with one call.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Failures in a row after which nothing is asked any more.
pub const FAILURES_MAX: u32 = 5;
/// How long.
pub const REST: Duration = Duration::from_secs(30);
/// A service that asks for a longer pause is tried again all the same.
const PAUSE_MAX: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls are made.
    Closed,
    /// None is.
    Open,
    /// The next one is a trial.
    HalfOpen,
}

#[derive(Debug, Default)]
pub struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
    /// The one trial call is under way.
    on_trial: bool,
}

impl Breaker {
    /// Whether a call may be made. One that is made must be followed by one of the other functions.
    pub fn admits(&self, now: Instant) -> bool {
        let mut state = self.lock();
        match state.open_until {
            None => true,
            Some(until) if now < until || state.on_trial => false,
            Some(_) => {
                state.on_trial = true;
                true
            }
        }
    }

    pub fn succeeded(&self) {
        *self.lock() = State::default();
    }

    /// The call was not made after all.
    pub fn withdrawn(&self) {
        self.lock().on_trial = false;
    }

    pub fn failed(&self, now: Instant) {
        let mut state = self.lock();
        state.failures = state.failures.saturating_add(1);
        let failed_trial = std::mem::take(&mut state.on_trial);
        if failed_trial || state.failures >= FAILURES_MAX {
            state.open_until = Some(state.open_until.map_or(now + REST, |until| until.max(now + REST)));
        }
    }

    /// The service asks to be left alone that long.
    pub fn pause(&self, now: Instant, wanted: Duration) {
        let mut state = self.lock();
        state.on_trial = false;
        let until = now + wanted.min(PAUSE_MAX);
        state.open_until = Some(state.open_until.map_or(until, |open| open.max(until)));
    }

    pub fn state(&self, now: Instant) -> BreakerState {
        match self.lock().open_until {
            None => BreakerState::Closed,
            Some(until) if now < until => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Three plain values: whoever panicked left them usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_in_a_row_open_it_and_one_success_between_does_not() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES_MAX - 1 {
            breaker.failed(now);
        }
        breaker.succeeded();
        for _ in 0..FAILURES_MAX - 1 {
            breaker.failed(now);
        }
        assert_eq!(breaker.state(now), BreakerState::Closed);
        breaker.failed(now);
        assert_eq!(breaker.state(now), BreakerState::Open);
        assert!(!breaker.admits(now));
    }

    #[test]
    fn after_its_rest_one_trial_decides() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES_MAX {
            breaker.failed(now);
        }
        let later = now + REST;
        assert_eq!(breaker.state(later), BreakerState::HalfOpen);
        assert!(breaker.admits(later));
        assert!(!breaker.admits(later), "only one trial");
        breaker.failed(later);
        assert_eq!(breaker.state(later), BreakerState::Open);
        let again = later + REST;
        assert!(breaker.admits(again));
        breaker.withdrawn();
        assert!(breaker.admits(again));
        breaker.succeeded();
        assert_eq!(breaker.state(again), BreakerState::Closed);
    }

    #[test]
    fn a_pause_is_kept_as_asked_up_to_ten_minutes() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        breaker.pause(now, Duration::from_secs(20));
        assert!(!breaker.admits(now + Duration::from_secs(19)));
        assert!(breaker.admits(now + Duration::from_secs(20)));
        breaker.pause(now, Duration::from_secs(1_000_000));
        assert!(breaker.admits(now + PAUSE_MAX));
    }
}
