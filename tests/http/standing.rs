//! A change of role or status by another process reaches the access tokens of a running service within 5 seconds, on
//! PostgreSQL, where several processes share the data.

use crate::people::treebeard;
use crate::postgres::Cluster;
use crate::support::Server;
use serde_json::{Value, json};
use std::thread;
use std::time::{Duration, Instant};

const PROMISED: Duration = Duration::from_secs(5);

/// Asks until the answer is `status`, or the promise is broken.
#[track_caller]
fn within_five_seconds(server: &Server, bearer: &str, status: u16) {
    let started = Instant::now();
    loop {
        let reply = server.get("/api/v1/auth/me", &[("authorization", bearer)]);
        if reply.status == status {
            return;
        }
        assert!(started.elapsed() < PROMISED, "still {} instead of {status}", reply.status);
        thread::sleep(Duration::from_millis(100));
    }
}

fn login(server: &Server) -> (u16, Value) {
    let body = json!({ "username": "anna@example.com", "password": "test123" }).to_string();
    let reply = server.post("/api/v1/auth/login", &[], &body);
    (reply.status, reply.value())
}

fn bearer(tokens: &Value) -> String {
    format!("Bearer {}", tokens["access_token"].as_str().expect("a token"))
}

#[test]
fn a_changed_role_or_status_counts_within_five_seconds() {
    let name = "a_changed_role_or_status_counts_within_five_seconds";
    let Some(cluster) = Cluster::start_or_skip(name) else { return };
    let (folder, url) = (tempfile::tempdir().expect("a temporary folder"), cluster.database("standing"));
    // Two nodes of one service sign alike.
    let key = ("SECRET_KEY", "a signing key of more than thirty-two bytes, for tests");
    let server = Server::with(&[("DATABASE_URL", &url), key]);
    let tokens = server.register("anna@example.com");
    let user = |arguments: &[&str]| treebeard(folder.path(), &url, &[&["admin", "user"], arguments].concat(), "");

    within_five_seconds(&server, &bearer(&tokens), 200);
    user(&["role", "anna@example.com", "support"]);
    within_five_seconds(&server, &bearer(&tokens), 401);
    let body = json!({ "refresh_token": tokens["refresh_token"] }).to_string();
    let renewed = server.post("/api/v1/auth/refresh", &[], &body).value();
    let me = server.get("/api/v1/auth/me", &[("authorization", &bearer(&renewed))]).value();
    assert_eq!(me["role"], "support", "the session goes on with the new role");

    user(&["deactivate", "anna@example.com"]);
    within_five_seconds(&server, &bearer(&renewed), 403);
    assert_eq!(login(&server).0, 403);
    let body = json!({ "refresh_token": renewed["refresh_token"] }).to_string();
    server.post("/api/v1/auth/refresh", &[], &body).problem(401);
    user(&["reactivate", "anna@example.com"]);
    let (status, tokens) = login(&server);
    assert_eq!(status, 200);

    let link = treebeard(folder.path(), &url, &["admin", "reset-link", "anna@example.com"], "");
    let token = link.trim().rsplit('#').next().expect("a token").to_owned();
    let body = json!({ "token": token, "new_password": "better456" }).to_string();
    assert_eq!(server.post("/api/v1/auth/password/reset", &[], &body).status, 204);
    within_five_seconds(&server, &bearer(&tokens), 401);

    let body = json!({ "username": "anna@example.com", "password": "better456" }).to_string();
    let tokens = server.post("/api/v1/auth/login", &[], &body).value();
    within_five_seconds(&server, &bearer(&tokens), 200);
    user(&["delete", "anna@example.com", "--yes"]);
    within_five_seconds(&server, &bearer(&tokens), 401);
}
