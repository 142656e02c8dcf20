//! Tells a release build which source it is made from and when. Other builds say "unknown": finding out at each commit
//! would compile everything again.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

const REVISION: &str = "TREEBEARD_GIT_REVISION";
const TIME: &str = "SOURCE_DATE_EPOCH";
/// Changes with every commit and checkout.
const HEAD_LOG: &str = ".git/logs/HEAD";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed={REVISION}");
    println!("cargo:rerun-if-env-changed={TIME}");
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if is_release && std::path::Path::new(HEAD_LOG).exists() {
        println!("cargo:rerun-if-changed={HEAD_LOG}");
    }
    let revision = std::env::var(REVISION).ok().or_else(|| is_release.then(git_revision).flatten());
    let time = std::env::var(TIME).ok().or_else(|| is_release.then(now).flatten());
    println!("cargo:rustc-env=TREEBEARD_BUILT_FROM={}", revision.as_deref().unwrap_or("unknown"));
    println!("cargo:rustc-env=TREEBEARD_BUILT_AT={}", time.as_deref().unwrap_or(""));
    for (name, from) in [("TREEBEARD_TARGET", "TARGET"), ("TREEBEARD_PROFILE", "PROFILE")] {
        println!("cargo:rustc-env={name}={}", std::env::var(from).unwrap_or_default());
    }
}

fn git_revision() -> Option<String> {
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
    let revision = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !revision.is_empty()).then_some(revision)
}

/// Seconds since 1970.
fn now() -> Option<String> {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs().to_string())
}
