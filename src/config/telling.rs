//! What the service says of itself: the log and its level, traces and where they go.

use crate::config::read::Reader;
use crate::config::{LogFormat, Logging, Metrics, Traces};
use std::time::Duration;

pub fn traces(reader: &mut Reader) -> Traces {
    let endpoint = reader.text("traces.endpoint");
    if !endpoint.is_empty() && !endpoint.starts_with("https://") && !endpoint.starts_with("http://") {
        reader.problem("traces.endpoint", "must begin with https:// or http://");
    }
    Traces {
        endpoint: (!endpoint.is_empty()).then_some(endpoint),
        sample_percent: reader.number("traces.sample_percent", 0..=100),
    }
}

pub fn metrics(reader: &mut Reader) -> Metrics {
    let address = reader.text("metrics.listen");
    let listen = address.parse().ok();
    if !address.is_empty() && listen.is_none() {
        reader.problem("metrics.listen", "must be an address and a port: 127.0.0.1:9000 or [::1]:9000");
    }
    Metrics { token: reader.secret("metrics.token"), listen }
}

pub fn logging(reader: &mut Reader) -> Logging {
    let text = reader.text("logging.level");
    // The level names of the service this one replaces.
    let level = match text.to_lowercase().as_str() {
        "warning" => "warn".to_owned(),
        "critical" | "fatal" => "error".to_owned(),
        word @ ("error" | "warn" | "info" | "debug" | "trace" | "off") => word.to_owned(),
        _ => text,
    };
    if level.is_empty() || level.parse::<tracing_subscriber::filter::Targets>().is_err() {
        reader.problem(
            "logging.level",
            "must be error, warn, info, debug or trace, or parts: info,treebeard::store=debug",
        );
    }
    let format = reader
        .choice("logging.format", &[("auto", LogFormat::Auto), ("text", LogFormat::Text), ("json", LogFormat::Json)]);
    let mut slow = |key| Duration::from_millis(u64::from(reader.number(key, 0..=3_600_000)));
    let slow_request = slow("logging.slow_request_milliseconds");
    Logging { level, format, slow_request, slow_query: slow("logging.slow_query_milliseconds") }
}
