//! Passwords as the service keeps and checks them: hashed anew when the settings rise, in a bounded pool, never known by
//! the time or the text of an answer.

use crate::support::{Reply, Server, engine};
use serde_json::json;
use std::thread;
use std::time::{Duration, Instant};
use treebeard::store::users;
use treebeard::store::{Options, Store};

const LOGIN: &str = "/api/v1/auth/login";

fn login(server: &Server, email: &str, password: &str) -> Reply {
    server.post(LOGIN, &[], &json!({ "username": email, "password": password }).to_string())
}

fn register(server: &Server, email: &str, password: &str) -> Reply {
    let body = json!({ "email": email, "password": password, "name": "Test", "zip_code": "78701" });
    server.post("/api/v1/auth/register", &[], &body.to_string())
}

fn hashes_computed(server: &Server) -> u64 {
    let page = server.get("/metrics", &[]).body;
    let line = page.lines().find_map(|line| line.strip_prefix("treebeard_password_hashes_total "));
    line.and_then(|count| count.parse().ok()).expect("a count")
}

#[test]
fn an_unknown_address_costs_one_hash_just_as_a_wrong_password_does() {
    let server = Server::start();
    server.register("anna@example.com");
    for email in ["anna@example.com", "nobody@example.com"] {
        let before = hashes_computed(&server);
        assert_eq!(login(&server, email, "not-the-password").status, 401);
        assert_eq!(hashes_computed(&server) - before, 1, "{email}");
    }
}

#[test]
fn a_hash_is_made_anew_at_sign_in_when_the_settings_have_risen() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = engine::database(folder.path(), "hashes.db");
    let kept = || {
        let store = Store::open(&database, Options::default()).expect("the store");
        let user = store.read_blocking(|conn| users::by_email(conn, "anna@example.com")).expect("read");
        user.expect("the user").password_hash
    };
    let server = Server::with(&[("DATABASE_URL", &database)]);
    server.register("anna@example.com");
    assert_eq!(server.stop(), Some(0));
    assert!(kept().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", kept());
    let raised = ("TREEBEARD_AUTH__ARGON2_PASSES", "3");
    let server = Server::with(&[("DATABASE_URL", &database), raised]);
    assert_eq!(login(&server, "anna@example.com", "wrong").status, 401);
    let tokens = login(&server, "anna@example.com", "test123");
    assert_eq!(tokens.status, 200);
    let bearer = format!("Bearer {}", tokens.value()["access_token"].as_str().expect("a token"));
    assert_eq!(server.get("/api/v1/auth/me", &[("authorization", &bearer)]).status, 200, "it ends no token");
    assert_eq!(server.stop(), Some(0));
    assert!(kept().starts_with("$argon2id$v=19$m=19456,t=3,p=1$"), "{}", kept());
}

#[test]
fn the_whole_password_counts_in_either_unicode_form_up_to_1024_bytes() {
    let server = Server::start();
    let long = "x".repeat(1023);
    assert_eq!(register(&server, "long@example.com", &format!("{long}a")).status, 201);
    assert_eq!(login(&server, "long@example.com", &format!("{long}b")).status, 401, "the last byte counts");
    assert_eq!(login(&server, "long@example.com", &format!("{long}a")).status, 200);
    let wide = register(&server, "wide@example.com", &"\u{e9}".repeat(600)).faults();
    assert_eq!(wide, [("password".to_owned(), "max_length".to_owned())], "600 letters, 1200 bytes");
    assert_eq!(register(&server, "cafe@example.com", "caf\u{e9} noir").status, 201);
    assert_eq!(login(&server, "cafe@example.com", "cafe\u{301} noir").status, 200);
    assert_eq!(register(&server, "plain@example.com", "      ").status, 201, "no rule of composition");
}

#[test]
fn each_policy_asks_what_it_says() {
    let code = |code: &str| ("password".to_owned(), code.to_owned());
    for (policy, password, faults) in [
        ("strict", "violet7", vec![code("min_length")]),
        ("strict", "baseball", vec![code("common_password")]),
        ("strict", "B@seball2026!", vec![code("common_password")]),
        ("nist", "violet tram se", vec![code("min_length")]),
        ("nist", "1q2w3e4r5t6y7u8i", vec![code("common_password")]),
        ("relaxed", "short", vec![code("min_length")]),
    ] {
        let server = Server::with(&[("TREEBEARD_AUTH__PASSWORD_POLICY", policy)]);
        assert_eq!(register(&server, "anna@example.com", password).faults(), faults, "{policy}: {password}");
    }
}

#[test]
fn more_sign_ins_than_can_be_hashed_are_sent_away_and_the_rest_of_the_service_answers() {
    // One hash takes most of a second: some of so many at once cannot begin within the wait.
    let server =
        Server::with(&[("TREEBEARD_AUTH__ARGON2_MEMORY_KIB", "131072"), ("TREEBEARD_AUTH__ARGON2_PASSES", "16")]);
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let replies: Vec<Reply> = thread::scope(|scope| {
        let waiting: Vec<_> = (0..cores * 4 + 4)
            .map(|n| {
                scope.spawn({
                    let server = &server;
                    move || login(server, &format!("{n}@example.com"), "wrong-guess")
                })
            })
            .collect();
        let alive = server.get("/health/live", &[]);
        assert_eq!(alive.status, 200);
        waiting.into_iter().map(|one| one.join().expect("no panic")).collect()
    });
    let busy: Vec<&Reply> = replies.iter().filter(|reply| reply.status != 401).collect();
    assert!(!busy.is_empty() && busy.len() < replies.len(), "{}", busy.len());
    for reply in busy {
        reply.problem(503);
        assert_eq!(reply.header("retry-after"), Some("2"));
    }
}

#[test]
fn guessing_gets_slower_and_the_right_password_is_still_let_in() {
    let server = Server::start();
    server.register("anna@example.com");
    for _ in 0..6 {
        assert_eq!(login(&server, "anna@example.com", "wrong-guess").status, 401);
    }
    let started = Instant::now();
    assert_eq!(login(&server, "ANNA@example.com", "test123").status, 200, "never locked out");
    assert!(started.elapsed() >= Duration::from_millis(500), "{:?}", started.elapsed());
}
