//! Help, versions, typos and pipes.

use crate::run::Place;
use std::process::{Command, Stdio};

const COMMANDS: &[&[&str]] = &[
    &["config", "show"],
    &["config", "check"],
    &["config", "example"],
    &["config", "reference"],
    &["docs"],
    &["completions"],
    &["price"],
    &["recommend"],
    &["compare"],
    &["what-if"],
    &["usage", "inspect"],
    &["catalog", "import"],
    &["catalog", "validate"],
    &["catalog", "list"],
    &["catalog", "export"],
    &["backup", "verify"],
    &["restore"],
    &["maintain"],
    &["copy"],
    &["migrate"],
    &["migrate", "status"],
    &["doctor"],
    &["serve"],
    &["load"],
    &["smoke"],
    &["alerts", "test"],
    &["alerts", "list"],
    &["openapi"],
    &["healthcheck"],
    &["service", "install"],
    &["service", "uninstall"],
    &["service", "status"],
    &["service", "print"],
    &["man"],
    &["version"],
];

#[test]
fn every_command_explains_itself() {
    let place = Place::new();
    let top = place.run(&["--help"]);
    assert_eq!(top.code, 0);
    assert!(top.stdout.starts_with("Examples:"), "{}", top.stdout);
    assert!(top.stdout.contains("Exit codes: 0 done, 1 failed, 2 wrong usage"), "{}", top.stdout);
    for command in COMMANDS {
        let help = place.run(&[command, &["--help"][..]].concat());
        assert_eq!(help.code, 0, "{command:?}");
        assert!(help.stdout.contains("Usage: treebeard"), "{command:?}");
        assert!(help.stderr.is_empty(), "{command:?}");
    }
}

#[test]
fn no_command_at_all_is_wrong_usage() {
    let outcome = Place::new().run(&[]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("Usage: treebeard"));
}

#[test]
fn a_mistyped_command_or_flag_gets_a_suggestion() {
    let place = Place::new();
    place.run(&["confg", "show"]).refused(2, &["config"]);
    place.run(&["config", "show", "--orign"]).refused(2, &["--origin"]);
    place.run(&["completions", "bsh"]).refused(2, &["bash"]);
}

#[test]
fn the_version_is_the_package_s() {
    let outcome = Place::new().run(&["--version"]);
    assert_eq!(outcome.stdout.trim(), format!("treebeard {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_exist_for_every_shell() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]);
        assert_eq!(script.code, 0, "{shell}");
        assert!(script.stdout.contains("config"), "{shell}");
    }
}

#[test]
fn a_reader_that_stops_reading_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_treebeard"))
        .args(["completions", "zsh"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn output_to_a_file_has_no_colour() {
    let place = Place::new();
    for outcome in [place.run(&["--help"]), place.run(&["nonsense"]), place.run(&["config", "show"])] {
        assert!(!outcome.stdout.contains('\u{1b}') && !outcome.stderr.contains('\u{1b}'));
    }
}
