//! The real Locust drives the service for 20 seconds by the file operators get, without one failure.

use crate::{Market, PACKAGE, is_installed, run, tool};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use treebeard::load::MIX;

const USERS: u64 = 20;

#[test]
fn locust_drives_the_service_for_20_seconds_without_a_failure() {
    let program = tool("python/bin/locust");
    if !is_installed("locust_drives_the_service_for_20_seconds_without_a_failure", &[&program]) {
        return;
    }
    let market = Market::open();
    let told = run(Command::new(program)
        .arg("-f")
        .arg(Path::new(PACKAGE).join("tests/load/locustfile.py"))
        .args(["--host", &market.url(), "--headless", "--json", "--only-summary", "--stop-timeout", "20"])
        .args(["--users", &USERS.to_string(), "--spawn-rate", "4", "--run-time", "20s"])
        .current_dir(std::env::temp_dir()));
    let stats: Vec<Value> = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"));
    let count = |member: &str| -> BTreeMap<&str, u64> {
        stats.iter().filter_map(|one| Some((one["name"].as_str()?, one[member].as_u64()?))).collect()
    };
    let (made, failed) = (count("num_requests"), count("num_failures"));
    assert!(failed.values().all(|failures| *failures == 0), "{failed:?}");
    assert_eq!((made.get("register_user"), made.get("delete_my_account")), (Some(&USERS), Some(&USERS)), "{made:?}");
    assert!(made.values().sum::<u64>() > 100, "{made:?}");
    let mix: Vec<&str> = MIX.iter().map(|(operation, _)| *operation).collect();
    let unknown =
        made.keys().filter(|name| !mix.contains(name) && !["register_user", "delete_my_account"].contains(name));
    assert_eq!(unknown.count(), 0, "the calls are those of treebeard load: {made:?}");
}

/// Both drivers make the same calls as often.
#[test]
fn the_locustfile_has_the_weights_of_treebeard_load() {
    let text = std::fs::read_to_string(Path::new(PACKAGE).join("tests/load/locustfile.py")).expect("the file");
    let tasks: BTreeMap<&str, u32> = text
        .split("@task(")
        .skip(1)
        .filter_map(|task| {
            let (weight, rest) = task.split_once(')')?;
            Some((rest.split_once("def ")?.1.split('(').next()?, weight.parse().ok()?))
        })
        .collect();
    assert_eq!(tasks, MIX.into_iter().collect());
}
