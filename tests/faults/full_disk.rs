//! The disk is full for a while: reads go on, writes are answered with 503, and all is well when there is room again.

use crate::alone;
use crate::load::{Caller, Kept, callers, is_problem, missing};
use crate::service::{Service, ask, damage};
use crate::shim::Shim;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const WRITERS: usize = 8;
const READERS: usize = 4;
/// Before, while and after the disk is full.
const SPAN: Duration = Duration::from_secs(2);

/// What writers were told, and when.
#[derive(Default)]
struct Told {
    kept: Vec<(Instant, Kept)>,
    refused: Vec<(Instant, u16)>,
}

#[test]
fn a_full_disk_stops_writes_alone_and_only_while_it_is_full() {
    let _turn = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let shim = Shim::new(folder.path());
    let service = Service::start(folder.path(), &shim.environment(None));
    let callers = callers(service.address, WRITERS);
    let reader = (service.address, callers[0].token.clone());
    let end = Arc::<AtomicBool>::default();
    let writers = write_until(callers, &end);
    let readers = read_until(reader.clone(), &end);
    std::thread::sleep(SPAN);
    shim.set_full(true);
    let full_at = Instant::now();
    std::thread::sleep(SPAN);
    let refusal = ask(reader.0, "PUT", "/api/v1/users/profile", &reader.1, r#"{"name":"n1"}"#).expect("it answers");
    let room_at = Instant::now();
    shim.set_full(false);
    std::thread::sleep(SPAN);
    end.store(true, Ordering::Relaxed);
    let mut told = Told::default();
    for one in writers.into_iter().map(|writer| writer.join().expect("it ends")) {
        told.kept.extend(one.kept);
        told.refused.extend(one.refused);
    }
    let read: Vec<u16> = readers.into_iter().flat_map(|reader| reader.join().expect("it ends")).collect();
    assert!(refusal.0 == 503 && is_problem(&refusal.1, 503), "{refusal:?}");
    assert!(read.iter().all(|status| *status == 200), "reads go on");
    assert!(!told.refused.is_empty() && told.refused.iter().all(|(_, status)| *status == 503), "{:?}", told.refused);
    // A commit that was under way when the disk filled up may still have been answered.
    let full_at = full_at + Duration::from_millis(500);
    assert!(!told.kept.iter().any(|(at, _)| (full_at..room_at).contains(at)), "nothing is kept on a full disk");
    let back = told.kept.iter().map(|(at, _)| *at).filter(|at| *at > room_at).min().expect("writes go on") - room_at;
    assert!(back < Duration::from_secs(1), "{back:?}");
    let (code, said) = service.stop();
    assert_eq!((code, said.contains("panicked")), (Some(0), false), "{said}");
    let database = folder.path().join("data/treebeard.db");
    assert_eq!(damage(&database), [""; 0]);
    let all: Vec<Kept> = told.kept.into_iter().map(|(_, one)| one).collect();
    assert_eq!(missing(&rusqlite::Connection::open(&database).expect("it opens"), &all), [""; 0]);
    println!(
        "full disk: {} reads, all 200; {} writes refused, all 503; {} acknowledged, 0 lost; the first write {back:.0?} after \
         there was room",
        read.len(),
        told.refused.len(),
        all.len()
    );
}

fn write_until(callers: Vec<Caller>, end: &Arc<AtomicBool>) -> Vec<JoinHandle<Told>> {
    let write = |caller: Caller| {
        let end = end.clone();
        std::thread::spawn(move || {
            let mut told = Told::default();
            for number in (1_u64..).take_while(|_| !end.load(Ordering::Relaxed)) {
                match caller.write(number).expect("it answers") {
                    Ok(one) => told.kept.push((Instant::now(), one)),
                    Err(status) => told.refused.push((Instant::now(), status)),
                }
            }
            told
        })
    };
    callers.into_iter().map(write).collect()
}

fn read_until((address, token): (SocketAddr, String), end: &Arc<AtomicBool>) -> Vec<JoinHandle<Vec<u16>>> {
    let read = |_| {
        let (end, token) = (end.clone(), token.clone());
        std::thread::spawn(move || {
            let mut answers = Vec::new();
            while !end.load(Ordering::Relaxed) {
                answers.push(ask(address, "GET", "/api/v1/users/profile", &token, "").expect("it answers").0);
            }
            answers
        })
    };
    (0..READERS).map(read).collect()
}
