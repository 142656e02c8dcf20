//! What is said of a panic: where it was, and the program's own words. What those words were filled in with, and the
//! error that somebody did not expect, may be what the program was working on: they are not said.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;

/// From now on panics are lines of the log.
pub fn tell_by_log() {
    std::panic::set_hook(Box::new(tell));
}

fn tell(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    let words = own_words(panic.payload());
    let thread = std::thread::current();
    // Names of functions and lines of files; with RUST_BACKTRACE only.
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    tracing::error!(
        event = "sys_crash",
        place,
        words,
        thread = thread.name(),
        backtrace,
        "a part of the program panicked"
    );
}

/// Only what stands in the source as it is.
fn own_words(payload: &(dyn Any + Send)) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("(filled in, so not shown)")
}
