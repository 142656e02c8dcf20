//! The commands of docs/deployment.md that need a machine are run in one, in their order.

use crate::dist::{PACKAGE_ENDS, file_or_skip};
use crate::machine::{Machine, has_or_skip};

const PAGE: &str = include_str!("../../docs/deployment.md");
/// For machines whose only user is root.
const SUDO: &str =
    "command -v sudo || { printf '#!/bin/sh\\nexec \"$@\"\\n' >/usr/local/bin/sudo && chmod 755 /usr/local/bin/sudo; }";
const URL: &str = "http://127.0.0.1:8000";

/// The blocks of the page that need just this.
fn blocks(needs: &str) -> Vec<String> {
    let begin = format!("```sh needs {needs}\n");
    PAGE.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_package_is_installed_looked_after_and_restored_as_the_guide_says() {
    let name = "the guide to the package";
    if !has_or_skip(name, "dpkg-deb") {
        return;
    }
    let Some(package) = file_or_skip(name, "treebeard_", PACKAGE_ENDS) else { return };
    let Some(machine) = Machine::start_or_skip(name) else { return };
    machine.run(SUDO);
    machine.run(&format!("cp {} /srv/", package.display()));
    let blocks = blocks("a machine");
    assert_eq!(blocks.len(), 4, "{blocks:?}");
    for block in &blocks {
        machine.run(&format!("cd /srv\n{block}"));
        if block.contains("second_dir") {
            machine.until("a copy on the second disk", "ls /var/lib/private/treebeard-second/*/manifest.json");
        }
    }
    machine.until("the service", &format!("treebeard healthcheck --url {URL}"));
    let sign_in = format!(
        "curl --silent --fail --output /dev/null --header 'content-type: application/json' \
         --data '{{\"username\":\"you@example.org\",\"password\":\"violet tram seven\"}}' {URL}/api/v1/auth/login"
    );
    machine.run(&sign_in);
    // What root's commands have made and restored is the service's.
    machine.run("treebeard backup create --config /etc/treebeard/treebeard.toml");
    let roots = "find /var/lib/private/treebeard /var/lib/private/treebeard-second -user root";
    assert_eq!(machine.run(roots), "");
    machine.run("systemctl restart treebeard.service");
    machine.run(&sign_in);
}

#[test]
fn the_program_installs_its_service_as_the_guide_says() {
    let Some(machine) = Machine::start_or_skip("the guide to the service") else { return };
    machine.run(SUDO);
    machine.run(&format!("cp {} /srv/treebeard", env!("CARGO_BIN_EXE_treebeard")));
    for block in blocks("a machine of its own") {
        machine.run(&format!("cd /srv\n{block}"));
    }
    machine.run(&format!("treebeard healthcheck --url {URL}"));
}
