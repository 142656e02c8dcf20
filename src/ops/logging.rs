//! Logging to stderr: text for a person at a terminal, one JSON object a line for everything else.

use crate::config::{LogFormat, Logging};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging for the whole process; a second call changes nothing. With `debug` our own parts say more.
pub fn start(logging: &Logging, debug: bool) {
    let filter = if debug { format!("{},treebeard=debug", logging.level) } else { logging.level.clone() };
    let terminal = std::io::stderr().is_terminal();
    let json = match logging.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info")));
    let started = if json {
        builder.json().flatten_event(true).with_current_span(false).try_init()
    } else {
        builder.with_ansi(colour).with_target(false).try_init()
    };
    // Only a test that starts several services in one process gets here twice.
    let _already_logging = started.is_err();
}
