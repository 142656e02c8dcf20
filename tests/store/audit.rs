//! The audit log on both engines: what the database refuses, what a check finds, and how old rows expire.

use crate::world::{at, user};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use treebeard::app::audit::{Checked, check};
use treebeard::store::audit::{self, AuditFilter, Event, Head, Verdict};
use treebeard::store::db::filter::Page;
use treebeard::store::db::{Engine, Tx};
use treebeard::store::error::StoreError;
use treebeard::store::{Store, erasure};
use uuid::Uuid;

const ALL: Page = Page { limit: 100, offset: 0 };
const REFUSED: &str = "audit_logs_append_only";

pub fn event(name: &str, subject_id: Option<Uuid>, minutes: i64) -> Event {
    Event {
        logged_at: at(minutes),
        event: name.to_owned(),
        actor_id: subject_id,
        subject_id,
        success: true,
        detail: json!({"ip": "192.0.2.7", "n": 1.5}),
    }
}

fn add(store: &Store, event: Event) -> Head {
    store.write_blocking(move |tx| audit::append(tx, &event)).unwrap()
}

fn verify(store: &Store) -> Verdict {
    store.read_blocking(audit::verify).unwrap()
}

fn holds(store: &Store, head: Head) -> bool {
    store.read_blocking(move |conn| audit::holds(conn, head.hash)).unwrap()
}

/// What the database says to a statement by itself.
fn refusal(store: &Store, sql: &str) -> String {
    let sql = sql.to_owned();
    match store.write_blocking(move |tx| tx.execute(&sql, &[])) {
        Err(StoreError::Rejected(rule)) => rule,
        other => panic!("not refused: {other:?}"),
    }
}

pub fn rows_are_added_found_and_never_changed(store: &Store) {
    let actor = user(store, "actor@example.com").id;
    assert_eq!(verify(store), Verdict::Intact(Head::START));
    add(store, event("authn_login_success", Some(actor), 0));
    add(store, event("sys_startup", None, 1));
    let on_another = Event { subject_id: Some(Uuid::from_u128(7)), ..event("user_updated", Some(actor), 2) };
    let head = add(store, on_another);
    assert_eq!((head.seq, verify(store)), (3, Verdict::Intact(head)));
    let wanted = AuditFilter { actor_id: Some(actor), from: Some(at(1)), ..AuditFilter::default() };
    let list = store.read_blocking(move |conn| audit::list(conn, &wanted, ALL)).unwrap();
    assert_eq!((list.total, list.items[0].event.as_str()), (1, "user_updated"));
    assert_eq!(list.items[0].detail, Some(json!({"ip": "192.0.2.7", "n": 1.5})));

    refuses_changes(store);
    store.write_blocking(move |tx| erasure::erase(tx, actor, at(3))).unwrap();
    assert_eq!(verify(store), Verdict::Intact(head), "an erased detail does not break the chain");
    let left = store.read_blocking(|conn| audit::list(conn, &AuditFilter::default(), ALL)).unwrap().items;
    let details: Vec<bool> = left.iter().map(|entry| entry.detail.is_some()).collect();
    assert_eq!(details, [true, true, false], "only what was about the erased is gone, not what they did to others");
}

/// All of these would be found; the database does not even let them happen.
fn refuses_changes(store: &Store) {
    for change in [
        "UPDATE audit_logs SET event = 'nothing' WHERE seq = 1",
        "UPDATE audit_logs SET seq = 9 WHERE seq = 3",
        "DELETE FROM audit_logs WHERE seq = 3",
        "DELETE FROM audit_logs",
    ] {
        assert_eq!(refusal(store, change), REFUSED, "{change}");
    }
    let detail = "UPDATE audit_details SET detail = '{}' WHERE seq = 2";
    assert_eq!(refusal(store, detail), "audit_details_erase_only");
    for lie in [
        "UPDATE audit_anchor SET seq = 2, hash = (SELECT hash FROM audit_logs WHERE seq = 2), told_by = 3",
        "UPDATE audit_anchor SET seq = 0, told_by = 0",
        "DELETE FROM audit_anchor",
    ] {
        assert_eq!(refusal(store, lie), "audit_anchor_moves_on", "{lie}");
    }
    let rest = match store.engine() {
        Engine::Sqlite => [
            ("INSERT OR REPLACE INTO audit_logs SELECT * FROM audit_logs WHERE seq = 2", REFUSED),
            ("INSERT OR REPLACE INTO audit_details VALUES (2, '{}')", "audit_details_erase_only"),
            ("INSERT OR REPLACE INTO audit_anchor VALUES (1, 3, zeroblob(32), 0)", "audit_anchor_moves_on"),
        ],
        Engine::Postgres => [
            ("TRUNCATE audit_logs CASCADE", REFUSED),
            ("TRUNCATE audit_details", "audit_details_erase_only"),
            ("TRUNCATE audit_anchor", "audit_anchor_moves_on"),
        ],
    };
    for (change, rule) in rest {
        assert_eq!(refusal(store, change), rule, "{change}");
    }
}

pub fn old_rows_expire_and_the_chain_holds(store: &Store) {
    let oldest = store.read_blocking(audit::head).unwrap();
    for minutes in 10..20 {
        add(store, event("authn_login_success", None, minutes));
    }
    let before = store.read_blocking(audit::head).unwrap();
    let count = move |store: &Store| store.read_blocking(|conn| audit::count_expiring(conn, at(15))).unwrap();
    let expire = |limit| store.write_blocking(move |tx| audit::expire(tx, at(15), limit, at(60))).unwrap();
    let expected = oldest.seq.unsigned_abs() + 5;
    assert_eq!(count(store), expected);
    assert_eq!((expire(3), count(store)), (3, expected - 3), "so many at once");
    assert!(matches!(verify(store), Verdict::Intact(_)));
    assert_eq!((expire(1_000), expire(1_000), count(store)), (expected - 3, 0, 0));
    let after = store.read_blocking(audit::head).unwrap();
    assert_eq!((verify(store), after.seq), (Verdict::Intact(after), before.seq + 2), "and two rows tell of it");
    assert!(holds(store, before) && holds(store, after));
    assert!(!holds(store, Head { hash: [7; 32], ..before }));
    let left = store.read_blocking(|conn| audit::list(conn, &AuditFilter::default(), ALL)).unwrap();
    assert_eq!(left.total, 7);
    assert_eq!(left.items[0].event, audit::EXPIRED);
    assert_eq!(left.items[0].detail.as_ref().unwrap()["removed_through"], json!(before.seq - 5));

    let old = store.read_blocking(|conn| audit::count_details(conn, at(17))).unwrap();
    let removed = store.write_blocking(|tx| audit::remove_details(tx, at(17), 100)).unwrap();
    assert_eq!((old, removed), (2, 2));
    assert_eq!(verify(store), Verdict::Intact(after), "a detail may be gone before its row");
    assert_eq!(refusal(store, "DELETE FROM audit_logs"), REFUSED, "rows that have not expired stay");
}

/// What somebody with all rights in the database might do to the log.
#[derive(Debug, Clone, Copy)]
enum Tamper {
    Event,
    Time,
    Actor,
    Subject,
    Success,
    Detail,
    DetailHash,
    PreviousHash,
    Hash,
    Swap,
    Remove,
    /// This row and those behind it.
    Cut,
    /// The same, and the head moved back to where the log ends now.
    CutWithHead,
    /// Everything up to this row, with the beginning moved behind it.
    Behead,
    /// This row changed and everything from there on sealed anew.
    Remake,
}

const TAMPERS: [Tamper; 15] = [
    Tamper::Event,
    Tamper::Time,
    Tamper::Actor,
    Tamper::Subject,
    Tamper::Success,
    Tamper::Detail,
    Tamper::DetailHash,
    Tamper::PreviousHash,
    Tamper::Hash,
    Tamper::Swap,
    Tamper::Remove,
    Tamper::Cut,
    Tamper::CutWithHead,
    Tamper::Behead,
    Tamper::Remake,
];

/// What a check found; an error, so that what was done is undone.
#[derive(Debug)]
enum Found {
    Checked(Checked),
    Failed(StoreError),
}

impl From<StoreError> for Found {
    fn from(error: StoreError) -> Self {
        Found::Failed(error)
    }
}

pub fn whatever_is_done_to_a_row_is_found(store: &Store) {
    let rows = store.read_blocking(|conn| audit::list(conn, &AuditFilter::default(), ALL)).unwrap().items;
    let details: Vec<i64> = rows.iter().filter(|row| row.detail.is_some()).map(|row| row.seq).collect();
    let (first, last) = (rows.last().unwrap().seq, rows[0].seq);
    let noted = store.read_blocking(audit::head).unwrap();
    let kinds = prop::sample::select(TAMPERS.to_vec());
    let places = (first..=last, first..=last, prop::sample::select(details));
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(kinds, places), |(tamper, (row, other, with_detail))| {
        let (row, other) = match tamper {
            Tamper::Detail => (with_detail, other),
            Tamper::Swap if row == other => (first, last),
            _ => (row, other),
        };
        let done = store.write_blocking(move |tx| -> Result<(), Found> {
            unlock(tx)?;
            tamper_with(tx, tamper, row, other)?;
            Err(Found::Checked(check(tx, Some(noted.hash))?))
        });
        let found = match done {
            Err(Found::Checked(found)) => found,
            Err(Found::Failed(error)) => panic!("{tamper:?} of row {row}: {error:?}"),
            Ok(()) => panic!("it is always undone"),
        };
        prop_assert!(!found.is_intact(), "{tamper:?} of row {row}: {found:?}");
        // Who makes the rest of the chain anew, or forgets its end, may be found out only by the hash noted elsewhere.
        if !matches!(tamper, Tamper::CutWithHead | Tamper::Remake) {
            let named = found.broken_at.is_some_and(|at| at <= row.max(other) + 1);
            prop_assert!(named, "{tamper:?} of row {row}: {found:?}");
        }
        Ok(())
    });
    outcome.unwrap();
    assert_eq!(verify(store), Verdict::Intact(noted), "each was undone");
}

/// Takes the database's own refusals away.
fn unlock(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    const TABLES: [&str; 3] = ["audit_logs", "audit_details", "audit_anchor"];
    if tx.engine() == Engine::Postgres {
        return TABLES
            .iter()
            .try_for_each(|table| tx.execute(&format!("ALTER TABLE {table} DISABLE TRIGGER USER"), &[]).map(|_| ()));
    }
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name LIKE 'audit%'";
    let names: Vec<String> = tx.query(sql, &[], |row| row.take())?;
    names.iter().try_for_each(|name| tx.execute(&format!("DROP TRIGGER {name}"), &[]).map(|_| ()))
}

fn tamper_with(tx: &mut Tx<'_>, tamper: Tamper, row: i64, other: i64) -> Result<(), StoreError> {
    let stranger = Uuid::from_u128(99);
    let forged = [9_u8; 32];
    let mut set = |column: &str, value: treebeard::store::db::value::Value| {
        tx.execute_one(&format!("UPDATE audit_logs SET {column} = $1 WHERE seq = $2"), &[value, row.into()])
    };
    match tamper {
        Tamper::Event => set("event", "nothing".into()),
        Tamper::Time => set("logged_at", at(1_000).into()),
        Tamper::Actor => set("actor_id", stranger.into()),
        Tamper::Subject => set("subject_id", stranger.into()),
        Tamper::Success => set("success", false.into()),
        Tamper::DetailHash => set("detail_hash", forged.into()),
        Tamper::PreviousHash => set("prev_hash", forged.into()),
        Tamper::Hash => set("hash", forged.into()),
        Tamper::Detail => tx.execute_one("UPDATE audit_details SET detail = '{}' WHERE seq = $1", &[row.into()]),
        Tamper::Swap => swap(tx, row, other),
        Tamper::Remove => remove(tx, row, row),
        Tamper::Cut => remove(tx, row, i64::MAX),
        Tamper::CutWithHead => cut(tx, row),
        Tamper::Behead => {
            let hash: [u8; 32] =
                tx.one("SELECT hash FROM audit_logs WHERE seq = $1", &[row.into()], |row| row.take())?;
            let sql = "UPDATE audit_anchor SET seq = $1, hash = $2";
            tx.execute_one(sql, &[row.into(), hash.into()])?;
            remove(tx, 0, row)
        }
        Tamper::Remake => {
            let filter = AuditFilter::default();
            let mut rows = audit::list(tx, &filter, ALL)?.items;
            rows.retain(|entry| entry.seq >= row);
            cut(tx, row)?;
            rows.iter().rev().try_for_each(|entry| {
                let event = if entry.seq == row { "nothing" } else { &entry.event };
                let detail = entry.detail.clone().unwrap_or_default();
                let (actor_id, subject_id) = (entry.actor_id, entry.subject_id);
                let (logged_at, success, event) = (entry.logged_at, entry.success, event.to_owned());
                audit::append(tx, &Event { logged_at, event, actor_id, subject_id, success, detail }).map(|_| ())
            })
        }
    }
}

fn remove(tx: &mut Tx<'_>, from: i64, to: i64) -> Result<(), StoreError> {
    for table in ["audit_details", "audit_logs"] {
        tx.execute(&format!("DELETE FROM {table} WHERE seq BETWEEN $1 AND $2"), &[from.into(), to.into()])?;
    }
    Ok(())
}

/// Removes a row and all behind it, and makes the one before it the last.
fn cut(tx: &mut Tx<'_>, row: i64) -> Result<(), StoreError> {
    let sql = "SELECT prev_hash FROM audit_logs WHERE seq = $1";
    let before: [u8; 32] = tx.one(sql, &[row.into()], |row| row.take())?;
    remove(tx, row, i64::MAX)?;
    tx.execute_one("UPDATE audit_head SET seq = $1, hash = $2", &[(row - 1).into(), before.into()])
}

/// Two rows change places, their details with them.
fn swap(tx: &mut Tx<'_>, one: i64, other: i64) -> Result<(), StoreError> {
    const ASIDE: i64 = -1;
    tx.execute("DELETE FROM audit_details WHERE seq IN ($1, $2)", &[one.into(), other.into()])?;
    [(one, ASIDE), (other, one), (ASIDE, other)].iter().try_for_each(|(from, to)| {
        tx.execute_one("UPDATE audit_logs SET seq = $1 WHERE seq = $2", &[(*to).into(), (*from).into()])
    })
}
