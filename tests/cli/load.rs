//! `treebeard load`: what it refuses to do, and its report on the real service over loopback.

use crate::run::Place;
use crate::serve::Service;
use serde_json::{Map, Value, json};

const EXEMPT: &str = "limits.exempt_networks=127.0.0.0/8";

/// A service with plans, and its address as the driver takes it.
fn service(place: &Place, setting: &str) -> (Service, String) {
    let service = Service::start(place, &["demo", "--json", "--listen", "127.0.0.1:0", "--set", setting]);
    let url = format!("http://{}", service.address);
    (service, url)
}

/// The names in a report, with what kind of value stands there.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), shape(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Value::Array(items) => json!([items.first().map(shape)]),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("text"),
        other => other.clone(),
    }
}

#[test]
fn only_this_machine_is_loaded_unless_the_host_is_said_to_be_ones_own() {
    let refused = Place::new().run(&["load", "--url", "http://192.0.2.1:8000"]);
    refused.refused(2, &["http://192.0.2.1:8000 is not this machine", "--i-own-this-host"]);
    assert_eq!(refused.stdout, "");
}

#[test]
fn what_cannot_be_meant_is_refused_with_exit_code_2() {
    let url = "http://127.0.0.1:1";
    for (arguments, word) in [
        (&["load"][..], "--url"),
        (&["load", "--url", "https://127.0.0.1:1"], "http://HOST:PORT"),
        (&["load", "--url", "127.0.0.1:1"], "http://HOST:PORT"),
        (&["load", "--url", "http://127.0.0.1:1/api"], "without a path"),
        (&["load", "--url", url, "--users", "0"], "1..=1000"),
        (&["load", "--url", url, "--users", "1001"], "1..=1000"),
        (&["load", "--url", url, "--spawn-rate", "0"], "1..=100"),
        (&["load", "--url", url, "--duration", "3601"], "1..=3600"),
        (&["load", "--url", url, "--pause", "9"], "10..=60000"),
        (&["load", "--url", url, "--mix", "dance=1"], "list_plans"),
    ] {
        Place::new().run(arguments).refused(2, &[word]);
    }
}

#[test]
fn the_report_tells_every_operation_and_what_the_service_holds() {
    let place = Place::new();
    let (service, url) = service(&place, EXEMPT);
    let report = Place::new()
        .run(&[
            "load",
            "--url",
            &url,
            "--users",
            "4",
            "--spawn-rate",
            "4",
            "--duration",
            "5",
            "--pause",
            "20",
            "--json",
        ])
        .json();
    drop(service);
    let latency = json!({ "p50_ms": "number", "p95_ms": "number", "p99_ms": "number", "max_ms": "number" });
    let mut operation = json!({ "operation": "text", "requests": "number", "errors": "number" });
    operation.as_object_mut().expect("an object").extend(latency.as_object().expect("an object").clone());
    operation["statuses"] = json!({ "200": "number" });
    let span = json!({ "first": "number", "settled": "number", "end": "number", "peak": "number" });
    let expected = json!({
        "url": "text", "users": "number", "spawn_per_second": "number", "seconds": "number", "pause_seconds": "number",
        "requests": "number", "requests_per_second": "number", "errors": "number", "error_percent": "number",
        "latency": latency, "statuses": { "200": "number", "201": "number", "204": "number" },
        "cache": { "hits": "number", "misses": "number", "bypasses": "number", "hit_percent": "number" },
        "operations": [operation], "server": { "resident_bytes": span, "open_files": span },
    });
    assert_eq!(shape(&report), expected);

    assert_eq!((&report["url"], &report["users"], &report["errors"]), (&json!(url), &json!(4), &json!(0)));
    let operations = report["operations"].as_array().expect("a list");
    let of = |name: &str, member: &str| {
        let found = operations.iter().find(|operation| operation["operation"] == name);
        found.unwrap_or_else(|| panic!("{name} is there: {report}"))[member].as_u64().expect("a count")
    };
    assert_eq!((of("register_user", "requests"), of("delete_my_account", "requests")), (4, 4), "nothing stays behind");
    assert!(of("list_plans", "requests") > 0);
    let total: u64 = operations.iter().filter_map(|operation| operation["requests"].as_u64()).sum();
    assert_eq!(report["requests"], json!(total));
}

#[test]
fn another_mix_makes_its_calls_and_no_others() {
    let place = Place::new();
    let (_service, url) = service(&place, EXEMPT);
    let arguments =
        ["load", "--url", &url, "--users", "2", "--duration", "3", "--pause", "20", "--mix", "get_health=1", "--json"];
    let report = Place::new().run(&arguments).json();
    let made = report["operations"].as_array().expect("a list").iter().filter_map(|one| one["operation"].as_str());
    let mut made: Vec<&str> = made.collect();
    made.sort_unstable();
    assert_eq!(made, ["delete_my_account", "get_health", "register_user"]);
}

#[test]
fn failed_calls_are_counted_by_status_and_end_with_exit_code_1() {
    let place = Place::new();
    let (_service, url) = service(&place, "limits.per_ip_per_hour=3");
    let outcome = Place::new().run(&["load", "--url", &url, "--users", "2", "--duration", "2", "--pause", "50"]);
    outcome.refused(1, &["calls failed", "limits.exempt_networks"]);
    assert!(outcome.stdout.contains("429: "), "{}", outcome.stdout);
}

#[test]
fn a_service_that_is_not_there_is_told() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let url = format!("http://{}", free.expect("a port nobody listens on any more"));
    let outcome = Place::new().run(&["load", "--url", &url, "--users", "1", "--duration", "1", "--pause", "50"]);
    outcome.refused(1, &["calls without an answer"]);
    assert!(outcome.stdout.contains("none: "), "{}", outcome.stdout);
}
