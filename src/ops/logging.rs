//! Logging to stderr: text for a person at a terminal, one JSON object a line for everything else.

use crate::config::{LogFormat, Logging};
use crate::ops::panics;
use crate::ops::traces::{self, Traces};
use crate::ops::troubles;
use std::io::IsTerminal;
use std::sync::OnceLock;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts logging for the whole process, and traces where there are any; a second call changes nothing. With `debug`
/// our own parts say more.
pub fn start(logging: &Logging, debug: bool, traces: Option<&Traces>) {
    let terminal = std::io::stderr().is_terminal();
    let json = match logging.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let (filter, handle) = reload::Layer::new(level(logging, debug));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if json {
        lines.json().flatten_event(true).with_current_span(false).boxed()
    } else {
        lines.with_ansi(colour).with_target(false).boxed()
    };
    let registry = tracing_subscriber::registry().with(lines.with_filter(filter)).with(troubles::layer());
    let started = match traces {
        Some(traces) => registry.with(traces.layer()).try_init(),
        None => registry.try_init(),
    };
    panics::tell_by_log();
    // Only a test that starts several services in one process gets here twice.
    if started.is_ok() {
        let _first = FILTER.set(handle);
    }
}

/// Another level from now on, in the format of the start.
pub fn adopt(logging: &Logging, debug: bool) {
    let changed = FILTER.get().map_or(Ok(()), |handle| handle.reload(level(logging, debug)));
    if let Err(error) = changed {
        tracing::warn!(error = %error, "the log level could not be changed");
    }
}

fn level(logging: &Logging, debug: bool) -> EnvFilter {
    let ours = if debug { ",treebeard=debug" } else { "" };
    // It names the source files of the machine it was built on.
    let level = format!("refinery_core=warn,{}{ours}", logging.level);
    let filter = traces::keep_out_of(EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info")));
    // Below a warning these write addresses, of which that of a webhook is a secret, and the values of statements.
    ["ureq=warn", "ureq_proto=warn", "tokio_postgres=warn", "postgres=warn"]
        .iter()
        .fold(filter, |filter, part| filter.add_directive(part.parse().expect("a part and a level")))
}
