//! `Idempotency-Key`: a retried POST takes effect once, whatever became of the first try.

use crate::market::Market;
use crate::support::Reply;
use serde_json::{Value, json};
use std::thread;

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
    let query = format!("{UPLOAD}?x=1");
    assert_eq!(post(&market, &anna, &query, "key-1", &usage(3, 100.0)).faults(), reused, "another query");
    assert_eq!(market.get(&anna, HISTORY).value().as_array().map(Vec::len), Some(3), "none of them took effect");
    assert_eq!(total(&market, &anna), 0);
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
