//! The power fails: what the real binary wrote under mixed load is replayed up to a cut, opened and checked.

use crate::load::{Kept, callers, missing};
use crate::replay::{Disk, Event, acknowledgement, events};
use crate::service::{Service, damage};
use crate::shim::Shim;
use crate::{alone, chances};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use treebeard::app::audit;
use treebeard::store::{Options, Store};

const CUTS: usize = 200;
/// Of the same record without the syncs of its log.
const CUTS_UNSYNCED: usize = 20;
const CALLERS: usize = 8;
const WRITES_EACH: u64 = 96;
/// One in so many databases is also opened by the binary itself.
const SERVED: usize = 20;

/// What came of opening what the cuts left.
#[derive(Default)]
struct Verdict {
    /// Acknowledged writes that were looked for.
    checked: usize,
    lost: Vec<String>,
    corrupt: Vec<String>,
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_fails() {
    let _turn = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log");
    record(folder.path(), &path);
    let log = std::fs::read(&path).expect("a log");
    let mut events = events(&log);
    let acknowledged = events.iter().filter(|event| matches!(event, Event::Acknowledged { .. })).count();
    let changes = events.len() - acknowledged;
    assert!(acknowledged as u64 >= CALLERS as u64 * WRITES_EACH, "{acknowledged} acknowledgements, {changes} changes");
    let verdict = replayed(&events, CUTS);
    let Verdict { checked, lost, corrupt } = &verdict;
    println!(
        "power: {CUTS} cuts of {changes} changes and {acknowledged} acknowledged writes; {checked} looked for, {} lost, {} \
         corrupt",
        lost.len(),
        corrupt.len()
    );
    assert_eq!((lost, corrupt), (&Vec::new(), &Vec::new()));

    // Had the commits not been synced, it would have been found out.
    events.retain(|event| !matches!(event, Event::Synced { path } if path.ends_with("-wal")));
    let Verdict { checked, lost, corrupt } = replayed(&events, CUTS_UNSYNCED);
    println!(
        "power: the same without the syncs of the log: {CUTS_UNSYNCED} cuts, {checked} looked for, {} lost, {} corrupt",
        lost.len(),
        corrupt.len()
    );
    assert!(!lost.is_empty() || !corrupt.is_empty());
}

/// Cuts the record at so many places, and looks at what each leaves.
fn replayed(events: &[Event<'_>], cuts: usize) -> Verdict {
    let mut chance = chances(2);
    let mut cuts: Vec<usize> = (0..cuts).map(|_| chance(events.len() as u64 + 1) as usize).collect();
    cuts.sort_unstable();
    let (mut disk, mut kept, mut done) = (Disk::default(), Vec::new(), 0);
    let mut verdict = Verdict::default();
    for (number, cut) in cuts.into_iter().enumerate() {
        for event in &events[done..cut] {
            disk.take(event);
            if let Event::Acknowledged { line } = event {
                kept.push(Kept::parse(line));
            }
        }
        done = cut;
        verdict.checked += kept.len();
        let left = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(left.path().join("data")).expect("a folder");
        disk.fail(&left.path().join("data"), &mut chance);
        let tell = |what: Vec<String>| what.into_iter().map(move |text| format!("cut at {cut}: {text}"));
        match opened(left.path(), number % SERVED == 0) {
            Err(why) => verdict.corrupt.extend(tell(vec![why])),
            Ok(()) => {
                let database = left.path().join("data/treebeard.db");
                let damage = damage(&database);
                if damage.is_empty() {
                    let connection = rusqlite::Connection::open(&database).expect("it opens");
                    verdict.lost.extend(tell(missing(&connection, &kept)));
                }
                verdict.corrupt.extend(tell(damage));
            }
        }
    }
    verdict
}

/// Runs the service under load and notes, in one file, what it writes and what its callers are told.
fn record(folder: &Path, log: &Path) {
    let shim = Shim::new(folder);
    let service = Service::start(folder, &shim.environment(Some(log)));
    let callers = callers(service.address, CALLERS);
    let workers: Vec<_> = callers
        .into_iter()
        .map(|caller| {
            let mut log = OpenOptions::new().append(true).open(log).expect("it opens");
            std::thread::spawn(move || {
                for number in 1..=WRITES_EACH {
                    let kept = caller.write(number).expect("it answers").expect("it is kept");
                    log.write_all(&acknowledgement(&kept.line())).expect("written");
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().expect("it ends");
    }
    let (code, said) = service.stop();
    assert_eq!(code, Some(0), "{said}");
}

/// Opens what is left as the service does; the audit log must be whole. Sometimes the service itself is started on it.
fn opened(folder: &Path, serve: bool) -> Result<(), String> {
    if serve {
        let service = Service::try_start(folder, &[])?;
        service.wait_ready();
    }
    let url = format!("sqlite:{}", folder.join("data/treebeard.db").display());
    let store = Store::open(&url, Options::default()).map_err(|error| format!("{error:?}"))?;
    let checked = store.read_blocking(|conn| audit::check(conn, None)).map_err(|error| format!("{error:?}"))?;
    if checked.is_intact() { Ok(()) } else { Err(format!("the audit log is broken: {checked:?}")) }
}
