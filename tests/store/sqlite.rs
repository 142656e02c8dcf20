//! What the SQLite side alone must do: group commit, refusals at opening, a full disk.

use crate::world::{new_user, open_sqlite, user};
use treebeard::store::db::sqlite::SqliteOptions;
use treebeard::store::error::StoreError;
use treebeard::store::users::{self, Role, User};
use treebeard::store::{Migrations, Options, Store};

fn count(store: &Store) -> i64 {
    store.read_blocking(|conn| conn.one("SELECT count(*) FROM users", &[], |row| row.take())).unwrap()
}

fn set(file: &std::path::Path, sql: &str) {
    rusqlite::Connection::open(file).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn two_hundred_and_fifty_six_writers_all_succeed_and_survive_a_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_sqlite(&folder, "busy.db");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let writers: Vec<_> = (0..256)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    for n in 0..8 {
                        let new = new_user(&format!("{writer}-{n}@example.com"));
                        store.write(move |tx| users::create(tx, &new)).await.unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
    });
    let figures = store.figures();
    assert_eq!((figures.writes_kept, figures.writes_refused, figures.writes_waiting), (2048, 0, 0));
    assert!(figures.commits < 2048 && figures.largest_batch > 1, "{figures:?}");
    drop(store);
    assert_eq!(count(&open_sqlite(&folder, "busy.db")), 2048);
}

#[test]
fn a_write_that_fails_does_not_harm_the_others_of_its_batch() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_sqlite(&folder, "batch.db");
    let taken = user(&store, "taken@example.com").email;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let results: Vec<Result<User, StoreError>> = runtime.block_on(async {
        let mut pending = Vec::new();
        for n in 0..100 {
            let email = if n % 3 == 0 { taken.clone() } else { format!("{n}@example.com") };
            let (store, new) = (store.clone(), new_user(&email));
            pending.push(tokio::spawn(async move { store.write(move |tx| users::create(tx, &new)).await }));
        }
        let mut results = Vec::new();
        for task in pending {
            results.push(task.await.unwrap());
        }
        results
    });
    for (n, result) in results.iter().enumerate() {
        match result {
            Ok(_) => assert_ne!(n % 3, 0),
            Err(error) => assert!(n % 3 == 0 && error.is_conflict(users::EMAIL_TAKEN), "{n}: {error:?}"),
        }
    }
    assert_eq!(count(&store), 1 + 66);
}

#[test]
fn a_full_disk_refuses_the_write_keeps_what_was_and_heals_when_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("full.db").display());
    let small = SqliteOptions { bytes_max: 1_500_000, ..SqliteOptions::default() };
    let store = Store::open(&url, Options { sqlite: small, ..Options::default() }).unwrap();
    let kept = user(&store, "kept@example.com");
    let mut big = new_user("big@example.com");
    big.zip_code = "1".to_owned();
    big.password_hash = "x".repeat(2_000_000);
    let refused = store.write_blocking(move |tx| users::create(tx, &big)).unwrap_err();
    assert!(matches!(refused, StoreError::Full(_)), "{refused:?}");
    assert!(refused.is_storage_fault());
    assert_eq!(count(&store), 1, "reading goes on, nothing is half stored");
    assert_eq!(
        store.read_blocking(move |conn| users::by_id(conn, kept.id)).unwrap().map(|user| user.role),
        Some(Role::User)
    );
    user(&store, "small@example.com");
    assert_eq!(count(&store), 2, "what fits is written, without reopening");
}

#[test]
fn on_a_full_disk_what_was_acknowledged_is_there_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("full.db").display());
    let small = SqliteOptions { bytes_max: 1_500_000, ..SqliteOptions::default() };
    let store = Store::open(&url, Options { sqlite: small, ..Options::default() }).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let acknowledged = runtime.block_on(async {
        let writers: Vec<_> = (0..200)
            .map(|n| {
                let mut new = new_user(&format!("{n}@example.com"));
                new.password_hash = "x".repeat(if n % 7 == 6 { 2_000_000 } else { 20_000 });
                let store = store.clone();
                tokio::spawn(async move { store.write(move |tx| users::create(tx, &new)).await })
            })
            .collect();
        let mut acknowledged = Vec::new();
        for writer in writers {
            match writer.await.unwrap() {
                Ok(user) => acknowledged.push(user.id),
                Err(error) => assert!(error.is_storage_fault(), "{error:?}"),
            }
        }
        acknowledged.sort();
        acknowledged
    });
    assert!(store.figures().largest_batch > 1, "the writes shared transactions");
    drop(store);
    let store = open_sqlite(&folder, "full.db");
    let sql = "SELECT id FROM users ORDER BY id";
    let held = store.read_blocking(move |conn| conn.query(sql, &[], |row| row.take::<uuid::Uuid>()));
    assert_eq!(held.unwrap(), acknowledged);
}

#[test]
fn a_second_process_is_refused_and_told_who_is_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_sqlite(&folder, "mine.db");
    let url = format!("sqlite:{}", folder.path().join("mine.db").display());
    let text = Store::open(&url, Options::default()).err().unwrap().to_string();
    assert!(text.contains(&format!("in use by process {}", std::process::id())), "{text}");
    drop(store);
    assert!(Store::open(&url, Options::default()).is_ok());
}

#[test]
fn a_newer_or_unmigrated_or_foreign_file_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    drop(open_sqlite(&folder, "new.db"));
    let path = folder.path().join("new.db");
    let url = format!("sqlite:{}", path.display());
    let open = |migrations| Store::open(&url, Options { migrations, ..Options::default() }).err();
    assert_eq!(open(Migrations::Require), None);
    set(&path, "INSERT INTO refinery_schema_history VALUES (999, 'later', '', '0')");
    assert!(matches!(open(Migrations::Apply), Some(StoreError::NewerSchema { found: 999, .. })));

    let empty = format!("sqlite:{}", folder.path().join("empty.db").display());
    let options = Options { migrations: Migrations::Require, ..Options::default() };
    let text = Store::open(&empty, options).err().unwrap().to_string();
    assert!(text.contains("run `treebeard migrate`"), "{text}");

    let foreign = folder.path().join("notes.txt");
    std::fs::write(&foreign, "this is not a database, it is a long enough text file\n".repeat(40)).unwrap();
    let text = Store::open(&format!("sqlite:{}", foreign.display()), Options::default()).err().unwrap().to_string();
    assert!(text.contains("is not a SQLite database"), "{text}");
    assert!(std::fs::read_to_string(&foreign).unwrap().starts_with("this is not"), "and it is left as it was");
    let other = folder.path().join("other.db");
    set(&other, "CREATE TABLE songs (title TEXT)");
    let text = Store::open(&format!("sqlite:{}", other.display()), Options::default()).err().unwrap().to_string();
    assert!(text.contains("another program"), "{text}");
    let text = Store::open("sqlite:/no/such/folder/a.db", Options::default()).err().unwrap().to_string();
    assert!(text.contains("create it first"), "{text}");
    let text = Store::open("mysql://localhost", Options::default()).err().unwrap().to_string();
    assert!(text.contains("sqlite:PATH"), "{text}");
}

#[test]
fn the_file_is_set_as_promised() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_sqlite(&folder, "set.db");
    let pragma = |name: &'static str| -> String {
        let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
        store.write_blocking(move |tx| tx.one(&sql, &[], |row| row.take())).unwrap()
    };
    let settings =
        ["journal_mode", "synchronous", "foreign_keys", "trusted_schema", "cell_size_check", "journal_size_limit"];
    assert_eq!(settings.map(pragma), ["wal", "2", "1", "0", "1", "67108864"]);
    let loose = "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 \
                 AND name NOT LIKE 'sqlite_%' AND name <> 'refinery_schema_history'";
    assert_eq!(
        store.read_blocking(move |conn| conn.one(loose, &[], |row| row.take::<i64>())).unwrap(),
        0,
        "every table is STRICT"
    );
    use std::os::unix::fs::PermissionsExt;
    for name in ["set.db", "set.db-wal", "set.db-shm", "set.db.lock"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn the_log_is_folded_into_the_file_though_writes_never_pause() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_sqlite(&folder, "folded.db");
    let log = || std::fs::metadata(folder.path().join("folded.db-wal")).unwrap().len();
    let sql = "INSERT INTO idempotency_keys (scope, key, request_hash, answer, created_at, expires_at) \
               VALUES ('s', lower(hex(randomblob(8))), zeroblob(32), $1, 0, 0)";
    let largest = (0..400).map(|_| {
        let written = store.write_blocking(move |tx| tx.execute(sql, &[vec![7_u8; 100_000].into()]));
        assert_eq!(written, Ok(1));
        log()
    });
    let largest = largest.max().unwrap();
    // It is folded at 1,000 pages of 4 KiB, each with 24 bytes of its own; what one more write moves may stand beside them.
    assert!((1_000 * 4_120..6 << 20).contains(&largest), "the log had {largest} bytes while 40 MB were written");
}
