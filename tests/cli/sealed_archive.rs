//! The archive of commits where backups are encrypted: nothing of anybody in it, and any moment back with the key.

use crate::backup::emails;
use crate::moments::{SERVE, live_a_little, logical_checksum, wait_for_a_base};
use crate::run::Place;
use crate::serve::Service;
use age::secrecy::ExposeSecret;
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use std::time::Duration;
use treebeard::store::archive::sealing::Keys;
use treebeard::store::archive::segment;

/// Every file of an archive.
fn files(archive: &Path) -> Vec<PathBuf> {
    let generations = segment::generations(archive).expect("an archive");
    let files = generations.iter().map(|one| segment::list(&archive.join(one)).expect("a generation"));
    files.flatten().map(|(_, path)| path).collect()
}

/// All pages that can be read of it, one after the other.
fn pages(archive: &Path, keys: Keys<'_>) -> Vec<u8> {
    let mut all = Vec::new();
    for path in files(archive) {
        let read = segment::each(&path, keys, |record| {
            all.extend(record.pages);
            Ok(true)
        });
        read.expect("it can be read");
    }
    all
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn an_encrypted_archive_names_nobody_and_leads_to_any_moment_with_the_key_alone() {
    let place = Place::new();
    let (key, other) = (age::x25519::Identity::generate(), age::x25519::Identity::generate());
    let identity = place.file("key.txt", key.to_string().expose_secret());
    let setting = format!("backup.recipients=[\"{}\"]", key.to_public());
    let serve = [&SERVE[..], &["--set", &setting]].concat();
    let service = Service::start(&place, &serve);
    wait_for_a_base(&place, 1);
    live_a_little(&service.address, 1).expect("acknowledged");
    let (archive, database) = (place.path().join("data/archive"), place.path().join("data/treebeard.db"));
    std::thread::sleep(Duration::from_millis(5));
    let (at, then) = (Timestamp::now(), logical_checksum(&database));
    live_a_little(&service.address, 2).expect("acknowledged");
    // It goes on after a restart, in a file with a key of its own.
    assert_eq!(service.stop(), Some(0));
    let service = Service::start(&place, &serve);
    live_a_little(&service.address, 3).expect("acknowledged");
    assert_eq!(service.stop(), Some(0));

    let all = files(&archive);
    assert!(all.len() > 1, "{all:?}");
    assert!(segment::generations(&archive).expect("an archive").len() == 1, "nothing was missed");
    for path in &all {
        assert!(!holds(&std::fs::read(path).expect("a file"), "@example.org"), "{}", path.display());
    }
    assert!(pages(&archive, &[]).is_empty(), "without a key there is nothing to see");
    let seen = pages(&archive, &[&key]);
    assert!((1..=3).all(|user| holds(&seen, &format!("user-{user}@example.org"))), "with it there is");
    assert!(segment::each(&all[0], &[&other], |_| Ok(true)).is_err(), "with another one there is not");

    let told = place.run(&["backup", "verify", "--json"]).json();
    assert_eq!(told["archive"]["faults"], serde_json::json!([]), "whether it is whole is known without a key");
    let moment = at.to_string();
    place.run(&["restore", "latest", "--at", &moment]).refused(1, &["is encrypted", "--identity"]);
    assert_eq!(emails(&place).len(), 3, "nothing was touched");
    let restored = place.run(&["restore", "latest", "--at", &moment, "--identity", &identity]);
    assert_eq!(restored.code, 0);
    assert_eq!(logical_checksum(&database), then);
    assert_eq!(emails(&place), ["user-1@example.org"]);
}
