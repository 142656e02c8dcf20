//! The whole story on a fresh machine, as `packaging/story.sh` tells it, with the released package and a later one.

use crate::dist::{PACKAGE_ENDS, file_or_skip};
use crate::machine::{Machine, has_or_skip};
use std::path::Path;

/// A later package: another file of the same program under the next revision.
const LATER: &str = "dpkg-deb --raw-extract \"$PACKAGE\" /tmp/later
    sed -i 's/^Version: .*/&+later1/' /tmp/later/DEBIAN/control
    echo later >>/tmp/later/usr/bin/treebeard
    rm -f /tmp/later/DEBIAN/md5sums
    dpkg-deb -Znone --root-owner-group --build /tmp/later /tmp/later.deb";

/// A list of Power to Choose as it was published, with plans sold in Dallas and elsewhere.
const EXPORT: &str = "../shared/data/powertochoose/ptc_export_2020-12_oncor_aep.csv";

const STEPS: [&str; 16] = [
    "install the package",
    "the service answers",
    "backups and archive on the second disk",
    "create the administrator",
    "import the plans",
    "smoke",
    "load: 20 users, 10 s",
    "back up",
    "write, and wait a second twice",
    "destroy the data",
    "restore to the second before",
    "what was written is there",
    "smoke again",
    "upgrade under load: 20 users, 10 s",
    "smoke after the upgrade",
    "uninstall",
];

#[test]
fn a_fresh_machine_goes_through_the_whole_story() {
    let name = "the whole story";
    if !has_or_skip(name, "dpkg-deb") {
        return;
    }
    let Some(package) = file_or_skip(name, "treebeard_", PACKAGE_ENDS) else { return };
    let Some(machine) = Machine::start_or_skip(name) else { return };
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let export = top.join(EXPORT);
    let plans = if export.exists() {
        export.display().to_string()
    } else {
        assert!(std::env::var_os("CI").is_none(), "the shared data is absent");
        println!("skipped: {name}: shared data absent, with the plans of the demo instead");
        String::new()
    };
    machine.run(&LATER.replace("$PACKAGE", package.to_str().expect("UTF-8")));
    let said =
        machine.run(&format!("{}/packaging/story.sh {} /tmp/later.deb {plans}", top.display(), package.display()));
    println!("{said}");
    let steps: Vec<&str> = said.lines().skip(2).filter_map(|row| row.split('|').nth(1)).map(str::trim).collect();
    assert_eq!(steps, STEPS);
}
