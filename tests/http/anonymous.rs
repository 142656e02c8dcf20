//! Recommendations without an account: off by default; where they are on, nothing personal is kept.

use crate::market::catalog;
use crate::support::{Server, engine};
use jiff::Timestamp;
use serde_json::{Value, json};
use treebeard::store::catalog::import::{ImportMode, replace};
use treebeard::store::db::Conn;
use treebeard::store::error::StoreError;
use treebeard::store::{Options, Store};
use uuid::Uuid;

const GENERATE: &str = "/api/v1/recommendations/generate";
const ON: (&str, &str) = ("TREEBEARD_FEATURES__ANONYMOUS", "true");

fn request() -> Value {
    let mut body: Value = serde_json::from_str(include_str!("../../assets/examples/test_request.json")).expect("JSON");
    body["user_data"]["email"] = json!("planted@example.org");
    body
}

fn stored(folder: &tempfile::TempDir) -> (String, Store) {
    let address = engine::database(folder.path(), "anonymous.db");
    let store = Store::open(&address, Options::default()).expect("a store");
    (address, store)
}

#[test]
fn without_the_feature_nobody_is_served_without_an_account() {
    let server = Server::start();
    let reply = server.post(GENERATE, &[], &request().to_string());
    reply.problem(401);
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
}

#[test]
fn with_it_the_claim_token_and_nothing_else_opens_the_answer() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (address, store) = stored(&folder);
    let market = catalog();
    store.write_blocking(move |tx| replace(tx, &market, ImportMode::Replace, Timestamp::UNIX_EPOCH)).expect("stored");
    drop(store);
    let server = Server::with(&[("DATABASE_URL", &address), ON]);
    let reply = server.post(GENERATE, &[], &request().to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
    let mut answer = reply.value();
    let claim = answer["claim_token"].take().as_str().expect("a claim token").to_owned();
    assert_eq!(claim.len(), 64);
    let path = format!("/api/v1/recommendations/{}", answer["recommendation_id"].as_str().expect("an id"));

    let other = server.signed_in("anna@example.com");
    let wrong = "0".repeat(64);
    server.get(&path, &[]).problem(401);
    server.get(&path, &[("authorization", &other)]).problem(404);
    server.get(&path, &[("x-claim-token", &wrong)]).problem(404);
    server.request("DELETE", &path, &[("x-claim-token", &wrong)], "").problem(404);
    let read = server.get(&path, &[("x-claim-token", &claim)]);
    assert_eq!((read.status, read.header("cache-control")), (200, Some("private, no-store")));
    let mut read = read.value();
    read["claim_token"] = Value::Null;
    assert_eq!(read, answer);
    for (document, kind) in [("report", "text/html; charset=utf-8"), ("export.csv", "text/csv; charset=utf-8")] {
        let path = format!("{path}/{document}");
        let shown = server.get(&path, &[("x-claim-token", &claim)]);
        assert_eq!((shown.status, shown.header("content-type")), (200, Some(kind)), "{document}: {}", shown.body);
        assert_eq!(shown.header("cache-control"), Some("private, no-store"));
        server.get(&path, &[]).problem(401);
        server.get(&path, &[("authorization", &other)]).problem(404);
        server.get(&path, &[("x-claim-token", &wrong)]).problem(404);
    }
    server.post(&format!("{path}/what-if"), &[("x-claim-token", &claim)], "{}").problem(401);
    let key = server.post(GENERATE, &[("idempotency-key", "k")], &request().to_string());
    assert_eq!(key.faults(), [("Idempotency-Key".to_owned(), "needs_account".to_owned())]);
    assert!(!server.log().contains(&claim) && !server.log().contains("planted@"));

    assert_eq!(server.stop(), Some(0));
    let store = Store::open(&address, Options::default()).expect("the store");
    let id: Uuid = answer["recommendation_id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let look = move |conn: &mut Conn<'_>| {
        let sql = "SELECT user_id IS NULL AND input IS NULL AND claim_hash IS NOT NULL, answer \
                   FROM recommendations WHERE id = $1";
        conn.one(sql, &[id.into()], |row| Ok::<_, StoreError>((row.take::<bool>()?, row.take::<String>()?)))
    };
    let (nobodys, kept) = store.read_blocking(look).expect("the row");
    assert!(nobodys);
    assert!(!kept.contains(&claim) && !kept.contains("planted@") && !kept.contains("127.0.0.1"));
    if address.starts_with("sqlite:") {
        let bytes = std::fs::read(folder.path().join("anonymous.db")).expect("the file");
        for secret in [claim.as_bytes(), b"planted@example.org"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "the file holds it");
        }
    }
    drop(store);
    let server = Server::with(&[("DATABASE_URL", &address)]);
    let gone = server.request("DELETE", &path, &[("x-claim-token", &claim)], "");
    assert_eq!(gone.status, 200, "a token given once still counts when the feature is off: {}", gone.body);
    server.get(&path, &[("x-claim-token", &claim)]).problem(404);
    server.get(&format!("{path}/report"), &[("x-claim-token", &claim)]).problem(404);
}

#[test]
fn without_an_account_zip_and_usage_are_asked_for_and_its_own_limit_holds() {
    let counted = ("TREEBEARD_LIMITS__EXEMPT_NETWORKS", "");
    let limit = ("TREEBEARD_LIMITS__ANONYMOUS_GENERATE_PER_HOUR", "2");
    let server = Server::with(&[ON, counted, limit]);
    let faults = server.post(GENERATE, &[], "{}").faults();
    let missing = ["user_data.zip_code", "usage_data"].map(|field| (field.to_owned(), "required".to_owned()));
    assert_eq!(faults, missing);
    assert_eq!(server.post(GENERATE, &[], "{}").status, 422);
    let problem = server.post(GENERATE, &[], "{}").problem(429);
    assert_eq!(problem["violated-policies"], json!(["anonymous-generate"]));
    server.post(GENERATE, &[("authorization", "Bearer nonsense")], "{}").problem(401);
}
