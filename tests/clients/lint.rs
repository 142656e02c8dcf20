//! The API document under the recommended rules of Redocly and Spectral.

use crate::{DOCUMENT, PACKAGE, is_installed, tool};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

#[test]
fn redocly_finds_nothing() {
    let redocly = tool("node/node_modules/.bin/redocly");
    if !is_installed("redocly_finds_nothing", &[&redocly]) {
        return;
    }
    let config = Path::new(PACKAGE).join("tests/tools/redocly.yaml");
    let output = Command::new(redocly)
        .args(["lint", "--format=json", "--config"])
        .args([&config, Path::new(DOCUMENT)])
        .env("REDOCLY_TELEMETRY", "off")
        .output()
        .expect("redocly starts");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report in JSON");
    let totals = json!({ "errors": 0, "warnings": 0, "ignored": 0 });
    assert_eq!(report["totals"], totals, "{:#}", report["problems"]);
}

#[test]
fn spectral_finds_nothing() {
    let spectral = tool("node/node_modules/.bin/spectral");
    if !is_installed("spectral_finds_nothing", &[&spectral]) {
        return;
    }
    let rules = Path::new(PACKAGE).join("tests/tools/spectral.yaml");
    let output = Command::new(spectral)
        .args(["lint", "--fail-severity=hint", "--ruleset"])
        .args([&rules, Path::new(DOCUMENT)])
        .output()
        .expect("spectral starts");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && report.contains("No results"), "{report}");
}
