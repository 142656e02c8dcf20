//! The status page, and what it is told of: errors by fingerprint, slow statements, alerts.

use crate::people::{ADMIN, People, SUPPORT};
use crate::support::{Server, engine};
use serde_json::{Value, json};
use treebeard::store::db::Tx;
use treebeard::store::db::sqlite::SqliteOptions;
use treebeard::store::{Options, Store};

const DIAGNOSTICS: &str = "/api/v1/admin/diagnostics";

#[test]
fn the_page_runs_its_own_script_alone_and_goes_with_administration() {
    let page = Server::start().get("/status", &[]);
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
    assert!(policy.contains("connect-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    for outside in ["src=\"http", "href=\"http", "@import", "url(http", "innerHTML"] {
        assert!(!page.body.contains(outside), "{outside}");
    }
    Server::with(&[("ADMIN_API_ENABLED", "false")]).get("/status", &[]).problem(404);
}

#[test]
fn before_the_first_look_every_alert_is_quiet() {
    // The machine may have a full disk, which would be told.
    let people = People::with(&[("TREEBEARD_ALERTS__EVERY_SECONDS", "3600")]);
    let reply = people.server.get(DIAGNOSTICS, &[("authorization", &people.bearer(SUPPORT))]);
    assert_eq!(reply.status, 200, "{}", reply.body);
    let told = reply.value();
    let alerts = told["alerts"].as_array().expect("a list");
    let names: Vec<&str> = alerts.iter().filter_map(|alert| alert["alert"].as_str()).collect();
    let expected: Vec<&str> = treebeard::alerts::RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(names, expected);
    assert!(alerts.iter().all(|alert| alert["state"] == "quiet" && alert["since"].is_null()), "{told}");
    assert_eq!((&told["errors"], &told["slow_queries"]), (&json!([]), &json!([])));
    let features = told["features"].as_array().expect("a list");
    assert!(features.contains(&json!({ "feature": "registration", "on": true })), "{told}");
    assert!(features.contains(&json!({ "feature": "anonymous", "on": false })), "{told}");
}

#[test]
fn faults_are_gathered_by_fingerprint_with_the_request_they_happened_in() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let address = engine::database(folder.path(), "faulty.db");
    let people = People::in_database(&address);
    let bearer = people.bearer(ADMIN);
    let sqlite = SqliteOptions { beside: true, ..SqliteOptions::default() };
    let store = Store::open(&address, Options { sqlite, ..Options::default() }).expect("the store, beside the service");
    let gone = |tx: &mut Tx<'_>| tx.execute("ALTER TABLE feedback RENAME TO lost", &[]).map(|_| ());
    store.write_blocking(gone).expect("the table is gone");
    drop(store);
    for number in 1..=3 {
        let id = format!("fault-{number}");
        let reply = people.server.get("/api/v1/feedback/stats", &[("authorization", &bearer), ("x-request-id", &id)]);
        assert!(reply.status >= 500, "{}", reply.body);
    }
    let told = people.server.get(DIAGNOSTICS, &[("authorization", &bearer)]).value();
    let errors = told["errors"].as_array().expect("a list");
    let of_fault = |error: &&Value| error["last_request_id"] == "fault-3";
    let found = errors.iter().find(of_fault).unwrap_or_else(|| panic!("the fault is told: {told}"));
    assert_eq!(found["count"], 3, "{told}");
    assert_eq!(found["fingerprint"].as_str().map(str::len), Some(12), "{told}");
    assert!(found["part"].as_str().is_some_and(|part| part.starts_with("treebeard::")), "{told}");
    let stats = people.server.get("/api/v1/admin/stats", &[("authorization", &bearer)]);
    assert!(stats.status >= 500 || stats.value()["requests"]["failures"].as_u64() >= Some(3), "{}", stats.body);
}

#[test]
fn slow_statements_are_gathered_by_their_text_without_values() {
    let people = People::with(&[("TREEBEARD_LOGGING__SLOW_QUERY_MILLISECONDS", "0")]);
    let bearer = people.bearer(ADMIN);
    people.server.register("slow.planted@example.org");
    let reply = people.server.get(DIAGNOSTICS, &[("authorization", &bearer)]);
    let told = reply.value();
    let slow = told["slow_queries"].as_array().expect("a list");
    let insert =
        slow.iter().find(|query| query["sql"].as_str().is_some_and(|sql| sql.starts_with("INSERT INTO users")));
    let insert = insert.unwrap_or_else(|| panic!("the insert is told: {told}"));
    assert!(insert["count"] == 1 && insert["longest_ms"].as_f64() >= insert["mean_ms"].as_f64(), "{insert}");
    assert!(!reply.body.contains("planted"), "{}", reply.body);
}
