//! What holds for every request: one error shape, request ids, headers, origins, time limits, a clean end.

use crate::support::Server;
use std::io::{Read, Write};
use std::time::Duration;

#[test]
fn an_unknown_address_is_a_problem_too() {
    let server = Server::start();
    for path in ["/nope", "/api/v1/nope", "/api/v1/auth/me/", "/docs/x", "/%ff"] {
        server.get(path, &[]).problem(404);
    }
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let server = Server::start();
    for (method, path, allow) in [
        ("GET", "/api/v1/auth/login", "POST"),
        ("PATCH", "/api/v1/users/current-plan", "DELETE, GET, HEAD, PUT"),
        ("POST", "/health", "GET, HEAD"),
        ("DELETE", "/docs", "GET, HEAD"),
        ("OPTIONS", "/api/v1/auth/me", "GET, HEAD"),
    ] {
        let reply = server.request(method, path, &[], "");
        reply.problem(405);
        assert_eq!(reply.header("allow"), Some(allow), "{method} {path}");
    }
    server.request("BREW", "/health", &[], "").problem(405);
}

#[test]
fn a_request_id_is_kept_if_it_is_a_safe_one() {
    let server = Server::start();
    let kept = server.get("/health/live", &[("x-request-id", "build-7.a_b")]);
    assert_eq!(kept.header("x-request-id"), Some("build-7.a_b"));
    let long = "x".repeat(129);
    for unsafe_id in ["a b", "a\"b", "<script>", long.as_str(), ""] {
        let replaced = server.get("/nope", &[("x-request-id", unsafe_id)]);
        let id = replaced.header("x-request-id").unwrap_or_default();
        assert!(id != unsafe_id && id.len() == 36, "{unsafe_id} became {id}");
    }
}

#[test]
fn every_answer_carries_the_careful_headers() {
    let server = Server::start();
    for path in ["/", "/health", "/nope", "/docs", "/openapi.json"] {
        let reply = server.get(path, &[]);
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{path}");
        let policy = reply.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert_eq!(reply.header("server"), None, "{path}");
    }
}

#[test]
fn only_the_configured_origins_may_call_from_a_browser() {
    let server = Server::with(&[("CORS_ORIGINS", "https://app.example.org")]);
    let preflight = [("access-control-request-method", "POST"), ("origin", "https://app.example.org")];
    let reply = server.request("OPTIONS", "/api/v1/auth/login", &preflight, "");
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://app.example.org"));
    assert!(reply.header("access-control-allow-headers").is_some_and(|list| list.contains("authorization")));

    let admitted = server.get("/nope", &[("origin", "https://app.example.org")]);
    assert_eq!(admitted.header("access-control-allow-origin"), Some("https://app.example.org"));
    assert!(admitted.header("access-control-expose-headers").is_some_and(|list| list.contains("x-request-id")));
    assert_eq!(admitted.header("vary"), Some("Origin"));

    let stranger = server.get("/health/live", &[("origin", "https://evil.example.org")]);
    assert_eq!((stranger.status, stranger.header("access-control-allow-origin")), (200, None));
}

#[test]
fn a_client_that_never_finishes_its_headers_is_let_go() {
    let server = Server::with(&[("TREEBEARD_SERVER__HEADER_TIMEOUT_SECONDS", "1")]);
    let mut slow = server.connect();
    slow.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\nx-slow: ").expect("written");
    let mut answer = Vec::new();
    let _closed_or_reset = slow.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(server.get("/health/live", &[]).status, 200, "others are served");
}

#[test]
fn more_connections_than_allowed_wait_for_their_turn() {
    let server = Server::with(&[("TREEBEARD_SERVER__CONNECTIONS_MAX", "2")]);
    let idle: Vec<_> = (0..2).map(|_| server.connect()).collect();
    let mut waiting = server.connect();
    waiting.set_read_timeout(Some(Duration::from_millis(300))).expect("a time-out can be set");
    waiting.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("written");
    let mut answer = [0; 16];
    assert!(waiting.read(&mut answer).is_err(), "nobody answers while both places are taken");
    drop(idle);
    waiting.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out can be set");
    let count = waiting.read(&mut answer).expect("an answer");
    assert!(answer[..count].starts_with(b"HTTP/1.1 200"));
}

#[test]
fn asked_to_stop_it_ends_well_though_somebody_is_still_connected() {
    let server = Server::start();
    let mut kept = server.connect();
    kept.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").expect("written");
    let mut answer = [0; 12];
    kept.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200");
    assert_eq!(server.stop(), Some(0));
}
