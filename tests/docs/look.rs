//! The guide in a real Chromium: light, dark, a phone, A4 and Letter; nothing cut off, nothing hard to read, nothing
//! asked of anybody. `.ci/run` installs what is needed; pictures stay in `target/browser/guide` to be looked at.

use crate::page::top;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use treebeard::http::guide;

const BROWSER: &str = "/usr/bin/chromium";
const TEST: &str = "every_page_is_whole_and_readable_on_screens_and_on_paper";

#[test]
fn every_page_is_whole_and_readable_on_screens_and_on_paper() {
    let packages = top().join("target/browser/node_modules");
    if [Path::new(BROWSER), &packages].iter().any(|path| !path.exists()) {
        assert!(std::env::var_os("CI").is_none(), "the browser of .ci/run is missing");
        println!("skipped: {TEST}: no Chromium, or no target/browser/node_modules");
        return;
    }
    let out = top().join("target/browser/guide");
    std::fs::create_dir_all(&out).expect("a folder for the pictures");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files: Vec<PathBuf> = guide::rendered()
        .into_iter()
        .map(|(address, html)| {
            let file = folder.path().join(format!("{}.html", address.trim_start_matches('/').replace('/', "-")));
            std::fs::write(&file, html).expect("the temporary folder can be written");
            file
        })
        .collect();
    let script = top().join("tests/report/look.cjs");
    let output = Command::new("node").args([&script, &packages, Path::new(BROWSER), &out]).args(&files).output();
    let output = output.expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut findings = Vec::new();
    for (page, told) in told.as_object().expect("pages") {
        for kind in ["console", "requests", "overflowing", "violations"] {
            let found = told[kind].as_array().expect("a list");
            findings.extend(found.iter().map(|what| format!("{page}: {kind}: {what}")));
        }
    }
    assert_eq!(told.as_object().map(serde_json::Map::len), Some(files.len()));
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}
