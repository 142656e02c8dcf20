//! A catalog imported by the command line while the service runs is served without a restart, on both engines.

use crate::market::catalog;
use crate::postgres::Cluster;
use crate::support::{Reply, Server};
use serde_json::Value;
use std::process::Command;
use std::time::{Duration, Instant};

const LIST: &str = "/api/v1/plans/catalog?page_size=5";

/// Imports the demo's first `plans` plans with the real binary, as another process than the service.
fn import(url: &str, plans: usize) {
    let mut file = catalog();
    file.plans.truncate(plans);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("catalog.json");
    std::fs::write(&path, serde_json::to_vec(&file).expect("JSON")).expect("the temporary folder can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_treebeard"))
        .args(["catalog", "import", "catalog.json"])
        .current_dir(folder.path())
        .env_clear()
        .env("DATABASE_URL", url)
        .output()
        .expect("the binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Asks until there are so many plans; the patience is for slow machines.
fn list_of(server: &Server, plans: usize) -> Reply {
    let started = Instant::now();
    loop {
        let reply = server.get(LIST, &[]);
        if reply.value()["total"] == plans {
            return reply;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "not served after a minute: {}", reply.body);
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn an_import_is_served_while_the_service_runs(url: &str) {
    let server = Server::with(&[("DATABASE_URL", url)]);
    assert_eq!(server.get(LIST, &[]).value()["total"], 0);
    let bearer = server.signed_in("ada@example.com");

    import(url, 12);
    let first = list_of(&server, 12);
    let tag = first.header("etag").expect("an ETag").to_owned();
    assert_eq!(server.get(LIST, &[("if-none-match", &tag)]).status, 304);

    import(url, 20);
    list_of(&server, 20);
    let changed = server.get(LIST, &[("if-none-match", &tag)]);
    assert_eq!((changed.status, changed.value()["total"].as_u64()), (200, Some(20)));
    assert_ne!(changed.header("etag"), Some(tag.as_str()));

    // Advice is made from the new plans, and the service still writes to the store it shares.
    let months: Vec<Value> =
        (1..=12).map(|month| serde_json::json!({"month": format!("2025-{month:02}"), "kwh": 900})).collect();
    let body = serde_json::json!({"user_data": {"zip_code": "78701"}, "usage_data": months}).to_string();
    let advice = server.post("/api/v1/recommendations/generate", &[("authorization", &bearer)], &body);
    assert_eq!(advice.status, 200, "{}", advice.body);
    assert!(advice.value()["total_plans_analyzed"].as_u64() > Some(0), "{}", advice.body);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn on_sqlite_an_import_beside_the_service_is_served() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    an_import_is_served_while_the_service_runs(&format!("sqlite:{}", folder.path().join("tree.db").display()));
}

#[test]
fn on_postgresql_an_import_beside_the_service_is_served() {
    let Some(cluster) = Cluster::start_or_skip("on_postgresql_an_import_beside_the_service_is_served") else { return };
    an_import_is_served_while_the_service_runs(&cluster.database("following"));
}

/// Two services would have two sets of limits and caches: only short work is done beside one.
#[test]
fn a_second_service_on_the_same_file_is_still_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite:{}", folder.path().join("tree.db").display());
    let _first = Server::with(&[("DATABASE_URL", &url)]);
    let second = Command::new(env!("CARGO_BIN_EXE_treebeard"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .current_dir(folder.path())
        .env_clear()
        .env("DATABASE_URL", &url)
        .output()
        .expect("the binary starts");
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains("is in use by process"), "{said}");
}
