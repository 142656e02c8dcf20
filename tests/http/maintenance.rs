//! The service looks after its database by itself.

use crate::people::{ADMIN, People};
use crate::support::engine;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Asks again until there is an answer.
fn until(started: &Instant, mut ask: impl FnMut() -> Option<Value>) -> Value {
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "it does not come");
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn the_job_runs_soon_after_the_start_and_is_told_by_metrics_and_the_list_of_jobs() {
    let people = People::meet();
    let admin = people.bearer(ADMIN);
    let started = Instant::now();
    let job = until(&started, || {
        let jobs = people.server.get("/api/v1/admin/jobs", &[("authorization", &admin)]).value();
        jobs.as_array().expect("a list").iter().find(|job| job["name"] == "maintenance").cloned()
    });
    assert_eq!((&job["runs"], &job["failures"], &job["last_outcome"]), (&1.into(), &0.into(), &Value::from("ok")));
    let logged = "/api/v1/admin/audit-logs?event=sys_maintenance_run&success=true";
    let logged = until(&started, || {
        let logged = people.server.get(logged, &[("authorization", &admin)]).value();
        (logged["total"] == 1).then_some(logged)
    });
    assert!(logged["items"][0]["detail"]["free_pages"].is_u64(), "{logged}");
    let page = people.server.get("/metrics", &[]).body;
    assert!(page.contains("treebeard_maintenance_runs_total{outcome=\"done\"} 1"), "{page}");
    let mut steps = vec!["expired_tokens", "statistics", "free_pages"];
    if engine::name() == "sqlite" {
        steps.push("write_ahead_log");
    }
    for step in steps {
        assert!(page.contains(&format!("treebeard_maintenance_amount_total{{step=\"{step}\"}}")), "{step}");
        assert!(page.contains(&format!("treebeard_maintenance_step_milliseconds{{step=\"{step}\"}}")), "{step}");
    }
    assert!(page.contains("treebeard_maintenance_last_success_timestamp_seconds "));
}
