//! `treebeard doctor --ai`: one tiny call of the Claude API, to see whether key, model and address are good.

use crate::app::explanations::writer_settings;
use crate::cli::{Failure, output};
use crate::config::Config;
use crate::writer::{self, Fault};
use serde::Serialize;

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Valid,
    /// The service answers and refuses.
    Invalid,
    /// It does not answer, or not as the API does.
    Unreachable,
    NotConfigured,
}

#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    status: Status,
    message: String,
}

pub fn run(config: &Config, as_json: bool) -> Result<(), Failure> {
    let (status, message) = match writer_settings(config) {
        None if !config.features.ai => {
            (Status::NotConfigured, "switched off by features.ai: explanations are written from templates".to_owned())
        }
        None => (Status::NotConfigured, "no key is set: explanations are written from templates".to_owned()),
        Some(settings) => judged(&settings.model, &settings.base_url, writer::try_out(&settings)),
    };
    if as_json {
        output::print_json(&Finding { check: "ai", status, message })?;
    } else {
        let word = match status {
            Status::Valid => "valid",
            Status::Invalid => "invalid",
            Status::Unreachable => "unreachable",
            Status::NotConfigured => "not configured",
        };
        output::print(&format!("ai: {word}: {message}"))?;
    }
    match status {
        Status::Valid | Status::NotConfigured => Ok(()),
        Status::Invalid | Status::Unreachable => Err(Failure::ChecksFailed),
    }
}

fn judged(model: &str, base_url: &str, tried: Result<(), Fault>) -> (Status, String) {
    match tried {
        Ok(()) => (Status::Valid, format!("{base_url} answers with {model}")),
        // The key was good enough to be counted.
        Err(Fault::Busy { status: 429, .. }) => {
            (Status::Valid, format!("{base_url} knows the key, but has had too many calls; explanations wait for it"))
        }
        Err(Fault::Refused(401 | 403)) => {
            (Status::Invalid, format!("{base_url} refuses the key: check explanations.api_key"))
        }
        Err(Fault::Refused(404)) => (
            Status::Invalid,
            format!("{base_url} knows no model {model}: check explanations.model and explanations.base_url"),
        ),
        Err(Fault::Refused(status)) => {
            (Status::Invalid, format!("{base_url} refuses the call with {status}: check explanations.model"))
        }
        Err(fault) => {
            (Status::Unreachable, format!("{base_url}: {fault}; check explanations.base_url and the network"))
        }
    }
}
