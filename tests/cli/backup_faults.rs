//! Backups and restores that are killed at any moment: what was there before is there still, or what was wanted is.

use crate::backup::{add_user, emails};
use crate::run::Place;
use std::time::{Duration, Instant};

/// Kills of each kind.
const KILLS: u32 = 25;

/// How long the command takes when nobody kills it.
fn time_of(place: &Place, arguments: &[&str]) -> Duration {
    let started = Instant::now();
    assert_eq!(place.run(arguments).code, 0);
    started.elapsed()
}

/// Starts the command and kills it after a part of that time.
fn kill(place: &Place, arguments: &[&str], after: Duration) {
    let mut child = place.start(arguments);
    std::thread::sleep(after);
    // It may have ended already.
    let _ended = child.kill();
    child.wait().expect("it ends");
}

#[test]
fn a_restore_killed_at_any_moment_leaves_the_old_or_the_new_database() {
    let place = Place::new();
    add_user(&place, "old@example.org");
    assert_eq!(place.run(&["backup", "create"]).code, 0);
    let whole = time_of(&place, &["restore", "latest"]);
    let (mut old, mut new) = (0, 0);
    for n in 1..=KILLS {
        let email = format!("new-{n}@example.org");
        add_user(&place, &email);
        kill(&place, &["restore", "latest"], whole * n / KILLS);
        match emails(&place).as_slice() {
            [one] => {
                assert_eq!(one, "old@example.org", "restored");
                new += 1;
            }
            [added @ .., kept] => {
                assert!(added.contains(&email) && kept == "old@example.org", "as it was: {added:?} {kept}");
                old += 1;
            }
            [] => panic!("the database is empty after kill {n}"),
        }
    }
    println!("{KILLS} restores killed within {whole:?}: {old} left the old database, {new} the new one, 0 neither");
    assert_eq!(place.run(&["restore", "latest"]).code, 0);
    assert_eq!(emails(&place), ["old@example.org"]);
}

#[test]
fn a_backup_killed_at_any_moment_is_whole_or_not_listed() {
    let place = Place::new();
    add_user(&place, "kept@example.org");
    let whole = time_of(&place, &["backup", "create"]);
    for n in 1..=KILLS {
        kill(&place, &["backup", "create"], whole * n / KILLS);
    }
    let verified = place.run(&["backup", "verify", "--all", "--json"]).json();
    let listed = verified["backups"].as_array().expect("a list");
    assert!(!listed.is_empty() && listed.iter().all(|one| one["faults"] == serde_json::json!([])), "{verified}");
    assert_eq!(place.run(&["backup", "create"]).code, 0);
    let left = std::fs::read_dir(place.path().join("data/backups")).expect("a folder").flatten();
    let unfinished = left.filter(|entry| entry.file_name().to_string_lossy().starts_with('.')).count();
    assert_eq!(unfinished, 0, "the next one clears up");
    println!("{KILLS} backups killed within {whole:?}: {} listed, all whole", listed.len());
}
