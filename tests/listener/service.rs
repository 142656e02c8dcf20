//! The real binary in a folder of its own, its log, its signals, and a few words of HTTP over any stream.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a slow machine may take for anything.
pub const PATIENCE: Duration = Duration::from_secs(180);
/// How often something is looked for.
const STEP: Duration = Duration::from_millis(20);

pub struct Service {
    pub child: Child,
    log: Arc<Mutex<String>>,
    /// Goes with the service.
    folder: Option<TempDir>,
}

impl Service {
    /// On a free port, with more settings by their environment names.
    pub fn start(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut service = Self::start_in(folder.path(), environment);
        service.folder = Some(folder);
        service
    }

    pub fn start_in(folder: &Path, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_treebeard"));
        command.arg("serve").stdin(Stdio::null()).stdout(Stdio::null());
        let service = Self::spawn(command, folder, environment);
        service.wait_for("listening on ");
        service
    }

    /// Whatever `command` starts, in `folder`.
    pub fn spawn(mut command: Command, folder: &Path, environment: &[(&str, &str)]) -> Self {
        let mut child = command
            .current_dir(folder)
            .env_clear()
            .envs([("ENVIRONMENT", "test"), ("TREEBEARD_SERVER__LISTEN", "127.0.0.1:0")])
            .env("TREEBEARD_LIMITS__EXEMPT_NETWORKS", "127.0.0.0/8")
            .envs(environment.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let lines = BufReader::new(child.stderr.take().expect("stderr is a pipe")).lines();
        let log: Arc<Mutex<String>> = Arc::default();
        let kept = log.clone();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut kept = kept.lock().expect("nobody panics with the log in hand");
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        Service { child, log, folder: None }
    }

    pub fn log(&self) -> String {
        self.log.lock().expect("nobody panics with the log in hand").clone()
    }

    /// The first line of the log with `text` in it.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_for_times(text, 1)
    }

    /// The line in which `text` stands for the nth time.
    #[track_caller]
    pub fn wait_for_times(&self, text: &str, times: usize) -> String {
        let begun = Instant::now();
        loop {
            let log = self.log();
            if let Some(line) = log.lines().filter(|line| line.contains(text)).nth(times - 1) {
                return line.to_owned();
            }
            assert!(begun.elapsed() < PATIENCE, "the log has no \"{text}\":\n{log}");
            thread::sleep(STEP);
        }
    }

    /// The addresses it says it listens on.
    pub fn addresses(&self) -> Vec<String> {
        let log = self.log();
        let lines = log.lines().filter(|line| line.contains("listening on "));
        lines
            .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["address"].as_str().map(str::to_owned))
            .collect()
    }

    pub fn address(&self) -> String {
        self.addresses().first().expect("it listens").clone()
    }

    pub fn connect(&self) -> TcpStream {
        connect(&self.address())
    }

    pub fn get(&self, path: &str) -> Reply {
        ask(self.connect(), &get(path))
    }

    pub fn metric(&self, name: &str) -> u64 {
        metric(&self.get("/metrics"), name)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// The exit code, after SIGTERM.
    pub fn stop(mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Waits until `check` holds.
#[track_caller]
pub fn until(what: &str, mut check: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !check() {
        assert!(begun.elapsed() < PATIENCE, "{what} never came");
        thread::sleep(STEP);
    }
}

pub fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the service takes connections");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
    stream
}

/// A request whose answer ends the connection.
pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
}

/// Sends `request` and reads until the stream ends.
pub fn ask(mut stream: impl Read + Write, request: &str) -> Reply {
    stream.write_all(request.as_bytes()).expect("the request can be sent");
    Reply::read(stream)
}

pub fn metric(reply: &Reply, name: &str) -> u64 {
    let line = reply.body.lines().find(|line| line.split(' ').next() == Some(name));
    let value = line.and_then(|line| line.split(' ').nth(1)).unwrap_or_else(|| panic!("no {name} in {}", reply.body));
    value.parse().expect("a whole number")
}

#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Reply {
    /// Everything until the end of the stream, or until it is torn.
    pub fn read(mut stream: impl Read) -> Self {
        let mut bytes = Vec::new();
        let _may_be_torn = stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        Reply { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// A problem document of `status` with its own request id.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem: Value = serde_json::from_str(&self.body).expect("JSON");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        assert!(problem["message"].as_str().is_some_and(|message| message.ends_with('.')), "{problem}");
        problem
    }
}
