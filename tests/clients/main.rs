//! What others make of the API document: linters, a browser, generated clients, a fuzzer. Their programs are installed
//! into `target/tools` by `.ci/run`; where one is absent, its tests say that they were skipped.

mod fuzz;
mod journey;
mod lint;
mod locust;
mod pages;
mod status;
#[allow(dead_code, reason = "each kind of test uses its own part")]
#[path = "../support/mod.rs"]
mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use support::Server;
use treebeard::domain::catalog::CatalogFile;
use treebeard::store::catalog::import::{ImportMode, replace};
use treebeard::store::{Options, Store};

const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/openapi.json");

/// `part` of the folder the tools are in.
fn tool(part: &str) -> PathBuf {
    Path::new(PACKAGE).join("target/tools").join(part)
}

/// Whether all of `needed` are there. Says so if not, and fails where the tests are the gate.
fn is_installed(test: &str, needed: &[&Path]) -> bool {
    let absent: Vec<_> = needed.iter().filter(|path| !path.exists()).collect();
    if absent.is_empty() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "{test}: not installed: {absent:?}");
    println!("skipped: {test}: not installed: {absent:?}");
    false
}

/// An empty folder for what a test generates; kept afterwards, so that it can be looked at.
fn workshop(name: &str) -> PathBuf {
    let folder = Path::new(PACKAGE).join("target/clients").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("the last run's folder goes");
    }
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Runs a program that must succeed, and gives what it printed.
#[track_caller]
fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?} ended with {status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

const ADMIN: &str = "admin@example.org";
const PASSWORD: &str = "violet tram seven";

/// A service over the invented market, with an administrator.
struct Market {
    server: Server,
    _folder: tempfile::TempDir,
}

impl Market {
    fn open() -> Self {
        Self::with(&[])
    }

    /// With more settings, by their environment names.
    fn with(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = format!("sqlite:{}", folder.path().join("market.db").display());
        let catalog: CatalogFile =
            serde_json::from_str(include_str!("../../assets/demo/catalog.json")).expect("the demo catalog");
        let store = Store::open(&address, Options::default()).expect("a new store");
        store
            .write_blocking(move |tx| replace(tx, &catalog, ImportMode::Replace, jiff::Timestamp::UNIX_EPOCH))
            .expect("the catalog is stored");
        drop(store);
        let mut create = Command::new(env!("CARGO_BIN_EXE_treebeard"))
            .args(["admin", "create", ADMIN])
            .env_clear()
            .envs([("ENVIRONMENT", "test"), ("DATABASE_URL", &address)])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        create.stdin.take().expect("a pipe").write_all(PASSWORD.as_bytes()).expect("it reads");
        assert!(create.wait().expect("it ends").success(), "there is an administrator");
        // Thousands are hashed beside compilers, and what a hash costs is not asked here.
        let hashed = [("TREEBEARD_AUTH__ARGON2_MEMORY_KIB", "64"), ("TREEBEARD_AUTH__ARGON2_PASSES", "1")];
        let environment = [&[("DATABASE_URL", address.as_str())], &hashed[..], environment].concat();
        Market { server: Server::with(&environment), _folder: folder }
    }

    /// The header of the administrator.
    fn administrator(&self) -> String {
        let body = serde_json::json!({ "username": ADMIN, "password": PASSWORD }).to_string();
        let tokens = self.server.post("/api/v1/auth/login", &[], &body).value();
        format!("Bearer {}", tokens["access_token"].as_str().expect("a token"))
    }

    fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }
}
