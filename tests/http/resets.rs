//! Forgotten passwords: asked for, delivered by mail or webhook or by hand, used once.

use crate::mailbox::Mailbox;
use crate::people::treebeard;
use crate::support::{Reply, Server, engine};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

const FORGOT: &str = "/api/v1/auth/password/forgot";
const RESET: &str = "/api/v1/auth/password/reset";

fn forgot(server: &Server, email: &str) -> Reply {
    server.post(FORGOT, &[], &json!({ "email": email }).to_string())
}

fn reset(server: &Server, token: &str, password: &str) -> Reply {
    server.post(RESET, &[], &json!({ "token": token, "new_password": password }).to_string())
}

fn login(server: &Server, password: &str) -> u16 {
    let body = json!({ "username": "anna@example.com", "password": password }).to_string();
    server.post("/api/v1/auth/login", &[], &body).status
}

/// What stands behind the `#` of the link in a text.
fn token_in(text: &str) -> String {
    let rest = text.split_once("/reset-password#").expect("a link").1;
    rest.chars().take_while(char::is_ascii_hexdigit).collect()
}

#[test]
fn a_link_sent_by_mail_sets_a_new_password_once() {
    let mailbox = Mailbox::open();
    let url = format!("smtp://tree:ent@{}", mailbox.address);
    let server = Server::with(&[
        ("TREEBEARD_NOTIFIER__SMTP_URL", &url),
        ("TREEBEARD_NOTIFIER__SENDER", "TreeBeard <noreply@example.org>"),
        ("TREEBEARD_SERVER__PUBLIC_URL", "https://trees.example.org/"),
    ]);
    let tokens = server.register("anna@example.com");
    let known = forgot(&server, "Anna@example.com");
    let unknown = forgot(&server, "nobody@example.com");
    assert_eq!((known.status, unknown.status), (202, 202));
    assert_eq!(known.body, unknown.body);

    let mail = mailbox.next();
    assert!(
        mail.contains("To: anna@example.com") && mail.contains("https://trees.example.org/reset-password#"),
        "{mail}"
    );
    let token = token_in(&mail);
    assert_eq!(token.len(), 64);
    assert_eq!(reset(&server, &token, "abc").faults(), [("new_password".to_owned(), "min_length".to_owned())]);
    assert_eq!(reset(&server, &token, "better456").status, 204, "a refused password has not used the link up");
    let spent = [("token".to_owned(), "invalid_token".to_owned())];
    assert_eq!(reset(&server, &token, "another789").faults(), spent);
    assert_eq!(reset(&server, &"0".repeat(64), "another789").faults(), spent);
    assert_eq!((login(&server, "test123"), login(&server, "better456")), (401, 200));

    let bearer = format!("Bearer {}", tokens["access_token"].as_str().expect("a token"));
    server.get("/api/v1/auth/me", &[("authorization", &bearer)]).problem(401);
    let body = json!({ "refresh_token": tokens["refresh_token"] }).to_string();
    server.post("/api/v1/auth/refresh", &[], &body).problem(401);
    assert!(!server.log().contains(&token) && !server.log().contains("anna@example.com"), "{}", server.log());
}

#[test]
fn asking_again_and_again_sends_one_mail_a_minute() {
    let mailbox = Mailbox::open();
    let url = format!("smtp://{}", mailbox.address);
    let server =
        Server::with(&[("TREEBEARD_NOTIFIER__SMTP_URL", &url), ("TREEBEARD_NOTIFIER__SENDER", "noreply@example.org")]);
    server.register("anna@example.com");
    server.register("ben@example.com");
    for _ in 0..5 {
        assert_eq!(forgot(&server, "anna@example.com").status, 202);
    }
    // The settings leave the port to the system.
    let link = format!("http://{}/reset-password#", server.address);
    let mail = mailbox.next();
    assert!(mail.contains(&link), "{link} in {mail}");
    // Mails leave in the order they were asked for: when Ben's is there, a second one of Anna's would be, too.
    assert_eq!(forgot(&server, "ben@example.com").status, 202);
    assert!(mailbox.next().contains("To: ben@example.com"));
    assert_eq!(mailbox.waiting(), [""; 0]);
}

#[test]
fn a_webhook_gets_the_link_signed() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let received = thread::spawn(move || one_request(&listener));
    let server = Server::with(&[
        ("TREEBEARD_NOTIFIER__WEBHOOK_URL", &url),
        ("TREEBEARD_NOTIFIER__WEBHOOK_KEY", "a key for the webhook"),
    ]);
    server.register("anna@example.com");
    assert_eq!(forgot(&server, "anna@example.com").status, 202);
    let (headers, body) = received.join().expect("a request arrives");
    let header = |name: &str| {
        let found = headers.iter().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        found.unwrap_or_else(|| panic!("no {name} in {headers:?}")).to_owned()
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(b"a key for the webhook").expect("any length will do");
    mac.update(format!("{}.{}.{body}", header("webhook-id"), header("webhook-timestamp")).as_bytes());
    assert_eq!(header("webhook-signature"), format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())));
    let message: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&message["kind"], &message["to"]), (&json!("password_reset"), &json!("anna@example.com")));
    let link = message["link"].as_str().expect("a link");
    assert!(link.starts_with(&format!("http://{}/reset-password#", server.address)), "{link}");
    assert_eq!(reset(&server, &token_in(link), "better456").status, 204);
}

/// Headers in lower case, and the body, of one request that is answered with 204.
fn one_request(listener: &TcpListener) -> (Vec<String>, String) {
    let (mut stream, _) = listener.accept().expect("a connection");
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        match line.trim_end() {
            "" => break,
            text => headers.push(
                text.split_once(": ")
                    .map_or_else(|| text.to_owned(), |(name, value)| format!("{}: {value}", name.to_lowercase())),
            ),
        }
    }
    let length = headers.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.expect("a length")];
    reader.read_exact(&mut body).expect("a body");
    stream.write_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n").expect("it listens");
    (headers, String::from_utf8(body).expect("UTF-8"))
}

#[test]
fn without_a_notifier_the_answer_is_the_same_and_the_log_says_what_is_missing() {
    let server = Server::start();
    server.register("anna@example.com");
    assert_eq!(forgot(&server, "anna@example.com").status, 202);
    server.logged("set notifier.smtp_url or notifier.webhook_url");
}

#[test]
fn the_operator_prints_a_link_that_works() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = engine::database(folder.path(), "reset.db");
    let server = Server::with(&[("DATABASE_URL", &database)]);
    server.register("anna@example.com");
    assert_eq!(server.stop(), Some(0));
    let link = treebeard(folder.path(), &database, &["admin", "reset-link", "anna@example.com"], "");
    let server = Server::with(&[("DATABASE_URL", &database)]);
    assert_eq!(reset(&server, &token_in(&link), "better456").status, 204);
    assert_eq!(login(&server, "better456"), 200);
}

#[test]
fn the_page_a_link_leads_to_runs_only_its_own_script() {
    let server = Server::start();
    let page = server.get("/reset-password", &[]);
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("script-src 'sha256-") && policy.contains("default-src 'none'"), "{policy}");
    assert!(page.body.contains(RESET) && !page.body.contains("http://") && !page.body.contains("https://"));
}
