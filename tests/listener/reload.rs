//! SIGHUP: what changes at once, what wants a restart, and a faulty file that changes nothing.

use crate::service::{Reply, Service, ask, get};
use rustix::process::Signal;
use std::path::Path;

fn serve(folder: &Path, settings: &str) -> Service {
    write(folder, settings);
    Service::start_in(folder, &[("TREEBEARD_LIMITS__EXEMPT_NETWORKS", "")])
}

fn write(folder: &Path, settings: &str) {
    std::fs::write(folder.join("treebeard.toml"), settings).expect("written");
}

fn with_header(service: &Service, path: &str, header: &str) -> Reply {
    ask(service.connect(), &get(path).replace("\r\nconnection", &format!("\r\n{header}\r\nconnection")))
}

#[test]
fn what_can_change_does_and_the_rest_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let service = serve(folder.path(), "[limits]\nper_ip_per_hour = 1000\n");
    let origin = "origin: https://app.example.org";
    let allowed = |reply: &Reply| reply.header("access-control-allow-origin").map(str::to_owned);
    assert_eq!(allowed(&with_header(&service, "/health/live", origin)), None);
    assert_eq!(service.get("/metrics").status, 200);

    write(
        folder.path(),
        "[limits]\nper_ip_per_hour = 3\n[server]\ncors_origins = [\"https://app.example.org\"]\n\
         trusted_proxies = [\"127.0.0.0/8\"]\nconnections_max = 7\n[auth]\nsecret_key = \"a-key-nobody-shall-see-0123456789ab\"\n\
         [metrics]\ntoken = \"a-token-nobody-shall-see\"\n[logging]\nlevel = \"info,treebeard::http=warn\"\n",
    );
    service.signal(Signal::HUP);
    let named = service.wait_for("need a restart");
    assert!(named.contains("\"auth.secret_key, server.connections_max\""), "{named}");
    let taken = service.wait_for("settings reloaded");
    let keys = "limits.per_ip_per_hour, logging.level, metrics.token, server.cors_origins, server.trusted_proxies";
    assert!(taken.contains(keys), "{taken}");

    assert_eq!(allowed(&with_header(&service, "/health/live", origin)).as_deref(), Some("https://app.example.org"));
    assert_eq!(service.get("/metrics").status, 401);
    assert_eq!(with_header(&service, "/metrics", "authorization: Bearer a-token-nobody-shall-see").status, 200);
    let from =
        |address: &str| with_header(&service, "/api/v1/suppliers", &format!("x-forwarded-for: {address}")).status;
    assert_eq!([(); 4].map(|()| from("203.0.113.1")), [200, 200, 200, 429]);
    assert_eq!(from("203.0.113.2"), 200, "the proxy is believed");
    // Requests are logged no more. The log is in order: what it would have said stands before the second reload.
    let before = service.log().matches("\"answered\"").count();
    service.signal(Signal::HUP);
    service.wait_for_times("settings reloaded", 2);
    assert_eq!(service.log().matches("\"answered\"").count(), before);
    assert_eq!(before, 2, "of the requests before the reload");
    assert!(!service.log().contains("nobody-shall-see"));
}

#[test]
fn a_faulty_file_changes_nothing_and_is_told_with_all_its_faults() {
    let folder = tempfile::tempdir().expect("a folder");
    let service = serve(folder.path(), "[metrics]\ntoken = \"before\"\n");
    write(folder.path(), "[server]\nlistn = \"x\"\nbody_timeout_seconds = 0\n[metrics]\ntoken = \"after\"\n");
    service.signal(Signal::HUP);
    let line = service.wait_for("the settings stay as they were");
    for fault in ["has 2 problems", "server.listn; did you mean server.listen?", "server.body_timeout_seconds"] {
        assert!(line.contains(fault), "{fault}: {line}");
    }
    assert_eq!(with_header(&service, "/metrics", "authorization: Bearer before").status, 200);

    write(folder.path(), "[metrics]\ntoken = \"after\"\n");
    service.signal(Signal::HUP);
    service.wait_for("settings reloaded");
    assert_eq!(with_header(&service, "/metrics", "authorization: Bearer after").status, 200);
}
