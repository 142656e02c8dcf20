//! Backups as an operator makes them and takes them back: beside a service, after a loss, encrypted, on a second disk.

use crate::run::Place;
use crate::serve::Service;
use age::secrecy::ExposeSecret;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use treebeard::app::privacy::erasure_list;
use treebeard::domain::catalog::PropertyType;
use treebeard::store::users::{self, NewUser, Role};
use treebeard::store::{Options, Store, erasure};
use uuid::Uuid;

pub fn store(place: &Place) -> Store {
    let data = place.path().join("data");
    std::fs::create_dir_all(&data).expect("a folder");
    Store::open(&format!("sqlite:{}", data.join("treebeard.db").display()), Options::default()).expect("it opens")
}

/// Adds an account to the database nobody else has open.
pub fn add_user(place: &Place, email: &str) -> Uuid {
    open_account(&store(place), email)
}

/// Adds an account to a database of any engine.
pub fn open_account(store: &Store, email: &str) -> Uuid {
    let new = NewUser {
        id: Uuid::now_v7(),
        email: email.to_owned(),
        password_hash: "none".to_owned(),
        name: "Somebody".to_owned(),
        zip_code: "78701".to_owned(),
        property_type: PropertyType::Residential,
        role: Role::User,
        now: Timestamp::UNIX_EPOCH,
    };
    let id = new.id;
    store.write_blocking(move |tx| users::create(tx, &new)).expect("a user is kept");
    id
}

pub fn emails(place: &Place) -> Vec<String> {
    let all = "SELECT email FROM users ORDER BY email";
    store(place).read_blocking(move |conn| conn.query(all, &[], |row| row.take())).expect("users")
}

fn backups(place: &Place) -> Vec<Value> {
    place.run(&["backup", "list", "--json"]).json().as_array().expect("a list").clone()
}

fn shelf(place: &Place) -> PathBuf {
    place.path().join("data/backups")
}

#[test]
fn a_backup_made_beside_a_service_is_restored_when_the_service_has_stopped() {
    let place = Place::new();
    add_user(&place, "before@example.org");
    // No backup of the service's own comes between.
    let service = Service::start(&place, &["serve", "--listen", "127.0.0.1:0", "--set", "backup.enabled=false"]);
    let made = place.run(&["backup", "create", "--json"]).json();
    let database = std::fs::read(shelf(&place).join(made["name"].as_str().expect("a name")).join("treebeard.db"));
    assert_eq!(&database.expect("a file")[..15], b"SQLite format 3");
    assert_eq!((&made["rows"]["users"], &made["encrypted"], &made["second"]), (&json!(1), &json!(false), &Value::Null));
    assert!(made["sha256"].as_str().is_some_and(|hash| hash.len() == 64), "{made}");
    assert!(made["audit_head"]["hash"].as_str().is_some_and(|hash| hash.len() == 64), "{made}");
    let listed = backups(&place);
    assert_eq!((listed.len(), &listed[0]["name"], &listed[0]["reason"]), (1, &made["name"], &json!("asked")));
    let table = place.run(&["backup", "list"]);
    assert!(table.stdout.starts_with("NAME") && table.stdout.contains(made["name"].as_str().expect("a name")));
    let verified = place.run(&["backup", "verify", "--all", "--json"]).json();
    let expected = json!([{ "name": made["name"], "faults": [], "opened": true }]);
    assert_eq!(verified, json!({ "backups": expected, "archive": null }));

    place.run(&["restore", "latest"]).refused(1, &["treebeard.db is in use by process", "stop it first"]);
    assert_eq!(service.stop(), Some(0));
    add_user(&place, "after@example.org");
    let drill = place.run(&["restore", "latest", "--dry-run", "--json"]).json();
    assert_eq!((&drill["kept"], &drill["changed"]), (&Value::Null, &json!({ "users": [2, 1] })));
    assert_eq!(emails(&place), ["after@example.org", "before@example.org"], "a drill changes nothing");
    let restored = place.run(&["restore", "latest", "--json"]).json();
    assert_eq!((&restored["changed"], &restored["data_of"]), (&json!({ "users": [2, 1] }), &made["created_at"]));
    assert_eq!(emails(&place), ["before@example.org"]);
    let kept = PathBuf::from(restored["kept"].as_str().expect("a folder"));
    let old = rusqlite::Connection::open(place.path().join(kept).join("treebeard.db")).expect("it opens");
    let count: i64 = old.query_row("SELECT count(*) FROM users", [], |row| row.get(0)).expect("a count");
    assert_eq!(count, 2, "the database before is kept");
}

#[test]
fn whoever_was_erased_after_the_backup_is_erased_again_by_a_restore() {
    let place = Place::new();
    let (gone, stays) = (add_user(&place, "gone@example.org"), add_user(&place, "stays@example.org"));
    assert_eq!(place.run(&["backup", "create"]).code, 0);
    let list = place.path().join("data/treebeard.erased");
    let entry = (erasure::trace_of(gone), Timestamp::now());
    erasure_list::append(&list, &[entry]).expect("written");
    let restored = place.run(&["restore", "latest", "--json"]).json();
    assert_eq!((&restored["erased_again"], &restored["erasures_learned"]), (&json!(1), &json!(0)));
    assert_eq!(emails(&place), ["stays@example.org"]);

    // A new machine: the list comes with the next backup.
    assert_eq!(place.run(&["backup", "create"]).code, 0);
    std::fs::remove_file(&list).expect("there was one");
    let restored = place.run(&["restore", "latest", "--json"]).json();
    assert_eq!(restored["erasures_learned"], 1);
    assert_eq!(erasure_list::read(&list).expect("a list").len(), 1);
    assert!(!stays.is_nil());
}

#[test]
fn a_backup_that_is_damaged_half_made_or_newer_is_not_restored() {
    let place = Place::new();
    add_user(&place, "kept@example.org");
    let name = place.run(&["backup", "create", "--json"]).json()["name"].as_str().expect("a name").to_owned();
    add_user(&place, "later@example.org");
    let folder = shelf(&place).join(&name);

    let manifest = std::fs::read_to_string(folder.join("manifest.json")).expect("a manifest");
    let newer = manifest.replacen("\"schema_version\": ", "\"schema_version\": 9", 1);
    std::fs::write(folder.join("manifest.json"), newer).expect("written");
    place.run(&["restore", &name]).refused(3, &["schema version 9", "use a newer program"]);
    std::fs::write(folder.join("manifest.json"), manifest).expect("written");

    let path = folder.join("treebeard.db");
    let mut bytes = std::fs::read(&path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    let verified = place.run(&["backup", "verify", &name]);
    assert_eq!(verified.code, 4, "{}", verified.stderr);
    assert!(verified.stdout.contains("damaged") && verified.stdout.contains("checksum"), "{}", verified.stdout);
    place.run(&["restore", &name]).refused(1, &["is damaged"]);

    std::fs::remove_file(folder.join("manifest.json")).expect("there was one");
    assert_eq!(backups(&place), Vec::<Value>::new());
    place.run(&["restore", "latest"]).refused(1, &["There is no backup in", "backup list"]);
    place.run(&["restore", &name]).refused(1, &["no backup named"]);
    assert_eq!(emails(&place), ["kept@example.org", "later@example.org"], "nothing was touched");
    let left = std::fs::read_dir(place.path().join("data")).expect("a folder").flatten();
    let staged = left.filter(|entry| entry.file_name().to_string_lossy().contains("staged")).count();
    assert_eq!(staged, 0, "nothing is left of what was refused");
}

#[test]
fn an_encrypted_backup_opens_only_with_its_key() {
    let key = age::x25519::Identity::generate();
    let setting = format!("backup.recipients=[\"{}\"]", key.to_public());
    let place = Place::new();
    let identity = place.file("key.txt", key.to_string().expose_secret());
    let other = place.file("other.txt", age::x25519::Identity::generate().to_string().expose_secret());
    add_user(&place, "secret@example.org");
    let made = place.run(&["--set", &setting, "backup", "create", "--json"]).json();
    let name = made["name"].as_str().expect("a name");
    let folder = shelf(&place).join(name);
    let sealed = std::fs::read(folder.join("treebeard.db.age")).expect("an encrypted file");
    assert!(sealed.starts_with(b"age-encryption.org/v1"));
    assert!(!sealed.windows(18).any(|part| part == b"secret@example.org"));
    assert!(!folder.join("treebeard.db").exists(), "the plain copy is gone");
    let opened = |more: &[&str]| {
        place.run(&[&["backup", "verify", "--json"], more].concat()).json()["backups"][0]["opened"].clone()
    };
    assert_eq!((opened(&[]), opened(&["--identity", &identity])), (json!(false), json!(true)));

    add_user(&place, "later@example.org");
    place.run(&["restore", "latest"]).refused(1, &["is encrypted", "--identity"]);
    place.run(&["restore", "latest", "--identity", &other]).refused(1, &["does not open with this key"]);
    assert_eq!(emails(&place).len(), 2);
    assert_eq!(place.run(&["restore", "latest", "--identity", &identity]).code, 0);
    assert_eq!(emails(&place), ["secret@example.org"]);
    let wrong = place.run(&["--set", "backup.recipients=[\"age1nonsense\"]", "backup", "list"]);
    wrong.refused(2, &["backup.recipients", "no public key of age"]);
}

#[test]
fn a_second_folder_gets_a_copy_and_saves_the_day_when_the_first_disk_is_gone() {
    let place = Place::new();
    add_user(&place, "saved@example.org");
    let second = place.path().join("second disk");
    let setting = format!("backup.second_dir={}", second.display());
    let without = place.run(&["--set", &setting, "backup", "create"]);
    without.refused(1, &["is made, but has no second copy", "mount the disk"]);
    assert!(!second.exists(), "a folder that is not there may be a disk that is not mounted");
    std::fs::create_dir(&second).expect("a folder");
    let made = place.run(&["--set", &setting, "backup", "create", "--json"]).json();
    let name = made["name"].as_str().expect("a name");
    assert_eq!(made["second"].as_str(), second.join(name).to_str());
    let listed = place.run(&["--set", &setting, "backup", "list", "--json"]).json();
    assert_eq!((&listed[0]["second_copy"], &listed[1]["second_copy"]), (&json!(true), &json!(false)));

    std::fs::remove_dir_all(place.path().join("data")).expect("the first disk");
    let folder = second.join(name);
    assert_eq!(place.run(&["restore", folder.to_str().expect("UTF-8")]).code, 0);
    assert_eq!(emails(&place), ["saved@example.org"]);
}

/// The same backup again, as if made at another time.
fn made_at(place: &Place, name: &str, at: &str) {
    let (from, to) = (shelf(place).join(name), shelf(place).join(at));
    std::fs::create_dir(&to).expect("a new folder");
    let text = std::fs::read_to_string(from.join("manifest.json")).expect("a manifest");
    let mut manifest: Value = serde_json::from_str(&text).expect("JSON");
    (manifest["name"], manifest["created_at"]) = (json!(at), json!(format!("{at}T03:00:00Z")));
    std::fs::write(to.join("manifest.json"), manifest.to_string()).expect("written");
    std::fs::copy(from.join("treebeard.db"), to.join("treebeard.db")).expect("copied");
}

#[test]
fn what_the_rule_does_not_keep_is_pruned() {
    let place = Place::new();
    add_user(&place, "one@example.org");
    let name = place.run(&["backup", "create", "--json"]).json()["name"].as_str().expect("a name").to_owned();
    let old = ["2020-03-12", "2020-03-11", "2020-03-10", "2020-03-02", "2020-02-28", "2020-01-31", "2020-01-01"];
    for day in old {
        made_at(&place, &name, day);
    }
    let rule = ["keep_daily=3", "keep_weekly=3", "keep_monthly=4"].map(|rule| format!("backup.{rule}"));
    let prune = |more: &[&str]| {
        let settings: Vec<&str> = rule.iter().flat_map(|rule| ["--set", rule]).collect();
        place.run(&[&settings[..], &["backup", "prune", "--json"], more].concat()).json()
    };
    // Days: today, the 12th, the 11th. Weeks: today's, of the 12th, of the 2nd. Months: today's, March, February, January.
    let removed = json!(["2020-03-10", "2020-01-01"]);
    assert_eq!(prune(&["--dry-run"])["removed"], removed);
    assert_eq!(backups(&place).len(), 8);
    let pruned = prune(&[]);
    assert_eq!(pruned["removed"], removed);
    assert_eq!(pruned["kept"], json!([name, "2020-03-12", "2020-03-11", "2020-03-02", "2020-02-28", "2020-01-31"]));
    assert!(pruned["bytes_freed"].as_u64().is_some_and(|bytes| bytes > 10_000), "{pruned}");
    assert_eq!(backups(&place).len(), 6);
    assert!(!Path::new(&shelf(&place).join("2020-01-01")).exists());
}
