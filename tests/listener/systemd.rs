//! systemd's protocols without systemd: a socket to be told on, and sockets handed over open.

use crate::service::{PATIENCE, Reply, Service, ask, connect, get};
use rustix::process::Signal;
use std::io::Write;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;

/// Where systemd would listen.
struct Manager {
    socket: UnixDatagram,
    address: String,
}

impl Manager {
    fn new(folder: &Path) -> Self {
        let path = folder.join("notify.sock");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
        Manager { socket, address: path.to_str().expect("UTF-8").to_owned() }
    }

    fn next(&self) -> String {
        let mut bytes = [0; 4096];
        let count = self.socket.recv(&mut bytes).expect("a message");
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    /// The next message that says `word`.
    fn told(&self, word: &str) -> String {
        loop {
            let message = self.next();
            if message.lines().any(|line| line.starts_with(word)) {
                return message;
            }
        }
    }
}

#[test]
fn systemd_is_told_of_start_reload_and_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let manager = Manager::new(folder.path());
    let service = Service::start_in(folder.path(), &[("NOTIFY_SOCKET", &manager.address)]);
    let ready = manager.told("READY=1");
    assert!(ready.contains(&format!("STATUS=Serving on {}", service.address())), "{ready}");
    service.signal(Signal::HUP);
    assert!(manager.told("RELOADING=1").contains("MONOTONIC_USEC="));
    manager.told("READY=1");
    service.signal(Signal::TERM);
    manager.told("STOPPING=1");
}

#[test]
fn the_watchdog_is_fed_only_while_the_store_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let manager = Manager::new(folder.path());
    let settings = [("NOTIFY_SOCKET", manager.address.as_str()), ("WATCHDOG_USEC", "300000")];
    let service = Service::start_in(folder.path(), &settings);
    for _ in 0..3 {
        manager.told("WATCHDOG=1");
    }
    assert_eq!(service.get("/health/live").status, 200);
    // What every look at the store reads is gone.
    let database = rusqlite::Connection::open(folder.path().join("data/treebeard.db")).expect("the database");
    database.execute_batch("DROP TABLE refinery_schema_history").expect("dropped");
    service.wait_for("the database does not answer");
    manager.socket.set_read_timeout(Some(std::time::Duration::from_secs(1))).expect("a time-out can be set");
    let mut bytes = [0; 4096];
    // What was sent before the fault may still be there; after that there is silence.
    while manager.socket.recv(&mut bytes).is_ok() {}
    assert_eq!(service.get("/health/live").status, 200, "the process itself is alive");
}

/// A shell puts the sockets where systemd would, at descriptors 3 and 4, and says whose they are.
fn activated(folder: &Path, tcp: &TcpListener, unix: &UnixListener) -> Service {
    let script = "export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=http:local; \
                  exec \"$0\" serve 3<&0 4<&1 </dev/null >/dev/null";
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_treebeard")]);
    command.stdin(OwnedFd::from(tcp.try_clone().expect("a second handle")));
    command.stdout(OwnedFd::from(unix.try_clone().expect("a second handle")));
    let service = Service::spawn(command, folder, &[]);
    service.wait_for_times("listening on ", 2);
    service
}

#[test]
fn sockets_handed_over_are_served_and_outlive_the_service() {
    let folder = tempfile::tempdir().expect("a folder");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    let path = folder.path().join("handed.sock");
    let unix = UnixListener::bind(&path).expect("a socket");
    let address = tcp.local_addr().expect("an address").to_string();
    let service = activated(folder.path(), &tcp, &unix);
    assert_eq!(service.addresses(), [address.clone(), format!("unix:{}", path.display())]);
    assert_eq!(ask(connect(&address), &get("/health/live")).status, 200);
    assert_eq!(ask(UnixStream::connect(&path).expect("connected"), &get("/health/live")).status, 200);
    assert_eq!(service.stop(), Some(0));

    // Between two services: who connects waits, and is answered by the next one.
    assert!(path.exists(), "a socket of the service manager is its own to remove");
    let mut waiting = connect(&address);
    waiting.write_all(get("/health/live").as_bytes()).expect("sent");
    let next = activated(folder.path(), &tcp, &unix);
    assert_eq!(Reply::read(waiting).status, 200);
    assert_eq!(next.stop(), Some(0));
}
