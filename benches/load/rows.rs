//! The measurements, one function a part of the table.

use crate::hammer::{Manner, hammer, request};
use crate::servers::{EXEMPT, Server, binary, pin_self, pinning};
use crate::world;
use crate::{Effort, Row};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::Duration;
use treebeard::load::Counted;

const CATALOG: &str = "/api/v1/plans/catalog";
const PROFILE: &str = "/api/v1/users/profile";
const CONNECTIONS: usize = 64;
/// Both sides of a ratio keep no log of requests.
const QUIET: &str = "logging.level=warn";
const MIB: f64 = 1_048_576.0;

type Part = fn(&Effort) -> Vec<Row>;

pub const PARTS: [(&str, Part); 7] = [
    ("reads", reads),
    ("writes", writes),
    ("flood", flood),
    ("connections", connections),
    ("mix", mix),
    ("addresses", addresses),
    ("soak", soak),
];

/// One way to ask, again and again.
struct Question<'a> {
    server: &'a Server,
    request: Vec<u8>,
    status: u16,
}

/// Requests a second, and processor microseconds of the server a request.
#[derive(Clone, Copy)]
struct Pace {
    rate: f64,
    cost: f64,
}

impl Question<'_> {
    fn pace(&self, spell: Duration) -> Pace {
        let (request, before) = (self.request.clone(), self.server.processor());
        let (counted, seconds) =
            hammer(self.server.address, Manner::full(CONNECTIONS, spell), move |_, _| request.clone());
        expect(&counted, &[self.status]);
        let count = counted.durations.count() as f64;
        Pace { rate: count / seconds, cost: (self.server.processor() - before) * 1e6 / count }
    }
}

/// The paces of questions asked in turn, the median of each.
fn side_by_side(questions: &[Question], effort: &Effort) -> Vec<Pace> {
    for question in questions {
        question.pace(effort.spell / 4);
    }
    let rounds: Vec<Vec<Pace>> =
        (0..effort.rounds).map(|_| questions.iter().map(|question| question.pace(effort.spell)).collect()).collect();
    let middle = |of: &dyn Fn(&Vec<Pace>) -> f64| median(rounds.iter().map(of).collect());
    let nth = |n: usize| Pace { rate: middle(&|round| round[n].rate), cost: middle(&|round| round[n].cost) };
    (0..questions.len()).map(nth).collect()
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

#[track_caller]
fn expect(counted: &Counted, statuses: &[u16]) {
    let others = counted.statuses.keys().any(|status| !statuses.contains(status));
    assert!(!others, "{statuses:?} expected: {:?}", counted.statuses);
}

/// Cached pages and point reads against a bare route of the same bytes; answers that are not sent again.
fn reads(effort: &Effort) -> Vec<Row> {
    let pinned = pinning();
    let (real, loud) = (Server::real(pinned, &[EXEMPT, QUIET], &[]), Server::real(pinned, &[EXEMPT], &[]));
    let bearer = real.register("reader");
    let page = format!("{CATALOG}?zip_code={}&page_size=20", world::ZIP);
    let (body, etag) = real.get(&page, "");
    let listed: Value = serde_json::from_slice(&body).expect("JSON");
    let plan = format!("/api/v1/plans/{}", listed["items"][0]["id"].as_str().expect("plans are listed"));
    if pinned {
        pin_self("1");
    }
    let get = |path: &str, headers: &[(&str, &str)]| request("GET", path, headers, "");
    let signed = [("authorization", bearer.as_str())];
    let ratio = |path: &str, headers: &[(&str, &str)]| {
        let bare_path = path.split('?').next().unwrap_or(path);
        let bare = Server::bare(pinned, bare_path, &real.get(path, &bearer).0);
        let asked = |server| Question { server, request: get(path, headers), status: 200 };
        let paces = side_by_side(&[asked(&bare), asked(&real)], effort);
        (paces[1].rate / paces[0].rate, paces[0], paces[1])
    };
    let told = |(ratio, bare, real): (f64, Pace, Pace)| {
        let (bare_rate, real_rate) = (bare.rate, real.rate);
        format!(
            "{:.0} % ({real_rate:.0}/s of {bare_rate:.0}/s; {:.1} of {:.1} µs of processor)",
            ratio * 100.0,
            real.cost,
            bare.cost
        )
    };
    let mut rows = Vec::new();
    let cached = ratio(&page, &[]);
    rows.push(Row::new(
        "cached catalog GET, 64 connections, to a bare poem route of the same bytes",
        told(cached),
        "85 %",
        cached.0 >= 0.85,
    ));
    for (name, path) in [("profile (database)", PROFILE), ("plan", plan.as_str())] {
        let point = ratio(path, &signed);
        let what = format!("authenticated point read of a {name}, to the same");
        rows.push(Row::new(what, told(point), "60 %", point.0 >= 0.60));
    }
    let known = [("if-none-match", etag.as_str())];
    let whole = Question { server: &real, request: get(&page, &[]), status: 200 };
    let unchanged = Question { server: &real, request: get(&page, &known), status: 304 };
    let logged = Question { server: &loud, request: get(&page, &[]), status: 200 };
    let paces = side_by_side(&[whole, unchanged, logged], effort);
    let (whole, unchanged, logged) = (paces[0], paces[1], paces[2]);
    let seen = format!(
        "{:.0}/s at {:.1} µs of processor; 200s {:.0}/s at {:.1} µs",
        unchanged.rate, unchanged.cost, whole.rate, whole.cost
    );
    rows.push(Row::new("304s against 200s of the page", seen, "cheaper", unchanged.cost < whole.cost));
    let seen = format!("{:.0} % ({:.0}/s of {:.0}/s)", 100.0 * logged.rate / whole.rate, logged.rate, whole.rate);
    rows.push(Row::told("the page with a log line for each request, to that without", seen));
    if pinned {
        pin_self(&format!("0-{}", processors() - 1));
    }
    rows
}

/// All of the machine, whatever this process is pinned to.
fn processors() -> usize {
    let told = Command::new("nproc").arg("--all").output().expect("nproc runs");
    String::from_utf8_lossy(&told.stdout).trim().parse().expect("a number")
}

/// Durable writes by 64 clients, with and without group commit.
fn writes(effort: &Effort) -> Vec<Row> {
    let servers = [&[][..], &["--writes-per-commit", "1"][..]].map(|more| {
        let server = Server::real(false, &[EXEMPT, QUIET], more);
        let bearers: Vec<String> = (0..CONNECTIONS).map(|n| server.register(&format!("writer{n}"))).collect();
        (server, bearers)
    });
    let rate = |(server, bearers): &(Server, Vec<String>)| {
        let bearers = bearers.clone();
        let months = json!({ "usage_data": [{ "month": "2025-01-01", "kwh": 900 }] }).to_string();
        let (counted, seconds) = hammer(server.address, Manner::full(CONNECTIONS, effort.spell), move |c, _| {
            request("POST", "/api/v1/usage/upload", &[("authorization", &bearers[c])], &months)
        });
        expect(&counted, &[200]);
        counted.durations.count() as f64 / seconds
    };
    let rounds: Vec<[f64; 2]> = (0..effort.rounds).map(|_| [rate(&servers[0]), rate(&servers[1])]).collect();
    let [grouped, single] = [0, 1].map(|n| median(rounds.iter().map(|round| round[n]).collect()));
    let seen = format!("{:.1} times ({grouped:.0}/s to {single:.0}/s)", grouped / single);
    let what = "durable usage upload, 64 writers, to the same with group commit off";
    vec![Row::new(what, seen, "5 times", grouped >= 5.0 * single)]
}

/// The slow end of cached reads while many sign in.
fn flood(effort: &Effort) -> Vec<Row> {
    let server = Server::real(false, &[EXEMPT, QUIET], &[]);
    let page = request("GET", &format!("{CATALOG}?zip_code={}", world::ZIP), &[], "");
    let slow_end = || {
        let page = page.clone();
        let manner = Manner::paced(16, effort.spell, Duration::from_millis(10));
        let (counted, _) = hammer(server.address, manner, move |_, _| page.clone());
        expect(&counted, &[200]);
        counted.durations.percentile(99.0).as_secs_f64() * 1e3
    };
    slow_end();
    let rounds: Vec<(f64, f64, u64)> = (0..effort.rounds)
        .map(|_| {
            let calm = slow_end();
            let (address, spell) = (server.address, effort.spell + Duration::from_millis(500));
            let flood = thread::spawn(move || sign_in(address, spell));
            thread::sleep(Duration::from_millis(250));
            let flooded = slow_end();
            (calm, flooded, flood.join().expect("the flood ends"))
        })
        .collect();
    let calm = median(rounds.iter().map(|(calm, _, _)| *calm).collect());
    let flooded = median(rounds.iter().map(|(_, flooded, _)| *flooded).collect());
    let tries = rounds.iter().map(|(_, _, tries)| tries).sum::<u64>();
    let seen = format!("{:.1} times ({flooded:.2} ms to {calm:.2} ms; {tries} sign-ins tried)", flooded / calm);
    vec![Row::new("p99 of cached reads while 32 clients sign in without end", seen, "twice", flooded <= 2.0 * calm)]
}

/// Sign-ins to accounts that do not exist: each costs a hash, or is sent away because hashing is busy.
fn sign_in(address: SocketAddr, spell: Duration) -> u64 {
    let manner = Manner::paced(32, spell, Duration::from_millis(20));
    let (counted, _) = hammer(address, manner, |c, n| {
        let body = json!({ "username": format!("nobody-{c}-{n}@example.com"), "password": "not the password" });
        request("POST", "/api/v1/auth/login", &[], &body.to_string())
    });
    expect(&counted, &[401, 429, 503]);
    counted.durations.count()
}

/// Memory with 256 connections that all ask.
fn connections(effort: &Effort) -> Vec<Row> {
    let server = Server::real(false, &[EXEMPT], &[]);
    let bearer = server.register("crowd");
    let months: Vec<Value> =
        (1..=12).map(|month| json!({ "month": format!("2025-{month:02}-01"), "kwh": 900 })).collect();
    // Long enough for every pool to have met its most.
    let (address, spell) = (server.address, effort.spell * 2);
    let asking = thread::spawn(move || {
        let advice = json!({ "user_data": { "zip_code": world::ZIP }, "usage_data": months,
            "options": { "explanations": "template" } });
        let signed = [("authorization", bearer.as_str())];
        let requests = [
            request("GET", &format!("{CATALOG}?zip_code={}&page_size=100", world::ZIP), &[], ""),
            request("GET", PROFILE, &signed, ""),
            request("POST", "/api/v1/recommendations/generate", &signed, &advice.to_string()),
        ];
        // One connection in sixteen asks for advice.
        let of = move |c: usize, n: usize| requests[if c.is_multiple_of(16) { 2 } else { n % 2 }].clone();
        hammer(address, Manner::full(256, spell), of).0
    });
    let mut peak = 0;
    while !asking.is_finished() {
        peak = server.resident().max(peak);
        thread::sleep(Duration::from_millis(20));
    }
    let counted = asking.join().expect("the crowd ends");
    expect(&counted, &[200, 503]);
    let refused = counted.statuses.get(&503).copied().unwrap_or_default();
    let seen = format!(
        "{:.1} MB at most, {} open files, {} answers, {refused} of them 503",
        peak as f64 / 1e6,
        server.open_files(),
        counted.durations.count()
    );
    vec![Row::new("resident memory at 256 busy connections, 1,000 plans", seen, "120 MB", peak < 120_000_000)]
}

/// The report of `treebeard load` against `server`.
fn load(server: &Server, users: u32, spawn_rate: u32, seconds: u32, pause: u32) -> Value {
    let url = server.url("");
    let numbers = [users, spawn_rate, seconds, pause].map(|number| number.to_string());
    let flags = ["--users", "--spawn-rate", "--duration", "--pause"];
    let mut command = Command::new(binary());
    command.args(["load", "--json", "--url", &url]).env_clear().current_dir(env!("CARGO_TARGET_TMPDIR"));
    for (flag, number) in flags.iter().zip(&numbers) {
        command.args([*flag, number]);
    }
    let output = command.output().expect("the binary starts");
    // Exit code 1 says that calls failed; the report says which.
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("no report ({error}): {}", String::from_utf8_lossy(&output.stderr)))
}

fn number(report: &Value, pointer: &str) -> f64 {
    report.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("the report has no {pointer}: {report}"))
}

/// The documented mix, and health checks meanwhile.
fn mix(effort: &Effort) -> Vec<Row> {
    let server = Server::real(false, &[EXEMPT], &[]);
    let (address, spell) = (server.address, Duration::from_secs(effort.mix_seconds.into()));
    let polling = thread::spawn(move || {
        let health = request("GET", "/health", &[], "");
        let manner = Manner::paced(1, spell, Duration::from_millis(20));
        hammer(address, manner, move |_, _| health.clone()).0
    });
    let report = load(&server, effort.users, effort.users / 10, effort.mix_seconds, 1_000);
    let polled = polling.join().expect("the polls end");
    expect(&polled, &[200]);
    let health = polled.durations.percentile(99.0).as_secs_f64() * 1e3;
    let [errors, p95, hits] = ["/error_percent", "/latency/p95_ms", "/cache/hit_percent"].map(|at| number(&report, at));
    let name = format!("{} users with the documented mix for {} s", effort.users, effort.mix_seconds);
    let calls = number(&report, "/requests");
    let (p50, p99) = (number(&report, "/latency/p50_ms"), number(&report, "/latency/p99_ms"));
    vec![
        Row::new(format!("{name}: errors"), format!("{errors} % of {calls} calls"), "0 %", errors == 0.0),
        Row::new("the same: p95", format!("{p95:.1} ms (p50 {p50:.1}, p99 {p99:.1})"), "50 ms", p95 < 50.0),
        Row::new("the same: cache hits", format!("{hits:.1} %"), "80 %", hits > 80.0),
        Row::new(
            "p99 of /health meanwhile",
            format!("{health:.1} ms of {} polls", polled.durations.count()),
            "5 ms",
            health < 5.0,
        ),
    ]
}

/// Memory that a flood of distinct addresses takes.
fn addresses(effort: &Effort) -> Vec<Row> {
    let server = Server::real(false, &["server.trusted_proxies=127.0.0.1", QUIET], &[]);
    let ask = |count: usize, first: usize| {
        let manner = Manner { requests_max: count, ..Manner::full(CONNECTIONS, Duration::from_secs(600)) };
        let share = count / CONNECTIONS;
        let (counted, seconds) = hammer(server.address, manner, move |c, n| {
            let address = first + c * share + n;
            let from = format!("10.{}.{}.{}", address >> 16 & 255, address >> 8 & 255, address & 255);
            request("GET", "/api/v1/suppliers?page_size=1", &[("x-forwarded-for", &from)], "")
        });
        expect(&counted, &[200]);
        (counted.durations.count(), seconds)
    };
    // What connections and caches take is there before.
    ask(CONNECTIONS, 16_000_000);
    let before = server.resident();
    let (count, seconds) = ask(effort.addresses, 0);
    let grown = server.resident().saturating_sub(before) as f64 / MIB;
    let metrics = String::from_utf8(server.get("/metrics", "").0).expect("text");
    let keys = metrics.lines().find_map(|line| line.strip_prefix("treebeard_rate_limit_keys{limit=\"ip\"} "));
    let keys = keys.expect("the metrics tell the keys");
    let seen = format!("{grown:.1} MiB more ({count} addresses in {seconds:.0} s, {keys} kept)");
    vec![Row::new(format!("{count} distinct addresses through the limiter"), seen, "64 MiB", grown < 64.0)]
}

/// Memory and open files through long mixed load.
fn soak(effort: &Effort) -> Vec<Row> {
    let server = Server::real(false, &[EXEMPT], &[]);
    let report = load(&server, 50, 50, effort.soak_seconds, 200);
    let of = |figure: &str, when: &str| number(&report, &format!("/server/{figure}/{when}"));
    let memory = ["settled", "end", "peak"].map(|when| of("resident_bytes", when) / MIB);
    let files = ["settled", "end", "peak"].map(|when| of("open_files", when));
    let name = format!("{} s of mixed load by 50 users", effort.soak_seconds);
    let shown = format!("{:.1} MiB settled, {:.1} at the end, {:.1} at most", memory[0], memory[1], memory[2]);
    let files_shown = format!("{} settled, {} at the end, {} at most", files[0], files[1], files[2]);
    let calls = format!("{} of {} calls", number(&report, "/errors"), number(&report, "/requests"));
    vec![
        Row::new(format!("{name}: resident memory"), shown, "flat: at most 10 % more", memory[1] <= memory[0] * 1.1),
        Row::new("the same: open files", files_shown, "flat: at most 5 more", files[1] <= files[0] + 5.0),
        Row::new("the same: errors", calls, "0", number(&report, "/errors") == 0.0),
    ]
}
