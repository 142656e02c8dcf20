//! Explanations over HTTP: worded where a key is set and the model answers, templates in every other case.

use crate::claude::{Answer, Claude};
use crate::market::{Market, catalog};
use serde_json::{Value, json};

const GENERATE: &str = "/api/v1/recommendations/generate";
const KEY: &str = "sk-planted-key-0123456789";

/// A service that asks `claude`, logging all it can.
fn market(claude: &Claude, deadline_milliseconds: &str) -> Market {
    let environment = [
        ("CLAUDE_API_KEY", KEY),
        ("TREEBEARD_EXPLANATIONS__BASE_URL", claude.url.as_str()),
        ("TREEBEARD_EXPLANATIONS__DEADLINE_MILLISECONDS", deadline_milliseconds),
        ("LOG_LEVEL", "trace"),
    ];
    Market::with(catalog(), &environment)
}

fn request(explanations: Option<&str>) -> String {
    let mut body: Value =
        serde_json::from_str(include_str!("../../assets/examples/test_request.json")).expect("the example");
    body["options"] = json!({ "explanations": explanations, "top_n": 3 });
    body.to_string()
}

/// The sources of the explanations of an answer, and its texts.
fn explained(answer: &Value) -> (Vec<String>, Vec<String>) {
    let plans = answer["top_plans"].as_array().expect("plans");
    let each = |member: &str| plans.iter().map(|plan| plan[member].as_str().expect("a text").to_owned()).collect();
    (each("explanation_source"), each("explanation"))
}

#[test]
fn explanations_are_worded_kept_and_asked_for_as_wanted() {
    let claude = Claude::good();
    let market = market(&claude, "25000");
    let anna = market.server.signed_in("anna.private@example.com");
    let reply = market.post(&anna, GENERATE, &request(None));
    assert_eq!(reply.status, 200, "{}", reply.body);
    let answer = reply.value();
    let (sources, texts) = explained(&answer);
    assert_eq!(sources, ["ai", "ai", "ai"], "{texts:?}");
    assert!(texts.iter().all(|text| text.contains("suits the way this household uses electricity")), "{texts:?}");
    let id = answer["recommendation_id"].as_str().expect("an id");
    let kept = market.get(&anna, &format!("/api/v1/recommendations/{id}"));
    assert_eq!(kept.body, reply.body, "kept as it was sent");

    assert_eq!(explained(&market.post(&anna, GENERATE, &request(Some("ai"))).value()).1, texts);
    assert_eq!(claude.asked().len(), 3, "the second time from the cache");
    let (sources, _) = explained(&market.post(&anna, GENERATE, &request(Some("template"))).value());
    assert_eq!(sources, ["template", "template", "template"]);
    let (sources, texts) = explained(&market.post(&anna, GENERATE, &request(Some("none"))).value());
    assert_eq!((sources, texts), (vec!["none".to_owned(); 3], vec![String::new(); 3]));
    assert_eq!(claude.asked().len(), 3);

    for asked in claude.asked() {
        let sent = asked.body.to_string();
        for personal in ["anna", "example.com", "78701", "Test", "My present supplier", "Basic Monthly"] {
            assert!(!sent.contains(personal), "{personal}: {sent}");
        }
    }
    let check = market.server.get("/health", &[]).value()["checks"]["explanations"].clone();
    assert_eq!(check, json!({ "status": "healthy", "source": "ai", "breaker": "closed" }));
    secret(&market, &[&reply.body, &kept.body]);
}

#[test]
fn with_the_model_down_the_answer_comes_from_the_template() {
    let claude = Claude::answering(|number, _| match number % 4 {
        0 => Answer::Never,
        1 => Answer::Status(401, "", format!("{{\"error\":\"no key {KEY}\"}}")),
        2 => Answer::Status(529, "", "{}".into()),
        _ => Answer::Status(200, "", format!("not JSON, {KEY}")),
    });
    let market = market(&claude, "300");
    let anna = market.server.signed_in("anna@example.com");
    let mut bodies = Vec::new();
    for _ in 0..4 {
        let reply = market.post(&anna, GENERATE, &request(Some("ai")));
        assert_eq!(reply.status, 200, "{}", reply.body);
        let (sources, texts) = explained(&reply.value());
        assert_eq!(sources, ["template", "template", "template"]);
        assert!(texts.iter().all(|text| !text.is_empty()));
        bodies.push(reply.body);
    }
    let health = market.server.get("/health", &[]);
    assert_eq!(health.status, 200, "{}", health.body);
    bodies.push(health.body);
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    secret(&market, &bodies);
}

#[test]
fn while_the_model_hangs_everything_else_goes_on() {
    // More answers wait for the model than the runtime has threads or the store connections.
    const WAITING: usize = 24;
    let claude = Claude::answering(|_, _| Answer::Never);
    let market = market(&claude, "25000");
    let anna = market.server.signed_in("anna@example.com");
    std::thread::scope(|scope| {
        let ask = || market.post(&anna, GENERATE, &request(Some("ai")));
        let waiting: Vec<_> = (0..WAITING).map(|_| scope.spawn(ask)).collect();
        while claude.asked().is_empty() {
            std::thread::yield_now();
        }
        let read = market.get(&anna, "/api/v1/users/profile");
        let weights = r#"{"cost_priority":40,"flexibility_priority":30,"renewable_priority":20,"rating_priority":10}"#;
        let written = market.post(&anna, "/api/v1/users/preferences", weights);
        let computed = market.post(&anna, GENERATE, &request(Some("template")));
        assert_eq!((read.status, written.status, computed.status), (200, 200, 200), "{}", written.body);
        // A call that hangs is given up after ten seconds.
        assert!(waiting.iter().all(|answer| !answer.is_finished()), "the others went on while these waited");
    });
}

#[test]
fn a_model_that_keeps_failing_degrades_health_and_is_left_alone() {
    let claude = Claude::answering(|_, _| Answer::Status(400, "", "{}".into()));
    let market = market(&claude, "25000");
    let anna = market.server.signed_in("anna@example.com");
    for _ in 0..4 {
        assert_eq!(market.post(&anna, GENERATE, &request(None)).status, 200);
    }
    // Three calls of an answer begin together, so the third answer may make one more than the five.
    assert!((5..=6).contains(&claude.asked().len()), "{}", claude.asked().len());
    let health = market.server.get("/health", &[]).value();
    assert_eq!(health["status"], "degraded");
    let expected = json!({ "status": "degraded", "source": "template", "breaker": "open" });
    assert_eq!(health["checks"]["explanations"], expected);
}

#[test]
fn without_a_key_there_are_templates_and_no_error() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    for wanted in [None, Some("ai")] {
        let (sources, _) = explained(&market.post(&anna, GENERATE, &request(wanted)).value());
        assert_eq!(sources, ["template", "template", "template"]);
    }
    let health = market.server.get("/health", &[]).value();
    assert_eq!(health["checks"]["explanations"], json!({ "status": "healthy", "source": "template" }));
}

/// The key is in no log line and in none of `bodies`.
fn secret(market: &Market, bodies: &[&str]) {
    let log = market.server.log();
    assert!(log.len() > 1_000, "there is a log: {log}");
    assert!(!log.contains(KEY), "{}", log.lines().find(|line| line.contains(KEY)).unwrap_or_default());
    assert!(bodies.iter().all(|body| !body.contains(KEY)));
}
