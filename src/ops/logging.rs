//! Logging to stderr: text for a person at a terminal, one JSON object a line for everything else.

use crate::config::{LogFormat, Logging};
use crate::ops::traces::{self, Traces};
use std::io::IsTerminal;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Starts logging for the whole process, and traces where there are any; a second call changes nothing. With `debug`
/// our own parts say more.
pub fn start(logging: &Logging, debug: bool, traces: Option<&Traces>) {
    let filter = if debug { format!("{},treebeard=debug", logging.level) } else { logging.level.clone() };
    let terminal = std::io::stderr().is_terminal();
    let json = match logging.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if json {
        lines.json().flatten_event(true).with_current_span(false).boxed()
    } else {
        lines.with_ansi(colour).with_target(false).boxed()
    };
    let lines = lines.with_filter(traces::keep_out_of(filter));
    let registry = tracing_subscriber::registry().with(lines);
    let started = match traces {
        Some(traces) => registry.with(traces.layer()).try_init(),
        None => registry.try_init(),
    };
    // Only a test that starts several services in one process gets here twice.
    let _already_logging = started.is_err();
}
