//! Planted secrets: whatever goes wrong, none of them is in a log line, an answer, a metric or the shown settings.

use crate::mailbox::Mailbox;
use crate::support::Server;
use serde_json::{Value, json};
use std::process::{Command, Stdio};

/// What no output may hold. Each is unlike anything else.
const PLANTED: &[&str] = &[
    "planted-signing-key-4f1c9a7e2b8d6053",
    "planted-previous-key-9a7e2b8d60534f1c",
    "planted-claude-key-2b8d60534f1c9a7e",
    "planted-smtp-password-60534f1c9a7e",
    "planted-webhook-key-8d60534f1c9a7e",
    "planted-metrics-token-0534f1c9a7e",
    "planted-database-password-34f1c9a",
    "planted-alerts-path-c9a7e2b8d605",
    "planted-alerts-key-e2b8d60534f1c",
];

const PASSWORDS: [&str; 3] = ["planted password of anna", "planted new password", "planted wrong guess"];
const EMAIL: &str = "planted.anna@example.org";

fn settings(smtp_url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("SECRET_KEY", PLANTED[0].to_owned()),
        ("TREEBEARD_AUTH__SECRET_KEY_PREVIOUS", PLANTED[1].to_owned()),
        ("CLAUDE_API_KEY", PLANTED[2].to_owned()),
        // Nothing listens there.
        ("TREEBEARD_EXPLANATIONS__BASE_URL", "http://127.0.0.1:1".to_owned()),
        ("TREEBEARD_NOTIFIER__SMTP_URL", smtp_url.to_owned()),
        ("TREEBEARD_NOTIFIER__SENDER", "TreeBeard <noreply@example.org>".to_owned()),
        ("TREEBEARD_METRICS__TOKEN", PLANTED[5].to_owned()),
        // Nothing listens there, either.
        ("TREEBEARD_ALERTS__WEBHOOK_URL", format!("http://127.0.0.1:1/{}", PLANTED[7])),
        ("TREEBEARD_ALERTS__WEBHOOK_KEY", PLANTED[8].to_owned()),
    ]
}

#[test]
fn no_secret_and_nothing_personal_leaves_by_a_log_an_answer_or_a_metric() {
    let mailbox = Mailbox::open();
    let smtp_url = format!("smtp://tree:{}@{}", PLANTED[3], mailbox.address);
    let own = settings(&smtp_url);
    let more = [("LOG_LEVEL", "trace"), ("DEBUG", "true"), ("RUST_BACKTRACE", "1")];
    let all: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).chain(more).collect();
    let server = Server::with(&all);
    let mut answers = Vec::new();
    let mut tokens = Vec::new();
    let mut said = |method: &str, path: &str, headers: &[(&str, &str)], body: &Value| {
        let reply = server.json(method, path, headers, &body.to_string());
        answers.push(format!("{:?} {}", reply.headers, reply.body));
        reply
    };
    let account = json!({ "email": EMAIL, "password": PASSWORDS[0], "name": "Anna", "zip_code": "78701" });
    let pair = server.post("/api/v1/auth/register", &[], &account.to_string()).value();
    for name in ["access_token", "refresh_token"] {
        tokens.push(pair[name].as_str().expect("a token").to_owned());
    }
    let bearer = format!("Bearer {}", tokens[0]);
    let signed = [("authorization", bearer.as_str())];
    said("POST", "/api/v1/auth/register", &[], &account);
    let wrong = json!({ "username": EMAIL, "password": PASSWORDS[2] });
    said("POST", "/api/v1/auth/login", &[], &wrong);
    said("POST", "/api/v1/auth/login", &[], &json!({ "username": EMAIL, "password": [PASSWORDS[2]] }));
    let change = json!({ "current_password": PASSWORDS[2], "new_password": PASSWORDS[1] });
    said("POST", "/api/v1/auth/password", &signed, &change);
    said("POST", "/api/v1/auth/password/forgot", &[], &json!({ "email": EMAIL }));
    said("POST", "/api/v1/auth/password/reset", &[], &json!({ "token": tokens[1], "new_password": PASSWORDS[1] }));
    said("POST", "/api/v1/auth/refresh", &[], &json!({ "refresh_token": format!("{}x", tokens[1]) }));
    said("POST", "/api/v1/auth/logout", &[], &json!({ "refresh_token": "unknown", "password": PASSWORDS[2] }));
    said("POST", "/api/v1/recommendations/generate", &signed, &json!({ "user_data": { "email": EMAIL } }));
    said("DELETE", "/api/v1/users/me", &signed, &json!({ "password": PASSWORDS[2] }));
    said("GET", "/api/v1/auth/me", &[("authorization", "Bearer planted-broken-token-1c9a7e")], &json!({}));
    said("GET", &format!("/api/v1/{}?token={}", PLANTED[6], tokens[0]), &signed, &json!({}));
    let mail = mailbox.next();
    let link = mail.split_once('#').expect("a link").1;
    tokens.push(link.chars().take_while(char::is_ascii_hexdigit).collect());

    let refused = server.get("/metrics", &[("authorization", "Bearer planted-broken-token-1c9a7e")]);
    let metrics = server.get("/metrics", &[("authorization", &format!("Bearer {}", PLANTED[5]))]);
    assert_eq!((refused.status, metrics.status), (401, 200));
    let pages = ["/health", "/version", "/openapi.json"].map(|path| server.get(path, &[]).body);
    server.logged("message sent");
    server.logged("authn_login_fail");
    let log = server.log();
    let outputs =
        [("the log", log), ("the answers", answers.join("\n")), ("the metrics", metrics.body + &refused.body)];
    for (what, text) in
        outputs.iter().map(|(what, text)| (*what, text)).chain(pages.iter().map(|page| ("a page", page)))
    {
        let secrets = PLANTED.iter().chain(&PASSWORDS).copied().chain(tokens.iter().map(String::as_str));
        for secret in secrets.chain(["planted-broken-token-1c9a7e", EMAIL]) {
            assert!(!text.contains(secret), "{what} hold {secret}");
        }
    }
}

#[test]
fn the_settings_are_shown_and_refused_without_their_secrets() {
    let database = format!("postgres://tree:{}@127.0.0.1:1/trees", PLANTED[6]);
    let mut environment = settings(&format!("smtps://tree:{}@mail.example.org", PLANTED[3]));
    environment.push(("DATABASE_URL", database));
    // Wrong on purpose: the refusal must not repeat what is right beside it.
    let broken = [("TREEBEARD_NOTIFIER__WEBHOOK_URL", "ftp://x"), ("TREEBEARD_NOTIFIER__WEBHOOK_KEY", PLANTED[4])];
    for (arguments, wrong, code) in [
        (&["config", "show"][..], false, 0),
        (&["config", "show", "--json"], false, 0),
        (&["config", "check"], true, 4),
        (&["config", "check", "--set", "environment=production"], true, 4),
        (&["serve"], false, 1),
        (&["migrate", "status"], false, 1),
        (&["doctor"], false, 4),
        (&["doctor", "--json"], true, 4),
        (&["admin", "user", "list"], false, 1),
        (&["--set", "auth.secret_key=planted-flag-value-7e2b8d", "serve"], false, 2),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_treebeard"))
            .args(arguments)
            .env_clear()
            .env("RUST_BACKTRACE", "1")
            .envs(environment.iter().map(|(name, value)| (*name, value.as_str())))
            .envs(broken.iter().filter(|_| wrong).copied())
            .current_dir(tempfile::tempdir().expect("a temporary folder").path())
            .stdin(Stdio::null())
            .output()
            .expect("the binary starts");
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        for secret in PLANTED.iter().chain(&["planted-flag-value-7e2b8d"]) {
            assert!(!text.contains(secret), "{arguments:?} shows {secret}");
        }
    }
}

#[test]
fn what_a_panic_would_print_of_the_settings_holds_no_secret() {
    let own = settings(&format!("smtps://tree:{}@mail.example.org", PLANTED[3]));
    let environment = own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let sources = treebeard::config::Sources { environment, ..treebeard::config::Sources::default() };
    let loaded = treebeard::config::Config::load(&sources).expect("the settings are valid");
    let printed = format!("{loaded:?}");
    assert!(printed.contains("REDACTED"), "{printed}");
    for secret in PLANTED {
        assert!(!printed.contains(secret), "{printed}");
    }
}
