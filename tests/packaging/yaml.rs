//! YAML as JSON, by the Python of the tools; and what the manifests say, checked with the program itself.

use crate::machine::skip;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub const TOP: &str = env!("CARGO_MANIFEST_DIR");

/// A program of the tools that `.ci/run` installs; the test is skipped by name without it.
pub fn tool_or_skip(test: &str, name: &str) -> Option<PathBuf> {
    let path = Path::new(TOP).join("target/tools/python/bin").join(name);
    if !path.exists() {
        skip(test, &format!("{name} is not installed: .ci/run does it"));
        return None;
    }
    Some(path)
}

/// The documents in the file at `path`, below the top.
pub fn documents(python: &Path, path: &str) -> Vec<Value> {
    let program = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))";
    let file = std::fs::File::open(Path::new(TOP).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut command = Command::new(python);
    let output = command.args(["-c", program]).stdin(Stdio::from(file)).output().expect("Python runs");
    assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Whether the program would start with `variables` and the settings in `file`, and what it says of them.
pub fn settings_judged(variables: &[(String, String)], file: Option<&Path>) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_treebeard"));
    command.args(["config", "check"]).env_clear().envs(variables.iter().cloned()).current_dir("/");
    if let Some(file) = file {
        command.arg("--config").arg(file);
    }
    let output = command.output().expect("the binary starts");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// A key as `openssl rand -hex 32` prints it.
pub const GOOD_KEY: &str = "7d0f5f3c8a4b4a1e9c2f6b8d1e3a5c7f9b0d2e4f6a8c1b3d5e7f9a0b2c4d6e8f";
