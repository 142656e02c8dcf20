//! A service over the demo's market that has an administrator and somebody of support before its first request.

use crate::market::catalog;
use crate::support::{Reply, Server, engine};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;
use treebeard::store::audit::{self, AuditFilter, Entry};
use treebeard::store::catalog::import::{ImportMode, replace};
use treebeard::store::db::filter::Page;
use treebeard::store::{Options, Store};

pub const ADMIN: &str = "admin@example.org";
pub const SUPPORT: &str = "support@example.org";
pub const PASSWORD: &str = "violet tram seven";

/// Of the service and of commands beside it: with it the audit log is sealed.
const KEY: &str = "a signing key of people who look after a service";

pub struct People {
    pub server: Server,
    address: String,
    _folder: TempDir,
}

impl People {
    pub fn meet() -> Self {
        Self::with(&[])
    }

    /// With more settings, by their environment names.
    pub fn with(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = engine::database(folder.path(), "people.db");
        Self::at(&address, folder, environment)
    }

    /// In an empty database of any engine.
    pub fn in_database(address: &str) -> Self {
        Self::at(address, tempfile::tempdir().expect("a temporary folder"), &[])
    }

    fn at(address: &str, folder: TempDir, environment: &[(&str, &str)]) -> Self {
        let store = Store::open(address, Options::default()).expect("a new store");
        let market = catalog();
        store
            .write_blocking(move |tx| replace(tx, &market, ImportMode::Replace, Timestamp::UNIX_EPOCH))
            .expect("the catalog is stored");
        drop(store);
        for email in [ADMIN, SUPPORT] {
            treebeard(folder.path(), address, &["admin", "create", email], PASSWORD);
        }
        treebeard(folder.path(), address, &["admin", "user", "role", SUPPORT, "support"], "");
        let environment = [&[("DATABASE_URL", address), ("SECRET_KEY", KEY)], environment].concat();
        People { server: Server::with(&environment), address: address.to_owned(), _folder: folder }
    }

    /// Ends the service and gives its audit log, the oldest first, without what the service did by itself: whether its
    /// first maintenance has run by now is a matter of time.
    pub fn history(self) -> Vec<Entry> {
        assert_eq!(self.server.stop(), Some(0));
        let store = Store::open(&self.address, Options::default()).expect("the store");
        let all = Page { limit: 1_000, offset: 0 };
        let read = store.read_blocking(move |conn| audit::list(conn, &AuditFilter::default(), all));
        let mut entries = read.expect("the audit log").items;
        entries.retain(|entry| !entry.event.starts_with("sys_"));
        entries.reverse();
        entries
    }

    pub fn sign_in(&self, email: &str, password: &str) -> Value {
        let body = json!({ "username": email, "password": password }).to_string();
        let reply = self.server.post("/api/v1/auth/login", &[], &body);
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.value()
    }

    /// The header of somebody with an account from before.
    pub fn bearer(&self, email: &str) -> String {
        format!("Bearer {}", self.sign_in(email, PASSWORD)["access_token"].as_str().expect("a token"))
    }

    /// A recommendation for the user of `bearer`.
    pub fn recommendation(&self, bearer: &str) -> String {
        let body = include_str!("../../assets/examples/test_request.json");
        let reply = self.server.post("/api/v1/recommendations/generate", &[("authorization", bearer)], body);
        text(&reply, "recommendation_id")
    }
}

pub fn text(reply: &Reply, name: &str) -> String {
    assert!((200..300).contains(&reply.status), "{}", reply.body);
    reply.value()[name].as_str().expect("a text").to_owned()
}

/// Runs a command of the binary to its good end, with `input` on its standard input.
pub fn treebeard(folder: &Path, database: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_treebeard"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("ENVIRONMENT", "test")
        .env("DATABASE_URL", database)
        .env("SECRET_KEY", KEY)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}
