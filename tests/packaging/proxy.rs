//! nginx in front of the real program, with the site that is shipped.

use crate::machine::has_or_skip;
use crate::nginx::{HOST, Nginx, PATIENCE, SITE};
use crate::postgres_cluster::Cluster;
use crate::support::Server;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Behind a proxy on this machine, and nobody is exempt from limits.
pub const BEHIND: [(&str, &str); 2] =
    [("TREEBEARD_SERVER__TRUSTED_PROXIES", "127.0.0.1"), ("TREEBEARD_LIMITS__EXEMPT_NETWORKS", "")];

#[test]
fn nginx_speaks_tls_1_3_and_http_2_and_says_who_the_client_is() {
    let name = "nginx before one instance";
    if !has_or_skip(name, "nginx") || !has_or_skip(name, "curl") {
        return;
    }
    let server = Server::with(&[&BEHIND[..], &[("TREEBEARD_LIMITS__LOGIN_PER_IP_PER_MINUTE", "2")]].concat());
    let nginx = Nginx::before(&[server.address], &[]);

    let answer = nginx.ask("/version", &["--http2", "--tlsv1.3", "--include"]);
    assert_eq!((answer.status, answer.http.as_str()), (200, "2"), "{answer:?}");
    assert!(answer.text.contains("strict-transport-security: max-age=31536000"), "{answer:?}");
    assert_eq!(nginx.ask("/version", &["--http1.1"]).http, "1.1");
    assert_eq!(nginx.ask("/version", &["--tls-max", "1.2"]).status, 0, "no handshake");
    let plain = nginx.curl(&["--include", &format!("http://{HOST}:{}/docs?x=1", nginx.http)]);
    assert_eq!(plain.status, 308);
    assert!(plain.text.contains(&format!("Location: https://{HOST}/docs?x=1")), "{plain:?}");
    let figures = nginx.ask("/metrics", &[]);
    assert!(figures.status == 200 && figures.text.contains("treebeard_http_requests_total"), "{figures:?}");
    assert_eq!(nginx.ask("/metrics", &["--interface", "127.0.0.2"]).status, 403);

    // The limiter counts by the address nginx has seen, whatever the client claims.
    let login = |from: &str, claims: &str| {
        let claimed = format!("X-Forwarded-For: {claims}");
        let body = r#"{"username":"nobody@example.org","password":"wrong-guess"}"#;
        let json = "Content-Type: application/json";
        nginx.ask("/api/v1/auth/login", &["--interface", from, "-H", &claimed, "-H", json, "--data", body]).status
    };
    let answers = [
        login("127.0.0.2", "192.0.2.1"),
        login("127.0.0.2", "192.0.2.2"),
        login("127.0.0.2", "192.0.2.3"),
        login("127.0.0.3", "192.0.2.3"),
    ];
    assert_eq!(answers, [401, 401, 429, 401]);
}

#[test]
fn nginx_shares_the_work_of_two_instances_and_does_without_the_one_that_died() {
    let name = "nginx before two instances";
    if !has_or_skip(name, "nginx") || !has_or_skip(name, "curl") {
        return;
    }
    let Some(cluster) = Cluster::start_or_skip(name) else { return };
    let url = cluster.database("shared");
    let settings = [("DATABASE_URL", url.as_str()), ("SECRET_KEY", "violet-tram-seven-lantern-orchard-42-Qx")];
    let instances = [Server::with(&settings), Server::with(&settings)];
    let addresses = instances.each_ref().map(|server| server.address);
    let nginx = Nginx::before(&addresses, &[]);

    // Who signed in at one is known to the other.
    let bearer = instances[0].signed_in("shared@example.org");
    let header = format!("Authorization: {bearer}");
    let me = || nginx.ask("/api/v1/auth/me", &["-H", &header]).status;
    assert_eq!([me(), me(), me(), me()], [200; 4]);
    let asked = nginx.asked();
    for address in addresses {
        assert!(asked.contains(&address.to_string()), "{address} has work too: {asked:?}");
    }

    let [first, second] = instances;
    let (answered, enough) = (AtomicUsize::new(0), AtomicBool::new(false));
    let wait_for = |more: usize| {
        let (begun, before) = (Instant::now(), answered.load(Ordering::SeqCst));
        while answered.load(Ordering::SeqCst) < before + more {
            assert!(begun.elapsed() < PATIENCE, "nobody is answered");
            thread::sleep(Duration::from_millis(5));
        }
    };
    let statuses: Vec<u16> = thread::scope(|scope| {
        let caller = || {
            let mut statuses = Vec::new();
            while !enough.load(Ordering::SeqCst) {
                statuses.push(me());
                answered.fetch_add(1, Ordering::SeqCst);
            }
            statuses
        };
        let callers = [scope.spawn(caller), scope.spawn(caller)];
        wait_for(10);
        // Without a word, as a machine that goes.
        drop(first);
        wait_for(20);
        enough.store(true, Ordering::SeqCst);
        callers.into_iter().flat_map(|caller| caller.join().expect("it ends")).collect()
    });
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(nginx.asked().last(), Some(&second.address.to_string()));
}

/// What never answers.
fn silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || listener.incoming().map_while(Result::ok).collect::<Vec<_>>());
    address
}

#[test]
fn nginx_is_as_impatient_as_its_site_says() {
    if !has_or_skip("nginx and the slow", "nginx") || !has_or_skip("nginx and the slow", "curl") {
        return;
    }
    let changes = [
        ("client_header_timeout 10s;", "client_header_timeout 1s;"),
        ("client_body_timeout 10s;", "client_body_timeout 1s;"),
        ("keepalive_timeout 75s;", "keepalive_timeout 1s;"),
        ("proxy_read_timeout 35s;", "proxy_read_timeout 1s;"),
    ];
    let nginx = Nginx::before(&[silent()], &changes);
    assert_eq!(nginx.ask("/version", &[]).status, 504, "the instance says nothing");
    for (what, said) in [
        ("half a header", "GET /version HTTP/1.1\r\nHost: tre"),
        ("half a body", "POST /version HTTP/1.1\r\nHost: trees.example.org\r\nContent-Length: 10\r\n\r\nhalf"),
        ("nothing more", "GET /metrics HTTP/1.1\r\nHost: trees.example.org\r\nContent-Length: 0\r\n\r\n"),
    ] {
        let mut stream = nginx.connect();
        stream.write_all(said.as_bytes()).expect("it is heard");
        let mut answer = Vec::new();
        // The end of the connection, clean or torn, and not of our patience.
        let end = stream.read_to_end(&mut answer).map_err(|error| error.kind());
        assert!(!matches!(end, Err(std::io::ErrorKind::WouldBlock)), "{what}: {}", String::from_utf8_lossy(&answer));
    }
    let too_large = "Content-Length: 33554433";
    let refused = nginx.ask("/api/v1/usage/upload", &["--http1.1", "-X", "POST", "-H", too_large]);
    assert_eq!(refused.status, 413);
}

/// The sites' figures are those of the program, where they are to be the same.
#[test]
fn the_sites_are_as_patient_as_the_program_is_by_default() {
    let output = Command::new(env!("CARGO_BIN_EXE_treebeard")).args(["config", "example"]).env_clear().output();
    let settings = String::from_utf8(output.expect("the binary starts").stdout).expect("UTF-8");
    let setting = |name: &str| -> u32 {
        let value = settings.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        value.unwrap_or_else(|| panic!("no {name}")).parse().expect("a number")
    };
    let caddy = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/proxy/Caddyfile"))
        .expect("it is there");
    for (name, more, in_nginx, in_caddy) in [
        ("header_timeout_seconds", 0, "client_header_timeout #s;", "read_header #s"),
        ("body_timeout_seconds", 0, "client_body_timeout #s;", ""),
        ("body_timeout_seconds", 0, "send_timeout #s;", ""),
        ("idle_timeout_seconds", 0, "keepalive_timeout #s;", "idle #s"),
        ("request_timeout_seconds", 5, "proxy_read_timeout #s;", "response_header_timeout #s"),
        ("upload_megabytes_max", 0, "client_max_body_size #m;", "max_size #MiB"),
    ] {
        let value = (setting(name) + more).to_string();
        assert!(SITE.contains(&in_nginx.replace('#', &value)), "nginx: {name}");
        assert!(caddy.contains(&in_caddy.replace('#', &value)), "Caddy: {name}");
    }
}
