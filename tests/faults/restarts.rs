//! A PostgreSQL server that dies and comes back, again and again under load.

use crate::load::{Caller, Kept, callers, is_problem, missing_on_postgresql};
use crate::postgres_cluster::Cluster;
use crate::service::{Service, ask};
use crate::{alone, chances};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const DEATHS: usize = 20;
const CALLERS: usize = 16;
/// How long the server is away, in milliseconds.
const AWAY: (u64, u64) = (200, 1_500);
/// After so long nobody must see that it was away.
const RECOVERED: Duration = Duration::from_secs(2);
/// How long all is watched after that.
const WATCHED: Duration = Duration::from_millis(500);

/// What one call was answered, and when.
struct Answer {
    status: u16,
    asked: Instant,
    answered: Instant,
}

#[derive(Default)]
struct Seen {
    answers: Vec<Answer>,
    kept: Vec<Kept>,
    strange: Vec<String>,
}

/// One caller reads and writes in turn until it is told to stop.
fn live(caller: &Caller, stop: &AtomicBool, seen: &Mutex<Seen>) {
    for number in 1.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let asked = Instant::now();
        let read = ask(caller.address, "GET", "/api/v1/usage/history", &caller.token, "");
        let read_at = Instant::now();
        let written = caller.write(number);
        let mut seen = seen.lock().expect("nobody panics with it");
        match read {
            Ok((status, body)) => {
                if status != 200 && !(status == 503 && is_problem(&body, 503)) {
                    seen.strange.push(format!("a read was answered {status}: {body}"));
                }
                seen.answers.push(Answer { status, asked, answered: read_at });
            }
            Err(error) => seen.strange.push(format!("a read was not answered: {error}")),
        }
        let status = match written {
            Ok(Ok(kept)) => {
                seen.kept.push(kept);
                200
            }
            Ok(Err(status)) => status,
            Err(error) => {
                seen.strange.push(format!("a write was not answered: {error}"));
                continue;
            }
        };
        if status != 200 && status != 503 {
            seen.strange.push(format!("a write was answered {status}"));
        }
        seen.answers.push(Answer { status, asked: read_at, answered: Instant::now() });
    }
}

/// Starts the server with everything that makes it durable.
fn start(cluster: &Cluster) {
    let socket = cluster.folder.path().display();
    let options = format!("-c listen_addresses= -c unix_socket_directories={socket}");
    let log = format!("{socket}/log");
    let arguments = ["-D", &cluster.data(), "-w", "-t", "60", "-l", &log, "-o", &options, "start"];
    cluster.run("pg_ctl", &arguments).expect("it starts");
}

#[test]
fn a_database_server_that_dies_twenty_times_costs_nothing_acknowledged() {
    let name = "a_database_server_that_dies_twenty_times_costs_nothing_acknowledged";
    let Some(cluster) = Cluster::start_or_skip(name) else { return };
    let _turn = alone();
    cluster.stop().expect("it stops");
    start(&cluster);
    let folder = tempfile::tempdir().expect("a folder");
    let url = cluster.database("dying");
    let service = Service::start(folder.path(), &[("DATABASE_URL".to_owned(), url.clone())]);
    let callers = callers(service.address, CALLERS);
    let (stop, seen) = (AtomicBool::new(false), Mutex::<Seen>::default());
    // From when the server is told to die to when it takes connections again.
    let mut absences = Vec::new();
    std::thread::scope(|scope| {
        for caller in &callers {
            scope.spawn(|| live(caller, &stop, &seen));
        }
        let mut chance = chances(20);
        std::thread::sleep(WATCHED);
        for _ in 0..DEATHS {
            let gone = Instant::now();
            cluster.stop().expect("it dies");
            std::thread::sleep(Duration::from_millis(AWAY.0 + chance(AWAY.1 - AWAY.0)));
            start(&cluster);
            absences.push((gone, Instant::now()));
            std::thread::sleep(RECOVERED + WATCHED);
        }
        stop.store(true, Ordering::Relaxed);
    });
    let seen = seen.into_inner().expect("nobody panics with it");
    assert_eq!(seen.strange, [""; 0]);
    report(&seen, &absences);
    let mut client = postgres::Client::connect(&url, postgres::NoTls).expect("it connects");
    assert_eq!(missing_on_postgresql(&mut client, &seen.kept), [""; 0], "lost");
    assert!(!service.log().contains("panicked"), "{}", service.log());
}

/// Prints the figures and holds them to what is promised.
fn report(seen: &Seen, absences: &[(Instant, Instant)]) {
    let failed: Vec<&Answer> = seen.answers.iter().filter(|answer| answer.status == 503).collect();
    let last_absence = |at: Instant| absences.iter().rev().find(|(gone, _)| *gone <= at);
    let late = |answer: &Answer| {
        last_absence(answer.answered).map(|(_, back)| answer.answered.saturating_duration_since(*back))
    };
    assert!(failed.iter().all(|answer| late(answer).is_some()), "a 503 before the server ever died");
    let slowest_recovery = failed.iter().filter_map(|answer| late(answer)).max().unwrap_or_default();
    let first_good = absences.iter().map(|(_, back)| {
        let good = seen.answers.iter().filter(|answer| answer.status == 200 && answer.asked >= *back);
        good.map(|answer| answer.answered - *back).min().unwrap_or(Duration::MAX)
    });
    let slowest_good = first_good.max().unwrap_or_default();
    let longest = failed.iter().map(|answer| answer.answered - answer.asked).max().unwrap_or_default();
    println!(
        "PostgreSQL died {} times under {} callers: {} writes acknowledged, 0 lost; {} answers 503, the longest after \
         {longest:.0?}; last 503 {slowest_recovery:.0?} after it was back, first good answer {slowest_good:.0?} after",
        absences.len(),
        CALLERS,
        seen.kept.len(),
        failed.len(),
    );
    assert!(failed.len() >= absences.len(), "its absence was noticed");
    assert!(slowest_recovery < RECOVERED, "a 503 {slowest_recovery:?} after it was back");
    assert!(slowest_good < RECOVERED, "no good answer for {slowest_good:?}");
}
