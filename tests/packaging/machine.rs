//! A throw-away copy of this machine with the real systemd in it, to install into and to break.

pub use crate::tools::{has_or_skip, skip};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a slow machine may take for anything.
const PATIENCE: Duration = Duration::from_secs(240);
const STEP: Duration = Duration::from_millis(200);

/// Ends, with all that runs in it, when dropped.
pub struct Machine {
    outer: Child,
    /// Its first process, as this machine numbers it.
    first: String,
}

/// What a script has printed, and how it ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Machine {
    pub fn start_or_skip(name: &str) -> Option<Machine> {
        if !rustix::process::geteuid().is_root() {
            skip(name, "only root can make a throw-away machine");
            return None;
        }
        if !has_or_skip(name, "systemd") || !has_or_skip(name, "unshare") || !has_or_skip(name, "curl") {
            return None;
        }
        let top = env!("CARGO_MANIFEST_DIR");
        let mut outer = Command::new(format!("{top}/tests/packaging/machine.sh"))
            .arg(top)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script is there");
        let mut first = String::new();
        let mut lines = BufReader::new(outer.stdout.take().expect("stdout is a pipe"));
        lines.read_line(&mut first).expect("it prints a line");
        let machine = Machine { outer, first: first.trim().to_owned() };
        assert!(!machine.first.is_empty(), "{name}: no throw-away machine could be made");
        // It has started when nothing is left to be started.
        machine
            .until("systemd", "systemctl list-units >/dev/null 2>&1 && test -z \"$(systemctl list-jobs --no-legend)\"");
        Some(machine)
    }

    fn command(&self, script: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.first, "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup"]);
        command.args(["--wd=/", "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]);
        command.args(["DEBIAN_FRONTEND=noninteractive", "timeout", "300", "bash", "-euo", "pipefail", "-c", script]);
        command.current_dir("/").stdin(Stdio::null());
        command
    }

    pub fn try_run(&self, script: &str) -> Outcome {
        let output = self.command(script).output().expect("nsenter runs");
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// What `script` prints; it must end well.
    #[track_caller]
    pub fn run(&self, script: &str) -> String {
        let outcome = self.try_run(script);
        assert_eq!(outcome.code, Some(0), "{script}\n{}{}\n{}", outcome.stdout, outcome.stderr, self.journal());
        outcome.stdout
    }

    pub fn begin(&self, script: &str) -> Child {
        self.command(script).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("nsenter runs")
    }

    /// Waits until `script` ends well.
    #[track_caller]
    pub fn until(&self, what: &str, script: &str) {
        let begun = Instant::now();
        while self.try_run(script).code != Some(0) {
            assert!(begun.elapsed() < PATIENCE, "{what} never came\n{}", self.journal());
            thread::sleep(STEP);
        }
    }

    /// What the service and systemd have said.
    pub fn journal(&self) -> String {
        self.try_run("tail -n 40 /run/first.log; journalctl --no-pager -n 60 -u 'treebeard*' -o cat").stdout
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.outer.stdin.take());
        // Its end is all that is asked for.
        let _ended = self.outer.wait();
    }
}
