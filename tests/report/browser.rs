//! The report in a real Chromium: light, dark, a phone, A4 and Letter; nothing cut off, nothing hard to read, no error.
//!
//! `.ci/run` installs the browser and, under `target/browser`, playwright-core and axe-core. Screenshots and PDFs stay
//! in `target/browser/report` to be looked at.

use crate::household::cases;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const LOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/report/look.cjs");
const PACKAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/browser/node_modules");
/// Pages of paper the longest report may take: ten plans with their charts.
const PAGES_MAX: u64 = 14;

fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let folders = ["/usr/bin", "/usr/local/bin", "/snap/bin"];
    names.iter().flat_map(|name| folders.map(|folder| Path::new(folder).join(name))).find(|path| path.exists())
}

/// What the browser tells of every case; `None` on machines without one.
fn look() -> Option<Value> {
    let has_packages = ["playwright-core", "axe-core"].iter().all(|name| Path::new(PACKAGES).join(name).exists());
    let Some(chromium) = chromium().filter(|_| has_packages) else {
        assert!(std::env::var_os("CI").is_none(), "the browser of .ci/run is missing");
        println!("skipped: the report in a browser: no Chromium, or no target/browser/node_modules");
        return None;
    };
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/browser/report");
    std::fs::create_dir_all(&out).expect("a folder for the pictures");
    let files = cases().iter().map(|case| &case.file);
    let output =
        Command::new("node").arg(LOOK).arg(PACKAGES).arg(chromium).arg(&out).args(files).output().expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

#[test]
fn every_report_is_whole_and_readable_on_screens_and_on_paper() {
    let Some(told) = look() else { return };
    let mut findings = Vec::new();
    for case in cases() {
        let told = &told[case.name];
        for kind in ["console", "requests", "overflowing", "overlapping", "violations"] {
            let found = told[kind].as_array().unwrap_or_else(|| panic!("{}: nothing is told of {kind}", case.name));
            findings.extend(found.iter().map(|what| format!("{}: {kind}: {what}", case.name)));
        }
        let shown = told["text"].as_str().unwrap_or_default();
        for text in ["Your electricity plan", "Your usage", "What this rests on", "not an offer"] {
            if !shown.contains(text) {
                findings.push(format!("{}: the page does not show {text:?}", case.name));
            }
        }
        for format in ["A4", "Letter"] {
            let pages = told["pages"][format].as_u64().unwrap_or(0);
            if !(1..=PAGES_MAX).contains(&pages) {
                findings.push(format!("{}: {pages} pages of {format}", case.name));
            }
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}
