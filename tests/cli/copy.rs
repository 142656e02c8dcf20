//! Everything from one engine to the other and back again, also when it is cut off on the way.

use crate::backup::store;
use crate::moments::{SERVE, live_a_little, logical_checksum};
use crate::postgres_cluster::Cluster;
use crate::run::Place;
use crate::serve::Service;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use treebeard::store::audit::{self, Event};

/// A database of SQLite in which every kind of column is used.
fn filled(place: &Place) {
    let old = Event {
        logged_at: Timestamp::UNIX_EPOCH,
        event: "authn_login_fail".to_owned(),
        actor_id: None,
        subject_id: None,
        success: false,
        detail: json!({}),
    };
    store(place).write_blocking(move |tx| audit::append(tx, &old).map(|_| ())).expect("a log");
    let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/catalog.json");
    assert_eq!(place.run(&["catalog", "import", catalog]).code, 0);
    let service = Service::start(place, &SERVE);
    for number in 0..120 {
        live_a_little(&service.address, number).expect("acknowledged");
    }
    assert_eq!(service.stop(), Some(0));
    // The old row goes, so that the audit chain begins with an anchor.
    let run = place.run(&["privacy", "retention", "--json"]).json();
    assert!(run.to_string().contains("audit_logs"), "{run}");
}

/// What is in a database but for when its schema was made.
fn contents(database: &Path) -> BTreeMap<String, String> {
    let mut all = logical_checksum(database);
    all.remove("refinery_schema_history");
    all
}

fn rows(answer: &Value, field: &str) -> u64 {
    answer["tables"].as_array().expect("tables").iter().filter_map(|table| table[field].as_u64()).sum()
}

#[test]
fn a_database_goes_to_postgresql_and_back_and_is_the_same() {
    let Some(cluster) = Cluster::start_or_skip("a_database_goes_to_postgresql_and_back_and_is_the_same") else {
        return;
    };
    let place = Place::new();
    filled(&place);
    let url = cluster.database("copied");
    let there = place.run(&["copy", "--from", "sqlite:data/treebeard.db", "--to", &url, "--json"]).json();
    assert!(rows(&there, "rows") > 1_000 && rows(&there, "copied") + 3 >= rows(&there, "rows"), "{there}");
    let back = place.run(&["copy", "--from", &url, "--to", "sqlite:data/back.db", "--json"]).json();
    let sums = |answer: &Value| {
        answer["tables"].as_array().expect("tables").iter().map(|one| one["checksum"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(sums(&there), sums(&back));
    let (first, second) = (place.path().join("data/treebeard.db"), place.path().join("data/back.db"));
    assert_eq!(contents(&first), contents(&second), "byte for byte what it was");

    let on_postgresql = Place::new().with("DATABASE_URL", &url);
    assert_eq!(on_postgresql.run(&["audit", "verify"]).code, 0, "the chain holds");
    let again = ["copy", "--from", "sqlite:data/treebeard.db", "--to", &url];
    place.run(&again).refused(1, &["the target is not empty", "users"]);
    place.run(&["copy", "--from", "sqlite:data/treebeard.db", "--to", "sqlite:data/new.db"]).refused(1, &["backup"]);
    place.run(&["copy", "--from", "sqlite:data/missing.db", "--to", &url]).refused(1, &["there is no"]);
    let service = Service::start(&place, &SERVE);
    place.run(&again).refused(1, &["in use by process"]);
    assert_eq!(service.stop(), Some(0));
    let told = place.run(&["copy", "--from", "sqlite:data/treebeard.db", "--to", &cluster.database("shown")]);
    assert!(told.stdout.contains("the same on both sides"), "{}{}", told.stdout, told.stderr);
}

#[test]
fn a_copy_that_is_killed_goes_on_where_it_stopped() {
    let Some(cluster) = Cluster::start_or_skip("a_copy_that_is_killed_goes_on_where_it_stopped") else { return };
    let place = Place::new();
    filled(&place);
    // A fast machine may be done with one of them before it is killed.
    let urls: Vec<String> = (0..20).map(|n| cluster.database(&format!("killed_{n}"))).collect();
    let url = urls.iter().find(|url| is_killed_while_copying(&place, url)).expect("one is killed on its way");
    let last = place.run(&["copy", "--from", "sqlite:data/treebeard.db", "--to", url, "--json"]).json();
    println!("{} of {} rows were left for the last run", rows(&last, "copied"), rows(&last, "rows"));
    assert!(rows(&last, "copied") < rows(&last, "rows"), "{last}");
    assert_eq!(place.run(&["copy", "--from", url, "--to", "sqlite:data/back.db"]).code, 0);
    let (first, second) = (place.path().join("data/treebeard.db"), place.path().join("data/back.db"));
    assert_eq!(contents(&first), contents(&second));
}

/// Kills a copy when it has begun to write rows: whether it was still at it.
fn is_killed_while_copying(place: &Place, url: &str) -> bool {
    let mut client = postgres::Client::connect(url, postgres::NoTls).expect("it connects");
    let mut count = |what: &str| -> i64 {
        let there = "SELECT count(*) FROM pg_tables WHERE tablename = 'copy_under_way'";
        let there: i64 = client.query_one(there, &[]).expect("a count").get(0);
        if there == 0 || what == "copy_under_way" {
            there
        } else {
            client.query_one(what, &[]).expect("a count").get(0)
        }
    };
    let mut child = place.start(&["copy", "--from", "sqlite:data/treebeard.db", "--to", url]);
    while count("SELECT count(*) FROM users") == 0 && child.try_wait().expect("it can be asked").is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    // It may have ended just now.
    let _ended = child.kill();
    child.wait().expect("it ends");
    count("copy_under_way") > 0
}
