//! Transactions, panics and threads: what holds on both engines, and what only PostgreSQL has to show.

use crate::world::{at, new_user, user};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use treebeard::store::db::postgres::PostgresOptions;
use treebeard::store::db::sqlite::SqliteOptions;
use treebeard::store::db::{Engine, Tx};
use treebeard::store::error::StoreError;
use treebeard::store::idempotency::{self, Claim};
use treebeard::store::users::{self, Role};
use treebeard::store::{Options, Store};

/// An error of the application, to see that a closure may use its own.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    Store(StoreError),
    TooLate,
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Refusal::Store(error)
    }
}

fn exists(store: &Store, email: &'static str) -> bool {
    store.read_blocking(move |conn| users::by_email(conn, email)).unwrap().is_some()
}

pub fn a_failed_write_undoes_itself_alone(store: &Store) {
    let (first, second) = (new_user("undone@example.com"), new_user("kept@example.com"));
    let result = store.write_blocking(move |tx| {
        users::create(tx, &first)?;
        Err::<(), Refusal>(Refusal::TooLate)
    });
    assert_eq!(result, Err(Refusal::TooLate));
    store.write_blocking(move |tx| users::create(tx, &second)).unwrap();
    assert!(!exists(store, "undone@example.com"));
    assert!(exists(store, "kept@example.com"));
    let refused =
        store.read_blocking(|conn| conn.query("SELECT no_such_column FROM users", &[], |_| Ok(()))).unwrap_err();
    assert!(refused.cause().is_some_and(|cause| cause.contains("no_such_column")), "{refused:?}");
    assert!(!refused.to_string().contains("no_such_column"), "the shown text has nothing of the driver's");
}

pub fn a_panic_is_an_error_and_harms_nobody_else(store: &Store) {
    let before = store.figures().panics;
    for n in 0..10 {
        let new = new_user("panic@example.com");
        let write = store.write_blocking(move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
            users::create(tx, &new)?;
            panic!("write {n}")
        });
        assert!(matches!(write, Err(StoreError::Internal(_))), "{write:?}");
        let read = store.read_blocking(move |_| -> Result<(), StoreError> { panic!("read {n}") });
        assert!(matches!(read, Err(StoreError::Internal(_))), "{read:?}");
    }
    assert_eq!(store.figures().panics, before + 20);
    assert!(!exists(store, "panic@example.com"));
}

pub fn a_read_sees_one_state_and_cannot_write(store: &Store) {
    let id = user(store, "seen@example.com").id;
    let (at_first, release) = (std::sync::mpsc::channel(), std::sync::mpsc::channel::<()>());
    let (started, go) = (at_first.0, release.1);
    let reader = store.clone();
    let reading = std::thread::spawn(move || {
        reader.read_blocking(move |conn| {
            let before = users::standing(conn, id)?;
            started.send(()).map_err(StoreError::internal)?;
            go.recv().map_err(StoreError::internal)?;
            Ok::<_, StoreError>((before, users::standing(conn, id)?))
        })
    });
    at_first.1.recv().unwrap();
    store.write_blocking(move |tx| users::set_role(tx, id, Role::Support, at(1))).unwrap();
    release.0.send(()).unwrap();
    let (before, after) = reading.join().unwrap().unwrap();
    assert_eq!(before, after);
    let write = "UPDATE users SET name = 'other' RETURNING id";
    let refused = store.read_blocking(move |conn| conn.query(write, &[], |_| Ok(())));
    assert!(refused.is_err(), "a reading connection changed something");
    let now = store.read_blocking(move |conn| users::standing(conn, id)).unwrap();
    assert_eq!(now.map(|(role, ..)| role), Some(Role::Support));
}

/// Of a store with one thread for reading, for which nobody waits longer than a moment.
pub fn a_read_that_waits_too_long_is_refused_and_never_begun(url: &str) {
    let patience = Duration::from_millis(100);
    let store = Store::open(
        url,
        Options {
            sqlite: SqliteOptions { readers: 1, patience, ..SqliteOptions::default() },
            postgres: PostgresOptions { sessions: 1, patience, ..PostgresOptions::default() },
            ..Options::default()
        },
    )
    .unwrap();
    let ((at_work, began), (end, release)) = (std::sync::mpsc::channel(), std::sync::mpsc::channel::<()>());
    let reader = store.clone();
    let working = std::thread::spawn(move || {
        reader.read_blocking(move |_| {
            at_work.send(()).map_err(StoreError::internal)?;
            release.recv().map_err(StoreError::internal)
        })
    });
    began.recv().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let was_begun = Arc::new(AtomicBool::new(false));
    let mark = was_begun.clone();
    let refused = runtime.block_on(store.read(move |_| {
        mark.store(true, Ordering::SeqCst);
        Ok::<_, StoreError>(())
    }));
    assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
    end.send(()).unwrap();
    working.join().unwrap().unwrap();
    assert_eq!(user_count(&store), 0);
    assert!(!was_begun.load(Ordering::SeqCst), "what was refused was done");
}

pub fn a_session_that_died_is_replaced(store: &Store) {
    assert_eq!(store.engine(), Engine::Postgres);
    let kill = "SELECT CAST(pg_terminate_backend(pid) AS TEXT) FROM pg_stat_activity \
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
    store.read_blocking(move |conn| conn.query(kill, &[], |_| Ok(()))).unwrap();
    for _ in 0..20 {
        user_count(store);
    }
}

fn user_count(store: &Store) -> i64 {
    store.read_blocking(|conn| conn.one("SELECT count(*) FROM users", &[], |row| row.take())).unwrap()
}

pub fn it_can_be_used_and_closed_inside_a_runtime(url: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(url, Options::default()).unwrap();
        let tasks: Vec<_> = (0..64)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move {
                    let new = new_user(&format!("runtime-{n}@example.com"));
                    store.write(move |tx| users::create(tx, &new)).await.unwrap();
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let count = store.read(|conn| {
            let sql = "SELECT count(*) FROM users WHERE email LIKE 'runtime-%'";
            conn.one(sql, &[], |row| row.take::<i64>())
        });
        assert_eq!(tokio::time::timeout(Duration::from_secs(60), count).await.unwrap(), Ok(64));
    });
}

pub fn a_newer_schema_is_refused_on_postgresql(url: &str) {
    let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
    let newer =
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES (999, 'later', '', '0')";
    client.execute(newer, &[]).unwrap();
    let refused = Store::open(url, Options::default()).err();
    assert!(matches!(refused, Some(StoreError::NewerSchema { found: 999, .. })), "{refused:?}");
    client.execute("DELETE FROM refinery_schema_history WHERE version = 999", &[]).unwrap();
}

pub fn nodes_that_start_together_migrate_once(url: &str) {
    std::thread::scope(|scope| {
        let nodes: Vec<_> = (0..3).map(|_| scope.spawn(|| Store::open(url, Options::default()))).collect();
        for node in nodes {
            assert_eq!(user_count(&node.join().unwrap().unwrap()), 0);
        }
    });
}

/// Between the refused claim of a key and the look at who has it, that one may have let it go.
pub fn a_key_that_is_freed_meanwhile_can_be_had_the_next_time(store: &Store, url: &str) {
    let claim = || {
        let work = |tx: &mut Tx<'_>| idempotency::claim(tx, ("someone", "freed"), [1; 32], at(0), at(60), None);
        store.write_blocking(work).unwrap()
    };
    assert_eq!(claim(), Claim::New);
    let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
    // The second claim waits right there.
    let waits = "CREATE FUNCTION wait_there() RETURNS trigger LANGUAGE plpgsql AS \
                 'BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END'; \
                 CREATE TRIGGER wait_there AFTER INSERT ON idempotency_keys \
                 FOR EACH STATEMENT EXECUTE FUNCTION wait_there(); SELECT pg_advisory_lock(4711)";
    client.batch_execute(waits).unwrap();
    std::thread::scope(|scope| {
        let second = scope.spawn(claim);
        let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
        while client.query_one(waiting, &[]).unwrap().get::<_, i64>(0) == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        client.batch_execute("DELETE FROM idempotency_keys WHERE key = 'freed'").unwrap();
        client.batch_execute("SELECT pg_advisory_unlock(4711)").unwrap();
        assert_eq!(second.join().unwrap(), Claim::InFlight);
    });
    client.batch_execute("DROP TRIGGER wait_there ON idempotency_keys; DROP FUNCTION wait_there()").unwrap();
    assert_eq!(claim(), Claim::New);
}
