//! The whole suite once more, with every service on a PostgreSQL database of its own.

use crate::postgres::Cluster;
use crate::support::engine::{CLUSTER, TEMPLATE};
use std::process::Command;
use std::time::Instant;

/// Tests that bring a cluster of their own, or are of one engine by their nature.
const ALREADY: [&str; 9] = [
    "on_postgresql::",
    "following::",
    "waiting::",
    "on_both_engines",
    "a_change_made_from_an_older_state_is_refused",
    "nothing_of_an_erased_account_is_found_in_any_column",
    "panics::",
    // The service makes backups of SQLite by itself; of PostgreSQL `tests/cli/postgres_backups.rs` tries them.
    "backups::",
    "openapi",
];

#[test]
fn the_whole_suite_passes_on_postgresql_too() {
    let Some(cluster) = Cluster::start_or_skip("the_whole_suite_passes_on_postgresql_too") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let migrated = Command::new(env!("CARGO_BIN_EXE_treebeard"))
        .arg("migrate")
        .current_dir(folder.path())
        .env_clear()
        .env("DATABASE_URL", cluster.database(TEMPLATE))
        .output()
        .expect("the binary starts");
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));

    let began = Instant::now();
    let output = Command::new(std::env::current_exe().expect("a path"))
        .args(ALREADY.iter().flat_map(|name| ["--skip", name]))
        .env(CLUSTER, cluster.folder.path())
        .output()
        .expect("it runs");
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{errors}");
    let result = said.lines().find(|line| line.starts_with("test result")).unwrap_or_default();
    println!("on PostgreSQL, in {:.0?}: {result}", began.elapsed());
    let passed = result.split_whitespace().nth(3).and_then(|count| count.parse::<u32>().ok());
    assert!(passed > Some(100), "so few: {result}");
}
