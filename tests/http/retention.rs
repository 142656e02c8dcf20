//! Data goes when it has been kept as long as the settings say: by command or by the job, told in the audit log.

use crate::people::{PASSWORD, treebeard};
use crate::support::{Server, engine};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use treebeard::store::audit::{self, AuditFilter, Event, Verdict};
use treebeard::store::db::filter::Page;
use treebeard::store::db::{Conn, Tx};
use treebeard::store::error::StoreError;
use treebeard::store::{Options, Store};

const ANNA: &str = "anna@example.com";
const ALL: Page = Page { limit: 1_000, offset: 0 };

fn days_ago(days: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(24 * days)
}

/// A database whose log began eight years ago, of which somebody signed in then, a year and a half ago, and today.
fn database(folder: &TempDir) -> String {
    let url = engine::database(folder.path(), "old.db");
    let store = Store::open(&url, Options::default()).expect("a store");
    let signed_in = |days| Event {
        logged_at: days_ago(days),
        event: "authn_login_fail".to_owned(),
        actor_id: None,
        subject_id: None,
        success: false,
        detail: json!({ "ip": "192.0.2.7" }),
    };
    let old = [signed_in(8 * 365), signed_in(8 * 365 - 1), signed_in(550)];
    store
        .write_blocking(move |tx| old.iter().try_for_each(|event| audit::append(tx, event).map(|_| ())))
        .expect("a log");
    drop(store);
    for email in [ANNA, "ben@example.com"] {
        treebeard(folder.path(), &url, &["admin", "create", email], PASSWORD);
    }
    let store = Store::open(&url, Options::default()).expect("the store");
    let before = days_ago(3 * 365);
    let away = move |tx: &mut Tx<'_>| {
        let sql = "UPDATE users SET role = 'user', created_at = $1 WHERE email = 'anna@example.com'";
        tx.execute_one(sql, &[before.into()])
    };
    store.write_blocking(away).expect("Anna has not been there");
    url
}

fn events(url: &str) -> Vec<(String, bool)> {
    let store = Store::open(url, Options::default()).expect("the store");
    let read = |conn: &mut Conn<'_>| {
        assert!(matches!(audit::verify(conn)?, Verdict::Intact(_)), "the chain holds");
        audit::list(conn, &AuditFilter::default(), ALL)
    };
    let mut found = store.read_blocking(read).expect("the log").items;
    found.reverse();
    found.into_iter().map(|entry| (entry.event, entry.detail.is_some())).collect()
}

#[test]
fn a_dry_run_says_what_would_go_and_a_run_lets_it_go_and_tells_it() {
    let folder = TempDir::new().expect("a folder");
    let url = database(&folder);
    let run = |arguments: &[&str]| {
        let inactive = ["--set", "retention.inactive_account_days=1000"];
        treebeard(folder.path(), &url, &[&["privacy", "retention"], arguments, &inactive].concat(), "")
    };
    let before = events(&url);
    let dry = run(&["--dry-run"]);
    let lines = ["1  users, from before ", "3  audit_details, from before ", "2  audit_logs, from before "];
    assert!(dry.contains("would be removed") && lines.iter().all(|line| dry.contains(line)), "{dry}");
    assert_eq!(events(&url), before, "nothing is changed and nothing told");

    let removed: Value = serde_json::from_str(&run(&["--json"])).expect("JSON");
    let rows: Vec<_> = removed["expired"].as_array().expect("a list").iter().filter(|one| one["rows"] != 0).collect();
    let rows: Vec<_> = rows.iter().map(|one| (one["table"].as_str().unwrap_or(""), one["rows"].clone())).collect();
    assert_eq!(rows, [("users", json!(1)), ("audit_details", json!(3)), ("audit_logs", json!(2))]);
    let names: Vec<_> = events(&url);
    let expected = [
        ("authn_login_fail", false),
        ("user_created", false),
        ("user_created", true),
        ("user_deleted", false),
        ("data_expired", true),
        ("data_expired", true),
        ("audit_log_expired", true),
        ("sys_retention_run", true),
    ];
    assert_eq!(names, expected.map(|(event, detail)| (event.to_owned(), detail)));
    let list = if engine::name() == "sqlite" { "old.erased" } else { "data/treebeard.erased" };
    let listed = std::fs::read_to_string(folder.path().join(list)).expect("the list of the erased");
    assert_eq!(listed.lines().count(), 1, "so that no backup brings them back");
    assert_eq!(run(&[]), "Nothing has been kept too long.\n");
}

#[test]
fn a_service_whose_time_has_come_runs_the_job_and_policy_and_settings_say_the_same() {
    let folder = TempDir::new().expect("a folder");
    let url = database(&folder);
    let server = Server::with(&[("DATABASE_URL", &url), ("TREEBEARD_RETENTION__SESSION_DAYS", "17")]);
    server.logged("sys_retention_run");
    let policy = server.get("/legal/privacy", &[]).body;
    assert!(policy.contains("until the account is erased; 17 days after they ended at most"), "{policy}");
    assert!(!policy.contains("since its user was last there"), "no period is set for that");
    assert_eq!(server.stop(), Some(0));
    let after = events(&url);
    assert_eq!(after.iter().filter(|(event, _)| event == "sys_retention_run").count(), 1);
    assert_eq!(after.iter().filter(|(event, _)| event == "audit_log_expired").count(), 1);

    let again = Server::with(&[("DATABASE_URL", &url)]);
    let bearer = again.signed_in("cleo@example.com");
    assert_eq!(again.get("/api/v1/auth/me", &[("authorization", &bearer)]).status, 200);
    assert_eq!(again.stop(), Some(0));
    let runs = events(&url).iter().filter(|(event, _)| event == "sys_retention_run").count();
    assert_eq!(runs, 1, "it is not time again");
    let read = move |conn: &mut Conn<'_>| -> Result<u64, StoreError> {
        conn.one("SELECT count(*) FROM users", &[], |row| row.take())
    };
    let store = Store::open(&url, Options::default()).expect("the store");
    assert_eq!(store.read_blocking(read), Ok(3), "accounts stay where no period is set");
}
