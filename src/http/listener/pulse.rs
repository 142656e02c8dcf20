//! What a connection is doing, and until when it may go on doing nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Shared by the stream, which sees bytes, and the service, which sees requests.
#[derive(Debug)]
pub struct Pulse {
    began: Instant,
    /// Requests whose answers are not finished.
    underway: AtomicUsize,
    /// Whether any request has come.
    served: AtomicBool,
    /// Milliseconds after the beginning when the last answer was finished.
    quiet_since: AtomicU64,
    /// Milliseconds after the beginning, plus one, when the first byte came that no answer has followed yet; else 0.
    heard_at: AtomicU64,
    /// HTTP/2 speaks also when it has nothing to say: its bytes are no sign of a request.
    multiplexed: AtomicBool,
}

impl Pulse {
    pub fn new(now: Instant) -> Self {
        Pulse {
            began: now,
            underway: AtomicUsize::new(0),
            served: AtomicBool::new(false),
            quiet_since: AtomicU64::new(0),
            heard_at: AtomicU64::new(0),
            multiplexed: AtomicBool::new(false),
        }
    }

    pub fn request_begins(&self) {
        self.served.store(true, Ordering::Relaxed);
        self.underway.fetch_add(1, Ordering::Relaxed);
    }

    pub fn request_ends(&self, now: Instant) {
        self.quiet_since.store(self.age(now), Ordering::Relaxed);
        self.underway.fetch_sub(1, Ordering::Relaxed);
    }

    pub fn hears(&self, bytes: &[u8], now: Instant) {
        if self.heard_at.load(Ordering::Relaxed) == 0 {
            self.heard_at.store(self.age(now) + 1, Ordering::Relaxed);
        }
        // The first word of HTTP/2; no HTTP/1 method begins so.
        if !self.served.load(Ordering::Relaxed) && bytes.starts_with(b"PRI ") {
            self.multiplexed.store(true, Ordering::Relaxed);
        }
    }

    pub fn answers(&self) {
        self.heard_at.store(0, Ordering::Relaxed);
    }

    pub fn is_multiplexed(&self) -> bool {
        self.multiplexed.load(Ordering::Relaxed)
    }

    /// Whether a part of an HTTP/1 request has come and no more of it.
    pub fn is_mid_header(&self) -> bool {
        !self.is_multiplexed()
            && self.underway.load(Ordering::Relaxed) == 0
            && self.heard_at.load(Ordering::Relaxed) != 0
    }

    /// When the connection has been waited for long enough, as things stand; `None` while a request is under way.
    pub fn deadline(&self, header: Duration, idle: Duration) -> Option<Instant> {
        if self.underway.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let heard = self.heard_at.load(Ordering::Relaxed);
        let after = if self.is_mid_header() {
            Duration::from_millis(heard - 1) + header
        } else if self.served.load(Ordering::Relaxed) {
            Duration::from_millis(self.quiet_since.load(Ordering::Relaxed)) + idle
        } else {
            header
        };
        Some(self.began + after)
    }

    fn age(&self, now: Instant) -> u64 {
        now.duration_since(self.began).as_millis() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Duration = Duration::from_secs(10);
    const IDLE: Duration = Duration::from_secs(75);

    fn begun() -> (Pulse, impl Fn(u64) -> Instant) {
        let began = Instant::now();
        (Pulse::new(began), move |seconds| began + Duration::from_secs(seconds))
    }

    #[test]
    fn a_connection_is_waited_for_by_what_it_has_done() {
        let (pulse, at) = begun();
        let deadline = |pulse: &Pulse| pulse.deadline(HEADER, IDLE);
        assert_eq!(deadline(&pulse), Some(at(10)), "it has said nothing yet");
        pulse.hears(b"GET /", at(4));
        assert_eq!((deadline(&pulse), pulse.is_mid_header()), (Some(at(14)), true));
        pulse.hears(b" HTTP", at(5));
        assert_eq!(deadline(&pulse), Some(at(14)), "more of the same header gains no time");
        pulse.request_begins();
        assert_eq!((deadline(&pulse), pulse.is_mid_header()), (None, false));
        pulse.answers();
        pulse.request_ends(at(5));
        assert_eq!(deadline(&pulse), Some(at(80)), "idle since second 5");
        pulse.hears(b"G", at(6));
        assert_eq!(deadline(&pulse), Some(at(16)));
    }

    #[test]
    fn bytes_of_http_2_are_no_sign_of_a_request() {
        let (pulse, at) = begun();
        pulse.hears(b"PRI * HTTP/2.0", at(0));
        pulse.hears(b"ping", at(5));
        assert_eq!((pulse.deadline(HEADER, IDLE), pulse.is_mid_header()), (Some(at(10)), false));
    }
}
