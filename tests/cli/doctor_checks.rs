//! `treebeard doctor`: a good installation passes every check, and each fault that can be made is found and told.

use crate::admin;
use crate::old_schema;
use crate::postgres_cluster::Cluster;
use crate::run::Place;
use crate::serve::Service;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

const KEY: &str = "7d0f5f3c8a4b4a1e9c2f6b8d1e3a5c7f9b0d2e4f6a8c1b3d5e7f9a0b2c4d6e8f";
const CATALOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/catalog.json");
/// Nobody listens on the port of this name service.
const NOBODY: &str = "http://127.0.0.1:9";
/// The system decides: nothing a test can make.
const CANNOT_BE_MADE: &[&str] = &["file_system", "free_files", "password_memory", "unit"];

/// An installation with which nothing is wrong.
fn good() -> Place {
    let place = Place::new();
    admin::create(&place, "ada@example.org");
    assert_eq!(place.run(&["catalog", "import", CATALOG]).code, 0);
    assert_eq!(place.run(&["backup", "create"]).code, 0);
    place
}

/// The findings by check, and the exit code.
fn examined(place: &Place, more: &[&str]) -> (BTreeMap<String, Value>, i32) {
    let outcome = place.run(&[&["doctor", "--json"], more].concat());
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap_or_else(|_| panic!("{}", outcome.stderr));
    let findings = report["checks"].as_array().expect("a list").iter();
    let named = findings.map(|one| (one["check"].as_str().expect("a name").to_owned(), one.clone())).collect();
    (named, outcome.code)
}

fn change(place: &Place, sql: &str) {
    let connection = rusqlite::Connection::open(place.path().join("data/treebeard.db")).expect("it opens");
    connection.execute_batch(sql).expect("changed");
}

fn allow_all(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).expect("changed");
}

fn lengthen(path: &Path, bytes: u64) {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("it opens");
    file.set_len(bytes).expect("a file with a hole");
}

#[test]
fn a_good_installation_passes_every_check() {
    let place = good().with("SECRET_KEY", KEY);
    let (findings, code) = examined(&place, &["--set", "server.listen=127.0.0.1:0"]);
    assert_eq!(code, 0, "{findings:?}");
    assert!(findings.len() >= 25, "{} checks", findings.len());
    let is_root = rustix::process::geteuid().is_root();
    for (name, finding) in &findings {
        let wanted = if name == "account" && is_root { &["warning"][..] } else { &["ok", "skipped"] };
        // The disk of the machine that runs the tests may be nearly full.
        if name != "free_space" {
            assert!(wanted.contains(&finding["status"].as_str().expect("a word")), "{finding}");
        }
        assert_eq!(
            finding["remedy"].is_null(),
            finding["status"] == "ok" || finding["status"] == "skipped",
            "{finding}"
        );
    }
    println!("doctor: {} checks", findings.len());
    let text = place.run(&["doctor", "--set", "server.listen=127.0.0.1:0"]);
    assert!(
        text.stdout.contains("ok       integrity: the file is whole") && text.stdout.contains(" checks: 0 problems")
    );
    let data = place.path().join("data");
    assert!(
        std::fs::read_dir(data)
            .expect("a folder")
            .flatten()
            .all(|entry| !entry.file_name().to_string_lossy().contains("doctor"))
    );
}

/// What is made wrong, the check that finds it, as what, and whether `--fix` puts it right.
type Case = (&'static str, &'static str, bool, fn(&Place) -> Vec<String>);

fn flags(settings: &[&str]) -> Vec<String> {
    settings.iter().flat_map(|setting| ["--set".to_owned(), (*setting).to_owned()]).collect()
}

const CASES: &[Case] = &[
    ("signing_key_file", "problem", true, |place| {
        allow_all(&place.path().join("data/secret_key"));
        Vec::new()
    }),
    ("settings_file", "problem", true, |place| {
        allow_all(Path::new(&place.file("treebeard.toml", &format!("[auth]\nsecret_key = \"{KEY}\"\n"))));
        Vec::new()
    }),
    ("trusted_proxies", "problem", false, |_| flags(&["server.trusted_proxies=0.0.0.0/0"])),
    ("encryption", "warning", false, |_| flags(&["server.listen=0.0.0.0:0"])),
    ("metrics_token", "warning", false, |_| flags(&["server.listen=0.0.0.0:0"])),
    ("cors_origins", "warning", false, |_| flags(&["server.cors_origins=*"])),
    ("documents", "problem", false, |place| {
        place.file("terms.html", "<p>none</p>");
        flags(&["privacy.documents_dir=."])
    }),
    ("tls_certificate", "problem", false, |place| {
        let paths = (place.file("c.pem", "nothing"), place.file("k.pem", "nothing"));
        flags(&[&format!("tls.certificate={}", paths.0), &format!("tls.key={}", paths.1)])
    }),
    ("tls_expiry", "warning", false, certificate),
    ("tls_key_file", "problem", true, |place| {
        let settings = certificate(place);
        allow_all(&place.path().join("k.pem"));
        settings
    }),
    ("data_folder", "warning", true, |place| {
        std::fs::remove_dir_all(place.path().join("data")).expect("there was one");
        Vec::new()
    }),
    ("data_folder_mode", "problem", true, |place| {
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(place.path().join("data"), mode).expect("changed");
        Vec::new()
    }),
    ("free_space", "problem", false, |place| {
        lengthen(&place.path().join("data/treebeard.db-wal"), 4 << 40);
        Vec::new()
    }),
    ("left_over", "warning", true, |place| {
        std::fs::create_dir(place.path().join("data/.rehearsal-x")).expect("a folder");
        Vec::new()
    }),
    ("database", "problem", false, |place| {
        std::fs::write(place.path().join("data/treebeard.db"), "no database ".repeat(1_000)).expect("written");
        Vec::new()
    }),
    ("database_mode", "problem", true, |place| {
        allow_all(&place.path().join("data/treebeard.db"));
        Vec::new()
    }),
    ("migrations", "warning", true, |place| {
        let path = place.path().join("data/treebeard.db");
        std::fs::remove_file(&path).expect("there was one");
        old_schema::make(&path, 1);
        Vec::new()
    }),
    ("schema", "problem", false, |place| {
        change(place, "DROP INDEX users_by_role; CREATE TABLE _litestream_seq (id)");
        Vec::new()
    }),
    ("integrity", "problem", false, |place| {
        // A row that an index does not have.
        change(
            place,
            "PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = \
            (SELECT rootpage FROM sqlite_master WHERE name = 'sessions_by_user') WHERE name = 'users_by_role'",
        );
        Vec::new()
    }),
    ("references", "problem", false, |place| {
        change(
            place,
            "PRAGMA foreign_keys = OFF; \
            INSERT INTO consents VALUES (zeroblob(16), zeroblob(16), 'terms', '1', 1, 1)",
        );
        Vec::new()
    }),
    ("log_size", "warning", true, |place| {
        lengthen(&place.path().join("data/treebeard.db-wal"), 65 << 20);
        Vec::new()
    }),
    ("audit_log", "problem", false, |place| {
        change(place, "DROP TRIGGER audit_logs_no_update; UPDATE audit_logs SET event = 'nothing' WHERE seq = 1");
        Vec::new()
    }),
    ("catalog", "warning", false, |place| {
        change(place, "UPDATE plan_catalog SET deleted_at = 1");
        Vec::new()
    }),
    ("catalog_age", "warning", false, |place| {
        change(place, "UPDATE catalog_revision SET changed_at = 1");
        Vec::new()
    }),
    ("administrator", "warning", false, |place| {
        change(place, "UPDATE users SET role = 'user'");
        Vec::new()
    }),
    ("proxy_seen", "warning", false, |place| {
        for n in 1..=5 {
            change(
                place,
                &format!(
                    "INSERT INTO sessions SELECT x'{n:032}', id, 1, 1, 1, '10.0.0.1', NULL, NULL \
                FROM users LIMIT 1"
                ),
            );
        }
        Vec::new()
    }),
    ("clock", "problem", false, |place| {
        change(place, "DROP TRIGGER audit_logs_no_update; UPDATE audit_logs SET logged_at = 4000000000000000");
        Vec::new()
    }),
    ("erased_list", "problem", false, |place| {
        std::fs::create_dir(place.path().join("data/treebeard.erased")).expect("a folder");
        Vec::new()
    }),
    ("backup_age", "warning", true, |place| {
        std::fs::remove_dir_all(place.path().join("data/backups")).expect("there was one");
        Vec::new()
    }),
    ("backup_whole", "problem", false, |place| {
        let name = place.run(&["backup", "list", "--json"]).json()[0]["name"].as_str().expect("a name").to_owned();
        let path = place.path().join("data/backups").join(name).join("treebeard.db");
        let mut bytes = std::fs::read(&path).expect("a file");
        bytes[8_000] ^= 1;
        std::fs::write(&path, bytes).expect("written");
        Vec::new()
    }),
    ("archive", "problem", false, |place| {
        let generation = std::fs::read_dir(place.path().join("data/archive")).expect("a folder").next();
        let path = generation.expect("one").expect("a folder").path().join("00000001.log");
        let mut bytes = std::fs::read(&path).expect("a file");
        *bytes.last_mut().expect("a record") ^= 1;
        std::fs::write(&path, bytes).expect("written");
        Vec::new()
    }),
    ("backup_second", "problem", false, |_| flags(&["backup.second_dir=absent"])),
    ("traces_host", "problem", false, |_| flags(&[&format!("traces.endpoint={NOBODY}")])),
];

/// A certificate that expires in five days, and its key.
fn certificate(place: &Place) -> Vec<String> {
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let end = jiff::Zoned::now().date().saturating_add(jiff::Span::new().days(5));
    parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(end.year().into(), end.month() as u8, end.day() as u8);
    let certificate = parameters.self_signed(&key).expect("a certificate").pem();
    let paths = (place.file("c.pem", &certificate), place.file("k.pem", &key.serialize_pem()));
    std::fs::set_permissions(&paths.1, std::fs::Permissions::from_mode(0o600)).expect("changed");
    flags(&[&format!("tls.certificate={}", paths.0), &format!("tls.key={}", paths.1)])
}

#[test]
fn every_fault_is_found_told_and_where_it_can_be_put_right() {
    for (check, status, is_fixed, make) in CASES {
        let place = good();
        let more = make(&place);
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let (findings, code) = examined(&place, &more);
        let found = &findings[*check];
        assert_eq!(found["status"], *status, "{found}");
        assert!(found["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{found}");
        assert_eq!(code == 4, findings.values().any(|one| one["status"] == "problem"), "{check}");
        assert_eq!(found["fixable"], *is_fixed, "{found}");
        if *is_fixed {
            let (fixed, _) = examined(&place, &[&["--fix"], &more[..]].concat());
            assert_eq!(
                (&fixed[*check]["fixed"], &fixed[*check]["status"]),
                (&json!(true), &json!("ok")),
                "{}",
                fixed[*check]
            );
            let (after, _) = examined(&place, &more);
            assert_eq!(after[*check]["status"], "ok", "{}", after[*check]);
        }
    }
}

#[test]
fn faults_of_the_environment_are_found() {
    let secret = good();
    let file = secret.file("key", KEY);
    allow_all(Path::new(&file));
    let hook = [("TREEBEARD_NOTIFIER__WEBHOOK_URL", NOBODY), ("TREEBEARD_NOTIFIER__WEBHOOK_KEY", KEY)];
    let hook = || good().with(hook[0].0, hook[0].1).with(hook[1].0, hook[1].1);
    for (place, check, status) in [
        (good().with("TREEBEARD_UNHEARD_OF", "1"), "notices", "warning"),
        (good().with("SECRET_KEY", "short"), "signing_key", "problem"),
        (secret.with("SECRET_KEY_FILE", &file), "secret_files", "problem"),
        (hook(), "public_url", "warning"),
        (hook(), "notifier_host", "problem"),
        (good().with("CLAUDE_API_KEY", "k").with("TREEBEARD_EXPLANATIONS__BASE_URL", NOBODY), "ai_host", "problem"),
    ] {
        let (findings, _) = examined(&place, &[]);
        assert_eq!(findings[check]["status"], status, "{}", findings[check]);
        let told = Value::from_iter(findings.clone()).to_string();
        assert!(!told.contains(KEY), "a secret is shown");
    }
    let (findings, code) = examined(&Place::new(), &["--set", "server.listen=nowhere"]);
    assert_eq!((findings["settings"]["status"].as_str(), findings.len(), code), (Some("problem"), 1, 4));
}

#[test]
fn the_service_its_address_and_its_limits_are_looked_at() {
    let place = good();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = format!("server.listen={}", listener.local_addr().expect("an address"));
    let (findings, code) = examined(&place, &["--set", &taken]);
    assert_eq!((findings["address"]["status"].as_str(), code), (Some("problem"), 4));
    drop(listener);

    let service = Service::start(&place, &["serve", "--set", &taken]);
    let (findings, _) = examined(&place, &["--set", &taken]);
    assert_eq!(findings["service"]["status"], "ok", "{}", findings["service"]);
    assert_eq!(findings["address"]["status"], "skipped");
    let process = Pid::from_raw(i32::try_from(service.id()).expect("a number")).expect("a process");
    kill_process(process, Signal::STOP).expect("it is there");
    let (findings, _) = examined(&place, &["--set", &taken]);
    kill_process(process, Signal::CONT).expect("it is there");
    assert_eq!(findings["service"]["status"], "problem", "{}", findings["service"]);
    assert_eq!(service.stop(), Some(0));

    let limited = "ulimit -n 64; exec \"$0\" doctor --json";
    let output = Command::new("bash")
        .args(["-c", limited, env!("CARGO_BIN_EXE_treebeard")])
        .current_dir(place.path())
        .env_clear()
        .output()
        .expect("bash runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let found = report["checks"].as_array().expect("a list").iter().find(|one| one["check"] == "open_files");
    assert_eq!(found.expect("it is looked at")["status"], "warning");
}

#[test]
fn files_of_another_user_are_found() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: files_of_another_user_are_found: only root can give files away");
        return;
    }
    let place = good();
    chown(place.path().join("data/treebeard.db"), Some(12_345), None).expect("given away");
    assert_eq!(examined(&place, &[]).0["data_owner"]["status"], "problem");
}

#[test]
fn a_database_on_postgresql_is_looked_at_as_far_as_it_is_ours() {
    let Some(cluster) = Cluster::start_or_skip("a_database_on_postgresql_is_looked_at_as_far_as_it_is_ours") else {
        return;
    };
    let place = Place::new().with("DATABASE_URL", &cluster.database("doctor"));
    let (findings, code) = examined(&place, &[]);
    assert_eq!((findings["migrations"]["status"].as_str(), code), (Some("warning"), 0), "{}", findings["migrations"]);
    assert_eq!(place.run(&["migrate"]).code, 0);
    let (findings, code) = examined(&place, &["--fix"]);
    assert_eq!(code, 0);
    for (check, status) in [
        ("database", "ok"),
        ("migrations", "ok"),
        ("audit_log", "ok"),
        ("clock", "ok"),
        ("database_encryption", "ok"),
        ("catalog", "warning"),
        ("administrator", "warning"),
        ("integrity", "skipped"),
        ("backup_age", "skipped"),
        ("file_system", "skipped"),
    ] {
        assert_eq!(findings[check]["status"], status, "{}", findings[check]);
    }
    cluster.stop().expect("it stops");
    let (findings, code) = examined(&place, &[]);
    assert_eq!((findings["database"]["status"].as_str(), code), (Some("problem"), 4));
    cluster.launch().expect("it starts");
}

#[test]
fn every_check_is_made_to_fail_by_a_test() {
    let elsewhere = [
        "settings",
        "database_encryption",
        "notices",
        "signing_key",
        "secret_files",
        "public_url",
        "notifier_host",
        "ai_host",
        "service",
        "address",
        "open_files",
        "data_owner",
        "account",
    ];
    let (findings, _) = examined(&good(), &[]);
    for name in findings.keys() {
        let is_tried = CASES.iter().any(|case| case.0 == name) || elsewhere.contains(&name.as_str());
        assert!(is_tried || CANNOT_BE_MADE.contains(&name.as_str()), "no test makes {name} fail");
    }
}
