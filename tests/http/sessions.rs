//! The sessions of a user: listed, ended one by one, renewed for so long and no longer.

use crate::support::Server;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::thread;

const SESSIONS: &str = "/api/v1/auth/sessions";

fn sign_in(server: &Server, agent: &str) -> Value {
    let body = json!({ "username": "anna@example.com", "password": "test123" }).to_string();
    let reply = server.post("/api/v1/auth/login", &[("user-agent", agent)], &body);
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.value()
}

fn bearer(tokens: &Value) -> String {
    format!("Bearer {}", tokens["access_token"].as_str().expect("a token"))
}

fn refresh(server: &Server, tokens: &Value) -> (u16, Value) {
    let body = json!({ "refresh_token": tokens["refresh_token"] }).to_string();
    let reply = server.post("/api/v1/auth/refresh", &[], &body);
    (reply.status, reply.value())
}

#[test]
fn a_user_sees_where_they_are_signed_in_and_ends_a_session_there() {
    let server = Server::start();
    let first = server.register("anna@example.com");
    let phone = sign_in(&server, "phone/1");
    let (here, there) = (bearer(&first), bearer(&phone));
    let listed = server.get(SESSIONS, &[("authorization", &here)]);
    assert_eq!((listed.status, listed.header("cache-control")), (200, Some("private, no-store")));
    let listed = listed.value();
    let agents: Vec<_> = listed.as_array().expect("a list").iter().map(|one| one["user_agent"].as_str()).collect();
    assert_eq!(agents, [Some("phone/1"), None], "the last used first");
    assert_eq!((&listed[0]["is_current"], &listed[1]["is_current"]), (&json!(false), &json!(true)));
    assert_eq!(listed[0]["ip"], "127.0.0.1");
    assert!(listed[0]["expires_at"].as_str() > listed[0]["last_used_at"].as_str());

    assert_eq!(server.get("/api/v1/auth/me", &[("authorization", &there)]).status, 200);
    let path = format!("{SESSIONS}/{}", listed[0]["id"].as_str().expect("an id"));
    assert_eq!(server.request("DELETE", &path, &[("authorization", &here)], "").status, 204);
    server.get("/api/v1/auth/me", &[("authorization", &there)]).problem(401);
    assert_eq!(refresh(&server, &phone).0, 401);
    server.request("DELETE", &path, &[("authorization", &here)], "").problem(404);
    assert_eq!(server.get(SESSIONS, &[("authorization", &here)]).value().as_array().map(Vec::len), Some(1));
    assert_eq!(server.get("/api/v1/auth/me", &[("authorization", &here)]).status, 200);
}

#[test]
fn signing_out_ends_the_access_token_of_the_session_too() {
    let server = Server::start();
    let tokens = server.register("anna@example.com");
    let headers = [("authorization", &*bearer(&tokens))];
    assert_eq!(server.get("/api/v1/auth/me", &headers).status, 200);
    let body = json!({ "refresh_token": tokens["refresh_token"] }).to_string();
    assert_eq!(server.post("/api/v1/auth/logout", &[], &body).status, 204);
    server.get("/api/v1/auth/me", &headers).problem(401);
}

#[test]
fn every_sign_in_begins_a_session_of_its_own() {
    let server = Server::start();
    let first = server.register("anna@example.com");
    let tokens = [first.clone(), sign_in(&server, "a"), sign_in(&server, "a")];
    let distinct: HashSet<_> = tokens.iter().map(|tokens| tokens["refresh_token"].as_str()).collect();
    assert_eq!(distinct.len(), 3);
    let listed = server.get(SESSIONS, &[("authorization", &bearer(&first))]).value();
    assert_eq!(listed.as_array().map(Vec::len), Some(3));
}

#[test]
fn many_refreshes_of_one_token_at_once_have_one_successor_and_one_family() {
    let server = Server::start();
    let first = server.register("anna@example.com");
    let answers: Vec<(u16, Value)> = thread::scope(|scope| {
        let racing: Vec<_> = (0..12).map(|_| scope.spawn(|| refresh(&server, &first))).collect();
        racing.into_iter().map(|one| one.join().expect("no panic")).collect()
    });
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    let successors: HashSet<_> = answers.iter().map(|(_, tokens)| tokens["refresh_token"].as_str()).collect();
    assert_eq!(successors.len(), 1);
    let (status, next) = refresh(&server, &answers[0].1);
    assert_eq!(status, 200, "the race has not ended the session");
    let listed = server.get(SESSIONS, &[("authorization", &bearer(&next))]).value();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
}
