//! Rests between the steps of work that others shall not notice: it takes a fifth of a processor and of the disk at
//! most, and less where these are busy, since its steps then take longer.

use std::time::{Duration, Instant};

/// Rests after each step so many times as long as the step took.
const RESTS: u32 = 4;
/// Nobody is served by a longer one.
const REST_MAX: Duration = Duration::from_millis(250);

pub struct Pace {
    rested: Instant,
}

impl Pace {
    /// The first step begins now.
    pub fn begin() -> Self {
        Pace { rested: Instant::now() }
    }

    /// Between two steps.
    pub fn rest(&mut self) {
        std::thread::sleep(rest_after(self.rested.elapsed()));
        self.rested = Instant::now();
    }
}

fn rest_after(step: Duration) -> Duration {
    (step * RESTS).min(REST_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_took_longer_is_followed_by_a_longer_rest() {
        let cases = [(0, 0), (1, 4), (10, 40), (1_000, 250)];
        for (step, rest) in cases {
            assert_eq!(rest_after(Duration::from_millis(step)), Duration::from_millis(rest), "{step} ms");
        }
    }
}
