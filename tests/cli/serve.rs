//! The service as an operator starts and stops it, and the demo as a newcomer does.

use crate::run::Place;
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

/// A running service; it is killed if a test forgets it.
pub struct Service {
    child: Child,
    pub address: String,
    log: Arc<Mutex<String>>,
}

impl Service {
    /// On a free port, with everything it keeps in `place`.
    pub fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_treebeard"))
            .args(arguments)
            .current_dir(place.path())
            .env_clear()
            .envs(place.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut log = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let line = log.by_ref().map_while(Result::ok).find(|line| line.contains("listening on")).expect("it listens");
        let entry: serde_json::Value = serde_json::from_str(&line).expect("the log is JSON off a terminal");
        let address = entry["address"].as_str().expect("an address").to_owned();
        // A log nobody reads must not fill its pipe.
        let kept: Arc<Mutex<String>> = Arc::default();
        let keeping = kept.clone();
        std::thread::spawn(move || {
            for line in log.map_while(Result::ok) {
                keeping.lock().expect("nobody panics with the log in hand").push_str(&(line + "\n"));
            }
        });
        Service { child, address, log: kept }
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged since it listens.
    pub fn log(&self) -> String {
        self.log.lock().expect("nobody panics with the log in hand").clone()
    }

    pub fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it accepts");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    /// Ends it as a power cut would end the process.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// The exit code after SIGTERM.
    pub fn stop(mut self) -> Option<i32> {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("it runs");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Already ended, when the test went well.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[test]
fn it_makes_its_own_database_serves_and_ends_on_sigterm() {
    let place = Place::new();
    let service = Service::start(&place, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(service.get("/health/ready").starts_with("HTTP/1.1 200"));
    assert!(place.path().join("data/treebeard.db").exists());
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_second_service_on_the_same_file_or_port_is_refused_with_a_remedy() {
    let place = Place::new();
    let service = Service::start(&place, &["serve", "--listen", "127.0.0.1:0"]);
    place.run(&["serve", "--listen", "127.0.0.1:0"]).refused(1, &["treebeard.db"]);
    Place::new().run(&["serve", "--listen", &service.address]).refused(1, &["cannot listen on", "--listen"]);
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn production_does_not_start_unsafely() {
    let outcome = Place::new().with("ENVIRONMENT", "production").with("DEBUG", "1").run(&["serve"]);
    outcome.refused(2, &["2 problems", "auth.secret_key", "debug"]);
}

#[test]
fn an_imported_catalog_is_served() {
    let place = Place::new();
    let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/catalog.json");
    assert_eq!(place.run(&["catalog", "import", catalog]).code, 0);
    let service = Service::start(&place, &["serve", "--listen", "127.0.0.1:0"]);
    let answer = service.get("/api/v1/plans/catalog?zip_code=78701&page_size=1");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"plan_name\""), "{answer}");
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn the_demo_advises_and_ends_or_serves() {
    let place = Place::new();
    let table = place.run(&["demo", "--once"]);
    assert_eq!(table.code, 0, "{}", table.stderr);
    for word in ["RANK", "P10 - P90", "SAVES", "   ! "] {
        assert!(table.stdout.contains(word), "{word}");
    }
    let answer = place.run(&["demo", "--once", "--json"]).json();
    assert_eq!(answer["top_plans"][0]["rank"], json!(1));
    let service = Service::start(&place, &["demo", "--listen", "127.0.0.1:0"]);
    assert!(service.get("/api/v1/markets/90210").contains("\"deregulated\":false"));
    assert_eq!(service.stop(), Some(0));
    assert_eq!(std::fs::read_dir(place.path()).expect("the folder").count(), 0, "the demo left something behind");
}

#[test]
fn the_printed_api_document_is_the_committed_one() {
    let printed = Place::new().run(&["openapi"]);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/openapi.json");
    let committed = std::fs::read_to_string(path).expect("the document is committed");
    assert_eq!(printed.stdout.trim_end(), committed.trim_end());
}
