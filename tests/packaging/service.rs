//! The units of systemd: how little they expose, how they are installed, and what the real systemd makes of them.

use crate::machine::{Machine, has_or_skip};
use std::path::Path;
use std::process::{Command, Output};

const BINARY: &str = env!("CARGO_BIN_EXE_treebeard");
const UNIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/systemd/treebeard.service");

fn treebeard(arguments: &[&str]) -> Output {
    Command::new(BINARY).args(arguments).env_clear().output().expect("the binary starts")
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_service_is_exposed_at_most_1_1() {
    if !has_or_skip("systemd exposure", "systemd-analyze") {
        return;
    }
    let report = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager", UNIT])
        .env("SYSTEMD_COLORS", "0")
        .output()
        .expect("systemd-analyze runs");
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    let score =
        report.lines().find_map(|line| line.split_once("treebeard.service: ")?.1.split(' ').next()?.parse().ok());
    let score: f64 = score.unwrap_or_else(|| panic!("no score in {report}"));
    assert!(score <= 1.1, "{report}");
}

#[test]
fn the_units_printed_are_those_shipped_with_the_program_s_own_path() {
    let shipped = std::fs::read_to_string(UNIT).expect("the unit");
    let unit = printed(&treebeard(&["service", "print"]));
    assert_eq!(unit, shipped.replace("=/usr/bin/treebeard ", "=/usr/local/bin/treebeard "));
    assert!(unit.contains("\nExecStart=/usr/local/bin/treebeard serve"), "{unit}");
    let socket = printed(&treebeard(&["service", "print", "socket"]));
    assert!(socket.contains("\nListenStream=127.0.0.1:8000\n"), "{socket}");
}

fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                found.push(entry.strip_prefix(root).expect("below").to_str().expect("UTF-8").to_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn an_image_can_be_installed_into_twice_and_keeps_what_is_the_operator_s() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().to_str().expect("UTF-8");
    let at = |path: &str| folder.path().join(path);

    let said = printed(&treebeard(&["service", "install", "--root", root, "--dry-run"]));
    assert_eq!(said.lines().count(), 5, "{said}");
    assert!(said.lines().all(|line| line.starts_with("would ")), "{said}");
    assert_eq!(files(folder.path()), [""; 0], "a dry run does nothing");
    assert_eq!(treebeard(&["service", "status", "--root", root]).status.code(), Some(4));

    printed(&treebeard(&["service", "install", "--root", root]));
    let installed = [
        "etc/systemd/system/treebeard.service",
        "etc/systemd/system/treebeard.socket",
        "etc/treebeard/secret_key",
        "etc/treebeard/treebeard.toml",
        "usr/local/bin/treebeard",
    ];
    assert_eq!(files(folder.path()), installed);
    let key = std::fs::read_to_string(at("etc/treebeard/secret_key")).expect("a key");
    assert_eq!(key.len(), 64);
    let mode = |path: &str| std::fs::metadata(at(path)).expect("a file").permissions().mode() & 0o777;
    assert_eq!((mode("etc/treebeard/secret_key"), mode("usr/local/bin/treebeard")), (0o600, 0o755));
    let status = printed(&treebeard(&["service", "status", "--root", root]));
    assert_eq!(status.matches("as this program installs it").count(), 2, "{status}");

    // The operator's settings stay, a unit that was written over comes back.
    std::fs::write(at("etc/treebeard/treebeard.toml"), "debug = false\n").expect("written");
    std::fs::write(at("etc/systemd/system/treebeard.service"), "[Service]\n").expect("written");
    let status = printed(&treebeard(&["service", "status", "--root", root]));
    assert!(status.contains("treebeard.service: differs"), "{status}");
    let again = printed(&treebeard(&["service", "install", "--root", root]));
    assert_eq!(again.matches("as it was: ").count(), 4, "{again}");
    let settings = std::fs::read_to_string(at("etc/treebeard/treebeard.toml")).expect("settings");
    assert_eq!((settings.as_str(), files(folder.path()).len()), ("debug = false\n", 5));

    printed(&treebeard(&["service", "uninstall", "--root", root]));
    assert_eq!(files(folder.path()), &installed[2..4], "settings and key stay");
    printed(&treebeard(&["service", "uninstall", "--root", root, "--purge"]));
    assert_eq!(files(folder.path()), [""; 0]);
}

#[test]
fn a_packaged_service_is_left_to_the_package() {
    let folder = tempfile::tempdir().expect("a folder");
    let units = folder.path().join("usr/lib/systemd/system");
    std::fs::create_dir_all(&units).expect("folders");
    std::fs::write(units.join("treebeard.service"), "").expect("written");
    let refused = treebeard(&["service", "install", "--root", folder.path().to_str().expect("UTF-8")]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("the package treebeard has installed the service"), "{said}");
}

/// Callers who come anew for each question, until /run/enough is there; the answers go to /run/answers.
pub const CALLERS: &str = "for caller in 1 2 3 4; do
    while ! test -e /run/enough; do
        curl --silent --max-time 60 --output /dev/null --write-out '%{http_code}\\n' \
            --header 'connection: close' http://127.0.0.1:8000/version >>/run/answers.$caller || true
    done &
done; wait";

#[test]
fn the_real_systemd_runs_restarts_and_upgrades_it_and_nobody_is_turned_away() {
    let Some(machine) = Machine::start_or_skip("service under systemd") else { return };
    let said = machine.run(&format!("{BINARY} service install"));
    assert!(said.contains("done: run systemctl restart treebeard.service"), "{said}");
    let shown =
        |property: &str| machine.run(&format!("systemctl show --value --property={property} treebeard.service"));
    assert_eq!(shown("ActiveState"), "active");
    assert_eq!(shown("StatusText"), "Serving on 127.0.0.1:8000");
    assert_eq!(machine.run("treebeard healthcheck --url http://127.0.0.1:8000"), "http://127.0.0.1:8000 is ready");
    let status = machine.run("treebeard service status");
    assert!(status.ends_with("active: Serving on 127.0.0.1:8000"), "{status}");

    // It is nobody in particular, may do nothing in particular, and its key came as a credential.
    let process = machine.run("cat /proc/$(systemctl show --value --property=MainPID treebeard)/status");
    let field = |name: &str| {
        let line = process.lines().find_map(|line| line.strip_prefix(name)).expect("a field of a process");
        line.split_whitespace().next().expect("a value").to_owned()
    };
    let user: u32 = field("Uid:").parse().expect("a number");
    assert!((61184..=65519).contains(&user), "a dynamic user: {user}");
    assert_eq!(
        (field("CapBnd:").as_str(), field("Seccomp:").as_str(), field("NoNewPrivs:").as_str()),
        ("0000000000000000", "2", "1")
    );
    assert_eq!(machine.run("stat -c %a /var/lib/private/treebeard /etc/treebeard/secret_key"), "700\n600");
    machine.run("test ! -e /var/lib/treebeard/secret_key && test -s /var/lib/treebeard/treebeard.db");

    let pid = shown("MainPID");
    let mut callers = machine.begin(CALLERS);
    machine.until("the first answers", "test $(cat /run/answers.* | wc -l) -gt 20");
    machine.run("systemctl restart treebeard.service");
    let restarted = shown("MainPID");
    assert_ne!(restarted, pid);
    // Bytes after its end make another file of the same program.
    machine.run(&format!("cp {BINARY} /tmp/newer && echo newer >>/tmp/newer && /tmp/newer service install"));
    assert_ne!(shown("MainPID"), restarted);
    machine.run("cmp /tmp/newer /proc/$(systemctl show --value --property=MainPID treebeard)/exe");
    machine.run("before=$(cat /run/answers.* | wc -l); for i in $(seq 300); do test $(cat /run/answers.* | wc -l) -gt $((before + 20)) && break; sleep 0.1; done; touch /run/enough");
    callers.wait().expect("they end");
    assert_eq!(machine.run("sort -u /run/answers.*"), "200", "every caller was answered");

    // A process that hangs is found out by its silence, and replaced.
    machine.run(
        "mkdir -p /etc/systemd/system/treebeard.service.d
        printf '[Service]\\nWatchdogSec=3\\n' >/etc/systemd/system/treebeard.service.d/watchdog.conf
        systemctl daemon-reload && systemctl restart treebeard.service",
    );
    assert!(machine.run("treebeard service status").contains("watchdog.conf: changes it"));
    machine.run("kill -STOP $(systemctl show --value --property=MainPID treebeard)");
    machine.until("the end of its patience", "test $(systemctl show --value --property=NRestarts treebeard) -ge 1");
    machine.until("a new process", "treebeard healthcheck --url http://127.0.0.1:8000");

    machine.run(&format!("{BINARY} service uninstall"));
    machine.run("test ! -e /usr/local/bin/treebeard && test -s /etc/treebeard/secret_key && test -e /var/lib/private/treebeard/treebeard.db");
    machine.run(&format!(
        "{BINARY} service uninstall --purge && test ! -e /etc/treebeard && test ! -e /var/lib/private/treebeard"
    ));
}
