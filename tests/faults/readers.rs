//! A reader that never ends keeps the write-ahead log from being used anew: it is ended, and the log shrinks again.

use crate::alone;
use std::time::{Duration, Instant};
use treebeard::store::db::sqlite::SqliteOptions;
use treebeard::store::error::StoreError;
use treebeard::store::{Options, Store};

const AGE_MAX: Duration = Duration::from_secs(3);
/// What the log is cut to.
const LOG_BYTES_MAX: u64 = 64 << 20;
/// Written while the reader is there.
const WRITTEN: u64 = 80 << 20;
const ROW_BYTES: usize = 1 << 20;

#[test]
fn the_log_is_bounded_though_a_reader_is_stuck() {
    let _turn = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.db");
    let sqlite = SqliteOptions { read_age_max: AGE_MAX, ..SqliteOptions::default() };
    let url = format!("sqlite:{}", path.display());
    let store = Store::open(&url, Options { sqlite, ..Options::default() }).expect("it opens");
    let log = || std::fs::metadata(folder.path().join("a.db-wal")).map_or(0, |data| data.len());
    let write = |bytes: usize| {
        let sql = "INSERT INTO idempotency_keys (scope, key, request_hash, answer, created_at, expires_at) \
                   VALUES ('s', lower(hex(randomblob(8))), zeroblob(32), $1, 0, 0)";
        let written = store.write_blocking(move |tx| tx.execute(sql, &[vec![7_u8; bytes].into()]));
        assert_eq!(written, Ok(1));
    };
    let began = Instant::now();
    let stuck = {
        let store = store.clone();
        std::thread::spawn(move || {
            // It has seen one state of the data, and counts on.
            let endless = "WITH RECURSIVE n(v) AS (SELECT count(*) FROM users UNION ALL SELECT v + 1 FROM n) \
                           SELECT count(*) FROM n";
            store.read_blocking(move |conn| conn.one(endless, &[], |row| row.take::<i64>()))
        })
    };
    std::thread::sleep(Duration::from_millis(200));
    while log() < WRITTEN {
        assert!(began.elapsed() < AGE_MAX * 10, "the log has {} bytes", log());
        write(ROW_BYTES);
    }
    let largest = log();
    let ended = stuck.join().expect("it ends");
    let lived = began.elapsed();
    assert!(matches!(ended, Err(StoreError::Busy(_))), "{ended:?}");
    let mut shrunk = None;
    while lived + Duration::from_secs(5) > began.elapsed() && shrunk.is_none() {
        write(1);
        shrunk = (log() <= LOG_BYTES_MAX).then(|| began.elapsed().saturating_sub(lived));
    }
    let shrunk = shrunk.expect("the log is cut within 5 s of the reader's end");
    println!(
        "stuck reader: ended after {lived:.1?} (at most {AGE_MAX:.0?} allowed), the log had {} MiB and {} MiB {shrunk:.1?} later",
        largest >> 20,
        log() >> 20
    );
}
