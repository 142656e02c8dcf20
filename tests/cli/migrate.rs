//! Upgrades as an operator meets them: looked at, tried out, backed up, and refused where the data are not ours to touch.

use crate::old_schema;
use crate::postgres_cluster::Cluster;
use crate::run::Place;
use serde_json::json;
use std::path::PathBuf;

/// A place whose database a program of schema `version` left.
fn of_version(version: i32) -> (Place, PathBuf) {
    let place = Place::new();
    let data = place.path().join("data");
    std::fs::create_dir_all(&data).expect("a folder");
    old_schema::make(&data.join("treebeard.db"), version);
    (place, data.join("treebeard.db"))
}

fn names_in(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn an_upgrade_is_looked_at_tried_out_backed_up_and_done() {
    let (place, path) = of_version(1);
    let before = std::fs::read(&path).expect("a file");
    let status = place.run(&["migrate", "status", "--json"]).json();
    let pending = status["pending"].as_array().expect("a list").len();
    assert_eq!((&status["schema_version"], &status["altered"]), (&json!(1), &json!([])));
    assert_eq!(pending, old_schema::versions().len() - 1);
    assert!(status["migrations"][0]["applied_at"].is_string() && status["migrations"][1]["applied_at"].is_null());
    let shown = place.run(&["migrate", "status"]).stdout;
    assert!(shown.contains("V1__initial  applied ") && shown.contains("  pending  checksum "), "{shown}");

    let rehearsed = place.run(&["migrate", "--dry-run", "--json"]).json();
    assert_eq!((&rehearsed["faults"], &rehearsed["pending"]), (&json!([]), &status["pending"]));
    assert!(place.run(&["migrate", "--dry-run"]).stdout.contains("nothing is changed"));
    assert!(std::fs::read(&path).expect("a file") == before, "the database is as it was");
    let left = names_in(&place.path().join("data"));
    assert!(left.iter().all(|name| !name.contains("rehearsal")), "{left:?}");

    let done = place.run(&["migrate", "--json"]).json();
    assert_eq!((&done["applied_now"], &done["pending"]), (&status["pending"], &json!([])));
    let listed = place.run(&["backup", "list", "--json"]).json();
    assert_eq!((&listed[0]["name"], &listed[0]["reason"]), (&done["backup"], &json!("migration")));
    assert_eq!(listed[0]["schema_version"], json!(1), "it is of what was there before");
    assert_eq!(place.run(&["backup", "verify", "--all"]).code, 0);
    assert_eq!(
        place.run(&["migrate", "--json"]).json()["backup"],
        json!(null),
        "nothing to migrate, nothing to back up"
    );
    place.run(&["migrate", "--dry-run", "--status"]).refused(2, &["--status"]);
}

#[test]
fn any_start_makes_the_backup_before_it_migrates() {
    let (place, _) = of_version(3);
    assert_eq!(place.run(&["admin", "user", "list", "--json"]).json().as_array().map(Vec::len), Some(2));
    let listed = place.run(&["backup", "list", "--json"]).json();
    assert_eq!((listed.as_array().map(Vec::len), &listed[0]["schema_version"]), (Some(1), &json!(3)));
}

#[test]
fn an_upgrade_that_cannot_be_backed_up_is_not_begun() {
    let (place, path) = of_version(1);
    let before = std::fs::read(&path).expect("a file");
    place.file("data/backups", "a file where the folder should be");
    place.run(&["migrate"]).refused(1, &["is not migrated", "backed up"]);
    assert!(std::fs::read(&path).expect("a file") == before);
}

#[test]
fn a_dry_run_tells_what_would_fail() {
    let (place, path) = of_version(1);
    let connection = rusqlite::Connection::open(&path).expect("it opens");
    connection.execute_batch("CREATE TABLE password_resets (x)").expect("a table in the way");
    drop(connection);
    let outcome = place.run(&["migrate", "--dry-run"]);
    assert_eq!(outcome.code, 4, "{}", outcome.stderr);
    assert!(outcome.stdout.contains("fault: ") && outcome.stdout.contains("password_resets"), "{}", outcome.stdout);
}

#[test]
fn data_of_a_newer_or_another_program_are_refused_and_not_touched() {
    for (change, words) in [
        (
            "INSERT INTO refinery_schema_history VALUES (999, 'later', '2030-01-01T00:00:00Z', '1')",
            "use a newer program",
        ),
        (
            "UPDATE refinery_schema_history SET checksum = '1' WHERE version = 2",
            "V2__recommendation_input was another one",
        ),
        ("UPDATE refinery_schema_history SET checksum = 'none'", "V1__initial was another one"),
        ("DELETE FROM refinery_schema_history WHERE version = 2", "V2__recommendation_input was left out"),
    ] {
        let newest = old_schema::versions().pop().expect("a version");
        let (place, path) = of_version(newest);
        let connection = rusqlite::Connection::open(&path).expect("it opens");
        connection.execute_batch(change).expect("changed");
        // Left as a killed program leaves it: with what it wrote last in the log.
        let no_fold = rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        connection.set_db_config(no_fold, true).expect("set");
        connection.execute_batch("UPDATE users SET name = 'In the log'").expect("changed");
        drop(connection);
        let log = path.with_file_name("treebeard.db-wal");
        let before = (std::fs::read(&path).expect("a file"), std::fs::read(&log).expect("a log"));
        assert!(!before.1.is_empty());
        for command in [
            &["serve", "--listen", "127.0.0.1:0"][..],
            &["migrate"],
            &["migrate", "--dry-run"],
            &["migrate", "status"],
            &["admin", "user", "list"],
            &["catalog", "export"],
        ] {
            place.run(command).refused(3, &[words]);
            let now = (std::fs::read(&path).expect("a file"), std::fs::read(&log).expect("a log"));
            assert!(now == before, "{command:?} changed the data");
        }
        assert_eq!(place.run(&["backup", "list", "--json"]).json(), json!([]));
    }
}

#[test]
fn a_migration_postgresql_refuses_says_what_postgresql_said() {
    let Some(cluster) = Cluster::start_or_skip("a_migration_postgresql_refuses_says_what_postgresql_said") else {
        return;
    };
    let url = cluster.database("refused");
    let mut client = postgres::Client::connect(&url, postgres::NoTls).expect("it connects");
    // Since PostgreSQL 15 only its owner may make tables in a database.
    client.batch_execute("CREATE ROLE weak LOGIN").expect("a role");
    let weak = Place::new().with("DATABASE_URL", &url.replace("postgres@", "weak@"));
    weak.run(&["migrate"]).refused(1, &["a migration failed", "permission denied for schema public (42501)"]);

    // Somebody else is at it and does not end.
    client.execute("SELECT pg_advisory_lock($1)", &[&0x5472_6565_4265_6172_i64]).expect("held");
    let impatient = Place::new().with("DATABASE_URL", &format!("{url}&options=-c%20lock_timeout%3D500"));
    impatient.run(&["migrate"]).refused(1, &["session ", "is migrating this database", "pg_terminate_backend"]);
    drop(client);
    let migrated = Place::new().with("DATABASE_URL", &url).run(&["migrate"]);
    assert_eq!(migrated.code, 0, "{}", migrated.stderr);
}
