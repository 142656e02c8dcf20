//! An upgrade is killed at any moment: the next start finds the old schema or the new one, and all rows.

use crate::service::{command, damage};
use crate::shim::{Shim, What};
use crate::{alone, chances, dump, old_schema};
use std::path::Path;

const KILLS: u64 = 50;
/// The version that is upgraded.
const FROM: i32 = 1;

#[test]
fn an_upgrade_killed_at_any_moment_is_old_or_new() {
    let _turn = alone();
    let template = tempfile::tempdir().expect("a folder");
    let old = template.path().join("old.db");
    old_schema::make(&old, FROM);
    let (old_shape, rows) = (dump::schema(&old), dump::rows(&old));
    let counted = place(&old);
    let shim = Shim::new(counted.path());
    assert!(migrate(counted.path(), &shim), "nobody kills this one");
    let calls = shim.calls();
    let new_shape = dump::schema(&counted.path().join("data/treebeard.db"));
    let (mut chance, mut was_old, mut was_new) = (chances(3), 0, 0);
    for kill in 0..KILLS {
        let place = place(&old);
        let database = place.path().join("data/treebeard.db");
        let shim = Shim::new(place.path());
        // One in each of as many spans of the upgrade.
        let call = 1 + (kill * calls + chance(calls)) / KILLS;
        shim.arm(call, What::Kill);
        let ended = migrate(place.path(), &shim);
        shim.disarm();
        let shape = dump::schema(&database);
        // The history of migrations is made before the first of a new program: it may be there, as it was.
        match (shape == old_shape, shape == new_shape) {
            (true, _) => was_old += 1,
            (_, true) => was_new += 1,
            _ => panic!("call {call} of {calls}: neither old nor new: {shape:#?}"),
        }
        assert!(!ended || shape == new_shape, "call {call}: it ended well without being done");
        assert!(migrate(place.path(), &shim), "the next start goes on");
        assert_eq!(dump::schema(&database), new_shape, "call {call}");
        assert_eq!(damage(&database), [""; 0], "call {call}");
        let connection = rusqlite::Connection::open(&database).expect("it opens");
        for (table, columns, rows) in &rows {
            assert_eq!(&dump::rows_of(&connection, table, columns), rows, "call {call}, {table}");
        }
    }
    println!(
        "upgrade: killed at {KILLS} of {calls} calls, {was_old} left old, {was_new} new, 0 between; all rows kept"
    );
    assert!(was_old > 0 && was_new > 0);
}

fn place(old: &Path) -> tempfile::TempDir {
    let place = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(place.path().join("data")).expect("a folder");
    std::fs::copy(old, place.path().join("data/treebeard.db")).expect("copied");
    place
}

/// Whether it ended by itself, and well.
fn migrate(place: &Path, shim: &Shim) -> bool {
    let output = command(place, &["migrate"], &shim.environment(None)).output().expect("the binary starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_none_or(|code| code == 0), "{said}");
    output.status.success()
}
