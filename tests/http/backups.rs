//! The service's own backups: made by itself, asked for by an administrator, seen in health and metrics.

use crate::people::{ADMIN, People, SUPPORT};
use crate::support::Server;
use serde_json::Value;
use std::time::{Duration, Instant};

const BACKUPS: &str = "/api/v1/admin/backups";

/// Asks again until the answer is as wished.
#[track_caller]
fn until(what: &str, mut ask: impl FnMut() -> Option<Value>) -> Value {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{what} does not come");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn metric(server: &Server, name: &str) -> Option<f64> {
    let page = server.get("/metrics", &[]).body;
    page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn the_service_makes_its_first_backup_by_itself_and_more_when_asked() {
    let people = People::meet();
    let server = &people.server;
    let (admin, support) = (people.bearer(ADMIN), people.bearer(SUPPORT));
    let list = || server.get(BACKUPS, &[("authorization", &support)]).value();
    let count = |answer: &Value| answer["items"].as_array().map_or(0, Vec::len);
    let first = until("the first backup", || Some(list()).filter(|answer| count(answer) == 1));
    assert_eq!(first["items"][0]["reason"], "scheduled");
    let health = until("its age in the health answer", || {
        Some(server.get("/health", &[]).value()["checks"]["backups"].clone()).filter(|one| one["age_seconds"].is_u64())
    });
    assert_eq!((&health["status"], &health["last_succeeded"]), (&"healthy".into(), &true.into()));

    assert_eq!(server.post(BACKUPS, &[("authorization", &support)], "").status, 403);
    let begun = server.post(BACKUPS, &[("authorization", &admin)], "");
    assert_eq!((begun.status, &begun.value()["success"]), (202, &true.into()), "{}", begun.body);
    let both = until("the second backup", || Some(list()).filter(|answer| count(answer) == 2));
    let newest = &both["items"][0];
    assert_eq!(
        (&newest["reason"], &newest["encrypted"], &both["fault"]),
        (&"asked".into(), &false.into(), &Value::Null)
    );
    assert!(newest["audit_seq"].as_i64() > both["items"][1]["audit_seq"].as_i64(), "the wish is in the audit log");
    until("two runs in the metrics", || {
        metric(server, "treebeard_backup_runs_total{outcome=\"made\"}").filter(|runs| *runs >= 2.0).map(Value::from)
    });
    let jobs = server.get("/api/v1/admin/jobs", &[("authorization", &admin)]).value();
    let job = jobs.as_array().expect("a list").iter().find(|job| job["name"] == "backup").expect("it is listed");
    assert_eq!(
        (&job["every_seconds"], &job["failures"], &job["last_outcome"]),
        (&86_400.into(), &0.into(), &"ok".into())
    );
    let logged = "/api/v1/admin/audit-logs?event=sys_backup_run&success=true";
    let logged = server.get(logged, &[("authorization", &admin)]).value();
    assert_eq!((&logged["total"], &logged["items"][0]["detail"]["name"]), (&2.into(), &newest["name"]));
    assert_eq!(logged["items"][1]["detail"]["reason"], "scheduled");
    assert_eq!(metric(server, "treebeard_backup_ok"), Some(1.0));
    assert!(metric(server, "treebeard_backup_last_success_timestamp_seconds").is_some_and(|at| at > 1.7e9));
    assert!(metric(server, "treebeard_backup_bytes").is_some_and(|bytes| bytes > 10_000.0));
    assert!(metric(server, "treebeard_backup_duration_seconds").is_some_and(|seconds| seconds > 0.0));
}

#[test]
fn a_backup_that_fails_is_told_by_health_and_metrics() {
    let server = Server::with(&[("TREEBEARD_BACKUP__SECOND_DIR", "a disk that is not mounted")]);
    let health = until("the fault", || {
        Some(server.get("/health", &[]).value()).filter(|answer| answer["checks"]["backups"]["status"] == "degraded")
    });
    assert_eq!(
        (&health["status"], &health["checks"]["backups"]["last_succeeded"]),
        (&"degraded".into(), &false.into())
    );
    assert_eq!(metric(&server, "treebeard_backup_ok"), Some(0.0));
    server.logged("backup_second_failed");
}
