//! `kill -9` again and again under load: what was acknowledged is there, and the service is back at once.

use crate::service::{Service, damage, numbers, register_all, renamed};
use crate::{alone, chances};
use std::time::{Duration, Instant};

const KILLS: usize = 100;
const WRITERS: usize = 64;
/// From the start of the load to the kill.
const LIVES: (u64, u64) = (60, 260);
/// Kills between two looks at the whole file.
const LOOK_EVERY: usize = 10;

#[test]
fn nothing_acknowledged_is_lost_by_kill_nine() {
    let _turn = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("data/treebeard.db");
    let mut service = Service::start(folder.path(), &[]);
    let accounts = register_all(service.address, WRITERS);
    let mut last = vec![0_u64; WRITERS];
    let (mut chance, mut written, mut ready) = (chances(1), 0, Vec::new());
    for kill in 1..=KILLS {
        let address = service.address;
        let writers: Vec<_> = accounts
            .iter()
            .zip(&last)
            .map(|((_, token), begin)| {
                let (token, begin) = (token.clone(), *begin);
                // The last number it was told was kept.
                std::thread::spawn(move || {
                    let mut kept = begin;
                    for number in begin + 1.. {
                        match renamed(address, &token, number) {
                            Ok(200) => kept = number,
                            Ok(other) => panic!("a write was answered with {other}"),
                            Err(_) => break,
                        }
                    }
                    kept
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(LIVES.0 + chance(LIVES.1 - LIVES.0)));
        service.kill();
        let acknowledged: Vec<u64> = writers.into_iter().map(|writer| writer.join().expect("it ends")).collect();
        written += acknowledged.iter().zip(&last).map(|(now, before)| now - before).sum::<u64>();
        let began = Instant::now();
        service = Service::start(folder.path(), &[]);
        service.wait_ready();
        ready.push(began.elapsed());
        let held = numbers(&database);
        for ((email, _), acknowledged) in accounts.iter().zip(&acknowledged) {
            assert!(
                held[email] >= *acknowledged,
                "kill {kill}: {email} was told {acknowledged}, {} is held",
                held[email]
            );
        }
        // What was written and not acknowledged may be there, too.
        last = accounts.iter().map(|(email, _)| held[email]).collect();
        if kill % LOOK_EVERY == 0 {
            assert_eq!(damage(&database), [""; 0], "kill {kill}");
        }
    }
    ready.sort();
    println!(
        "kill -9: {KILLS} times under {WRITERS} writers, {written} acknowledged, 0 lost, 0 corrupt; ready again in {:.0?} \
         (median), {:.0?} (slowest)",
        ready[KILLS / 2],
        ready[KILLS - 1]
    );
    assert!(written > 0 && ready[KILLS - 1] < Duration::from_secs(20), "{ready:?}");
}
