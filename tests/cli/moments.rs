//! Any moment restored: the archive of commits against what the database really was.

use crate::backup::{add_user, emails};
use crate::run::Place;
use crate::serve::Service;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::{Duration, Instant};
use treebeard::store::backup::files::hex;

const WRITERS: u64 = 4;
const MOMENTS: usize = 20;
pub const SERVE: [&str; 9] = [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--set",
    "limits.exempt_networks=127.0.0.0/8",
    "--set",
    "auth.argon2_memory_kib=64",
    "--set",
    "auth.argon2_passes=1",
];

/// Status and body of one request.
fn request(address: &str, method: &str, path: &str, bearer: Option<&str>, body: &Value) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let bearer = bearer.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let body = body.to_string();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{bearer}");
    write!(stream, "{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let value = answer.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok());
    Some((status, value.unwrap_or_default()))
}

/// A new account, with its address and when it was acknowledged.
fn register(address: &str, number: u64) -> Option<(Instant, String, Value)> {
    let email = format!("user-{number}@example.org");
    let new = json!({ "email": email, "password": "test123", "name": "Somebody", "zip_code": "78701" });
    let mut answer = request(address, "POST", "/api/v1/auth/register", None, &new)?;
    // The passwords of others are being hashed.
    while answer.0 == 503 {
        std::thread::sleep(Duration::from_millis(100));
        answer = request(address, "POST", "/api/v1/auth/register", None, &new)?;
    }
    let (status, answer) = answer;
    assert_eq!(status, 201, "{answer}");
    Some((Instant::now(), email, answer))
}

/// A new account, its preferences and a few months of usage.
pub fn live_a_little(address: &str, number: u64) -> Option<()> {
    let (_, _, answer) = register(address, number)?;
    let token = answer["access_token"].as_str();
    let wishes = json!({ "cost_priority": 100 - number % 50, "flexibility_priority": number % 50,
                         "renewable_priority": 0, "rating_priority": 0 });
    request(address, "POST", "/api/v1/users/preferences", token, &wishes);
    let months: Vec<Value> = (1..=6).map(|month| json!({ "month": format!("2026-0{month}"), "kwh": number })).collect();
    request(address, "POST", "/api/v1/usage/upload", token, &json!({ "usage_data": months })).map(|_| ())
}

/// How long the oldest commit has been waiting for the archive's disk.
fn lag(address: &str) -> f64 {
    let mut stream = TcpStream::connect(address).expect("it accepts");
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut page = String::new();
    stream.read_to_string(&mut page).expect("it answers");
    let line = page.lines().find_map(|line| line.strip_prefix("treebeard_archive_lag_seconds "));
    line.and_then(|line| line.parse().ok()).expect("a figure")
}

/// A hash of all rows of each table, at one moment. SQLite's own tables are statistics and not data.
pub fn logical_checksum(database: &Path) -> BTreeMap<String, String> {
    let connection = rusqlite::Connection::open(database).expect("it opens");
    connection.execute_batch("BEGIN").expect("one moment");
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
    let mut tables = connection.prepare(tables).expect("a statement");
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).expect("tables").flatten().collect();
    let hash = |table: String| {
        let mut rows = connection.prepare(&format!("SELECT * FROM \"{table}\"")).expect("a statement");
        let columns = rows.column_count();
        let line = |row: &rusqlite::Row<'_>| -> rusqlite::Result<String> {
            (0..columns).map(|n| Ok(format!("{:?} ", row.get_ref(n)?))).collect()
        };
        let mut lines: Vec<String> = rows.query_map([], line).expect("rows").map(|row| row.expect("a row")).collect();
        lines.sort();
        (table, hex(&Sha256::digest(format!("{lines:?}"))))
    };
    tables.into_iter().map(hash).collect()
}

/// Waits until a backup is there from which the archive leads on.
pub fn wait_for_a_base(place: &Place, bases: usize) {
    let started = Instant::now();
    let count = || {
        let all = place.run(&["backup", "list", "--json"]).json();
        all.as_array().map_or(0, |all| all.iter().filter(|one| one["archive"].is_object()).count())
    };
    while count() < bases {
        assert!(started.elapsed() < Duration::from_secs(60), "no backup leads on");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn twenty_random_moments_of_a_load_come_back_as_they_were() {
    let place = Place::new();
    let database = place.path().join("data/treebeard.db");
    let service = Service::start(&place, &SERVE);
    wait_for_a_base(&place, 1);
    let (turn, over, number) = (RwLock::new(()), AtomicBool::new(false), AtomicU64::new(0));
    let (mut recorded, mut worst_lag) = (Vec::new(), 0.0_f64);
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let _one_of_many = turn.read().expect("nobody panics");
                    live_a_little(&service.address, number.fetch_add(1, Ordering::Relaxed));
                }
            });
        }
        let mut dice = 0x5DEE_CE66_u64;
        for _ in 0..MOMENTS {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            std::thread::sleep(Duration::from_millis(20 + (dice >> 33) % 200));
            worst_lag = worst_lag.max(lag(&service.address));
            let _alone = turn.write().expect("nobody panics");
            recorded.push((Timestamp::now(), logical_checksum(&database)));
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(service.stop(), Some(0));
    let users = emails(&place).len();
    let started = Instant::now();
    let mut commits = 0;
    for (at, checksum) in &recorded {
        let restored = place.run(&["restore", "latest", "--at", &at.to_string(), "--json"]).json();
        assert_eq!(&logical_checksum(&database), checksum, "{at}: {restored}");
        assert_eq!(restored["interrupted_at"], Value::Null);
        commits = commits.max(restored["commits"].as_u64().expect("a number"));
    }
    let each = started.elapsed() / MOMENTS as u32;
    println!(
        "{MOMENTS} moments of a load that made {users} accounts, up to {commits} commits: all equal, {each:?} each"
    );
    let different: BTreeSet<_> = recorded.iter().map(|(_, checksum)| checksum).collect();
    assert!(different.len() > MOMENTS / 2, "the moments differ");
    place.run(&["restore", "latest", "--at", "2020-01-01T00:00:00Z"]).refused(1, &["choose a later moment"]);
    place.run(&["restore", "latest", "--at", "2999-01-01T00:00:00Z"]).refused(1, &["has not come yet"]);
    place.run(&["restore", "latest", "--at", "yesterday"]).refused(2, &["write a time with its zone"]);
}

#[test]
fn what_was_acknowledged_a_second_before_a_kill_is_in_the_archive() {
    let place = Place::new();
    let service = Service::start(&place, &SERVE);
    wait_for_a_base(&place, 1);
    let (over, number, acknowledged) = (AtomicBool::new(false), AtomicU64::new(0), Mutex::new(Vec::new()));
    let address = service.address.clone();
    let killed_at = std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let new = register(&address, number.fetch_add(1, Ordering::Relaxed));
                    acknowledged.lock().expect("nobody panics").extend(new.map(|(at, email, _)| (at, email)));
                }
            });
        }
        std::thread::sleep(Duration::from_secs(2));
        let killed_at = Instant::now();
        service.kill();
        over.store(true, Ordering::Relaxed);
        killed_at
    });
    // The disk of the database is lost, that of the archive is not.
    for part in ["", "-wal", "-shm"] {
        let _may_not_be_there = std::fs::remove_file(place.path().join(format!("data/treebeard.db{part}")));
    }
    let restored = place.run(&["restore", "latest", "--at", "now", "--json"]).json();
    let held = emails(&place);
    let acknowledged = acknowledged.into_inner().expect("nobody panics");
    let lost: Vec<_> = acknowledged.iter().filter(|(_, email)| !held.contains(email)).collect();
    let oldest = lost.iter().map(|(at, _)| killed_at.duration_since(*at)).max().unwrap_or_default();
    println!(
        "{} accounts acknowledged, {} lost with the database's disk, the oldest {oldest:?} before the kill; restored in {} ms",
        acknowledged.len(),
        lost.len(),
        restored["took_milliseconds"]
    );
    assert!(!acknowledged.is_empty() && oldest <= Duration::from_secs(1));
}

#[test]
fn the_second_disk_alone_brings_a_moment_back_when_the_first_is_gone() {
    let place = Place::new();
    let [first, second] = ["private/data", "second"].map(|folder| place.path().join(folder));
    for folder in [&first, &second] {
        std::fs::create_dir_all(folder).expect("a folder");
    }
    // As systemd has it: what is left of the first disk is a link that leads nowhere.
    std::os::unix::fs::symlink(&first, place.path().join("data")).expect("a link");
    let copies = format!("backup.second_dir={}", second.display());
    let archive = format!("backup.archive_dir={}", second.join("archive").display());
    let settings = ["--set", &copies, "--set", &archive];
    let service = Service::start(&place, &[&SERVE[..], &settings].concat());
    let begun = Instant::now();
    let listed = || place.run(&[&["backup", "list", "--json"], &settings[..]].concat()).json();
    while listed()[0]["second_copy"] != json!(true) {
        assert!(begun.elapsed() < Duration::from_secs(60), "no backup is copied");
        std::thread::sleep(Duration::from_millis(100));
    }
    register(&service.address, 1).expect("an answer");
    let moment = Timestamp::now();
    std::thread::sleep(Duration::from_millis(2));
    register(&service.address, 2).expect("an answer");
    std::thread::sleep(Duration::from_secs(1));
    std::fs::remove_dir_all(&first).expect("the first disk is gone");
    service.kill();

    assert_eq!(listed().as_array().map(Vec::len), Some(1), "the copy is listed");
    let restore = place.run(&[&["restore", "latest", "--at", &moment.to_string()], &settings[..]].concat());
    assert_eq!(restore.code, 0, "{}", restore.stderr);
    assert_eq!(emails(&place), ["user-1@example.org"]);
}

#[test]
fn a_restart_goes_on_and_a_write_that_nobody_saw_begins_anew() {
    let place = Place::new();
    let generations = || {
        let found = std::fs::read_dir(place.path().join("data/archive")).expect("a folder");
        found.count()
    };
    let service = Service::start(&place, &SERVE);
    wait_for_a_base(&place, 1);
    live_a_little(&service.address, 1).expect("acknowledged");
    assert_eq!(service.stop(), Some(0));
    let service = Service::start(&place, &SERVE);
    live_a_little(&service.address, 2).expect("acknowledged");
    service.kill();
    let service = Service::start(&place, &SERVE);
    live_a_little(&service.address, 3).expect("acknowledged");
    assert_eq!(generations(), 1, "a restart and a crash break nothing");
    // A command beside the service is seen, too.
    let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/catalog.json");
    assert_eq!(place.run(&["catalog", "import", catalog]).code, 0);
    assert_eq!(service.stop(), Some(0));
    assert_eq!(generations(), 1);
    let before = logical_checksum(&place.path().join("data/treebeard.db"));
    let seen_until = Timestamp::now();

    add_user(&place, "unseen@example.org");
    let unseen_until = Timestamp::now();
    let service = Service::start(&place, &SERVE);
    wait_for_a_base(&place, 2);
    assert_eq!(generations(), 2, "the archive did not see that write");
    let page = service.get("/metrics");
    assert!(page.contains("treebeard_archive_interruptions_total 1"), "{page}");
    assert_eq!(service.stop(), Some(0));
    let archive = place.run(&["backup", "verify", "--json"]).json()["archive"].clone();
    let interruptions = archive["interruptions"].as_array().expect("a list").clone();
    assert_eq!((&archive["faults"], interruptions.len()), (&json!([]), 1), "{archive}");
    let told = place.run(&["backup", "verify"]).stdout;
    assert!(told.contains("interrupted: what was written from ") && told.contains("archive: good: "), "{told}");
    let restored = place.run(&["restore", "latest", "--at", &unseen_until.to_string(), "--json"]).json();
    assert!(restored["interrupted_at"].is_string(), "what was written unseen may be from before that moment");
    let restored = place.run(&["restore", "latest", "--at", &seen_until.to_string(), "--json"]).json();
    assert_eq!(logical_checksum(&place.path().join("data/treebeard.db")), before, "{restored}");
    let restored = place.run(&["restore", "latest", "--at", "now", "--json"]).json();
    assert!(emails(&place).contains(&"unseen@example.org".to_owned()), "{restored}");
}

/// Kills of a service that has just been started, at moments from before it listens to under load.
const CRASHES: u32 = 12;

#[test]
fn services_that_crash_soon_after_their_start_leave_no_gap_that_is_not_told() {
    let place = Place::new();
    let database = place.path().join("data/treebeard.db");
    let service = Service::start(&place, &SERVE);
    wait_for_a_base(&place, 1);
    let address = service.address.clone();
    assert_eq!(service.stop(), Some(0));
    let port = ["--listen", &address];
    for n in 1..=CRASHES {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_treebeard"))
            .args([&SERVE[..1], &port, &SERVE[3..]].concat())
            .current_dir(place.path())
            .env_clear()
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the binary starts");
        let until = Instant::now() + Duration::from_millis(u64::from(n) * 40);
        let mut number = u64::from(n) * 1000;
        while Instant::now() < until {
            match TcpStream::connect(&address) {
                Ok(_) => drop(live_a_little(&address, number)),
                Err(_) => std::thread::sleep(Duration::from_millis(2)),
            }
            number += 1;
        }
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }
    let service = Service::start(&place, &SERVE);
    live_a_little(&service.address, 1).expect("acknowledged");
    let survey = || place.run(&["backup", "verify", "--json"]).json()["archive"].clone();
    // A service killed just when the log began again has lost what was on its way to the archive.
    let told = survey()["interruptions"].as_array().expect("a list").len();
    wait_for_a_base(&place, 1 + told);
    assert_eq!(service.stop(), Some(0));
    let (expected, archive) = (logical_checksum(&database), survey());
    assert_eq!(archive["faults"], json!([]), "{archive}");
    let restored = place.run(&["restore", "latest", "--at", "now", "--json"]).json();
    assert_eq!(logical_checksum(&database), expected, "{restored}");
    assert_eq!((&restored["interrupted_at"], &restored["cut_off"]), (&Value::Null, &Value::Null));
    println!(
        "{CRASHES} crashes, {} commits archived, {} accounts, {told} interruptions: the archive gives the database",
        archive["commits"],
        emails(&place).len()
    );
}

#[test]
fn a_file_of_the_archive_that_is_gone_or_damaged_is_told_by_verify_and_by_restore() {
    let place = Place::new();
    // Each start begins a file, so there are three.
    for n in 1..=3 {
        let service = Service::start(&place, &SERVE);
        wait_for_a_base(&place, 1);
        live_a_little(&service.address, n).expect("acknowledged");
        assert_eq!(service.stop(), Some(0));
    }
    let folder = std::fs::read_dir(place.path().join("data/archive")).expect("a folder").next();
    let folder = folder.expect("a generation").expect("a folder").path();
    let mut files: Vec<_> = std::fs::read_dir(&folder).expect("files").flatten().map(|file| file.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    files.sort();
    assert!(files.len() >= 3, "{files:?}");
    let whole: Vec<Vec<u8>> = files.iter().map(|path| std::fs::read(path).expect("a file")).collect();
    let last = files.len() - 1;
    let told = |code: i32, words: &str| {
        let verified = place.run(&["backup", "verify"]);
        assert_eq!(verified.code, code, "{}{}", verified.stdout, verified.stderr);
        assert!(verified.stdout.contains(words), "{words} is not in {}", verified.stdout);
    };
    let drill = || place.run(&["restore", "latest", "--at", "now", "--dry-run", "--json"]);
    told(0, "archive: good");
    assert_eq!(drill().json()["cut_off"], Value::Null);

    std::fs::remove_file(&files[1]).expect("there was one");
    told(4, "is followed by");
    drill().refused(1, &["does not follow"]);
    std::fs::write(&files[1], &whole[1]).expect("written");

    std::fs::remove_file(&files[last]).expect("there was one");
    told(4, "was written, but the last is");
    assert!(drill().json()["cut_off"].is_string());

    let mut damaged = whole[last].clone();
    let end = damaged.len() - 1;
    damaged[end] ^= 1;
    std::fs::write(&files[last], damaged).expect("written");
    told(4, "is damaged");
    assert_eq!(
        drill().json()["cut_off"].as_str().map(Path::new),
        Some(
            Path::new("data/archive")
                .join(folder.file_name().expect("a name"))
                .join(files[last].file_name().expect("a name"))
                .as_path()
        )
    );
    std::fs::write(&files[last], &whole[last]).expect("written");
    told(0, "archive: good");
}

#[test]
fn with_an_external_checkpoint_the_log_is_left_to_litestream_and_its_tables_are_no_harm() {
    let place = Place::new();
    let serve = [&SERVE[..], &["--set", "database.checkpoint=external"]].concat();
    let service = Service::start(&place, &serve);
    live_a_little(&service.address, 1).expect("acknowledged");
    let database = place.path().join("data/treebeard.db");
    let theirs = "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
                  CREATE TABLE _litestream_lock (id INTEGER);";
    let connection = rusqlite::Connection::open(&database).expect("it opens");
    connection.execute_batch(theirs).expect("made beside the service");
    assert_eq!(service.stop(), Some(0));
    let log = std::fs::metadata(place.path().join("data/treebeard.db-wal")).expect("the log stays");
    assert!(log.len() > 0, "nobody but litestream folds it");
    assert!(!place.path().join("data/archive").exists());
    drop(connection);
    let service = Service::start(&place, &serve);
    live_a_little(&service.address, 2).expect("acknowledged");
    assert_eq!(place.run(&["backup", "create"]).code, 0);
    assert_eq!(service.stop(), Some(0));
    assert_eq!(place.run(&["backup", "verify", "--all"]).code, 0);
}
