//! What comes with the program: manual pages, completions, and what it was built from.

use crate::dist::{file_or_skip, folder, program_or_skip};
use crate::yaml::tool_or_skip;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};

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

fn released(program: &Path, arguments: &[&str]) -> Value {
    let output = Command::new(program).args(arguments).env_clear().output().expect("the program starts");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// `name version` of every crate in Cargo.lock.
fn locked() -> BTreeSet<String> {
    let lock: toml::Table = include_str!("../../Cargo.lock").parse().expect("TOML");
    let packages = lock["package"].as_array().expect("a list");
    let text = |package: &toml::Value, name: &str| package[name].as_str().expect("a text").to_owned();
    packages.iter().map(|package| format!("{} {}", text(package, "name"), text(package, "version"))).collect()
}

fn named(list: &Value) -> BTreeSet<String> {
    let text = |part: &Value, name: &str| part[name].as_str().expect("a text").to_owned();
    list.as_array()
        .expect("a list")
        .iter()
        .map(|part| format!("{} {}", text(part, "name"), text(part, "version")))
        .collect()
}

#[test]
fn a_release_says_what_it_is_and_which_crates_are_in_it() {
    let Some(program) = program_or_skip("what a release says") else { return };
    let described = released(&program, &["version", "--json"]);
    let text = |name: &str| described[name].as_str().unwrap_or_else(|| panic!("{name} in {described}"));
    assert_eq!((text("version"), text("profile")), (env!("CARGO_PKG_VERSION"), "release"));
    let revision = text("git_revision");
    assert!(revision.len() == 12 && revision.bytes().all(|byte| byte.is_ascii_hexdigit()), "{revision}");
    let built: jiff::Timestamp = text("build_time").parse().expect("a time");
    assert!(built > jiff::Timestamp::UNIX_EPOCH, "{built}");

    let inside = named(&described["crates"]);
    assert!(inside.is_subset(&locked()), "{:?}", inside.difference(&locked()).collect::<Vec<_>>());
    let has = |name: &str| inside.iter().any(|package| package.split(' ').next() == Some(name));
    for name in ["poem", "tokio", "rusqlite", "libsqlite3-sys", "ring", "jiff"] {
        assert!(has(name), "{name} is inside: {inside:?}");
    }
    // Itself, what only builds or measures it, and what deny.toml keeps out. Macros are listed: they have written parts.
    for name in ["treebeard", "cc", "criterion", "openssl", "native-tls", "aws-lc-rs", "rsa"] {
        assert!(!has(name), "{name} is not inside: {inside:?}");
    }

    let list = released(&program, &["version", "--sbom"]);
    assert_eq!(named(&list["components"]), inside);
    assert_eq!(list["metadata"]["component"]["name"], "treebeard");
    let shipped = std::fs::read(folder().join("treebeard.cdx.json")).expect("it is shipped beside");
    assert_eq!(serde_json::from_slice::<Value>(&shipped).expect("JSON"), list);
}

#[test]
fn the_list_of_crates_is_cyclonedx_to_its_schema() {
    let Some(list) = file_or_skip("the schema of CycloneDX", "treebeard.cdx", ".json") else { return };
    let Some(python) = tool_or_skip("the schema of CycloneDX", "python") else { return };
    let program = "import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
sys.exit(str(JsonStrictValidator(SchemaVersion.V1_5).validate_str(sys.stdin.read()) or '') or 0)";
    let file = std::fs::File::open(list).expect("it is there");
    let output = Command::new(python).args(["-c", program]).stdin(Stdio::from(file)).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_release_has_its_checksums_and_names_no_folder_of_who_built_it() {
    let Some(program) = program_or_skip("the release's files") else { return };
    let mut check = Command::new("sha256sum");
    let output = check.args(["--check", "--strict", "SHA256SUMS"]).current_dir(folder()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let files = std::fs::read_dir(folder()).expect("a folder").flatten().filter(|entry| entry.path().is_file());
    assert!(output.status.success() && said.lines().count() == files.count() - 1, "each but the list itself: {said}");
    let home = std::env::var("CARGO_HOME").or(std::env::var("HOME").map(|home| format!("{home}/.cargo")));
    for folder in [env!("CARGO_MANIFEST_DIR"), &home.expect("cargo has a home")] {
        let mut search = Command::new("grep");
        let found = search.args(["--quiet", "--text", "--fixed-strings", "--", folder]).arg(&program).status();
        assert_eq!(found.expect("it runs").code(), Some(1), "{folder} is in the program");
    }
}
