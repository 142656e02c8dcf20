//! Caches: what is reused, what is never shared, and that a write shows in the next read.

use crate::market::{Market, catalog};
use crate::support::Reply;
use crate::support::engine;
use serde_json::{Value, json};
use treebeard::app::App;
use treebeard::app::catalog::{PageRequest, PlanQuery, Question};
use treebeard::config::{Config, Sources};
use treebeard::store::catalog::import::ImportMode;
use treebeard::store::{Options, Store};

const GENERATE: &str = "/api/v1/recommendations/generate";

fn year(kwh: f64) -> Value {
    json!((1..=12).map(|month| json!({ "month": format!("2025-{month:02}"), "kwh": kwh })).collect::<Vec<_>>())
}

fn status(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.header("x-cache-status").unwrap_or("none").to_owned()
}

/// The answer without what belongs to one recommendation alone.
fn ranking(reply: &Reply) -> Value {
    let mut answer = reply.value();
    for own in ["recommendation_id", "generated_at", "expires_at"] {
        assert!(!answer[own].is_null(), "{own}");
        answer[own] = Value::Null;
    }
    answer
}

#[test]
fn the_same_household_is_ranked_once_and_every_recommendation_is_its_own() {
    let market = Market::open();
    let [anna, ben] = ["anna@example.com", "ben@example.com"].map(|email| market.server.signed_in(email));
    let body = json!({ "usage_data": year(1_000.0) }).to_string();
    let first = market.post(&anna, GENERATE, &body);
    let again = market.post(&anna, GENERATE, &body);
    let of_ben = market.post(&ben, GENERATE, &body);
    assert_eq!([status(&first), status(&again), status(&of_ben)], ["MISS", "HIT", "HIT"]);
    assert_eq!((ranking(&again), ranking(&of_ben)), (ranking(&first), ranking(&first)));
    let ids = [&first, &again, &of_ben].map(|reply| reply.value()["recommendation_id"].to_string());
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "each has an id of its own: {ids:?}");
    assert_eq!(market.get(&anna, "/api/v1/recommendations").value()["total"], 2, "and a row");
    let kept = market.get(&ben, &format!("/api/v1/recommendations/{}", ids[2].trim_matches('"')));
    assert_eq!(kept.body, of_ben.body);
    assert_eq!(first.header("cache-control"), Some("private, no-store"), "no cache outside keeps it");

    let headers = [("authorization", anna.as_str()), ("cache-control", "no-cache")];
    let fresh = market.server.post(GENERATE, &headers, &body);
    assert_eq!((status(&fresh), ranking(&fresh)), ("BYPASS".to_owned(), ranking(&first)));
    let page = market.server.get("/metrics", &[]).body;
    for line in [
        "treebeard_cache_hits_total{cache=\"recommendations\"} 2",
        "treebeard_cache_misses_total{cache=\"recommendations\"} 1",
    ] {
        assert!(page.contains(line), "{line} in\n{page}");
    }
}

/// Whatever of a household changes, the next recommendation is about it.
#[test]
fn a_change_of_the_household_shows_in_the_next_recommendation() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let upload = |kwh: f64| market.post(&anna, "/api/v1/usage/upload", &json!({ "usage_data": year(kwh) }).to_string());
    assert_eq!(upload(1_000.0).status, 200);
    let generate = || market.post(&anna, GENERATE, "{}");
    let before = generate();
    assert_eq!([status(&before), status(&generate())], ["MISS", "HIT"]);
    let change = |method: &str, path: &str, body: &str| {
        let reply = market.server.json(method, path, &[("authorization", &anna)], body);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
    };
    let preferences = r#"{"cost_priority":0,"flexibility_priority":0,"renewable_priority":100,"rating_priority":0}"#;
    let mut seen = vec![ranking(&before)];
    for (method, path, body) in [
        ("POST", "/api/v1/users/preferences", preferences),
        ("PUT", "/api/v1/users/current-plan", r#"{"plan_name":"Old","current_rate":25.0}"#),
        ("PUT", "/api/v1/users/profile", r#"{"zip_code":"77002"}"#),
        ("PUT", "/api/v1/users/profile", r#"{"zip_code":"90210"}"#),
    ] {
        change(method, path, body);
        let next = generate();
        assert_eq!(status(&next), "MISS", "{path} {body}");
        assert!(!seen.contains(&ranking(&next)), "{path} {body} changes the answer");
        seen.push(ranking(&next));
    }
    change("PUT", "/api/v1/users/profile", r#"{"zip_code":"77002"}"#);
    assert_eq!(status(&generate()), "HIT", "back where it was");
    assert_eq!(upload(500.0).status, 200);
    assert_eq!(status(&generate()), "MISS", "other usage");
}

#[test]
fn a_retry_under_a_key_does_not_ask_the_cache() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let body = json!({ "usage_data": year(900.0) }).to_string();
    let keyed =
        || market.server.post(GENERATE, &[("authorization", anna.as_str()), ("idempotency-key", "once")], &body);
    let (first, again) = (keyed(), keyed());
    assert_eq!([status(&first), status(&again)], ["MISS", "BYPASS"]);
    assert_eq!(first.body, again.body);
}

/// A supplier renamed and a plan repriced show in the very next answer to the same question.
#[test]
fn a_change_of_the_catalog_shows_in_the_next_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let flags = vec![("data_dir".to_owned(), folder.path().display().to_string())];
    let config = Config::load(&Sources { flags, ..Sources::default() }).expect("valid settings").config;
    let url = engine::database(folder.path(), "changes.db");
    let app = App::new(config, Store::open(&url, Options::default()).expect("a store")).expect("an application");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let suppliers = || Question::Suppliers(PageRequest::default());
    let plans = || Question::Plans(PlanQuery { page: PageRequest { page: 1, page_size: 100 }, ..PlanQuery::default() });
    let read = |question: Question| {
        let (answer, held) = app.catalog.answer(question, false).expect("an answer");
        (String::from_utf8(answer.body.to_vec()).expect("text"), answer.etag, held)
    };
    let import = |file| runtime.block_on(app.import_catalog(file, ImportMode::Replace)).expect("an import");

    import(catalog());
    let before = [read(suppliers()), read(plans())];
    assert_eq!(before.clone().map(|(.., held)| held), [false, false]);
    assert_eq!([read(suppliers()), read(plans())].map(|(.., held)| held), [true, true]);

    let mut changed = catalog();
    let old = changed.suppliers[0].name.clone();
    changed.suppliers[0].name = "Renamed Power".to_owned();
    import(changed);
    for (question, (text, tag, _)) in [suppliers(), plans()].into_iter().zip(before) {
        let (now, now_tag, held) = read(question);
        assert!(!held, "it is made anew");
        assert!(text.contains(&old) && !text.contains("Renamed Power"));
        assert!(now.contains("Renamed Power") && !now.contains(&format!("\"{old}\"")), "{now}");
        assert_ne!(tag, now_tag, "other bytes, another ETag");
    }
    drop(runtime);
}
