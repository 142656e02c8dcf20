//! The real release binary as its users meet it: size, time to ready, idle memory, a large meter file, `generate`.
//!
//! `cargo bench --bench service`. Everything happens in a temporary folder, over loopback, with a bounded number of
//! requests. `TREEBEARD_BINARY` names another binary to measure. Linux only: memory is read from `/proc`.

#[path = "load/hammer.rs"]
#[allow(dead_code, reason = "the other benches use the rest")]
mod hammer;
#[path = "world/mod.rs"]
mod world;

use hammer::{Manner, hammer, request};
use serde_json::{Value, json};
use std::fs::{File, read_to_string};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PLANS: usize = 1_000;
const STARTS: usize = 9;
const REQUESTS: usize = 200;
const CONNECTIONS: usize = 16;
const GENERATE: &str = "/api/v1/recommendations/generate";
/// A small and a large meter file: what the large one needs more is what memory grows by.
const METER_FILES_MB: [u64; 2] = [5, 100];

fn main() {
    // `cargo test --benches` only wants to know that it compiles and starts.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let size = std::fs::metadata(binary()).expect("the binary is built").len();
    row("release binary", &format!("{:.1} MB", size as f64 / 1e6), "30 MB");
    for megabytes in METER_FILES_MB {
        meter_file(folder.path(), megabytes);
    }
    service(folder.path());
}

fn binary() -> PathBuf {
    let named = std::env::var_os("TREEBEARD_BINARY");
    named.map_or_else(|| env!("CARGO_BIN_EXE_treebeard").into(), PathBuf::from)
}

fn row(what: &str, measured: &str, goal: &str) {
    println!("{what:<58} {measured:<34} goal {goal}");
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(folder).env_clear().stdin(Stdio::null()).stdout(Stdio::null());
    // All requests come from this machine: limits are for others.
    command.env("TREEBEARD_LIMITS__EXEMPT_NETWORKS", "127.0.0.0/8");
    command
}

/// A figure of `/proc/PID/status` in MiB; `None` once the process is gone.
fn memory(process: &Child, field: &str) -> Option<f64> {
    let status = read_to_string(format!("/proc/{}/status", process.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.parse::<f64>().ok().map(|kib| kib / 1_024.0)
}

/// `treebeard usage inspect` on a Green Button file of 5-minute readings: its memory must not grow with the file.
fn meter_file(folder: &Path, megabytes: u64) {
    let path = folder.join("meter.xml");
    let readings = green_button(&path, megabytes * 1_000_000);
    let started = Instant::now();
    let mut process = command(folder, &["usage", "inspect", "meter.xml"]).spawn().expect("the binary starts");
    let mut peak = 0.0;
    let status = loop {
        // The high-water mark only rises, so what is missed is what the last two milliseconds add.
        peak = memory(&process, "VmHWM").unwrap_or(0.0).max(peak);
        if let Some(status) = process.try_wait().expect("a child can be waited for") {
            break status;
        }
        thread::sleep(Duration::from_millis(2));
    };
    assert!(status.success(), "usage inspect failed");
    let what = format!("Green Button, {megabytes} MB, {readings} readings: peak RSS");
    row(&what, &format!("{peak:.1} MiB in {:.2} s", started.elapsed().as_secs_f64()), "64 MiB");
}

fn green_button(path: &Path, least_bytes: u64) -> u64 {
    let mut file = BufWriter::new(File::create(path).expect("a new file"));
    let mut write = |text: &str| file.write_all(text.as_bytes()).expect("room on the disk");
    write(
        r#"<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:e="http://naesb.org/espi"><entry><content>
<e:ReadingType><e:flowDirection>1</e:flowDirection><e:intervalLength>300</e:intervalLength>
<e:powerOfTenMultiplier>0</e:powerOfTenMultiplier><e:uom>72</e:uom></e:ReadingType></content></entry><entry><content>
<e:IntervalBlock>
"#,
    );
    // 2019-01-01T06:00:00Z, midnight in Chicago.
    let (start, mut readings, mut bytes) = (1_546_322_400_u64, 0, 0);
    while bytes < least_bytes {
        let (at, value) = (start + readings * 300, 40 + readings % 97);
        let reading = format!(
            "  <e:IntervalReading>\n    <e:timePeriod>\n      <e:duration>300</e:duration>\n      <e:start>{at}</e:start>\n    \
             </e:timePeriod>\n    <e:value>{value}</e:value>\n  </e:IntervalReading>\n"
        );
        write(&reading);
        bytes += reading.len() as u64;
        readings += 1;
    }
    write("</e:IntervalBlock></content></entry></feed>\n");
    file.flush().expect("room on the disk");
    readings
}

/// The service on a store that holds a catalog.
fn service(folder: &Path) {
    let catalog = serde_json::to_vec(&world::catalog(PLANS)).expect("a catalog is JSON");
    std::fs::write(folder.join("catalog.json"), catalog).expect("room on the disk");
    let imported = command(folder, &["catalog", "import", "catalog.json"]).status().expect("the binary starts");
    assert!(imported.success(), "the catalog is imported");

    let mut ready: Vec<f64> = (0..STARTS)
        .map(|_| {
            let started = Instant::now();
            let server = Server::start(folder);
            let milliseconds = started.elapsed().as_secs_f64() * 1e3;
            drop(server);
            milliseconds
        })
        .collect();
    ready.sort_unstable_by(f64::total_cmp);
    let measured = format!("{:.0} ms least, {:.0} ms median", ready[0], ready[STARTS / 2]);
    row("ready on an existing store with 1,000 plans", &measured, "100 ms");

    let server = Server::start(folder);
    thread::sleep(Duration::from_secs(2));
    let idle = memory(&server.process, "VmRSS").expect("the service runs");
    row("idle RSS, 1,000 plans", &format!("{idle:.1} MiB"), "40 MB");

    let token = server.register("bench@example.com");
    generate(&server, &token, 1, "template");
    let (p50, p99) = generate(&server, &token, 1, "template");
    row("generate, 12 months, 1,000 plans, 1 connection", &format!("p50 {p50:.1} ms, p99 {p99:.1} ms"), "p50 5 ms");
    let (p50, p99) = generate(&server, &token, CONNECTIONS, "template");
    row("the same, 16 connections", &format!("p50 {p50:.1} ms, p99 {p99:.1} ms"), "p99 20 ms");
    let busy = memory(&server.process, "VmRSS").expect("the service runs");
    row("RSS after that", &format!("{busy:.1} MiB"), "none");
    drop(server);

    // Takes connections and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", silent.local_addr().expect("its address"));
    let server = Server::with(folder, &[("CLAUDE_API_KEY", "none"), ("TREEBEARD_EXPLANATIONS__BASE_URL", &url)]);
    let (p50, p99) = generate(&server, &server.register("ai@example.com"), 4, "ai");
    let goal = "p99 its deadline, 1500 ms, and 100 ms";
    row("the same, 4 connections, the AI silent", &format!("p50 {p50:.1} ms, p99 {p99:.1} ms"), goal);
}

struct Server {
    process: Child,
    url: String,
}

impl Server {
    /// Returns when the service says it is ready.
    fn start(folder: &Path) -> Server {
        Server::with(folder, &[])
    }

    fn with(folder: &Path, environment: &[(&str, &str)]) -> Server {
        let mut process = command(folder, &["serve", "--listen", "127.0.0.1:0", "--set", "logging.format=json"])
            .envs(environment.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut log = BufReader::new(process.stderr.take().expect("stderr is a pipe"));
        let mut line = String::new();
        let url = loop {
            line.clear();
            assert_ne!(log.read_line(&mut line).expect("a log"), 0, "the service ended before it listened");
            if let Some((_, rest)) = line.split_once("listening on ") {
                break rest.split('"').next().unwrap_or_default().trim().to_owned();
            }
        };
        // Somebody must read the log, or the service would wait for it.
        thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let server = Server { process, url };
        while ureq::get(format!("{}/health/ready", server.url)).call().is_err() {
            thread::sleep(Duration::from_millis(1));
        }
        server
    }

    fn register(&self, email: &str) -> String {
        let user = json!({"email": email, "password": "a long bench password", "name": "Bench",
            "zip_code": world::ZIP});
        let mut answer = ureq::post(format!("{}/api/v1/auth/register", self.url)).send_json(user).expect("registered");
        let tokens: Value = answer.body_mut().read_json().expect("JSON");
        format!("Bearer {}", tokens["access_token"].as_str().expect("a token"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}

/// Asks for advice over so many connections at once. Milliseconds at p50 and p99. No two requests of a run of the bench
/// are alike: nothing is answered from the cache of rankings.
fn generate(server: &Server, token: &str, connections: usize, explanations: &'static str) -> (f64, f64) {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    let body = move || {
        let watt_hours = ASKED.fetch_add(1, Ordering::Relaxed) * 97;
        let month = |month: u64| {
            let kwh = (800_000 + month * 50_000 + watt_hours) as f64 / 1e3;
            json!({"month": format!("2025-{:02}-01", month + 1), "kwh": kwh})
        };
        json!({"user_data": {"zip_code": world::ZIP}, "usage_data": (0..12).map(month).collect::<Vec<_>>(),
            "options": {"explanations": explanations}})
    };
    let first = ureq::post(format!("{}{GENERATE}", server.url)).header("authorization", token).send_json(body());
    let first = first.expect("advice").body_mut().read_to_string().expect("a whole answer");
    assert!(first.contains(&format!("\"total_plans_analyzed\":{PLANS}")), "{first}");

    let authorization = token.to_owned();
    let address = server.url.trim_start_matches("http://").parse().expect("an address");
    let all = Manner { requests_max: REQUESTS * connections, ..Manner::full(connections, Duration::from_mins(10)) };
    let (counted, _) = hammer(address, all, move |_, _| {
        request("POST", GENERATE, &[("authorization", &authorization)], &body().to_string())
    });
    assert!(counted.statuses.keys().all(|status| *status == 200), "{:?}", counted.statuses);
    let milliseconds = |percent| counted.durations.percentile(percent).as_secs_f64() * 1e3;
    (milliseconds(50.0), milliseconds(99.0))
}
