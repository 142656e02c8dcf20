//! `treebeard doctor --ai`: valid, invalid, unreachable, not configured; the key is never shown.

use crate::claude::{Answer, Claude};
use crate::run::Place;
use serde_json::json;

const KEY: &str = "sk-planted-key-0123456789";

fn place(url: &str) -> Place {
    Place::new().with("CLAUDE_API_KEY", KEY).with("TREEBEARD_EXPLANATIONS__BASE_URL", url)
}

#[test]
fn the_trial_call_says_how_the_model_can_be_used() {
    let message = json!({ "content": [{ "type": "text", "text": "Yes" }], "stop_reason": "max_tokens" }).to_string();
    for (status, body, word, code) in [
        (200, message, "valid", 0),
        (401, "{}".to_owned(), "invalid", 4),
        (404, "{}".to_owned(), "invalid", 4),
        (429, "{}".to_owned(), "valid", 0),
        (503, "{}".to_owned(), "unreachable", 4),
        (200, "<html>".to_owned(), "unreachable", 4),
    ] {
        let claude = Claude::answering(move |_, _| Answer::Status(status, "", body.clone()));
        let outcome = place(&claude.url).run(&["doctor", "--ai"]);
        assert_eq!(outcome.code, code, "{status}: {}{}", outcome.stdout, outcome.stderr);
        assert!(outcome.stdout.starts_with(&format!("ai: {word}: ")), "{status}: {}", outcome.stdout);
        assert_eq!(claude.asked().len(), 1, "{status}");
        assert!(!outcome.stdout.contains(KEY) && !outcome.stderr.contains(KEY), "{status}");
    }
}

#[test]
fn nobody_at_the_address_is_unreachable() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let outcome = place(&format!("http://{}", free.expect("a port nobody listens on any more")))
        .run(&["doctor", "--ai", "--json"]);
    assert_eq!(outcome.code, 4);
    assert!(outcome.stdout.contains("\"status\": \"unreachable\""), "{}", outcome.stdout);
}

#[test]
fn no_key_is_no_fault() {
    let found = Place::new().run(&["doctor", "--ai", "--json"]).json();
    assert_eq!((&found["check"], &found["status"]), (&json!("ai"), &json!("not_configured")));
}
