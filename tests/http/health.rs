//! Health: what it says while all is well and with the database down, and what asking costs.

use crate::metrics::line;
use crate::postgres::Cluster;
use crate::support::{Server, engine};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// Asks until the service says `status`, for what takes a moment to be noticed.
#[track_caller]
fn becomes(server: &Server, path: &str, status: u16) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let reply = server.get(path, &[]);
        if reply.status == status {
            return reply.value();
        }
        assert!(Instant::now() < until, "{path} stays {}: {}", reply.status, reply.body);
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn every_check_is_named_and_well() {
    let server = Server::start();
    let health = becomes(&server, "/health", 200);
    assert!(health["status"] == "healthy" || health["status"] == "degraded", "the disk may be nearly full: {health}");
    assert_eq!(health["environment"], "test");
    let checks = health["checks"].as_object().expect("checks");
    assert_eq!(
        checks.keys().collect::<Vec<_>>(),
        ["database", "cache", "migrations", "disk", "explanations", "backups"]
    );
    assert_eq!(health["checks"]["backups"]["status"], "healthy");
    assert_eq!(health["checks"]["database"]["type"], engine::name());
    assert_eq!(health["checks"]["database"]["status"], "healthy");
    assert!(health["checks"]["database"]["latency_ms"].is_number());
    assert_eq!(health["checks"]["cache"], json!({ "status": "healthy", "type": "in_process" }));
    assert!(health["checks"]["migrations"]["version"].as_i64().is_some_and(|version| version >= 2));
    assert!(health["checks"]["disk"]["free_bytes"].is_number());
    assert_eq!(health["checks"]["explanations"], json!({ "status": "healthy", "source": "template" }));
    assert_eq!(becomes(&server, "/health/live", 200), json!({ "status": "alive" }));
    assert_eq!(becomes(&server, "/health/ready", 200), json!({ "status": "ready" }));
}

/// A thousand polls in a row look at the database a handful of times: what one look found is told for a second.
#[test]
fn polling_does_not_reach_the_database_each_time() {
    let server = Server::with(&[("TREEBEARD_LOGGING__SLOW_QUERY_MILLISECONDS", "0")]);
    let mut stream = server.connect();
    let started = Instant::now();
    for _ in 0..500 {
        stream.write_all(b"GET /health/ready HTTP/1.1\r\nhost: x\r\n\r\n").expect("it is sent");
        let mut answer = [0; 4_096];
        let length = stream.read(&mut answer).expect("an answer");
        assert!(answer[..length].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..length]));
    }
    let seconds = started.elapsed().as_secs();
    drop(stream);
    line(&server, |line| {
        line["message"] == "slow query" && line["sql"].as_str().is_some_and(|sql| sql.contains("refinery"))
    });
    let looks = server.log().lines().filter(|line| line.contains("slow query") && line.contains("refinery")).count();
    // Each look is a statement or two, and there is at most one look a second.
    assert!(looks as u64 <= 2 * (seconds + 2), "{looks} statements in {seconds} s");
}

#[test]
fn with_the_database_down_the_service_says_so_and_recovers() {
    let name = "with_the_database_down_the_service_says_so_and_recovers";
    let Some(cluster) = Cluster::start_or_skip(name) else { return };
    let server = Server::with(&[("DATABASE_URL", &cluster.database("health"))]);
    assert_eq!(becomes(&server, "/health", 200)["checks"]["database"]["type"], "postgres");
    cluster.stop().expect("it stops");
    let health = becomes(&server, "/health", 503);
    assert_eq!(
        (&health["status"], &health["checks"]["database"]["status"]),
        (&json!("unhealthy"), &json!("unhealthy"))
    );
    assert!(!health.to_string().to_lowercase().contains("connect"), "no driver text: {health}");
    let ready = server.get("/health/ready", &[]);
    let problem = ready.problem(503);
    assert_eq!(problem["message"], "The database cannot be reached. Try again shortly.");
    assert!(ready.header("retry-after").is_some(), "{:?}", ready.headers);
    assert_eq!(server.get("/health/live", &[]).status, 200, "the process itself is alive");
    cluster.launch().expect("it starts again");
    becomes(&server, "/health", 200);
    becomes(&server, "/health/ready", 200);
}
