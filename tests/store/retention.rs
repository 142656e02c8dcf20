//! What was kept long enough goes, its neighbours stay, and nothing of the erased is left in statistics or bytes.

use crate::opinions::opinion;
use crate::world::{at, id, new_user, open_sqlite, user};
use jiff::Timestamp;
use treebeard::store::db::value::Value;
use treebeard::store::db::{Engine, Tx};
use treebeard::store::error::StoreError;
use treebeard::store::retention::{
    self, ANONYMOUS_RECOMMENDATIONS, FEEDBACK_TEXTS, Old, RECOMMENDATIONS, RESET_LINKS, RETRIED_REQUESTS, SESSIONS,
    USAGE_DAYS, USAGE_MONTHS,
};
use treebeard::store::sessions::{self, Session};
use treebeard::store::users::{self, Role};
use treebeard::store::{Store, erasure, feedback, idempotency, password_resets};
use uuid::Uuid;

const DAY: i64 = 24 * 60;

fn write<T: Send + 'static>(
    store: &Store,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.write_blocking(work).unwrap()
}

/// A session that was last used and ends at the given times, in minutes.
fn session(user_id: Uuid, used: i64, ends: i64) -> Session {
    Session {
        id: id(),
        user_id,
        created_at: at(0),
        last_used_at: at(used),
        expires_at: at(ends),
        ip: Some("192.0.2.7".to_owned()),
        user_agent: None,
        revoked_at: None,
    }
}

/// How many there are from before `before`, how many two of them leave, and how many are left in the end.
fn removed(store: &Store, old: Old, before: Timestamp) -> (u64, u64, u64) {
    let count = || store.read_blocking(move |conn| old.count(conn, before)).unwrap();
    let remove = |limit| {
        let keys = store.read_blocking(move |conn| old.keys(conn, before, limit)).unwrap();
        write(store, move |tx| old.remove(tx, before, &keys))
    };
    let (first, two) = (count(), remove(2));
    let left = count();
    while remove(1) > 0 {}
    (first, first - two - left, count())
}

fn rows(store: &Store, table: &'static str, whose: Uuid) -> i64 {
    let sql = format!("SELECT count(*) FROM {table} WHERE user_id = $1");
    store.read_blocking(move |conn| conn.one(&sql, &[whose.into()], |row| row.take())).unwrap()
}

pub fn what_is_old_goes_some_at_a_time_and_the_rest_stays(store: &Store) {
    for table in ["sessions", "idempotency_keys", "feedback", "recommendations", "password_resets"] {
        write(store, move |tx| tx.execute(&format!("DELETE FROM {table}"), &[]));
    }
    let owner = user(store, "long-kept@example.com").id;
    write(store, move |tx| {
        for day in 1..=4 {
            let mut revoked = session(owner, day * DAY, 90 * DAY);
            revoked.revoked_at = (day == 4).then(|| at(DAY));
            sessions::create(tx, &session(owner, day * DAY, day * DAY), [day as u8; 32])?;
            sessions::create(tx, &revoked, [day as u8 + 100; 32])?;
            let key = format!("key {day}");
            idempotency::claim(tx, (&owner.to_string(), &key), [0; 32], at(0), at(day * DAY), None)?;
            feedback::create(tx, &opinion(Some(owner), id(), 3, Some("a text"), day * DAY))?;
            for who in [Some(owner), None] {
                recommendation(tx, who, at(day * DAY))?;
            }
            let month = "INSERT INTO usage_history (user_id, month, energy, source, quality, updated_at) \
                         VALUES ($1, $2, 1, 'test', 'actual', $3)";
            let first: Value = jiff::civil::date(2026, 2, 28).checked_add(jiff::ToSpan::days(day)).unwrap().into();
            tx.execute(month, &[owner.into(), first.clone(), at(0).into()])?;
            let days = "INSERT INTO usage_days (user_id, meter, day, minutes, readings) VALUES ($1, '', $2, 60, $3)";
            tx.execute(days, &[owner.into(), first, vec![1_u8].into()])?;
        }
        password_resets::replace(tx, owner, [1; 32], (at(0), at(DAY)), at(0)).map(|_| ())
    });
    // On the fourth day: what is of the first three is old, and the session that was ended early.
    let before = at(4 * DAY);
    let all = [SESSIONS, RETRIED_REQUESTS, FEEDBACK_TEXTS, RECOMMENDATIONS, ANONYMOUS_RECOMMENDATIONS];
    let found: Vec<_> = all.iter().map(|old| (old.table, removed(store, *old, before))).collect();
    let three = (3, 0, 0);
    let expected = [
        ("sessions", (4, 0, 0)),
        ("idempotency_keys", three),
        ("feedback", three),
        ("recommendations", three),
        ("recommendations", three),
    ];
    assert_eq!(found, expected);
    // at(0) is the noon of 1 March, and the days are those from 1 to 4 March.
    assert_eq!(removed(store, USAGE_MONTHS, at(3 * DAY)), three, "the days before that of the time");
    assert_eq!(removed(store, USAGE_DAYS, at(2 * DAY)), (2, 0, 0));
    assert_eq!(removed(store, RESET_LINKS, at(DAY)), (0, 0, 0), "it ends now");
    assert_eq!(removed(store, RESET_LINKS, at(DAY + 1)), (1, 0, 0));
    let left = ["sessions", "feedback", "recommendations", "usage_history", "usage_days", "password_resets"];
    let left = left.map(|table| rows(store, table, owner));
    assert_eq!(left, [4, 4, 1, 1, 2, 0], "feedback stays without its text");
    let all = "DELETE FROM recommendations";
    write(store, move |tx| tx.execute(all, &[]));
    write(store, |tx| idempotency::sweep(tx, at(90 * DAY)));
}

fn recommendation(tx: &mut Tx<'_>, owner: Option<Uuid>, expires: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO recommendations \
               (id, user_id, created_at, expires_at, input_hash, catalog_revision, algorithm_version, answer) \
               VALUES ($1, $2, $3, $4, $5, 1, '1', '{}')";
    tx.execute_one(sql, &[id().into(), owner.into(), at(0).into(), expires.into(), [0_u8; 32].into()])
}

pub fn an_account_is_inactive_when_nobody_was_there(store: &Store) {
    let mut ids = Vec::new();
    for (name, role) in
        [("gone", Role::User), ("signed-in", Role::User), ("renewing", Role::User), ("staff", Role::Support)]
    {
        let new = users::NewUser { role, ..new_user(&format!("{name}@inactive.example")) };
        ids.push(new.id);
        write(store, move |tx| users::create(tx, &new));
    }
    let (signed_in, renewing) = (ids[1], ids[2]);
    write(store, move |tx| {
        users::logged_in(tx, signed_in, at(10 * DAY))?;
        sessions::create(tx, &session(renewing, 10 * DAY, 20 * DAY), [77; 32])
    });
    let inactive = |minutes| {
        let all = store.read_blocking(move |conn| retention::inactive(conn, at(minutes), 1_000)).unwrap();
        ids.iter().map(|id| all.contains(id)).collect::<Vec<_>>()
    };
    assert_eq!(inactive(0), [false, false, false, false], "they came at that time");
    assert_eq!(inactive(5 * DAY), [true, false, false, false]);
    assert_eq!(inactive(15 * DAY), [true, true, true, false], "staff stays");
}

pub fn the_planner_keeps_nothing_of_who_was_erased(store: &Store) {
    let erased: Vec<Uuid> = (0..40).map(|n| user(store, &format!("sample-{n}@planted.example")).id).collect();
    write(store, |tx| tx.execute("ANALYZE", &[]));
    let samples = |store: &Store| -> i64 {
        let sql = match store.engine() {
            // 706c616e746564: planted.
            Engine::Sqlite => "SELECT count(*) FROM sqlite_stat4 WHERE hex(sample) LIKE '%706C616E746564%'",
            Engine::Postgres => "SELECT count(*) FROM pg_stats WHERE CAST(pg_stats AS TEXT) LIKE '%planted%'",
        };
        store.read_blocking(move |conn| conn.one(sql, &[], |row| row.take())).unwrap()
    };
    let has_some = store.engine() == Engine::Sqlite;
    assert_eq!(samples(store) > 0, has_some, "there is something to remove on SQLite, and never on PostgreSQL");
    write(store, move |tx| erased.iter().try_for_each(|id| erasure::erase(tx, *id, at(1))));
    assert_eq!(samples(store), 0);
}

#[test]
fn no_byte_of_an_erased_address_stays_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_sqlite(&folder, "bytes.db");
    let ids: Vec<Uuid> = (0..200).map(|n| user(&store, &format!("byte-{n}@planted.example")).id).collect();
    write(&store, |tx| tx.execute("ANALYZE", &[]));
    // Everybody and then some, so that pages are split, merged and freed in between.
    let (erased, stay) = ids.split_at(190);
    for chunk in erased.chunks(7) {
        let chunk = chunk.to_vec();
        write(&store, move |tx| chunk.iter().try_for_each(|id| erasure::erase(tx, *id, at(1))));
    }
    write(&store, |tx| tx.execute("ANALYZE", &[]));
    drop(store);
    let bytes = std::fs::read(folder.path().join("bytes.db")).unwrap();
    assert!(!folder.path().join("bytes.db-wal").exists(), "the log is folded in when the store closes");
    let holds = |n: usize| {
        let address = format!("byte-{n}@planted.example");
        bytes.windows(address.len()).any(|window| window == address.as_bytes())
    };
    let found: Vec<usize> = (0..200).filter(|n| holds(*n)).collect();
    assert_eq!(found, (200 - stay.len()..200).collect::<Vec<_>>());
}
