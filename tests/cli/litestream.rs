//! The real Litestream beside the real service: what it replicated is what the service had acknowledged.

use crate::backup::emails;
use crate::moments::{SERVE, live_a_little, logical_checksum};
use crate::run::Place;
use crate::serve::Service;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// It replicates once a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program that `.ci/run` installs, or says by name that the test is skipped. On CI nothing may be skipped.
fn installed(test: &str) -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/python/bin/litestream");
    if program.exists() {
        return Some(program);
    }
    assert!(std::env::var_os("CI").is_none(), "{test}: litestream is not installed");
    println!("skipped: {test}: litestream is not installed");
    None
}

struct Replication(Child);

impl Replication {
    fn start(program: &Path, place: &Place) -> Self {
        let mut command = Command::new(program);
        command.args(["replicate", "data/treebeard.db", &replica(place)]).current_dir(place.path());
        Replication(
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"),
        )
    }
}

impl Drop for Replication {
    fn drop(&mut self) {
        self.0.kill().expect("it runs until it is killed");
        self.0.wait().expect("it ends");
    }
}

fn replica(place: &Place) -> String {
    format!("file://{}", place.path().join("replica").display())
}

/// Restores to `target`; `false`: there is nothing to restore yet.
fn restore(program: &Path, place: &Place, target: &Path) -> bool {
    let mut command = Command::new(program);
    command.arg("restore").arg("-o").arg(target).arg(replica(place)).current_dir(place.path());
    command.output().expect("it runs").status.success()
}

/// Of every table that is ours, all rows.
fn rows(database: &Path) -> BTreeMap<String, String> {
    let mut all = logical_checksum(database);
    all.retain(|table, _| !table.starts_with("_litestream"));
    all
}

#[test]
fn what_litestream_replicated_is_every_row_after_both_were_killed() {
    let Some(program) = installed("what_litestream_replicated_is_every_row_after_both_were_killed") else { return };
    let place = Place::new();
    let external = [&SERVE[..], &["--set", "database.checkpoint=external", "--set", "backup.enabled=false"]].concat();
    let service = Service::start(&place, &external);
    (1..=3).for_each(|user| live_a_little(&service.address, user).expect("acknowledged"));
    let replication = Replication::start(&program, &place);
    (4..=6).for_each(|user| live_a_little(&service.address, user).expect("acknowledged"));

    let (began, mut tries) = (Instant::now(), 0);
    let database = place.path().join("data/treebeard.db");
    loop {
        tries += 1;
        let target = place.path().join(format!("restored-{tries}.db"));
        if restore(&program, &place, &target) && rows(&target) == rows(&database) {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "Litestream has not what was acknowledged after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
    service.kill();
    drop(replication);
    let before = rows(&database);
    assert_eq!(emails(&place).len(), 6);
    std::fs::remove_dir_all(place.path().join("data")).expect("the machine is lost");
    std::fs::create_dir(place.path().join("data")).expect("a new one");
    assert!(restore(&program, &place, &database), "it restores to where the database was");
    assert_eq!(rows(&database), before);

    let service = Service::start(&place, &external);
    live_a_little(&service.address, 7).expect("the service goes on with it");
    assert_eq!(service.stop(), Some(0));
    assert_eq!(emails(&place).len(), 7);
}
