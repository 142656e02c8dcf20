//! Rate limits: what is counted, what is said about it, and who can be held out by whom.

use crate::support::{Reply, Server};
use std::time::{SystemTime, UNIX_EPOCH};

/// Nobody is exempt, as in production.
const COUNTED: (&str, &str) = ("TREEBEARD_LIMITS__EXEMPT_NETWORKS", "");
/// The test itself is a trusted proxy, so that it can come from anywhere.
const PROXY: (&str, &str) = ("TREEBEARD_SERVER__TRUSTED_PROXIES", "127.0.0.1");
const GENERATE: &str = "/api/v1/recommendations/generate";

fn number(reply: &Reply, name: &str) -> u64 {
    let value = reply.header(name).unwrap_or_else(|| panic!("{name} is there: {:?}", reply.headers));
    value.parse().unwrap_or_else(|_| panic!("{name} is a number: {value}"))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

fn login(server: &Server, from: &str, email: &str, password: &str) -> Reply {
    let body = format!(r#"{{"username":"{email}","password":"{password}"}}"#);
    server.post("/api/v1/auth/login", &[("x-forwarded-for", from)], &body)
}

#[test]
fn the_eleventh_recommendation_in_a_minute_is_refused_with_every_header() {
    let server = Server::with(&[COUNTED]);
    let bearer = server.signed_in("eleven@example.org");
    let headers = [("authorization", bearer.as_str())];
    for left in (0..10).rev() {
        let reply = server.post(GENERATE, &headers, "{}");
        assert_ne!(reply.status, 429, "{}", reply.body);
        assert_eq!(number(&reply, "x-ratelimit-limit"), 10);
        assert_eq!(number(&reply, "x-ratelimit-remaining"), left);
    }
    let refused = server.post(GENERATE, &headers, "{}");
    let problem = refused.problem(429);
    assert_eq!(problem["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
    assert_eq!(problem["violated-policies"], serde_json::json!(["generate"]));
    let wait = number(&refused, "retry-after");
    assert!((1..=6).contains(&wait), "{wait}");
    let plural = if wait == 1 { "" } else { "s" };
    let message = format!("Your account may ask for 10 recommendations a minute. Try again in {wait} second{plural}.");
    assert_eq!(problem["message"], message);
    for (name, value) in [
        ("x-ratelimit-limit", 10),
        ("x-ratelimit-remaining", 0),
        ("x-ratelimit-limit-user", 100),
        ("x-ratelimit-limit-ip", 1000),
    ] {
        assert_eq!(number(&refused, name), value, "{name}");
    }
    let reset = number(&refused, "x-ratelimit-reset");
    assert!(reset <= now() + 6 && reset + 600 > now(), "{reset} is in seconds since 1970");
    let policy = "\"ip\";q=1000;w=3600, \"user\";q=100;w=60, \"generate\";q=10;w=60";
    assert_eq!(refused.header("ratelimit-policy"), Some(policy));
    let state = refused.header("ratelimit").unwrap_or_default();
    assert!(state.ends_with(&format!("\"generate\";r=0;t={wait}")), "{state}");

    let other = server.get("/api/v1/auth/me", &headers);
    assert_eq!(other.status, 200, "the rest of the service still answers");
}

#[test]
fn only_the_api_is_counted() {
    let server = Server::with(&[COUNTED, ("RATE_LIMIT_PER_IP", "1/hour")]);
    let never = ["/", "/health", "/health/live", "/health/ready", "/docs", "/openapi.json", "/nope"];
    for path in never.iter().chain(&never) {
        let reply = server.get(path, &[]);
        assert!(reply.status == 200 || reply.status == 404, "{path}: {}", reply.status);
        assert_eq!(reply.header("x-ratelimit-limit"), None, "{path}");
    }
    let preflight = [("origin", "https://app.example.org"), ("access-control-request-method", "POST")];
    for _ in 0..3 {
        assert_ne!(server.request("OPTIONS", "/api/v1/auth/login", &preflight, "").status, 429);
    }
    server.get("/api/v1/nope", &[]).problem(404);
    let problem = server.get("/api/v1/nope", &[]).problem(429);
    assert_eq!(problem["violated-policies"], serde_json::json!(["ip"]));
}

#[test]
fn an_answer_for_everybody_says_nothing_of_one_clients_quota() {
    let server = Server::with(&[COUNTED]);
    let reply = server.get("/api/v1/suppliers", &[]);
    assert_eq!((reply.status, number(&reply, "x-ratelimit-remaining")), (200, 999));
    assert_eq!((reply.header("ratelimit"), reply.header("ratelimit-policy")), (None, None));
}

#[test]
fn a_forwarded_address_counts_only_when_a_trusted_proxy_vouches_for_it() {
    let forged = Server::with(&[COUNTED, ("RATE_LIMIT_PER_IP", "2/hour")]);
    let from = |server: &Server, client: &str| server.get("/api/v1/nope", &[("x-forwarded-for", client)]).status;
    let seen: Vec<u16> = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|client| from(&forged, client)).to_vec();
    assert_eq!(seen, [404, 404, 429], "one peer, whatever it claims");

    let behind = Server::with(&[COUNTED, PROXY, ("RATE_LIMIT_PER_IP", "1/hour")]);
    for (client, status) in [
        ("192.0.2.1", 404),
        ("192.0.2.2", 404),
        ("192.0.2.9, 192.0.2.1", 429),
        ("2001:db8:0:1::1", 404),
        ("2001:db8:0:1:ffff::2", 429),
        ("2001:db8:0:2::1", 404),
    ] {
        assert_eq!(from(&behind, client), status, "{client}");
    }
}

#[test]
fn guessing_at_one_account_is_slowed_down_and_its_owner_is_not() {
    let limit = ("TREEBEARD_LIMITS__LOGIN_PER_ACCOUNT_PER_MINUTE", "2");
    let server = Server::with(&[COUNTED, PROXY, limit]);
    server.register("owner@example.org");
    assert_eq!(login(&server, "192.0.2.1", "owner@example.org", "test123").status, 200);
    let guesses: Vec<u16> = (1..=4)
        .map(|n| login(&server, &format!("198.51.100.{n}"), "Owner@example.org", "wrong-guess").status)
        .collect();
    assert!(guesses.contains(&401) && guesses[3] == 429, "{guesses:?}");
    let problem = login(&server, "198.51.100.9", "owner@example.org", "test123").problem(429);
    assert_eq!(problem["violated-policies"], serde_json::json!(["login-account"]));
    assert_eq!(login(&server, "192.0.2.1", "owner@example.org", "test123").status, 200, "the owner, from home");
}

#[test]
fn sign_in_and_registration_have_buckets_of_their_own() {
    let server = Server::with(&[
        COUNTED,
        PROXY,
        ("TREEBEARD_LIMITS__LOGIN_PER_IP_PER_MINUTE", "1"),
        ("TREEBEARD_LIMITS__REGISTER_PER_IP_PER_HOUR", "1"),
        ("TREEBEARD_LIMITS__REGISTER_PER_ACCOUNT_PER_HOUR", "2"),
    ]);
    assert_eq!(login(&server, "192.0.2.1", "a@example.org", "wrong-guess").status, 401);
    let problem = login(&server, "192.0.2.1", "b@example.org", "wrong-guess").problem(429);
    assert_eq!(problem["violated-policies"], serde_json::json!(["login-ip"]));

    let register = |from: &str| {
        let body = r#"{"email":"c@example.org","password":"short","name":"Test","zip_code":"78701"}"#;
        server.post("/api/v1/auth/register", &[("x-forwarded-for", from)], body)
    };
    assert_eq!(register("192.0.2.1").status, 422);
    let problem = register("192.0.2.1").problem(429);
    assert_eq!(problem["violated-policies"], serde_json::json!(["register-ip"]));
    assert_eq!(register("192.0.2.2").status, 422);
    let problem = register("192.0.2.3").problem(429);
    assert_eq!(problem["violated-policies"], serde_json::json!(["register-account"]));
}

#[test]
fn another_spelling_of_a_path_is_no_way_around_its_limit() {
    let server = Server::with(&[COUNTED, ("RECOMMENDATION_RATE_LIMIT_PER_MINUTE", "1")]);
    let bearer = server.signed_in("spelling@example.org");
    let headers = [("authorization", bearer.as_str())];
    let generate = |path: &str| server.post(path, &headers, "{}").status;
    assert_ne!(generate(GENERATE), 429);
    assert_eq!(generate(GENERATE), 429);
    assert_eq!(generate(&format!("{GENERATE}?x=1")), 429);
    for other in
        ["/api/v1/recommendations/%67enerate", "/api/v1/recommendations/generate/", "//api/v1/recommendations/generate"]
    {
        let status = generate(other);
        assert!(status == 404 || status == 405, "{other}: {status}");
    }
}
