//! Health, version, the documentation pages and the API document.

use crate::support::{Server, engine};
use serde_json::{Value, json};

#[test]
fn a_fresh_service_is_healthy_and_says_of_what() {
    let server = Server::start();
    let reply = server.get("/health", &[]);
    assert_eq!(reply.status, 200, "{}", reply.body);
    let health = reply.value();
    let status = health["status"].as_str().unwrap_or_default();
    assert!(["healthy", "degraded"].contains(&status), "degraded only where the disk is nearly full: {health}");
    assert_eq!(health["environment"], "test");
    assert_eq!(health["checks"]["database"]["status"], "healthy");
    assert_eq!(health["checks"]["database"]["type"], engine::name());
    assert_eq!(health["checks"]["migrations"]["status"], "healthy");
    assert_eq!(server.get("/health/live", &[]).value(), json!({ "status": "alive" }));
    assert_eq!(server.get("/health/ready", &[]).value(), json!({ "status": "ready" }));
    let version = server.get("/version", &[]).value();
    assert_eq!((&version["name"], &version["version"]), (&json!("treebeard"), &json!(env!("CARGO_PKG_VERSION"))));
    assert!(version["schema_version"].as_i64().is_some_and(|version| version >= 1), "{version}");
}

#[test]
fn the_committed_api_document_is_the_served_one() {
    let served = treebeard::http::openapi_document();
    let committed = include_str!("../../assets/openapi.json");
    assert!(
        served.trim() == committed.trim(),
        "assets/openapi.json is not what the code describes: run `cargo run -- openapi > assets/openapi.json` and look \
         at the difference before committing it"
    );
    let server = Server::start();
    let reply = server.get("/openapi.json", &[]);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.body.trim(), served.trim());
}

#[test]
fn every_operation_is_named_described_and_answers_problems() {
    let document: Value = serde_json::from_str(&treebeard::http::openapi_document()).expect("JSON");
    let mut seen = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let what = format!("{method} {path}");
            for member in ["operationId", "summary", "description"] {
                assert!(operation[member].as_str().is_some_and(|text| !text.is_empty()), "{what}: {member}");
            }
            assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{what}: one tag");
            let answers = operation["responses"].as_object().expect("responses");
            assert!(answers.keys().any(|status| status.starts_with('2')), "{what}: a good answer");
            for (status, answer) in answers.iter().filter(|(status, _)| **status == "422" || **status == "401") {
                let target = answer["$ref"].as_str().unwrap_or_default().trim_start_matches('#');
                let problem = document.pointer(target).expect("a component");
                let schema = &problem["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{what}: {status}");
            }
            seen.push(operation["operationId"].as_str().unwrap_or_default().to_owned());
        }
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count, "operation ids are unique");
}

#[test]
fn pages_come_compressed_and_only_when_changed() {
    let server = Server::start();
    for path in ["/", "/docs", "/redoc", "/openapi.json", "/guide", "/guide/backup"] {
        let plain = server.get(path, &[]);
        assert_eq!((plain.status, plain.header("content-encoding")), (200, None), "{path}");
        for (accepted, coding) in [("gzip", "gzip"), ("zstd, gzip", "zstd"), ("br, gzip;q=0.9", "br")] {
            let compressed = server.get(path, &[("accept-encoding", accepted)]);
            assert_eq!(compressed.header("content-encoding"), Some(coding), "{path}");
            assert_ne!(plain.header("etag"), compressed.header("etag"), "{path}");
        }
        let compressed = server.get(path, &[("accept-encoding", "br, gzip")]);
        let tag = plain.header("etag").expect("an ETag");
        assert_ne!(Some(tag), compressed.header("etag"), "{path}");
        let again = server.get(path, &[("if-none-match", tag)]);
        assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", Some(tag)), "{path}");
    }
}

#[test]
fn the_pages_ask_no_other_host_for_anything() {
    let server = Server::start();
    for path in ["/", "/docs", "/redoc", "/guide", "/guide/backup"] {
        let reply = server.get(path, &[]);
        let policy = reply.header("content-security-policy").unwrap_or_default();
        assert!(!policy.contains("http") && !policy.contains("unsafe-eval"), "{path}: {policy}");
        for fetch in ["<link href=\"http", "<script src=", "<img src=\"http", "@import", "fonts.googleapis"] {
            assert!(!reply.body.contains(fetch), "{path} has {fetch}");
        }
    }
}

#[test]
fn the_documentation_can_be_switched_off() {
    let server = Server::with(&[("TREEBEARD_FEATURES__DOCS", "false")]);
    for path in ["/docs", "/redoc", "/openapi.json", "/guide", "/guide/backup"] {
        server.get(path, &[]).problem(404);
    }
    assert_eq!(server.get("/", &[]).status, 200);
}
