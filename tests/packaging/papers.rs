//! What comes with the program: manual pages, completions, and what it was built from.

use serde_json::{Value, json};
use std::process::{Command, Output};

fn treebeard(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_treebeard"));
    command.args(arguments).env_clear().output().expect("the binary starts")
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let written = treebeard(&["man", "--directory", folder.path().to_str().expect("UTF-8")]);
    assert!(written.status.success(), "{written:?}");
    for page in ["treebeard.1", "treebeard-serve.1", "treebeard-service-install.1", "treebeard-catalog-import.1"] {
        let text = std::fs::read_to_string(folder.path().join(page)).expect("a page");
        assert!(text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
    let first = std::fs::read(folder.path().join("treebeard.1")).expect("a page");
    assert!(treebeard(&["man"]).stdout == first, "the page printed is the page written");
    let nowhere = treebeard(&["man", "--directory", "/nowhere"]);
    assert_eq!(nowhere.status.code(), Some(1));
}

#[test]
fn a_build_says_what_it_is_and_invents_no_list_of_parts() {
    let version = treebeard(&["version"]);
    let said = String::from_utf8_lossy(&version.stdout).into_owned();
    assert_eq!(said, format!("treebeard {} (unknown)\n", env!("CARGO_PKG_VERSION")));
    let described: Value = serde_json::from_slice(&treebeard(&["version", "--json"]).stdout).expect("JSON");
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    assert_eq!(
        described,
        json!({"name": "treebeard", "version": env!("CARGO_PKG_VERSION"), "git_revision": "unknown", "build_time": null,
               "target": target, "profile": "debug", "crates": null})
    );
    let refused = treebeard(&["version", "--sbom"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("carries no list of its crates"), "{refused:?}");
}
