//! Unix sockets: who may connect, what is left of them, and whose word about addresses counts.

use crate::service::{Reply, Service, ask, get};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;

fn serve(folder: &Path, more: &[(&str, &str)]) -> Service {
    let settings = [&[("TREEBEARD_SERVER__LISTEN", "unix:http.sock")], more].concat();
    Service::start_in(folder, &settings)
}

/// What it says when it does not start.
fn refusal(folder: &Path, listen: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_treebeard"));
    let output = command.args(["serve", "--listen", listen]).current_dir(folder).env_clear().output();
    let output = output.expect("the binary runs");
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).expect("UTF-8")
}

fn request(path: &Path, request: &str) -> Reply {
    ask(UnixStream::connect(path).expect("it takes connections"), request)
}

#[test]
fn a_socket_has_its_mode_and_goes_when_the_service_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("http.sock");
    for (mode, expected) in [("0600", 0o600), ("0660", 0o660)] {
        let service = serve(folder.path(), &[("TREEBEARD_SERVER__SOCKET_MODE", mode)]);
        let permissions = std::fs::metadata(&path).expect("the socket").permissions();
        assert_eq!(permissions.mode() & 0o777, expected);
        assert_eq!(request(&path, &get("/health/live")).status, 200);
        assert_eq!(service.stop(), Some(0));
        assert!(!path.exists(), "the file is gone");
    }
}

#[test]
fn a_socket_left_behind_is_taken_over_and_one_in_use_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("http.sock");
    drop(UnixListener::bind(&path).expect("a socket that nobody listens on any more"));
    let service = serve(folder.path(), &[]);
    assert_eq!(request(&path, &get("/health/live")).status, 200);

    let elsewhere = tempfile::tempdir().expect("another folder");
    let listen = format!("unix:{}", path.display());
    let said = refusal(elsewhere.path(), &listen);
    assert!(said.contains("cannot listen on") && said.contains("another program listens there"), "{said}");
    assert_eq!(request(&path, &get("/health/live")).status, 200, "the first one is not disturbed");
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("notes"), "precious").expect("a file");
    let said = refusal(folder.path(), "unix:notes");
    assert!(said.contains("no socket") && said.contains("choose another path with --listen"), "{said}");
    assert_eq!(std::fs::read_to_string(folder.path().join("notes")).expect("it is there"), "precious");
    assert!(refusal(folder.path(), "unix:absent/http.sock").contains("its folder does not exist"));
}

/// A peer that may open the file is a proxy: the address it vouches for is counted, and without one nobody is.
#[test]
fn a_proxy_on_a_socket_is_believed() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = [("TREEBEARD_LIMITS__PER_IP_PER_HOUR", "2"), ("TREEBEARD_LIMITS__EXEMPT_NETWORKS", "")];
    let _service = serve(folder.path(), &settings);
    let path = folder.path().join("http.sock");
    let from = |address: &str| {
        let forwarded = format!("\r\nx-forwarded-for: {address}\r\nconnection");
        request(&path, &get("/api/v1/suppliers").replace("\r\nconnection", &forwarded)).status
    };
    assert_eq!([(); 3].map(|()| from("203.0.113.9")), [200, 200, 429]);
    assert_eq!(from("6.6.6.6, 203.0.113.9"), 429, "only the nearest hop counts");
    assert_eq!(from("203.0.113.10"), 200);
    assert_eq!([(); 3].map(|()| request(&path, &get("/api/v1/suppliers")).status), [200; 3]);
}
