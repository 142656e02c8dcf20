//! Conditional writes: a change made from a state that is gone is refused, on both engines.

use crate::postgres::Cluster;
use crate::support::{Reply, Server};
use serde_json::{Value, json};

/// Where the thing is, the method that changes it, and two bodies.
const THINGS: [(&str, &str, &str, &str); 3] = [
    ("/api/v1/users/profile", "PUT", r#"{"name":"First"}"#, r#"{"name":"Second"}"#),
    (
        "/api/v1/users/preferences",
        "POST",
        r#"{"cost_priority":70,"flexibility_priority":10,"renewable_priority":10,"rating_priority":10}"#,
        r#"{"cost_priority":10,"flexibility_priority":70,"renewable_priority":10,"rating_priority":10}"#,
    ),
    (
        "/api/v1/users/current-plan",
        "PUT",
        r#"{"plan_name":"First","current_rate":11.5,"annual_cost":1234.56}"#,
        r#"{"plan_name":"Second","rate_structure":{"type":"fixed","rate_per_kwh":12.25}}"#,
    ),
];

fn tag(reply: &Reply) -> String {
    let tag = reply.header("etag").unwrap_or_else(|| panic!("an ETag: {:?} {}", reply.headers, reply.body));
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 30, "strong: {tag}");
    tag.to_owned()
}

/// Two tabs read the same state; the second to save is told so instead of undoing the first.
fn two_tabs(server: &Server) {
    let bearer = server.signed_in("tabs@example.org");
    for (path, method, first, second) in THINGS {
        let read = || server.get(path, &[("authorization", &bearer)]);
        let save =
            |body: &str, tag: &str| server.json(method, path, &[("authorization", &bearer), ("if-match", tag)], body);
        if path.ends_with("current-plan") {
            assert_eq!(read().status, 404);
            save(first, "*").problem(409);
            assert_eq!(server.json(method, path, &[("authorization", &bearer)], second).status, 200);
        }
        let seen = tag(&read());
        assert_eq!(tag(&read()), seen, "{path}: reading changes nothing");
        let saved = save(first, &seen);
        assert_eq!(saved.status, 200, "{path}: {}", saved.body);
        let now = tag(&saved);
        assert_ne!(now, seen, "{path}: another state, another name");
        let held = read();
        assert_eq!(tag(&held), now, "{path}: what the change answered is what is read next");

        let problem = save(second, &seen).problem(409);
        assert_eq!(problem["error"], "Conflict");
        save(second, &format!("W/{now}")).problem(409);
        save(second, "unquoted").problem(409);
        assert_eq!(read().body, held.body, "{path}: nothing was changed");

        assert_eq!(save(second, &format!("\"another\", {now}")).status, 200, "{path}: one of several");
        assert_eq!(save(first, "*").status, 200, "{path}: whatever is there");
        assert_eq!(
            server.json(method, path, &[("authorization", &bearer)], second).status,
            200,
            "{path}: unconditional"
        );
    }
}

#[test]
fn a_change_made_from_an_older_state_is_refused() {
    two_tabs(&Server::start());
    let Some(cluster) = Cluster::start_or_skip("a_change_made_from_an_older_state_is_refused") else { return };
    two_tabs(&Server::with(&[("DATABASE_URL", &cluster.database("conditional"))]));
}

#[test]
fn signing_in_again_changes_no_state() {
    let server = Server::start();
    let bearer = server.signed_in("again@example.org");
    let seen = tag(&server.get("/api/v1/users/profile", &[("authorization", &bearer)]));
    let login = r#"{"username":"again@example.org","password":"test123"}"#;
    assert_eq!(server.post("/api/v1/auth/login", &[], login).status, 200);
    assert_eq!(tag(&server.get("/api/v1/users/profile", &[("authorization", &bearer)])), seen);
}

#[test]
fn of_changes_sent_at_once_from_one_state_one_goes_through() {
    let server = Server::start();
    let bearer = server.signed_in("race@example.org");
    let path = "/api/v1/users/profile";
    let seen = tag(&server.get(path, &[("authorization", &bearer)]));
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let save = |n: u32| {
            let body = json!({ "name": format!("Tab {n}") }).to_string();
            server.json("PUT", path, &[("authorization", &bearer), ("if-match", &seen)], &body).status
        };
        let sent: Vec<_> = (0..8).map(|n| scope.spawn(move || save(n))).collect();
        sent.into_iter().map(|reply| reply.join().expect("an answer")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 7, "{statuses:?}");
}

/// Every operation that takes the header says so, and says what it answers.
#[test]
fn the_document_declares_the_headers() {
    let document: Value = serde_json::from_str(include_str!("../../assets/openapi.json")).expect("JSON");
    for (path, method, ..) in THINGS {
        let operations = &document["paths"][path];
        let operation = &operations[method.to_lowercase()];
        let parameters = operation["parameters"].as_array().expect("parameters");
        assert!(
            parameters.iter().any(|parameter| parameter["name"] == "If-Match" && parameter["in"] == "header"),
            "{path}"
        );
        assert!(operation["responses"]["409"].is_object(), "{path}");
        for operation in [operation, &operations["get"]] {
            assert!(
                operation["responses"]["200"]["headers"]["ETAG"].is_object()
                    || operation["responses"]["200"]["headers"]["ETag"].is_object(),
                "{path}: {operation}"
            );
        }
    }
}
