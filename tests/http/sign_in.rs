//! Registering, signing in, staying signed in and signing out.

use crate::support::Server;
use serde_json::{Value, json};

const DOCUMENTED: &str = r#"{"email":"test@example.com","password":"test123","name":"Test","zip_code":"78701"}"#;

fn login(server: &Server, email: &str, password: &str) -> (u16, Value) {
    let form = format!("username={}&password={password}", email.replace('@', "%40"));
    let typed = [("content-type", "application/x-www-form-urlencoded")];
    let reply = server.request("POST", "/api/v1/auth/login", &typed, &form);
    (reply.status, reply.value())
}

fn refresh(server: &Server, token: &str) -> (u16, Value) {
    let reply = server.post("/api/v1/auth/refresh", &[], &json!({ "refresh_token": token }).to_string());
    (reply.status, reply.value())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

#[test]
fn the_documented_calls_answer_as_documented() {
    let server = Server::start();
    let registered = server.post("/api/v1/auth/register", &[], DOCUMENTED);
    assert_eq!(registered.status, 201, "{}", registered.body);
    assert_eq!(registered.header("cache-control"), Some("private, no-store"));
    let tokens = registered.value();
    assert_eq!(tokens["token_type"], "bearer");
    assert_eq!(tokens["expires_in"], 86_400);

    let (status, tokens) = login(&server, "TEST@example.com", "test123");
    assert_eq!(status, 200, "the case of an address does not matter");
    let bearer = format!("Bearer {}", text(&tokens, "access_token"));
    let me = server.get("/api/v1/auth/me", &[("authorization", &bearer)]);
    assert_eq!(me.status, 200);
    let me = me.value();
    assert_eq!(text(&me, "email"), "test@example.com");
    assert_eq!(text(&me, "property_type"), "residential");
    assert_eq!((text(&me, "role"), &me["is_admin"]), ("user", &json!(false)));
    assert!(text(&me, "created_at").ends_with('Z'));

    let as_json = r#"{"username":"test@example.com","password":"test123"}"#;
    assert_eq!(server.post("/api/v1/auth/login", &[], as_json).status, 200);
}

#[test]
fn an_address_can_be_registered_once_whatever_its_case() {
    let server = Server::start();
    server.register("anna@example.com");
    let again = DOCUMENTED.replace("test@example.com", "Anna@Example.COM");
    let problem = server.post("/api/v1/auth/register", &[], &again).problem(400);
    assert!(text(&problem, "message").contains("registered already"), "{problem}");
}

#[test]
fn an_unknown_address_and_a_wrong_password_get_the_same_answer() {
    let server = Server::start();
    server.register("anna@example.com");
    let (status, mut wrong) = login(&server, "anna@example.com", "not-hers");
    let (unknown_status, mut unknown) = login(&server, "nobody@example.com", "not-hers");
    assert_eq!((status, unknown_status), (401, 401));
    for answer in [&mut wrong, &mut unknown] {
        answer["request_id"].take();
    }
    assert_eq!(wrong, unknown);
}

#[test]
fn a_refresh_token_presented_twice_at_once_has_one_successor() {
    let server = Server::start();
    let first = server.register("anna@example.com");
    let (status, second) = refresh(&server, text(&first, "refresh_token"));
    assert_eq!(status, 200);
    assert_ne!(text(&first, "refresh_token"), text(&second, "refresh_token"));
    let (status, again) = refresh(&server, text(&first, "refresh_token"));
    assert_eq!((status, text(&again, "refresh_token")), (200, text(&second, "refresh_token")));
    assert_eq!(refresh(&server, text(&second, "refresh_token")).0, 200);
    assert_eq!(refresh(&server, "made-up").0, 401);
}

#[test]
fn a_spent_refresh_token_that_comes_back_late_ends_the_whole_session() {
    let server = Server::with(&[("TREEBEARD_AUTH__REFRESH_REUSE_SECONDS", "0")]);
    let first = server.register("anna@example.com");
    let (_, elsewhere) = login(&server, "anna@example.com", "test123");
    let (status, second) = refresh(&server, text(&first, "refresh_token"));
    assert_eq!(status, 200);
    assert_eq!(refresh(&server, text(&first, "refresh_token")).0, 401, "the thief, or the victim");
    assert_eq!(refresh(&server, text(&second, "refresh_token")).0, 401, "and its successor with it");
    assert_eq!(refresh(&server, text(&elsewhere, "refresh_token")).0, 200, "another session is not touched");
}

#[test]
fn signing_out_ends_what_it_says() {
    let server = Server::start();
    let here = server.register("anna@example.com");
    let (_, there) = login(&server, "anna@example.com", "test123");
    let body = json!({ "refresh_token": text(&here, "refresh_token") }).to_string();
    assert_eq!(server.post("/api/v1/auth/logout", &[], &body).status, 204);
    assert_eq!(refresh(&server, text(&here, "refresh_token")).0, 401, "this session has ended");
    let (status, there) = refresh(&server, text(&there, "refresh_token"));
    assert_eq!(status, 200, "the other one has not");

    let bearer = format!("Bearer {}", text(&there, "access_token"));
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(server.request("POST", "/api/v1/auth/logout-all", &headers, "").status, 204);
    assert_eq!(refresh(&server, text(&there, "refresh_token")).0, 401);
    let problem = server.get("/api/v1/auth/me", &headers).problem(401);
    assert!(text(&problem, "message").contains("revoked"), "{problem}");
}

#[test]
fn a_new_password_ends_the_other_sessions_and_the_old_access_tokens() {
    let server = Server::start();
    let here = server.register("anna@example.com");
    let (_, there) = login(&server, "anna@example.com", "test123");
    let bearer = format!("Bearer {}", text(&here, "access_token"));
    let headers = [("authorization", bearer.as_str())];
    let wrong = r#"{"current_password":"guessed","new_password":"better456"}"#;
    let faults = server.post("/api/v1/auth/password", &headers, wrong).faults();
    assert_eq!(faults, [("current_password".to_owned(), "wrong_password".to_owned())]);
    let short = r#"{"current_password":"test123","new_password":"abc"}"#;
    let faults = server.post("/api/v1/auth/password", &headers, short).faults();
    assert_eq!(faults, [("new_password".to_owned(), "min_length".to_owned())]);

    let right = r#"{"current_password":"test123","new_password":"better456"}"#;
    assert_eq!(server.post("/api/v1/auth/password", &headers, right).status, 204);
    assert_eq!(server.get("/api/v1/auth/me", &headers).status, 401, "the old access token");
    assert_eq!(refresh(&server, text(&there, "refresh_token")).0, 401, "the other session");
    assert_eq!(refresh(&server, text(&here, "refresh_token")).0, 200, "this session");
    assert_eq!(login(&server, "anna@example.com", "test123").0, 401);
    assert_eq!(login(&server, "anna@example.com", "better456").0, 200);
}

#[test]
fn a_strict_service_refuses_common_passwords() {
    let server = Server::with(&[("TREEBEARD_AUTH__PASSWORD_POLICY", "strict")]);
    let with =
        |password: &str| server.post("/api/v1/auth/register", &[], &DOCUMENTED.replace("test123", password)).faults();
    assert_eq!(
        with("test123"),
        [("password".to_owned(), "min_length".to_owned()), ("password".to_owned(), "common_password".to_owned())]
    );
    assert_eq!(with("Sunshine2024"), [("password".to_owned(), "common_password".to_owned())]);
}
