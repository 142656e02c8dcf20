//! The real binary, serving on a free port from a folder of its own, and a small client to talk to it.

pub mod engine;

use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a slow machine may take to start the service, or to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The file, in its folder, with what it prints.
const PRINTED: &str = "printed";

/// More of a log than this is read and thrown away.
const LOG_BYTES_KEPT: usize = 8 << 20;

pub struct Server {
    child: Child,
    pub address: SocketAddr,
    log: Arc<Mutex<String>>,
    folder: TempDir,
    /// Its database of the suite's cluster, where there is one.
    database: Option<String>,
    /// Values no log may hold, whatever the test does.
    secrets: Vec<String>,
}

/// One answer, read whole.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Server {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With more settings, by their environment names.
    pub fn with(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let brings_its_own = environment.iter().any(|(name, _)| *name == "DATABASE_URL");
        let (database, url) = if brings_its_own { None } else { engine::made() }.unzip();
        let mut child = Command::new(env!("CARGO_BIN_EXE_treebeard"))
            .args(["serve", "--listen", "127.0.0.1:0", "--set", "logging.format=json"])
            .current_dir(folder.path())
            .env_clear()
            .env("ENVIRONMENT", "test")
            // Every test comes from one address; those about limits take this back.
            .env("TREEBEARD_LIMITS__EXEMPT_NETWORKS", "127.0.0.0/8")
            .envs(url.map(|url| ("DATABASE_URL", url)))
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(File::create(folder.path().join(PRINTED)).expect("a file for what it prints"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let stderr = child.stderr.take().expect("stderr is a pipe");
        let log: Arc<Mutex<String>> = Arc::default();
        let address = listening(stderr, log.clone());
        let secrets = environment.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| (*value).to_owned());
        Server { child, address, log, folder, database, secrets: secrets.collect() }
    }

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.request("GET", path, headers, "")
    }

    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.json("POST", path, headers, body)
    }

    /// A request with a JSON body.
    pub fn json(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let typed: Vec<_> = headers.iter().copied().chain([("content-type", "application/json")]).collect();
        self.request(method, path, &typed, body)
    }

    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            text.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        text.push_str(body);
        self.raw(text.as_bytes())
    }

    /// Bytes as they are; the answer ends when the server closes the connection.
    pub fn raw(&self, bytes: &[u8]) -> Reply {
        let mut stream = self.connect();
        // A server that refuses early may close before it has read everything.
        let _may_be_closed = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _may_be_reset = stream.read_to_end(&mut answer);
        Reply::parse(&answer)
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the service takes connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
        stream
    }

    /// Registers `email` and gives its tokens.
    pub fn register(&self, email: &str) -> Value {
        let body = format!(r#"{{"email":"{email}","password":"test123","name":"Test","zip_code":"78701"}}"#);
        let reply = self.post("/api/v1/auth/register", &[], &body);
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.value()
    }

    /// The header of a user who has just registered as `email`.
    pub fn signed_in(&self, email: &str) -> String {
        format!("Bearer {}", self.register(email)["access_token"].as_str().expect("a token"))
    }

    /// What it has printed, beside its log.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(self.folder.path().join(PRINTED)).expect("what it prints is text")
    }

    /// The token of the link with which the first administrator's account is opened. It is printed after the address is
    /// told.
    pub fn first_admin_token(&self) -> String {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some((_, rest)) = self.printed().split_once("/first-admin#").filter(|(_, rest)| rest.contains('\n'))
            {
                return rest.trim_end().to_owned();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("no link is printed: {}", self.printed())
    }

    /// What it has logged until now.
    pub fn log(&self) -> String {
        self.log.lock().expect("nobody panics with the log in hand").clone()
    }

    /// Waits until the log has `words`: it may come later than the answer it is about.
    #[track_caller]
    pub fn logged(&self, words: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.log().contains(words) {
            assert!(Instant::now() < end, "the log has no \"{words}\":\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Every test of the suite looks for what must not be told: no line of the log holds a password, a token, a signing
    /// key, or who somebody is.
    fn keeps_its_secrets(&self) {
        let log = self.log();
        let own_key = std::fs::read_to_string(self.folder.path().join("data/secret_key")).unwrap_or_default();
        // The passwords of the tests, the beginning of every JWT, the domains of the tests' accounts.
        let planted = ["test123", "violet tram", "eyJ", "@example.com", "@example.org", own_key.trim()];
        for secret in planted.into_iter().chain(self.secrets.iter().map(String::as_str)).filter(|text| text.len() > 2) {
            let line = log.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "a line of the log holds {secret:?}");
        }
    }

    /// Sends the process a signal, by its name.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success(), "SIG{name}");
    }

    /// Asks the process to stop, as a service manager does, and gives its exit code.
    pub fn stop(mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
        if let Some(database) = &self.database {
            engine::remove(database);
        }
        if !std::thread::panicking() {
            self.keeps_its_secrets();
        }
    }
}

/// A setting whose value nobody may read, by its environment name.
fn is_secret(name: &str) -> bool {
    ["SECRET", "KEY", "TOKEN", "PASSWORD"].iter().any(|end| name.ends_with(end))
}

impl Reply {
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let reply = Reply { status: status.unwrap_or(0), headers, body: body.to_owned() };
        let is_chunked = reply.header("transfer-encoding") == Some("chunked");
        if is_chunked { Reply { body: unchunked(&reply.body), ..reply } } else { reply }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.body))
    }

    /// A problem document of `status`, in the one shape all of them have.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.body);
        let problem = self.value();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["error"], problem["title"]);
        assert_eq!(problem["message"], problem["detail"]);
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        assert!(problem["message"].as_str().is_some_and(|message| message.ends_with('.')), "{problem}");
        problem
    }

    /// The `field` and `code` of each detail of a 422.
    #[track_caller]
    pub fn faults(&self) -> Vec<(String, String)> {
        let problem = self.problem(422);
        let details = problem["details"].as_array().cloned().unwrap_or_default();
        let text = |detail: &Value, name: &str| detail[name].as_str().unwrap_or_default().to_owned();
        details.iter().map(|detail| (text(detail, "field"), text(detail, "code"))).collect()
    }
}

/// The address in the log line that says so; all lines, this one too, go to `kept`.
fn listening(log: impl Read + Send + 'static, kept: Arc<Mutex<String>>) -> SocketAddr {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            let address =
                serde_json::from_str::<Value>(&line).ok().and_then(|line| line["address"].as_str()?.parse().ok());
            if let Some(address) = address {
                // Nobody waits any more for a second one.
                let _first_only = sender.send(Ok(address));
            }
            let mut kept = kept.lock().expect("nobody panics with the log in hand");
            if kept.len() < LOG_BYTES_KEPT {
                kept.push_str(&line);
                kept.push('\n');
            }
        }
        let before = kept.lock().expect("nobody panics with the log in hand").clone();
        let _told_already = sender.send(Err(before));
    });
    match receiver.recv_timeout(PATIENCE) {
        Ok(Ok(address)) => address,
        Ok(Err(log)) => panic!("the service did not start:\n{log}"),
        Err(error) => panic!("the service says no address: {error}"),
    }
}

/// A body sent in chunks, put together.
fn unchunked(body: &str) -> String {
    let (mut rest, mut whole) = (body, String::new());
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).expect("a size");
        if size == 0 {
            return whole;
        }
        whole.push_str(&after[..size]);
        rest = after[size..].strip_prefix("\r\n").expect("the end of a chunk");
    }
    panic!("the body broke off after {} bytes", whole.len())
}
