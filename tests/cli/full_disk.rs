//! A disk that fills up while a catalog is imported: a sentence, exit code 1, and nothing half-stored.

use crate::run::Place;
use serde_json::json;
use std::process::Command;

/// So many plans of one supplier; they take some hundred kilobytes in the store.
fn catalog(plans: usize) -> String {
    let plan = |n: usize| {
        json!({"key": format!("p{n}"), "name": format!("Plan {n} {}", "x".repeat(100)), "supplier": "s", "kind": "fixed",
            "term_months": 12, "rate": {"type": "fixed", "rate_per_kwh": 10}})
    };
    json!({"market": {"id": "m", "name": "M", "currency": "USD", "time_zone": "America/Chicago"},
        "utilities": [{"id": "u", "name": "U", "zips": ["750"]}], "suppliers": [{"key": "s", "name": "S"}],
        "plans": (0..plans).map(plan).collect::<Vec<_>>()})
    .to_string()
}

/// No file of the process may grow beyond a megabyte, which stops the write-ahead log as a full disk does.
#[test]
fn an_import_on_a_full_disk_leaves_the_catalog_as_it_was() {
    let place = Place::new();
    place.file("small.json", &catalog(3));
    place.file("large.json", &catalog(4_000));
    assert_eq!(place.run(&["catalog", "import", "small.json"]).code, 0);
    let before = place.run(&["catalog", "export"]).stdout;
    assert!(before.contains("Plan 2"), "{before}");

    let limited = "trap '' XFSZ; ulimit -f 1024; exec \"$0\" catalog import large.json";
    let output = Command::new("bash")
        .args(["-c", limited, env!("CARGO_BIN_EXE_treebeard")])
        .current_dir(place.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .expect("bash runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty() && said.contains("error:") && !said.contains("panicked"), "{said}");

    assert_eq!(place.run(&["catalog", "export"]).stdout, before, "all of an import or nothing");
    assert_eq!(place.run(&["catalog", "import", "large.json"]).code, 0, "and it works once there is room");
}
