//! The Debian package: installed, upgraded, removed and purged by dpkg, in a throw-away machine with the real systemd.

use crate::dist::{PACKAGE_ENDS, file_or_skip};
use crate::machine::{Machine, has_or_skip};
use crate::service::CALLERS;
use std::path::Path;
use std::process::Command;

fn package_or_skip(test: &str) -> Option<std::path::PathBuf> {
    let is_here = has_or_skip(test, "dpkg-deb");
    is_here.then(|| file_or_skip(test, "treebeard_", PACKAGE_ENDS)).flatten()
}

fn said(command: &mut Command) -> String {
    let output = command.env("LC_ALL", "C").output().expect("it runs");
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn field(package: &Path, name: &str) -> String {
    said(Command::new("dpkg-deb").arg("--field").arg(package).arg(name)).trim().to_owned()
}

#[test]
fn the_package_holds_the_program_with_its_units_settings_and_papers() {
    let Some(package) = package_or_skip("the package's files") else { return };
    let version = concat!(env!("CARGO_PKG_VERSION"), "-1");
    assert_eq!((field(&package, "Package"), field(&package, "Version")), ("treebeard".to_owned(), version.to_owned()));
    assert_eq!(field(&package, "Depends"), "systemd (>= 250)", "a static program needs no library");
    let listed = said(Command::new("dpkg-deb").arg("--contents").arg(&package));
    let file = |path: &str| {
        let line = listed.lines().find(|line| line.ends_with(&format!(" ./{path}")));
        line.unwrap_or_else(|| panic!("no {path} in {listed}")).split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(file("usr/bin/treebeard"), "-rwxr-xr-x 0/0");
    for path in [
        "etc/treebeard/treebeard.toml",
        "usr/lib/systemd/system/treebeard.service",
        "usr/lib/systemd/system/treebeard.socket",
        "usr/share/man/man1/treebeard.1.gz",
        "usr/share/man/man1/treebeard-serve.1.gz",
        "usr/share/bash-completion/completions/treebeard",
        "usr/share/zsh/vendor-completions/_treebeard",
        "usr/share/fish/vendor_completions.d/treebeard.fish",
        "usr/share/doc/treebeard/copyright",
        "usr/share/doc/treebeard/treebeard.cdx.json",
        "usr/share/doc/treebeard/examples/nginx.conf",
    ] {
        assert_eq!(file(path), "-rw-r--r-- 0/0", "{path}");
    }
}

/// A package of an earlier version: another file of the same program, and other settings as shipped.
const EARLIER: &str = "dpkg-deb --raw-extract \"$PACKAGE\" /tmp/earlier
    sed -i 's/^Version: .*/Version: 0.0.9-1/' /tmp/earlier/DEBIAN/control
    echo earlier >>/tmp/earlier/usr/bin/treebeard
    echo '# as it was shipped earlier' >>/tmp/earlier/etc/treebeard/treebeard.toml
    rm -f /tmp/earlier/DEBIAN/md5sums
    dpkg-deb -Znone --root-owner-group --build /tmp/earlier /tmp/earlier.deb";

const REGISTER: &str = "curl --silent --fail --header 'content-type: application/json' \
    --data '{\"email\":\"kept@example.org\",\"password\":\"violet tram seven\",\"name\":\"Kept\",\"zip_code\":\"78701\"}' \
    http://127.0.0.1:8000/api/v1/auth/register";

const LOGIN: &str = "curl --silent --fail --output /dev/null --header 'content-type: application/json' \
    --data '{\"username\":\"kept@example.org\",\"password\":\"violet tram seven\"}' \
    http://127.0.0.1:8000/api/v1/auth/login";

const WHO: &str = "curl --silent --fail --output /dev/null --header \"authorization: Bearer $(cat /tmp/token)\" \
    http://127.0.0.1:8000/api/v1/auth/me";

#[test]
fn dpkg_installs_upgrades_removes_and_purges_it_and_nobody_is_turned_away() {
    let Some(package) = package_or_skip("the package in a machine") else { return };
    let Some(machine) = Machine::start_or_skip("the package in a machine") else { return };
    let dpkg = |arguments: &str| machine.run(&format!("dpkg --force-confdef --force-confold {arguments} 2>&1"));
    let is = |unit: &str, state: &str| machine.run(&format!("systemctl is-{state} {unit} || true"));
    machine.run(&EARLIER.replace("$PACKAGE", package.to_str().expect("UTF-8")));

    // A service that the program has installed itself is not taken over.
    machine.run("mkdir -p /etc/systemd/system && touch /etc/systemd/system/treebeard.service");
    let refused = machine.try_run("dpkg --install /tmp/earlier.deb 2>&1");
    assert!(refused.code != Some(0) && refused.stdout.contains("treebeard service uninstall"), "{refused:?}");
    machine.run("rm /etc/systemd/system/treebeard.service");

    dpkg("--install /tmp/earlier.deb");
    machine.until("the service", "treebeard healthcheck --url http://127.0.0.1:8000");
    assert_eq!([is("treebeard.service", "enabled"), is("treebeard.socket", "enabled")], ["enabled", "enabled"]);
    assert_eq!(
        machine.run("stat -c '%a %U' /etc/treebeard/secret_key && wc -c </etc/treebeard/secret_key"),
        "600 root\n64"
    );
    assert_eq!(machine.run("stat -c %a /var/lib/private/treebeard"), "700");
    let user = machine.run("stat -c %u /proc/$(systemctl show --value --property=MainPID treebeard)");
    assert!((61184..=65519).contains(&user.parse::<u32>().expect("a number")), "a dynamic user: {user}");
    assert!(
        machine
            .run("dpkg-query --show --showformat='${Conffiles}' treebeard")
            .contains("/etc/treebeard/treebeard.toml")
    );
    machine
        .run("gzip -t /usr/share/man/man1/treebeard.1.gz && bash -n /usr/share/bash-completion/completions/treebeard");

    // The operator's settings, somebody's account and session: all of it is there after the upgrade.
    machine.run("sed -i 's/^\\[server\\]/[server]\\nconnections_max = 512/' /etc/treebeard/treebeard.toml");
    machine.run(&format!("{REGISTER} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/' >/tmp/token"));
    machine.run(WHO);
    let pid = machine.run("systemctl show --value --property=MainPID treebeard");
    let mut callers = machine.begin(CALLERS);
    machine.until("the first answers", "test $(cat /run/answers.* | wc -l) -gt 20");
    dpkg(&format!("--install {}", package.display()));
    machine.until("answers after", "test -e /run/before || cat /run/answers.* | wc -l >/run/before; test $(cat /run/answers.* | wc -l) -gt $(($(cat /run/before) + 20))");
    machine.run("touch /run/enough");
    callers.wait().expect("they end");
    assert_eq!(machine.run("sort -u /run/answers.*"), "200", "every caller was answered");
    assert_ne!(machine.run("systemctl show --value --property=MainPID treebeard"), pid);
    machine.run("cmp /usr/bin/treebeard /proc/$(systemctl show --value --property=MainPID treebeard)/exe");
    assert_eq!(machine.run("tail -c 8 /usr/bin/treebeard | grep -c earlier || true"), "0", "the new program");
    machine.run("grep -q '^connections_max = 512' /etc/treebeard/treebeard.toml");
    machine.run(&format!("{WHO} && {LOGIN}"));

    dpkg("--remove treebeard");
    assert_eq!([is("treebeard.service", "active"), is("treebeard.socket", "active")], ["inactive", "inactive"]);
    machine.run("test ! -e /usr/bin/treebeard && test -s /etc/treebeard/secret_key && test -e /var/lib/private/treebeard/treebeard.db");
    dpkg(&format!("--install {}", package.display()));
    machine.until("the service", "treebeard healthcheck --url http://127.0.0.1:8000");
    machine.run(LOGIN);

    dpkg("--purge treebeard");
    let left = "ls -d /etc/treebeard /var/lib/private/treebeard /var/lib/treebeard /usr/share/doc/treebeard \
        /etc/systemd/system/*.wants/treebeard.* /var/lib/systemd/deb-systemd-helper-enabled/treebeard* 2>/dev/null || true";
    assert_eq!(machine.run(left), "");
}
