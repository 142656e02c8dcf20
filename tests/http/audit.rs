//! The audit log of a running service: which acts it tells, in what words, and where its end is shown.

use crate::people::{ADMIN, PASSWORD, People, SUPPORT, text, treebeard};
use crate::support::{Server, engine};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use treebeard::store::audit::Entry;

const ANNA: &str = "anna@example.com";

/// Event, whether Anna did it, whether it was done to her, and whether it worked.
fn told(entry: &Entry, anna: &str) -> (String, bool, bool, bool) {
    let is_anna = |id: Option<uuid::Uuid>| id.is_some_and(|id| id.to_string() == anna);
    (entry.event.clone(), is_anna(entry.actor_id), is_anna(entry.subject_id), entry.success)
}

#[test]
fn what_people_do_to_their_account_is_told_in_the_words_of_owasp() {
    let people = People::with(&[("TREEBEARD_AUTH__REFRESH_REUSE_SECONDS", "0")]);
    let server = &people.server;
    let tokens = server.register(ANNA);
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().expect("a token"));
    let anna = text(&server.get("/api/v1/auth/me", &[("authorization", &bearer)]), "id");
    let send = |bearer: &str, method: &str, path: &str, body: Value| {
        server.json(method, path, &[("authorization", bearer)], &body.to_string()).status
    };
    let login = |email: &str, password: &str| {
        let body = json!({ "username": email, "password": password }).to_string();
        server.post("/api/v1/auth/login", &[], &body).status
    };
    let refresh = || send("", "POST", "/api/v1/auth/refresh", json!({ "refresh_token": tokens["refresh_token"] }));
    assert_eq!((login(ANNA, "guessed"), login("planted@example.com", "guessed")), (401, 401));
    assert_eq!(send(&bearer, "PUT", "/api/v1/users/profile", json!({ "name": "Planted Name" })), 200);
    assert_eq!(send(&bearer, "POST", "/api/v1/users/consents", json!({ "document": "terms", "granted": true })), 200);
    assert_eq!(server.get("/api/v1/users/me/export", &[("authorization", &bearer)]).status, 200);
    assert_eq!((refresh(), refresh()), (200, 401));
    let bearer = format!("Bearer {}", people.sign_in(ANNA, "test123")["access_token"].as_str().expect("a token"));
    let change = |current: &str| json!({ "current_password": current, "new_password": "another123" });
    assert_eq!(send(&bearer, "POST", "/api/v1/auth/password", change("guessed")), 422);
    assert_eq!(send(&bearer, "POST", "/api/v1/auth/password", change("test123")), 204);
    let bearer = format!("Bearer {}", people.sign_in(ANNA, "another123")["access_token"].as_str().expect("a token"));
    let history_so_far = server.get("/api/v1/users/me/export", &[("authorization", &bearer)]).value();
    assert!(!history_so_far["activity"].to_string().contains("Planted"), "which fields, not what they say");
    assert_eq!(send(&bearer, "DELETE", "/api/v1/users/me", json!({ "password": "guessed" })), 422);
    assert_eq!(send(&bearer, "DELETE", "/api/v1/users/me", json!({ "password": "another123" })), 204);

    let history = people.history();
    let found: Vec<_> = history.iter().skip(3).map(|entry| told(entry, &anna)).collect();
    let own = |event: &str, success| (event.to_owned(), true, true, success);
    let expected = [
        own("user_created", true),
        ("authn_login_fail".to_owned(), false, true, false),
        ("authn_login_fail".to_owned(), false, false, false),
        own("user_updated", true),
        own("user_consent_changed", true),
        own("sensitive_read", true),
        own("authn_token_reuse", true),
        own("authn_login_success", true),
        own("authn_password_change_fail", false),
        own("authn_password_change", true),
        own("authn_login_success", true),
        own("sensitive_read", true),
        own("authn_login_fail", false),
        own("user_deleted", true),
    ];
    assert_eq!(found, expected);
    let left: Vec<_> = history.iter().skip(3).filter_map(|entry| entry.detail.clone()).collect();
    assert_eq!(left, [json!({ "ip": "127.0.0.1" })], "all that is left is a sign-in to an account that never was");
}

#[test]
fn an_administrator_who_is_erased_leaves_what_they_did_to_others() {
    let people = People::meet();
    let anna = people.server.signed_in(ANNA);
    let anna = text(&people.server.get("/api/v1/auth/me", &[("authorization", &anna)]), "id");
    let admin = people.bearer(ADMIN);
    let headers = [("authorization", admin.as_str())];
    let own = text(&people.server.get("/api/v1/auth/me", &headers), "id");
    let support = people.bearer(SUPPORT);
    let support = text(&people.server.get("/api/v1/auth/me", &[("authorization", &support)]), "id");
    for (id, role) in [(&anna, "support"), (&support, "admin")] {
        let path = format!("/api/v1/admin/users/{id}/role");
        let body = json!({ "role": role }).to_string();
        assert_eq!(people.server.json("PUT", &path, &headers, &body).status, 200);
    }
    let password = json!({ "password": PASSWORD }).to_string();
    assert_eq!(people.server.json("DELETE", "/api/v1/users/me", &headers, &password).status, 204);

    let history = people.history();
    let is = |id: Option<uuid::Uuid>, whom: &str| id.is_some_and(|id| id.to_string() == whom);
    let roles: Vec<_> = history
        .iter()
        .filter(|entry| entry.event == "privilege_permissions_changed" && is(entry.actor_id, &own))
        .map(|entry| entry.detail.clone())
        .collect();
    let kept = [json!({ "before": "user", "after": "support" }), json!({ "before": "support", "after": "admin" })];
    assert_eq!(roles, kept.map(Some));
    assert!(history.iter().filter(|entry| is(entry.subject_id, &own)).all(|entry| entry.detail.is_none()));
}

#[test]
fn the_end_of_the_log_is_in_the_service_log_and_in_the_metrics() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = engine::database(folder.path(), "head.db");
    treebeard(folder.path(), &url, &["admin", "create", ADMIN], PASSWORD);
    let verified = treebeard(folder.path(), &url, &["audit", "verify", "--json"], "");
    let head: Value = serde_json::from_str(&verified).expect("JSON");
    let hash = head["head_hash"].as_str().expect("a hash");
    let prefix = u64::from_str_radix(&hash[..12], 16).expect("hexadecimal");
    let server = Server::with(&[("DATABASE_URL", &url)]);
    let shown = "treebeard_audit_head_seq 1\n";
    let patience = Instant::now() + Duration::from_secs(60);
    let page = loop {
        let page = server.get("/metrics", &[]).body;
        if page.contains(shown) {
            break page;
        }
        assert!(Instant::now() < patience, "the metrics do not show the end of the log:\n{page}");
    };
    assert!(page.contains(&format!("treebeard_audit_head_hash_prefix {prefix}\n")), "{page}");
    server.logged("audit_head");
    let log = server.log();
    let line = log.lines().find(|line| line.contains("audit_head")).unwrap_or_else(|| panic!("no line in {log}"));
    let line: Value = serde_json::from_str(line).expect("JSON");
    assert_eq!((&line["seq"], &line["hash"]), (&json!(1), &json!(hash)));
}
