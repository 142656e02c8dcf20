//! Access tokens that must not open anything.

use crate::support::{Server, engine};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

const SECRET: &str = "a signing key of more than thirty-two bytes, for tests";

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn signed(header: &Value, claims: &Value, secret: &str) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length will do");
    mac.update(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

/// `value` with one member replaced, or removed when `new` is null.
fn with(value: &Value, name: &str, new: Value) -> Value {
    let mut changed = value.clone();
    let members = changed.as_object_mut().expect("an object");
    if new.is_null() {
        members.remove(name)
    } else {
        members.insert(name.to_owned(), new)
    };
    changed
}

#[test]
fn only_whole_current_access_tokens_of_ours_open_anything() {
    let server = Server::with(&[("SECRET_KEY", SECRET)]);
    let tokens = server.register("anna@example.com");
    let token = tokens["access_token"].as_str().expect("a token");
    let mut parts = token.split('.');
    let (header, claims) = (decoded(parts.next().expect("a header")), decoded(parts.next().expect("claims")));
    assert_eq!(
        (&header["alg"], &claims["type"], &claims["is_admin"]),
        (&json!("HS256"), &json!("access"), &json!(false))
    );
    assert_eq!(signed(&header, &claims, SECRET), token, "the test signs as the service does");

    let issued = claims["iat"].as_i64().expect("a time");
    let (past, future) = (json!(issued - 10), json!(issued + 3_600));
    let elsewhere = with(&header, "jku", json!("https://keys.example.org/set"));
    let mut forged = vec![
        ("alg none", format!("{}.{}.", part(&with(&header, "alg", json!("none"))), part(&claims))),
        ("another algorithm", signed(&with(&header, "alg", json!("HS512")), &claims, SECRET)),
        ("RS256 with our key as the public one", signed(&with(&header, "alg", json!("RS256")), &claims, SECRET)),
        ("no algorithm", signed(&with(&header, "alg", Value::Null), &claims, SECRET)),
        ("a key named by the token", signed(&elsewhere, &claims, "some other signing key of enough length")),
        (
            "a tampered payload",
            token.replace(&part(&claims), &part(&with(&claims, "sub", json!("00000000-0000-7000-8000-000000000000")))),
        ),
        ("another key", signed(&header, &claims, "some other signing key of enough length")),
        ("unknown kid", signed(&with(&header, "kid", json!("0123456789ab")), &claims, SECRET)),
        ("no kid", signed(&with(&header, "kid", Value::Null), &claims, SECRET)),
        ("a refresh token", tokens["refresh_token"].as_str().expect("a token").to_owned()),
        ("nonsense", "nonsense".to_owned()),
    ];
    let changes = [
        ("iss", json!("somebody")),
        ("aud", json!("something else")),
        ("exp", past),
        ("exp", Value::Null),
        ("exp", json!("tomorrow")),
        ("iat", future.clone()),
        ("iat", Value::Null),
        ("nbf", future),
        ("aud", Value::Null),
        ("aud", json!(["another", "audience"])),
        ("sub", Value::Null),
        ("jti", Value::Null),
        ("sid", Value::Null),
        ("sid", json!("00000000-0000-7000-8000-000000000000")),
        ("type", Value::Null),
        ("ver", Value::Null),
        ("is_admin", Value::Null),
        ("type", json!("refresh")),
        ("sub", json!("00000000-0000-7000-8000-000000000000")),
        ("ver", json!(7)),
        ("iss", Value::Null),
    ];
    for (name, value) in changes {
        forged.push((name, signed(&header, &with(&claims, name, value), SECRET)));
    }
    for (what, token) in forged {
        let reply = server.get("/api/v1/auth/me", &[("authorization", &format!("Bearer {token}"))]);
        reply.problem(401);
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{what}");
        assert!(!reply.body.contains(&token), "{what}: the token is not told back");
    }
    // A claim of being an administrator counts for nothing: the account's row does.
    let promoted = signed(&header, &with(&claims, "is_admin", json!(true)), SECRET);
    let me = server.get("/api/v1/auth/me", &[("authorization", &format!("Bearer {promoted}"))]);
    assert_eq!((me.status, &me.value()["is_admin"]), (200, &json!(false)));
}

#[test]
fn no_credential_and_one_of_another_scheme_are_refused() {
    let server = Server::start();
    for headers in [&[][..], &[("authorization", "Basic dGVzdDp0ZXN0")], &[("authorization", "Bearer")]] {
        let reply = server.get("/api/v1/users/preferences", headers);
        reply.problem(401);
    }
}

#[test]
fn a_new_signing_key_takes_over_while_the_old_one_is_still_honoured() {
    const NEW: &str = "the signing key that comes after it, of enough bytes";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = engine::database(folder.path(), "keys.db");
    let start = |keys: &[(&str, &str)]| Server::with(&[&[("DATABASE_URL", database.as_str())], keys].concat());
    let me = |server: &Server, tokens: &Value| {
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().expect("a token"));
        server.get("/api/v1/auth/me", &[("authorization", &bearer)]).status
    };
    let kid = |tokens: &Value| {
        let token = tokens["access_token"].as_str().expect("a token");
        decoded(token.split('.').next().expect("a header"))["kid"].clone()
    };
    let server = start(&[("SECRET_KEY", SECRET)]);
    let old = server.register("anna@example.com");
    assert_eq!(server.stop(), Some(0));

    let server = start(&[("SECRET_KEY", NEW), ("TREEBEARD_AUTH__SECRET_KEY_PREVIOUS", SECRET)]);
    assert_eq!(me(&server, &old), 200, "tokens of the previous key are good until they expire");
    let refreshed =
        server.post("/api/v1/auth/refresh", &[], &json!({ "refresh_token": old["refresh_token"] }).to_string());
    assert_eq!(refreshed.status, 200, "a session outlives the key");
    let new = refreshed.value();
    assert_ne!(kid(&old), kid(&new));
    assert_eq!(me(&server, &new), 200);
    assert_eq!(server.stop(), Some(0));

    let server = start(&[("SECRET_KEY", NEW)]);
    assert_eq!((me(&server, &old), me(&server, &new)), (401, 200), "the old key is gone");
}
