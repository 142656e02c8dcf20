//! What does not get slower as the data grow: the same questions put to the real service on a large store and on a small
//! one, in turn. `cargo bench --bench scale` builds both stores and prints one Markdown table; `docs/scaling.md` says
//! what each row means. Linux only: memory and processor time are read from `/proc`.

#[path = "../../tests/support/grown.rs"]
mod grown;
#[path = "../load/hammer.rs"]
#[allow(dead_code, reason = "the other benches use the rest")]
mod hammer;
mod questions;
#[path = "../load/servers.rs"]
#[allow(dead_code, reason = "the other benches use the rest")]
mod servers;
#[path = "../world/mod.rs"]
mod world;

use argon2::{Argon2, PasswordHasher};
use grown::Size;
use jiff::Timestamp;
use questions::{QUESTIONS, Seen};
use serde_json::{Value, json};
use servers::{DATABASE, EXEMPT, Server};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use treebeard::store::{Options, Store, maintenance};

const PASSWORD: &str = "a long bench password";
/// No log of requests, and no backup beside the measurement.
const SETTINGS: [&str; 3] = [EXEMPT, "logging.level=warn", "backup.enabled=false"];
const MIB: f64 = 1_048_576.0;
const PLANS_EACH: usize = 1_000;
/// Users whose questions are asked.
const ASKING: u64 = 32;
/// The large store may be so much slower.
const RATIO_MAX: f64 = 2.0;

/// A service and who asks it.
pub struct Side {
    pub server: Server,
    pub size: Size,
    /// Users with months of usage and an answer, from all over the store.
    pub bearers: Vec<String>,
    /// Users with a year of quarter hours.
    pub metered: Vec<String>,
}

struct Effort {
    users: u64,
    meters: u64,
    plans: usize,
    rounds: usize,
    spell: Duration,
}

const FULL: Effort =
    Effort { users: 1_000_000, meters: 10_000, plans: 100_000, rounds: 5, spell: Duration::from_secs(3) };
const QUICK: Effort = Effort { users: 20_000, meters: 100, plans: 5_000, rounds: 3, spell: Duration::from_secs(1) };

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` only wants to know that it compiles and starts.
    if !arguments.iter().any(|word| word == "--bench") {
        return ExitCode::SUCCESS;
    }
    let effort = if arguments.iter().any(|word| word == "--quick") { QUICK } else { FULL };
    let answer = an_answer();
    let large = Size {
        users: effort.users,
        meters: effort.meters,
        days: 365,
        plans: effort.plans,
        utilities: effort.plans / PLANS_EACH,
        answer: answer.clone(),
    };
    let small = Size { users: 1_000, meters: 10, days: 365, plans: PLANS_EACH, utilities: 1, answer };
    println!("| what | large | small | ratio | at most | met |\n|---|---|---|---|---|---|");
    let sides = [built("large", large), built("small", small)];
    let mut missed = 0;
    for (what, question) in QUESTIONS {
        let seen = in_turn(&sides, *question, &effort);
        let ratio = seen[0].middle / seen[1].middle;
        let met = ratio <= RATIO_MAX;
        missed += u32::from(!met);
        println!(
            "| {what} | {} | {} | {ratio:.2} | {RATIO_MAX} | {} |",
            seen[0],
            seen[1],
            if met { "yes" } else { "**no**" }
        );
    }
    for (name, side) in ["large", "small"].iter().zip(&sides) {
        eprintln!("{name}: {:.0} MiB resident after all", side.server.resident() as f64 / MIB);
    }
    ExitCode::from(u8::from(missed > 0))
}

/// Median of the rounds' figures of each side, asked in turn.
fn in_turn(sides: &[Side; 2], question: questions::Question, effort: &Effort) -> [Seen; 2] {
    for side in sides {
        questions::ask(side, question, effort.spell / 3);
    }
    let rounds: Vec<[Seen; 2]> =
        (0..effort.rounds).map(|_| [0, 1].map(|n| questions::ask(&sides[n], question, effort.spell))).collect();
    [0, 1].map(|n| {
        let median = |of: fn(&Seen) -> f64| {
            let mut all: Vec<f64> = rounds.iter().map(|round| of(&round[n])).collect();
            all.sort_unstable_by(f64::total_cmp);
            all[all.len() / 2]
        };
        Seen { middle: median(|seen| seen.middle), slow: median(|seen| seen.slow), cost: median(|seen| seen.cost) }
    })
}

/// What the service keeps of an answer.
fn an_answer() -> String {
    let server = Server::real(false, &SETTINGS, &[]);
    let bearer = server.register("somebody");
    let asked = questions::advice(world::ZIP, 0);
    let answer = ureq::post(server.url("/api/v1/recommendations/generate")).header("authorization", bearer);
    answer.content_type("application/json").send(asked.as_bytes()).expect("an answer");
    let sql = "SELECT answer FROM recommendations";
    Store::look(&server.database(), move |conn| conn.one(sql, &[], |row| row.take())).expect("it is kept")
}

/// A store of that size with a service on it, and its users signed in.
fn built(name: &str, size: Size) -> Side {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder beside the build");
    build(name, &folder.path().join(DATABASE), &size);
    let started = Instant::now();
    let server = Server::over(folder, false, &SETTINGS, &[]);
    let ready = started.elapsed().as_secs_f64();
    eprintln!("{name}: ready after {ready:.1} s, {:.0} MiB resident", server.resident() as f64 / MIB);
    let signed_in = |n: u64| {
        let user = json!({ "username": grown::email(n), "password": PASSWORD });
        let mut answer = ureq::post(server.url("/api/v1/auth/login")).send_json(user).expect("signed in");
        let tokens: Value = answer.body_mut().read_json().expect("JSON");
        format!("Bearer {}", tokens["access_token"].as_str().expect("a token"))
    };
    let apart = (size.users / ASKING / 100).max(1) * 100;
    let bearers = (0..ASKING).map(|n| signed_in(n * apart % size.users)).collect();
    let metered = (0..ASKING.min(size.meters)).map(|n| signed_in(n * (size.meters / ASKING).max(1))).collect();
    Side { server, size, bearers, metered }
}

/// Each part is told with the seconds it took and the bytes the store has after it.
fn build(name: &str, file: &Path, size: &Size) {
    let now = Timestamp::now();
    std::fs::create_dir_all(file.parent().expect("it is in a folder")).expect("room on the disk");
    let store = Store::open(&format!("sqlite:{}", file.display()), Options::default()).expect("a new store");
    let password = Argon2::default().hash_password(PASSWORD.as_bytes()).expect("it can be hashed").to_string();
    let part = |what: &str, work: &dyn Fn()| {
        let (started, before) = (Instant::now(), bytes(&store));
        work();
        let more = (bytes(&store) - before) / MIB;
        eprintln!("{name}: {what} in {:.0} s, {more:.0} MiB", started.elapsed().as_secs_f64());
    };
    part(&format!("{} plans of {} utilities", size.plans, size.utilities), &|| grown::add_catalog(&store, size, now));
    part(&format!("{} users", size.users), &|| grown::add_users(&store, size, &password, now));
    part(&format!("{} meters of {} days", size.meters, size.days), &|| grown::add_meters(&store, size, now));
    part("statistics", &|| store.write_blocking(maintenance::analyze).expect("they are renewed"));
    drop(store);
    let whole = std::fs::metadata(file).expect("the store is there").len() as f64 / MIB;
    eprintln!("{name}: the file has {whole:.0} MiB");
}

fn bytes(store: &Store) -> f64 {
    let pragma = |name: &'static str| {
        let sql = format!("PRAGMA {name}");
        store.read_blocking(move |conn| conn.one(&sql, &[], |row| row.take::<i64>())).expect("it is told")
    };
    (pragma("page_count") * pragma("page_size")) as f64
}
