//! What the SQLite store does in a second on this machine: `cargo bench --bench store`.
//!
//! Prints point reads through the reader threads, durable writes one by one and by many clients at once (the ratio is
//! what group commit is worth), a catalog import of 2,000 plans, and a year of quarter-hourly readings in and out. At
//! the end the same durable writes with the archive of commits and without it, and beside backups.

use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use treebeard::domain::catalog::{CatalogFile, PropertyType};
use treebeard::domain::units::Energy;
use treebeard::domain::usage::readings::{Intervals, Quality};
use treebeard::store::backup::copy;
use treebeard::store::backup::pace::Pace;
use treebeard::store::catalog::import::{self, ImportMode};
use treebeard::store::db::sqlite::SqliteOptions;
use treebeard::store::users::{self, NewUser, Role};
use treebeard::store::{Options, Store, catalog, usage_days};
use uuid::Uuid;

const SPELL: Duration = Duration::from_secs(2);

fn main() {
    let folder = tempfile::tempdir_in(".").expect("the folder can be written");
    let url = format!("sqlite:{}", folder.path().join("bench.db").display());
    let store = Store::open(&url, Options::default()).expect("a new file opens");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts");
    let owner = new_user(0);
    let id = owner.id;
    store.write_blocking(move |tx| users::create(tx, &owner)).expect("a user is kept");

    for tasks in [1, 64] {
        let rate = runtime.block_on(per_second(tasks, &store, move |store, _| async move {
            let found = store.read(move |conn| users::standing(conn, id)).await;
            assert!(found.expect("the read works").is_some());
        }));
        println!("point reads, {tasks:>3} tasks: {rate:>9.0}/s");
    }
    let mut alone = 0.0;
    for tasks in [1, 16, 64, 256] {
        let rate = runtime.block_on(per_second(tasks, &store, |store, n| async move {
            let new = new_user(n);
            store.write(move |tx| users::create(tx, &new)).await.expect("the write works");
        }));
        alone = if tasks == 1 { rate } else { alone };
        println!("durable writes, {tasks:>3} clients: {rate:>6.0}/s ({:.1} times one client)", rate / alone);
    }
    println!("{:?}", store.figures());
    imports(&store);
    readings(&store, id);
    archived(&runtime, folder.path());
    beside_a_backup(&runtime, &store, &folder.path().join("bench.db"));
}

/// Runs `work` on `tasks` tasks for a while; each call gets a number of its own.
async fn per_second<F, W>(tasks: usize, store: &Store, work: W) -> f64
where
    F: Future<Output = ()> + Send,
    W: Fn(Store, u64) -> F + Clone + Send + Sync + 'static,
{
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let done = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let (store, done, work) = (store.clone(), done.clone(), work.clone());
            tokio::spawn(async move {
                while started.elapsed() < SPELL {
                    work(store.clone(), NUMBER.fetch_add(1, Ordering::Relaxed)).await;
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for task in running {
        task.await.expect("the task ends");
    }
    done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}

/// What the archive of commits costs: the same writes with it and without, in turn, so that the disk's moods even out.
fn archived(runtime: &tokio::runtime::Runtime, folder: &Path) {
    const TURNS: usize = 5;
    for tasks in [1, 64] {
        let mut rates = [Vec::new(), Vec::new()];
        for turn in 0..TURNS {
            for (with, rates) in rates.iter_mut().enumerate() {
                let place = folder.join(format!("{tasks}-{turn}-{with}"));
                std::fs::create_dir(&place).expect("a new folder");
                let archive = (with == 1).then(|| place.join("archive"));
                let sqlite = SqliteOptions { archive, ..SqliteOptions::default() };
                let url = format!("sqlite:{}", place.join("bench.db").display());
                let store = Store::open(&url, Options { sqlite, ..Options::default() }).expect("a new file opens");
                rates.push(runtime.block_on(per_second(tasks, &store, |store, n| async move {
                    let new = new_user(n);
                    store.write(move |tx| users::create(tx, &new)).await.expect("the write works");
                })));
                if let Some(archive) = store.archive() {
                    archive.flush().expect("all is archived");
                    let state = archive.state();
                    let each = state.bytes / state.commits.max(1);
                    println!("  {} commits archived, {each} bytes each", state.commits);
                }
            }
        }
        let [without, with] = rates.map(|mut rates| {
            rates.sort_by(f64::total_cmp);
            rates[TURNS / 2]
        });
        let cost = (1.0 - with / without) * 100.0;
        println!(
            "durable writes, {tasks:>3} clients: {without:.0}/s, archived {with:.0}/s: ratio {:.3}, a cost of {cost:.1} % (medians of {TURNS})",
            with / without
        );
    }
}

/// What a backup costs those who write meanwhile: the time of single writes of 64 clients without a copy, beside copies
/// made one after the other as the service makes them, and beside such that never rest; in turn.
fn beside_a_backup(runtime: &tokio::runtime::Runtime, store: &Store, database: &Path) {
    const TURNS: usize = 5;
    const MANNERS: [(&str, bool, bool); 3] = [
        ("without a backup", false, true),
        ("beside backups", true, true),
        ("beside backups without rest", true, false),
    ];
    let mut seen = MANNERS.map(|_| Vec::new());
    for _ in 0..TURNS {
        for ((_, copying, resting), seen) in MANNERS.iter().zip(&mut seen) {
            seen.push(writes_beside(runtime, store, database, (*copying, *resting)));
        }
    }
    let alone = middle(&seen[0], |one| one.slow);
    for ((what, ..), seen) in MANNERS.iter().zip(&seen) {
        let slow = middle(seen, |one| one.slow);
        println!(
            "writes of 64 clients {what}: {:.0}/s, p50 {:.1} ms, p99 {slow:.1} ms, {:.1} times (medians of {TURNS}; {:.1} backups)",
            middle(seen, |one| one.rate),
            middle(seen, |one| one.half),
            slow / alone,
            middle(seen, |one| one.copies),
        );
    }
}

struct Beside {
    rate: f64,
    /// Milliseconds.
    half: f64,
    slow: f64,
    copies: f64,
}

fn middle(all: &[Beside], of: fn(&Beside) -> f64) -> f64 {
    let mut figures: Vec<f64> = all.iter().map(of).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn writes_beside(
    runtime: &tokio::runtime::Runtime,
    store: &Store,
    database: &Path,
    (copying, resting): (bool, bool),
) -> Beside {
    let (times, over) = (Arc::<Mutex<Vec<Duration>>>::default(), Arc::<AtomicBool>::default());
    let (stop, from, to) = (over.clone(), database.to_owned(), database.with_extension("copy"));
    let copies = std::thread::spawn(move || {
        let (mut copies, mut pace) = (0.0, Pace::begin());
        while copying && !stop.load(Ordering::Relaxed) {
            let mut share = 0.0;
            let mut watch = |done: u64, all: u64| {
                share = done as f64 / all.max(1) as f64;
                if resting {
                    pace.rest();
                }
                !stop.load(Ordering::Relaxed)
            };
            // One that is stopped counts for its part.
            let _stopped = copy::copy(&from, &to, || Ok(()), &mut watch);
            copies += share;
        }
        copies
    });
    let kept = times.clone();
    let work = move |store: Store, n: u64| {
        let times = kept.clone();
        async move {
            let (new, started) = (new_user(n), Instant::now());
            store.write(move |tx| users::create(tx, &new)).await.expect("the write works");
            times.lock().expect("nobody panics").push(started.elapsed());
        }
    };
    let rate = runtime.block_on(per_second(64, store, work));
    over.store(true, Ordering::Relaxed);
    let copies = copies.join().expect("the thread ends");
    let mut times = std::mem::take(&mut *times.lock().expect("nobody panics"));
    times.sort_unstable();
    let at = |share: usize| times[times.len() * share / 1000].as_secs_f64() * 1e3;
    Beside { rate, half: at(500), slow: at(990), copies }
}

fn noon() -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(12)
}

fn new_user(n: u64) -> NewUser {
    NewUser {
        id: Uuid::from_u128(u128::from(n) + 1),
        email: format!("{n}@example.com"),
        password_hash: "none".to_owned(),
        name: "Bench".to_owned(),
        zip_code: "78701".to_owned(),
        property_type: PropertyType::Residential,
        role: Role::User,
        now: noon(),
    }
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    println!("{what}: {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    result
}

fn imports(store: &Store) {
    let plan = |n: u32| {
        serde_json::json!({
            "key": format!("plan-{n}"), "name": format!("Plan {n}"), "supplier": "bench", "kind": "tiered",
            "term_months": n % 36, "renewable": n % 101, "description": "x".repeat(400),
            "rate": {"type": "tiered", "tiers": [
                {"up_to_kwh": 1000, "rate_per_kwh": 11.0}, {"up_to_kwh": null, "rate_per_kwh": 13.5}]}
        })
    };
    let file: CatalogFile = serde_json::from_value(serde_json::json!({
        "market": {"id": "bench", "name": "Bench", "currency": "USD", "time_zone": "America/Chicago"},
        "utilities": [], "suppliers": [{"key": "bench", "name": "Bench"}],
        "plans": (0..2000).map(plan).collect::<Vec<_>>()
    }))
    .expect("a valid catalog");
    for what in ["import of 2,000 new plans", "the same file again"] {
        let file = file.clone();
        timed(what, || store.write_blocking(move |tx| import::replace(tx, &file, ImportMode::Replace, noon())))
            .expect("the import works");
    }
    let (held, _) = timed("loading the catalog", || store.read_blocking(catalog::load)).expect("the catalog loads");
    assert_eq!(held, vec![file]);
}

fn readings(store: &Store, user_id: Uuid) {
    let zone = TimeZone::get("America/Chicago").expect("a known zone");
    let mut year = Intervals::empty(&zone, 15, date(2025, 1, 1), 365);
    for n in 0..year.import.len() {
        year.import[n] = Energy::from_wh((n as i64 * 7919) % 900);
        year.quality[n] = Quality::Actual;
    }
    let new = year.clone();
    timed("a year of quarter hours in", || {
        store.write_blocking(move |tx| usage_days::save_intervals(tx, user_id, "", &new))
    })
    .expect("the readings are kept");
    let load = move |conn: &mut treebeard::store::db::Conn<'_>| usage_days::load(conn, user_id, "", &zone, None);
    let held = timed("a year of quarter hours out", || store.read_blocking(load)).expect("the readings load");
    assert_eq!(held.intervals, Some(year));
    let bytes = "SELECT sum(length(readings)) FROM usage_days";
    let bytes: i64 = store.read_blocking(move |conn| conn.one(bytes, &[], |row| row.take())).expect("a sum");
    println!("it takes {bytes} bytes");
}
