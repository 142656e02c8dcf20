//! Signs of life during long work: on stderr, on a terminal only, and gone when the work is done.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// Shown until dropped.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Of a known amount of bytes.
    pub fn bytes(what: String, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {bytes} of {total_bytes}, {eta} left") {
            bar.set_style(style);
        }
        bar.set_message(what);
        Progress { bar }
    }

    /// Of work in several steps, each of a known amount.
    pub fn steps() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {percent} %") {
            bar.set_style(style);
        }
        Progress { bar }
    }

    /// Of work that cannot say how far it is.
    pub fn working(what: String) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress { bar }
    }

    /// Says something else.
    pub fn say(&self, what: String) {
        self.bar.set_message(what);
    }

    /// How far it is, of how much; 0: that cannot be said.
    pub fn reach(&self, done: u64, all: u64) {
        self.bar.set_length(all.max(1));
        self.bar.set_position(done);
    }

    pub fn advance(&self, amount: u64) {
        self.bar.inc(amount);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
