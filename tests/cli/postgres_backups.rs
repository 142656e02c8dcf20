//! Backups of PostgreSQL: dumps that `treebeard backup` drives, and a moment restored from the server's own archive.

use crate::backup::open_account;
use crate::postgres_cluster::Cluster;
use crate::run::Place;
use jiff::Timestamp;
use postgres::{Client, NoTls};
use serde_json::{Value, json};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::time::{Duration, Instant};
use treebeard::app::privacy::erasure_list;
use treebeard::store::{Options, Store, erasure};
use uuid::Uuid;

fn add_user(url: &str, email: &str) -> Uuid {
    open_account(&Store::open(url, Options::default()).expect("it opens"), email)
}

fn emails(url: &str) -> Vec<String> {
    let mut client = Client::connect(url, NoTls).expect("it connects");
    let rows = client.query("SELECT email FROM users ORDER BY email", &[]).expect("users");
    rows.iter().map(|row| row.get(0)).collect()
}

#[test]
fn a_dump_is_verified_listed_and_restored_into_an_empty_database() {
    let name = "a_dump_is_verified_listed_and_restored_into_an_empty_database";
    let Some(cluster) = Cluster::start_or_skip(name) else { return };
    let url = cluster.database("first");
    let (_, gone) = (add_user(&url, "stays@example.org"), add_user(&url, "gone@example.org"));
    let place = Place::new().with("DATABASE_URL", &url);
    let made = place.run(&["backup", "create", "--json"]).json();
    assert_eq!(
        (&made["engine"], &made["file"], &made["rows"]["users"], &made["archive"]),
        (&json!("postgresql"), &json!("treebeard.dump"), &json!(2), &Value::Null)
    );
    assert!(made["audit_head"]["hash"].as_str().is_some_and(|hash| hash.len() == 64), "{made}");
    let listed = place.run(&["backup", "list", "--json"]).json();
    assert_eq!((listed.as_array().map(Vec::len), &listed[0]["name"]), (Some(1), &made["name"]));
    let verified = place.run(&["backup", "verify", "--json"]).json();
    let expected = json!([{ "name": made["name"], "faults": [], "opened": true }]);
    assert_eq!(verified, json!({ "backups": expected, "archive": null }));

    place.run(&["restore", "latest"]).refused(1, &["tables already", "createdb"]);
    place.run(&["restore", "latest", "--at", "now"]).refused(1, &["the server's own archive"]);
    add_user(&url, "later@example.org");
    let list = place.path().join("data/treebeard.erased");
    erasure_list::append(&list, &[(erasure::trace_of(gone), Timestamp::now())]).expect("written");
    let other = cluster.database("second");
    let place = place.with("DATABASE_URL", &other);
    let drill = place.run(&["restore", "latest", "--dry-run", "--json"]).json();
    assert_eq!((&drill["rows"], &drill["dry_run"]), (&drill_rows(&made), &json!(true)));
    let restored = place.run(&["restore", "latest", "--json"]).json();
    assert_eq!((&restored["changed"]["users"], &restored["erased_again"]), (&json!([null, 2]), &json!(1)));
    assert_eq!(emails(&other), ["stays@example.org"]);
    assert_eq!(emails(&url), ["gone@example.org", "later@example.org", "stays@example.org"], "nothing was touched");

    let dump = place.path().join("data/backups").join(made["name"].as_str().expect("a name")).join("treebeard.dump");
    let mut bytes = std::fs::read(&dump).expect("a dump");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&dump, bytes).expect("written");
    assert_eq!(place.run(&["backup", "verify"]).code, 4);

    // A backup of the one engine is not restored into the other.
    let file = format!("sqlite:{}", place.path().join("other.db").display());
    let place = place.with("DATABASE_URL", &file);
    place.run(&["restore", "latest"]).refused(1, &["is of PostgreSQL", "database.url"]);
}

/// Rows of all tables.
fn drill_rows(made: &Value) -> Value {
    made["rows"].as_object().expect("tables").values().filter_map(Value::as_u64).sum::<u64>().into()
}

fn append(path: &Path, text: &str) {
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).expect("it can be written");
    file.write_all(text.as_bytes()).expect("written");
}

#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what} does not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The recipe of docs/backup.md, step by step.
#[test]
fn a_moment_of_postgresql_is_restored_from_its_own_archive() {
    let name = "a_moment_of_postgresql_is_restored_from_its_own_archive";
    let Some(cluster) = Cluster::start_or_skip(name) else { return };
    let (data, folder) = (cluster.data(), cluster.folder.path());
    let owner = std::fs::metadata(&data).expect("data");
    let for_the_server = |path: &Path| chown(path, Some(owner.uid()), Some(owner.gid())).expect("a server's file");
    let archive = folder.join("archive");
    std::fs::create_dir(&archive).expect("a folder");
    for_the_server(&archive);
    let keep = format!("test ! -f {0}/%f && cp %p {0}/%f.part && mv {0}/%f.part {0}/%f", archive.display());
    append(&Path::new(&data).join("postgresql.conf"), &format!("archive_mode = on\narchive_command = '{keep}'\n"));
    cluster.stop().expect("it stops");
    cluster.launch().expect("it starts");
    let url = cluster.database("treebeard");
    add_user(&url, "before@example.org");

    let base = folder.join("base").display().to_string();
    let socket = folder.display().to_string();
    cluster.run("pg_basebackup", &["-D", &base, "-h", &socket, "-U", "postgres", "-c", "fast"]).expect("a base");
    add_user(&url, "kept@example.org");
    let mut client = Client::connect(&url, NoTls).expect("it connects");
    let moment: String = client.query_one("SELECT CAST(clock_timestamp() AS TEXT)", &[]).expect("a time").get(0);
    add_user(&url, "mistake@example.org");
    let segment = client.query_one("SELECT pg_walfile_name(pg_switch_wal())", &[]).expect("a file");
    let segment: String = segment.get(0);
    until("the archived file", || archive.join(&segment).exists());
    drop(client);

    cluster.stop().expect("it stops");
    std::fs::rename(&data, folder.join("lost")).expect("put aside");
    std::fs::rename(&base, &data).expect("in its place");
    let fetch = format!("cp {}/%f %p", archive.display());
    let recovery =
        format!("restore_command = '{fetch}'\nrecovery_target_time = '{moment}'\nrecovery_target_action = 'promote'\n");
    append(&Path::new(&data).join("postgresql.auto.conf"), &recovery);
    let signal = Path::new(&data).join("recovery.signal");
    append(&signal, "");
    for_the_server(&signal);
    cluster.launch().expect("it starts");
    until("the end of the recovery", || {
        let mut client = Client::connect(&url, NoTls).expect("it connects");
        !client.query_one("SELECT pg_is_in_recovery()", &[]).expect("an answer").get::<_, bool>(0)
    });
    assert_eq!(emails(&url), ["before@example.org", "kept@example.org"]);
    add_user(&url, "after@example.org");
    assert_eq!(emails(&url).len(), 3, "the service goes on with it");
}
