//! The real binary serving from a folder that outlives it, and requests that may fail.

use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// Cheap passwords, no limits for this machine, and no backup that comes between.
const SETTINGS: [(&str, &str); 4] = [
    ("ENVIRONMENT", "test"),
    ("TREEBEARD_LIMITS__EXEMPT_NETWORKS", "127.0.0.0/8"),
    ("TREEBEARD_AUTH__ARGON2_MEMORY_KIB", "64"),
    ("TREEBEARD_BACKUP__ENABLED", "false"),
];

pub struct Service {
    child: Child,
    pub address: SocketAddr,
    log: Arc<Mutex<String>>,
}

/// A command of the binary in a folder, with nothing of this machine's environment.
pub fn command(folder: &Path, arguments: &[&str], environment: &[(String, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_treebeard"));
    command.args(arguments).current_dir(folder).env_clear().envs(SETTINGS).envs(environment.iter().cloned());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

impl Service {
    pub fn start(folder: &Path, environment: &[(String, String)]) -> Self {
        Self::try_start(folder, environment).unwrap_or_else(|log| panic!("it did not start:\n{log}"))
    }

    /// Or what it said before it ended.
    pub fn try_start(folder: &Path, environment: &[(String, String)]) -> Result<Self, String> {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--set", "logging.format=json"];
        let mut child = command(folder, &serve, environment).spawn().expect("the binary starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let log = Arc::<Mutex<String>>::default();
        let mut said = String::new();
        for line in lines.by_ref().map_while(Result::ok) {
            let entry = serde_json::from_str::<Value>(&line).unwrap_or_default();
            said += &(line + "\n");
            if let Some(address) = entry["address"].as_str().and_then(|address| address.parse().ok()) {
                let kept = log.clone();
                kept.lock().expect("nobody panics with it").push_str(&said);
                // A log nobody reads must not fill its pipe.
                std::thread::spawn(move || {
                    lines.map_while(Result::ok).for_each(|line| {
                        kept.lock().expect("nobody panics with it").push_str(&(line + "\n"));
                    });
                });
                return Ok(Service { child, address, log });
            }
        }
        child.wait().expect("it ends");
        Err(said)
    }

    /// Until it says that it is ready.
    pub fn wait_ready(&self) {
        let end = Instant::now() + PATIENCE;
        while !matches!(ask(self.address, "GET", "/health/ready", "", ""), Ok((200, _))) {
            assert!(Instant::now() < end, "it is not ready:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn log(&self) -> String {
        self.log.lock().expect("nobody panics with it").clone()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// The exit code after SIGTERM; `None`: it was killed.
    pub fn stop(mut self) -> (Option<i32>, String) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("it runs");
        let code = self.child.wait().expect("it ends").code();
        (code, self.log())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Status and body of an answer that came whole.
pub fn ask(address: SocketAddr, method: &str, path: &str, token: &str, body: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n");
    if !token.is_empty() {
        request += &format!("authorization: Bearer {token}\r\n");
    }
    if !body.is_empty() {
        request += &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    }
    stream.write_all((request + "\r\n" + body).as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let broken = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(broken)?;
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    if length.is_some_and(|length: usize| body.len() != length) {
        return Err(broken());
    }
    Ok((status, body.to_owned()))
}

/// Opens an account and gives its token, or the status that refused it.
pub fn register(address: SocketAddr, email: &str) -> io::Result<Result<String, u16>> {
    let body = format!(r#"{{"email":"{email}","password":"test123","name":"n0","zip_code":"78701"}}"#);
    let (status, answer) = ask(address, "POST", "/api/v1/auth/register", "", &body)?;
    let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
    Ok(match answer["access_token"].as_str() {
        Some(token) if status == 201 => Ok(token.to_owned()),
        _ => Err(status),
    })
}

/// Names accounts are opened with, `w7@example.org`, and tokens for them.
pub fn register_all(address: SocketAddr, count: usize) -> Vec<(String, String)> {
    let mut accounts = Vec::new();
    for n in 0..count {
        let email = format!("w{n}@example.org");
        let token = register(address, &email).expect("it answers").expect("it registers");
        accounts.push((email, token));
    }
    accounts
}

/// The number in the name an account was given last: `n17`.
pub fn renamed(address: SocketAddr, token: &str, number: u64) -> io::Result<u16> {
    let body = format!(r#"{{"name":"n{number}"}}"#);
    ask(address, "PUT", "/api/v1/users/profile", token, &body).map(|(status, _)| status)
}

/// The number in the name of each account, as the file has it.
pub fn numbers(database: &Path) -> std::collections::HashMap<String, u64> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = rusqlite::Connection::open_with_flags(database, flags).expect("it opens");
    connection.busy_timeout(Duration::from_secs(5)).expect("set");
    let mut statement = connection.prepare("SELECT email, name FROM users").expect("it is prepared");
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
    let rows = rows.and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>).expect("rows");
    let number = |name: &str| name.strip_prefix('n').and_then(|text| text.parse().ok()).unwrap_or_default();
    rows.into_iter().map(|(email, name)| (email, number(&name))).collect()
}

/// What SQLite finds wrong with the file.
pub fn damage(database: &Path) -> Vec<String> {
    let connection = rusqlite::Connection::open(database).expect("it opens");
    let texts = |sql: &str| -> rusqlite::Result<Vec<String>> {
        connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
    };
    let dangling = "SELECT 'dangling: ' || \"table\" FROM pragma_foreign_key_check";
    let looks =
        ["PRAGMA integrity_check", dangling].map(|sql| texts(sql).unwrap_or_else(|fault| vec![fault.to_string()]));
    looks.concat().into_iter().filter(|line| line != "ok").collect()
}
