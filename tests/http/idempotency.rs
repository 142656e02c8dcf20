//! `Idempotency-Key`: a retried POST takes effect once, whatever became of the first try.

use crate::market::{Market, catalog};
use crate::postgres::Cluster;
use crate::support::{Reply, Server};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::thread;
use treebeard::store::catalog::import::{ImportMode, replace};
use treebeard::store::idempotency::{Claim, KeptAnswer, claim, finish};
use treebeard::store::{Options, Store};

const GENERATE: &str = "/api/v1/recommendations/generate";
const LIST: &str = "/api/v1/recommendations";
const UPLOAD: &str = "/api/v1/usage/upload";
const IMPORT: &str = "/api/v1/usage/import";
const HISTORY: &str = "/api/v1/usage/history";

fn usage(months: u32, kwh: f64) -> String {
    let months = (1..=months).map(|month| json!({ "month": format!("2025-{month:02}"), "kwh": kwh }));
    json!({ "usage_data": months.collect::<Vec<_>>() }).to_string()
}

fn post(market: &Market, bearer: &str, path: &str, key: &str, body: &str) -> Reply {
    market.server.post(path, &[("authorization", bearer), ("idempotency-key", key)], body)
}

fn total(market: &Market, bearer: &str) -> Value {
    market.get(bearer, LIST).value()["total"].clone()
}

#[test]
fn the_same_request_under_the_same_key_makes_one_recommendation() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let body = usage(12, 1000.0);
    let first = post(&market, &anna, GENERATE, "key-1", &body);
    assert_eq!(first.status, 200, "{}", first.body);
    let again = post(&market, &anna, GENERATE, "key-1", &body);
    assert_eq!((again.status, &again.body), (200, &first.body), "the first answer, byte for byte");
    assert_eq!(again.header("content-type"), Some("application/json"));
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"), "each request has an id of its own");
    assert_eq!(total(&market, &anna), 1);

    assert_ne!(post(&market, &anna, GENERATE, "key-2", &body).body, first.body, "another key, another request");
    market.post(&anna, GENERATE, &body);
    assert_eq!(total(&market, &anna), 3, "without a key every request counts");
}

#[test]
fn a_key_used_for_another_request_is_refused() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    assert_eq!(post(&market, &anna, UPLOAD, "key-1", &usage(3, 100.0)).status, 200);
    let reused = [("Idempotency-Key".to_owned(), "reused_key".to_owned())];
    assert_eq!(post(&market, &anna, UPLOAD, "key-1", &usage(4, 100.0)).faults(), reused, "another body");
    assert_eq!(post(&market, &anna, GENERATE, "key-1", &usage(3, 100.0)).faults(), reused, "another route");
    assert_eq!(market.get(&anna, HISTORY).value().as_array().map(Vec::len), Some(3), "none of them took effect");
    assert_eq!(total(&market, &anna), 0);

    let (file, partial) = ("month,kwh\n2025-01,100\n", format!("{IMPORT}?partial=true"));
    assert_eq!(post(&market, &anna, IMPORT, "key-2", file).status, 200);
    assert_eq!(post(&market, &anna, &partial, "key-2", file).faults(), reused, "another query");
}

#[test]
fn keys_of_different_users_have_nothing_to_do_with_each_other() {
    let market = Market::open();
    let [anna, ben] = ["anna@example.com", "ben@example.com"].map(|email| market.server.signed_in(email));
    let of_anna = post(&market, &anna, GENERATE, "key-1", &usage(12, 1000.0));
    let of_ben = post(&market, &ben, GENERATE, "key-1", &usage(12, 500.0));
    assert_eq!((of_anna.status, of_ben.status), (200, 200), "{}", of_ben.body);
    assert_eq!((total(&market, &anna), total(&market, &ben)), (json!(1), json!(1)));
}

#[test]
fn a_refused_request_leaves_its_key_free() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let faults = post(&market, &anna, GENERATE, "key-1", "{}").faults();
    assert_eq!(faults, [("usage_data".to_owned(), "required".to_owned())], "the account holds no usage yet");
    assert_eq!(post(&market, &anna, UPLOAD, "key-2", &usage(12, 1000.0)).status, 200);
    let later = post(&market, &anna, GENERATE, "key-1", "{}");
    assert_eq!(later.status, 200, "the same request can be tried again: {}", later.body);
    assert_eq!(post(&market, &anna, GENERATE, "key-1", "{}").body, later.body);
}

#[test]
fn an_answer_given_again_undoes_nothing_done_since() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let file = "month,kwh\n2025-01,900\n2025-02,800\n2025-03,700\n";
    let import = || {
        let headers = [("authorization", anna.as_str()), ("idempotency-key", "file-1"), ("content-type", "text/csv")];
        market.server.request("POST", IMPORT, &headers, file)
    };
    let first = import();
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!(market.post(&anna, UPLOAD, &usage(1, 1.0)).status, 200);
    assert_eq!(import().body, first.body);
    assert_eq!(market.get(&anna, HISTORY).value()[2]["kwh"], 1.0, "the later upload stands");
}

#[test]
fn of_requests_sent_at_once_one_takes_effect() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let body = usage(12, 1000.0);
    let replies: Vec<Reply> = thread::scope(|scope| {
        let sent: Vec<_> = (0..8).map(|_| scope.spawn(|| post(&market, &anna, GENERATE, "key-1", &body))).collect();
        sent.into_iter().map(|reply| reply.join().expect("an answer")).collect()
    });
    let last = post(&market, &anna, GENERATE, "key-1", &body);
    assert_eq!(last.status, 200, "{}", last.body);
    for reply in replies {
        match reply.status {
            200 => assert_eq!(reply.body, last.body),
            _ => drop(reply.problem(409)),
        }
    }
    assert_eq!(total(&market, &anna), 1);
}

#[test]
fn a_key_must_be_readable() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    for key in ["", "k\u{e9}y", &"k".repeat(256)] {
        let faults = post(&market, &anna, UPLOAD, key, &usage(3, 100.0)).faults();
        assert_eq!(faults, [("Idempotency-Key".to_owned(), "invalid".to_owned())], "{key}");
    }
    assert_eq!(post(&market, &anna, UPLOAD, &"k".repeat(255), &usage(3, 100.0)).status, 200);
}

/// POSTs that create no row, or none that a retry would make twice, and why.
const WITHOUT_A_KEY: &[(&str, &str)] = &[
    ("/api/v1/auth/register", "the e-mail address is the key: a second account is refused"),
    ("/api/v1/auth/login", "a retry is another sign-in; a kept answer would keep its tokens"),
    ("/api/v1/auth/refresh", "the spent token answers the same successor"),
    ("/api/v1/auth/logout", "ends what exists"),
    ("/api/v1/auth/logout-all", "ends what exists"),
    ("/api/v1/auth/password", "changes one row"),
    ("/api/v1/auth/password/forgot", "an account has one link at a time"),
    ("/api/v1/auth/password/reset", "its token is good for one use"),
    ("/api/v1/auth/first-admin", "its token is good for one use"),
    ("/api/v1/users/preferences", "changes one row"),
    ("/api/v1/users/consents", "the same statement again adds no row"),
    ("/api/v1/plans/{plan_id}/price", "keeps nothing"),
    ("/api/v1/plans/compare", "keeps nothing"),
    ("/api/v1/recommendations/{recommendation_id}/what-if", "keeps nothing"),
    ("/api/v1/admin/users/{user_id}/deactivate", "changes one row"),
    ("/api/v1/admin/users/{user_id}/reactivate", "changes one row"),
    ("/api/v1/admin/suppliers/{supplier_id}/restore", "changes one row"),
    ("/api/v1/admin/plans/{plan_id}/restore", "changes one row"),
    ("/api/v1/admin/cache/clear", "a retry finds nothing left to clear"),
    ("/api/v1/admin/backups", "one is made at a time; one more does no harm"),
];

#[test]
fn every_post_that_creates_rows_takes_a_key() {
    let document: Value = serde_json::from_str(include_str!("../../assets/openapi.json")).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let posts = paths.iter().filter_map(|(path, operations)| Some((path, operations.get("post")?)));
    let mut keyed = Vec::new();
    for (path, operation) in posts {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let takes_a_key = parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key");
        let excused = WITHOUT_A_KEY.iter().any(|(known, _)| known == path);
        assert!(takes_a_key != excused, "{path} takes a key, or stands on the list with the reason why not");
        if takes_a_key {
            keyed.push(path.as_str());
        }
    }
    for path in [GENERATE, UPLOAD, IMPORT] {
        assert!(keyed.contains(&path), "{path}: {keyed:?}");
    }
}

/// A service over the invented market at `url`, where one user is registered; `prepare` sees the store before it
/// starts again, with the user's id.
fn restarted(url: &str, prepare: impl FnOnce(&Store, &str)) -> (Server, String) {
    let environment = [("DATABASE_URL", url), ("SECRET_KEY", "kept-over-the-restart-0123456789abcdef")];
    let open = || Store::open(url, Options::default()).expect("a store");
    let file = catalog();
    open().write_blocking(move |tx| replace(tx, &file, ImportMode::Replace, Timestamp::UNIX_EPOCH)).expect("a catalog");
    let server = Server::with(&environment);
    let bearer = server.signed_in("anna@example.com");
    let me = server.get("/api/v1/auth/me", &[("authorization", &bearer)]).value();
    assert_eq!(server.stop(), Some(0));
    prepare(&open(), me["id"].as_str().expect("an id"));
    (Server::with(&environment), bearer)
}

/// What makes the request what it is: method, address and body.
fn hash_of(path: &str, body: &str) -> [u8; 32] {
    Sha256::digest(format!("POST {path}\n{body}")).into()
}

/// A first request still under way, a first answer kept, and one that is a day old.
fn states_of_a_key(url: &str) {
    let body = usage(3, 100.0);
    let hash = hash_of(UPLOAD, &body);
    let (server, bearer) = restarted(url, |store, user| {
        let (now, user) = (Timestamp::now(), user.to_owned());
        let hours = move |hours: i64| now.saturating_add(SignedDuration::from_hours(hours)).expect("a time");
        store
            .write_blocking(move |tx| {
                let kept = KeptAnswer {
                    status: 200,
                    content_type: "application/json".to_owned(),
                    body: b"{\"first\":1}".to_vec(),
                };
                for key in ["under-way", "answered", "a-day-old"] {
                    assert_eq!(claim(tx, (&user, key), hash, now, hours(1), None)?, Claim::New);
                }
                finish(tx, (&user, "answered"), now, &kept, hours(24))?;
                finish(tx, (&user, "a-day-old"), now, &kept, hours(-1))
            })
            .expect("three keys");
    });
    let send =
        |key: &str, body: &str| server.post(UPLOAD, &[("authorization", &bearer), ("idempotency-key", key)], body);
    let problem = send("under-way", &body).problem(409);
    let message =
        "A request with this Idempotency-Key is still being worked on. Send it again in a moment for its answer.";
    assert_eq!(problem["message"], message);
    let held = || server.get(HISTORY, &[("authorization", &bearer)]).value().as_array().map(Vec::len);
    assert_eq!(send("answered", &body).body, "{\"first\":1}", "what was answered first, not worked on again");
    let reused = [("Idempotency-Key".to_owned(), "reused_key".to_owned())];
    assert_eq!(send("answered", &usage(4, 1.0)).faults(), reused);
    assert_eq!(held(), Some(0), "none of these took effect");
    let fresh = send("a-day-old", &body);
    assert_eq!((fresh.status, held()), (200, Some(3)), "after its time a key is new: {}", fresh.body);
    assert_eq!(send("a-day-old", &body).body, fresh.body);
    assert_eq!(send("another", &usage(5, 1.0)).status, 200);
    assert_eq!((send("a-day-old", &body).status, held()), (200, Some(5)), "given again, it undoes nothing");
}

#[test]
fn a_key_has_the_same_states_on_both_engines() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    states_of_a_key(&format!("sqlite:{}", folder.path().join("keys.db").display()));
    let Some(cluster) = Cluster::start_or_skip("a_key_has_the_same_states_on_both_engines") else { return };
    states_of_a_key(&cluster.database("keys"));
}
