//! Request bodies that are not what the API document says.

use crate::support::Server;
use serde_json::json;

const REGISTER: &str = "/api/v1/auth/register";

#[test]
fn every_wrong_field_is_named_with_its_path() {
    let server = Server::start();
    let body = json!({
        "email": "nowhere", "password": 5, "zip_code": "7870", "property_type": "castle", "shoe_size": 44,
        "consents": [{ "document": "terms", "version": "1" }, { "document": "", "versoin": "1" }]
    });
    let expected = [
        ("email", "format"),
        ("password", "type"),
        ("name", "required"),
        ("zip_code", "pattern"),
        ("property_type", "enum"),
        ("consents[1].document", "min_length"),
        ("consents[1].version", "required"),
        ("consents[1].versoin", "unknown_field"),
        ("shoe_size", "unknown_field"),
    ]
    .map(|(field, code)| (field.to_owned(), code.to_owned()));
    let reply = server.post(REGISTER, &[], &body.to_string());
    assert_eq!(reply.faults(), expected);
    for submitted in ["nowhere", "7870", "castle", "44"] {
        let quoted = format!("\"{submitted}\"");
        assert!(!reply.body.contains(&quoted), "{submitted} is told back: {}", reply.body);
    }
}

#[test]
fn a_field_given_twice_is_refused() {
    let server = Server::start();
    let faults = server.post(REGISTER, &[], r#"{"email":"a@example.com","email":"b@example.com"}"#).faults();
    assert_eq!(faults, [("email".to_owned(), "repeated_field".to_owned())]);
}

#[test]
fn what_is_not_json_is_malformed() {
    let server = Server::start();
    for body in [r#"{"email":"#, "{}x", "not json", "\u{feff}{}", r#"{"a":1e999}"#] {
        let problem = server.post(REGISTER, &[], body).problem(400);
        assert!(problem["message"].as_str().is_some_and(|text| text.contains("line 1")), "{problem}");
    }
    let deep = "[".repeat(10_000);
    server.post(REGISTER, &[], &deep).problem(400);
    server.post(REGISTER, &[], "[]").problem(422);
    server.post(REGISTER, &[], "null").problem(422);
}

#[test]
fn other_media_types_are_refused() {
    let server = Server::start();
    for kind in ["text/plain", "application/xml", "application/x-www-form-urlencoded"] {
        server.request("POST", REGISTER, &[("content-type", kind)], "{}").problem(415);
    }
    server.request("POST", "/api/v1/auth/login", &[("content-type", "text/plain")], "x").problem(415);
    assert_eq!(server.request("POST", REGISTER, &[], "{}").status, 422, "none stated counts as JSON");
}

#[test]
fn a_body_over_the_limit_is_refused_whether_its_length_is_stated_or_not() {
    let server = Server::with(&[("TREEBEARD_SERVER__JSON_KILOBYTES_MAX", "16"), ("MAX_UPLOAD_SIZE_MB", "1")]);
    let large = format!(r#"{{"email":"{}"}}"#, "a".repeat(20_000));
    let problem = server.post(REGISTER, &[], &large).problem(413);
    assert!(problem["message"].as_str().is_some_and(|text| text.contains("16384 bytes")), "{problem}");

    let stated = format!(
        "POST {REGISTER} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99999999\r\n\
         connection: close\r\n\r\n{{"
    );
    server.raw(stated.as_bytes()).problem(413);

    let chunk = "a".repeat(1000);
    let chunks = format!("3e8\r\n{chunk}\r\n").repeat(30);
    let chunked = format!(
        "POST {REGISTER} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\
         connection: close\r\n\r\n{chunks}0\r\n\r\n"
    );
    server.raw(chunked.as_bytes()).problem(413);
}
