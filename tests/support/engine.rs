//! The engine a service of a test keeps its data in: a file of its own, or a database of the cluster that the whole
//! suite was told of, made from one that is migrated already.

use postgres::{Client, NoTls};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// Names the folder with the cluster's socket.
pub const CLUSTER: &str = "TREEBEARD_TEST_POSTGRES";
/// The database others are made from.
pub const TEMPLATE: &str = "migrated";

/// As health tells it.
pub fn name() -> &'static str {
    if std::env::var_os(CLUSTER).is_some() { "postgres" } else { "sqlite" }
}

/// The address of a new database: the file `name` in a folder, or one of the cluster's.
pub fn database(folder: &Path, name: &str) -> String {
    made().map_or_else(|| format!("sqlite:{}", folder.join(name).display()), |(_, url)| url)
}

/// A new database of the cluster, where there is one: its name and its address.
pub fn made() -> Option<(String, String)> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let folder = std::env::var(CLUSTER).ok()?;
    let name = format!("suite_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    run(&folder, &format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}"));
    let url = address(&folder, &name);
    Some((name, url))
}

/// Removes it with whatever still uses it: there are hundreds of them.
pub fn remove(name: &str) {
    if let Ok(folder) = std::env::var(CLUSTER) {
        run(&folder, &format!("DROP DATABASE {name} WITH (FORCE)"));
    }
}

fn address(folder: &str, database: &str) -> String {
    format!("postgres://postgres@/{database}?host={folder}")
}

/// On a thread of its own, as the driver must not run where an async runtime is.
fn run(folder: &str, sql: &str) {
    std::thread::scope(|scope| {
        let ended = scope.spawn(|| Client::connect(&address(folder, "postgres"), NoTls)?.batch_execute(sql)).join();
        ended.expect("no panic").unwrap_or_else(|error| panic!("{sql}: {error}"));
    });
}
