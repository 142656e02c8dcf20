//! Clients generated from the API document make the whole journey against the running service. Each client prints the
//! steps it has done: a new step is added to `STEPS` and to the four programs beside this file.

use crate::{DOCUMENT, Market, PACKAGE, is_installed, run, tool, workshop};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// In this order. `gone`: the access token of the deleted account is refused.
const STEPS: [&str; 10] =
    ["register", "login", "import", "preferences", "generate", "feedback", "refresh", "export", "delete", "gone"];

#[test]
fn a_typescript_client_makes_the_whole_journey() {
    let (node, compiler) = (Path::new("/usr/bin/node"), tool("node/node_modules/typescript/bin/tsc"));
    if !is_installed("a_typescript_client_makes_the_whole_journey", &[node, &compiler]) {
        return;
    }
    let folder = workshop("typescript");
    copy("typescript", &folder);
    std::os::unix::fs::symlink(tool("node/node_modules"), folder.join("node_modules")).expect("a link");
    fs::write(folder.join("package.json"), r#"{ "type": "module" }"#).expect("a file");
    run(Command::new(tool("node/node_modules/.bin/openapi-typescript"))
        .args([DOCUMENT, "--output", "schema.d.ts"])
        .current_dir(&folder));
    run(Command::new(node).arg(compiler).current_dir(&folder));
    travel(Command::new(node).arg("out/journey.js").current_dir(&folder), "typescript");
}

#[test]
fn a_python_client_makes_the_whole_journey() {
    let (python, generator) = (tool("python/bin/python"), tool("python/bin/openapi-python-client"));
    if !is_installed("a_python_client_makes_the_whole_journey", &[&python, &generator]) {
        return;
    }
    let folder = workshop("python");
    copy("python", &folder);
    let mut document: Value = serde_json::from_str(&fs::read_to_string(DOCUMENT).expect("the document")).expect("JSON");
    leave_null_to_wrappers(&mut document);
    fs::write(folder.join("openapi.json"), document.to_string()).expect("a file");
    let programs = tool("python/bin");
    let path = std::env::join_paths([programs, PathBuf::from("/usr/bin"), PathBuf::from("/bin")]).expect("a path");
    run(Command::new(generator)
        .args(["generate", "--path", "openapi.json", "--output-path", "tree_beard_client"])
        .args(["--meta", "none", "--config", "generator.yaml"])
        .env("PATH", path)
        .current_dir(&folder));
    travel(Command::new(python).arg("journey.py").current_dir(&folder), "python");
}

#[test]
fn a_rust_client_makes_the_whole_journey() {
    let folder = Path::new(PACKAGE).join("tests/clients/rust");
    let target = Path::new(PACKAGE).join("target/clients/rust");
    // The crate of its own needs more crates than this one: where they cannot be had, that is told apart from a fault.
    let fetched = Command::new(env!("CARGO")).args(["fetch", "--quiet", "--locked"]).current_dir(&folder).status();
    if !fetched.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none(), "the crates of tests/clients/rust cannot be fetched");
        return println!("skipped: a_rust_client_makes_the_whole_journey: its crates cannot be fetched");
    }
    run(Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--offline", "--locked"])
        .env("CARGO_TARGET_DIR", &target)
        .current_dir(&folder));
    travel(&mut Command::new(target.join("debug/journey")), "rust");
}

#[test]
fn a_java_client_makes_the_whole_journey() {
    let generator = tool("python/bin/openapi-generator-cli");
    let (java, compiler) = (Path::new("/usr/bin/java"), Path::new("/usr/bin/javac"));
    let forms = Path::new("/usr/share/java/httpmime.jar");
    if !is_installed("a_java_client_makes_the_whole_journey", &[&generator, java, compiler, forms]) {
        return;
    }
    let folder = workshop("java");
    copy("java", &folder);
    let options = "openApiNullable=false,hideGenerationTimestamp=true,invokerPackage=treebeard,\
                   apiPackage=treebeard.api,modelPackage=treebeard.model";
    run(Command::new(generator)
        .args(["generate", "-i", DOCUMENT, "-g", "java", "--library", "native", "-o", "generated"])
        .args(["--additional-properties", options])
        .current_dir(&folder));
    // The generator's own archive holds the libraries the client needs but for multipart forms.
    let archive = find(&tool("python/lib"), "openapi-generator.jar").expect("the generator's archive");
    let classes = format!("{}:{}:classes", archive.display(), forms.display());
    let mut sources = vec![PathBuf::from("Journey.java"), PathBuf::from("javax/annotation/Generated.java")];
    collect(&folder.join("generated/src/main/java"), &mut sources);
    run(Command::new(compiler)
        .args(["-nowarn", "-proc:none", "-cp", &classes, "-d", "classes"])
        .args(sources)
        .current_dir(&folder));
    travel(Command::new(java).args(["-cp", &classes, "Journey"]).current_dir(&folder), "java");
}

/// Runs a client against a service of its own: it must do every step, in order.
#[track_caller]
fn travel(client: &mut Command, name: &str) {
    let market = Market::open();
    let done = run(client.args([market.url(), format!("{name}@example.com")]));
    assert_eq!(done.lines().collect::<Vec<_>>(), STEPS, "{name}");
}

/// openapi-python-client takes `null` for a wrapper only where the wrapper has no type of its own.
fn leave_null_to_wrappers(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.get("nullable") == Some(&Value::Bool(true)) && members.contains_key("allOf") {
                members.remove("type");
            }
            members.values_mut().for_each(leave_null_to_wrappers);
        }
        Value::Array(items) => items.iter_mut().for_each(leave_null_to_wrappers),
        _ => {}
    }
}

/// The files of `tests/clients/NAME`, folders included.
fn copy(name: &str, to: &Path) {
    let from = Path::new(PACKAGE).join("tests/clients").join(name);
    let mut files = Vec::new();
    collect(&from, &mut files);
    for file in files {
        let target = to.join(file.strip_prefix(&from).expect("a file of the folder"));
        fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        fs::copy(&file, target).expect("a copy");
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.into_iter().find(|file| file.file_name().is_some_and(|of| of == name))
}
