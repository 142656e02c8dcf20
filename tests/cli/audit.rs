//! `treebeard audit verify`: a good log, a changed one, and a hash noted before, also after a change of keys.

use crate::run::Place;
use serde_json::{Value, json};
use treebeard::store::db::Tx;
use treebeard::store::db::sqlite::SqliteOptions;
use treebeard::store::{Options, Store};

fn place_with_history() -> Place {
    let place = Place::new();
    for email in ["ada@example.org", "ben@example.org", "cleo@example.org"] {
        crate::admin::create(&place, email);
    }
    place
}

/// As somebody with all rights in the database would.
pub fn change(place: &Place, statements: &'static [&'static str]) {
    let url = format!("sqlite:{}", place.path().join("data/treebeard.db").display());
    // Beside whoever still holds the lock: a test that is just starting a process has inherited it for a moment.
    let sqlite = SqliteOptions { beside: true, ..SqliteOptions::default() };
    let store = Store::open(&url, Options { sqlite, ..Options::default() }).expect("a store");
    let work = move |tx: &mut Tx<'_>| {
        let locks = ["audit_logs_no_update", "audit_logs_no_delete", "audit_details_no_update"];
        locks.iter().try_for_each(|lock| tx.execute(&format!("DROP TRIGGER {lock}"), &[]).map(|_| ()))?;
        statements.iter().try_for_each(|sql| tx.execute(sql, &[]).map(|_| ()))
    };
    store.write_blocking(work).expect("the log is changed");
}

#[test]
fn a_log_that_nobody_touched_is_whole_and_holds_what_was_noted() {
    let place = place_with_history();
    let before = place.run(&["audit", "verify", "--json"]).json();
    let hash = before["head_hash"].as_str().expect("a hash").to_owned();
    let whole = json!({ "intact": true, "broken_at": null, "head_seq": 3, "head_hash": hash, "holds_expected": null });
    assert_eq!(before, whole);
    let place = place.with("SECRET_KEY", "another-signing-key-0123456789-abcdef");
    crate::admin::create(&place, "dora@example.org");
    let after = place.run(&["audit", "verify", "--expect", &hash, "--json"]).json();
    assert_eq!((&after["head_seq"], &after["holds_expected"]), (&json!(4), &json!(true)), "keys have no part in it");
    let other = place.run(&["audit", "verify", "--expect", &"ab".repeat(32)]);
    assert_eq!((other.code, other.stdout.contains("the log was cut")), (4, true), "{}", other.stdout);
    place.run(&["audit", "verify", "--expect", "7"]).refused(2, &["64 hex digits"]);
    let elsewhere = Place::new();
    elsewhere.run(&["audit", "verify"]).refused(1, &["there is no database", "yet"]);
    assert!(!elsewhere.path().join("data").exists(), "and none is made");
}

#[test]
fn a_log_that_was_touched_is_found_out_by_the_row() {
    let cases: [(&'static [&'static str], i64); 4] = [
        (&["UPDATE audit_logs SET event = 'nothing' WHERE seq = 2"], 2),
        (&["UPDATE audit_details SET detail = '{}' WHERE seq = 3"], 3),
        (&["DELETE FROM audit_details WHERE seq = 2", "DELETE FROM audit_logs WHERE seq = 2"], 2),
        (&["DELETE FROM audit_details WHERE seq = 3", "DELETE FROM audit_logs WHERE seq = 3"], 3),
    ];
    let place = place_with_history();
    let file = place.path().join("data/treebeard.db");
    let good = std::fs::read(&file).expect("the database");
    for (statements, row) in cases {
        std::fs::write(&file, &good).expect("put back");
        change(&place, statements);
        let found = place.run(&["audit", "verify", "--json"]);
        assert_eq!(found.code, 4, "{statements:?}: {}", found.stdout);
        let found: Value = serde_json::from_str(&found.stdout).expect("JSON");
        assert_eq!((&found["intact"], &found["broken_at"]), (&json!(false), &json!(row)), "{statements:?}");
    }
    let told = place.run(&["audit", "verify"]);
    assert!(told.stdout.contains("Row 3 of the audit log was changed, moved or removed."), "{}", told.stdout);
}
