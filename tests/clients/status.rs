//! The status page in a real browser: who may see it, what it shows, and that it asks no other host.
//!
//! Screenshots stay in `target/clients/status` to be looked at.

use crate::{ADMIN, Market, PACKAGE, PASSWORD, is_installed, run, workshop};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const BROWSER: &str = "/usr/bin/chromium";

#[test]
fn staff_see_the_service_s_status_and_nobody_else_does() {
    let packages = Path::new(PACKAGE).join("target/browser/node_modules");
    let needed = [Path::new(BROWSER), &packages.join("playwright-core"), &packages.join("axe-core")];
    if !is_installed("staff_see_the_service_s_status_and_nobody_else_does", &needed) {
        return;
    }
    // Every statement is slow, so that there is one to show.
    let market = Market::with(&[("TREEBEARD_LOGGING__SLOW_QUERY_MILLISECONDS", "0")]);
    market.server.register("user@example.org");
    for _ in 0..2 {
        market.server.get("/api/v1/suppliers", &[]);
    }
    let out = workshop("status");
    let look = Path::new(PACKAGE).join("tests/clients/status.cjs");
    let printed = run(Command::new("node").arg(look).arg(&packages).args([BROWSER, &market.url()]).arg(&out).args([
        ADMIN,
        PASSWORD,
        "user@example.org",
        "test123",
    ]));
    let told: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(told["refused"]["hidden"], true, "{told}");
    for kind in ["console", "violations", "wide"] {
        assert_eq!(told[kind], json!([]), "{kind}");
    }
    assert_eq!(told["left"], true, "signing out takes everything away");
    let requests = told["requests"].as_array().expect("requests");
    let elsewhere: Vec<_> =
        requests.iter().filter(|url| !url.as_str().unwrap_or_default().starts_with(&market.url())).collect();
    assert!(elsewhere.is_empty() && requests.len() > 10, "{requests:?}");
    let text = told["text"].as_str().expect("a text");
    for shown in [
        "Disk free",
        "StoreDown",
        "/api/v1/suppliers",
        "SELECT",
        "catalog",
        "follow_catalog",
        "audit_check",
        "registration",
        "None since the start.",
        env!("CARGO_PKG_VERSION"),
    ] {
        assert!(text.contains(shown), "the page does not show {shown}:\n{text}");
    }
}
