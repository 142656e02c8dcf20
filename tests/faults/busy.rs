//! Many writers at once: none is told that the database is busy.

use crate::alone;
use crate::service::{Service, register_all, renamed};
use std::time::{Duration, Instant};

const WRITERS: usize = 256;
const WRITES_EACH: u64 = 8;

#[test]
fn writers_by_the_hundred_are_all_served() {
    let _turn = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let service = Service::start(folder.path(), &[]);
    let accounts = register_all(service.address, WRITERS);
    let address = service.address;
    let started = Instant::now();
    let writers: Vec<_> = accounts
        .into_iter()
        .map(|(_, token)| {
            std::thread::spawn(move || -> Vec<(u16, Duration)> {
                let write = |number| {
                    let began = Instant::now();
                    let status = renamed(address, &token, number).unwrap_or_default();
                    (status, began.elapsed())
                };
                (1..=WRITES_EACH).map(write).collect()
            })
        })
        .collect();
    let answers: Vec<_> = writers.into_iter().flat_map(|writer| writer.join().expect("it ends")).collect();
    let took = started.elapsed();
    let refused: Vec<u16> = answers.iter().map(|(status, _)| *status).filter(|status| *status != 200).collect();
    let mut times: Vec<Duration> = answers.iter().map(|(_, time)| *time).collect();
    times.sort();
    assert_eq!(refused, [0_u16; 0], "every write is answered with 200");
    println!(
        "busy: {WRITERS} writers at once, {} writes in {took:.1?}, 0 busy errors, median {:.0?}, 99th percentile {:.0?}",
        answers.len(),
        times[times.len() / 2],
        times[times.len() * 99 / 100]
    );
}
