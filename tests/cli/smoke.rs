//! `treebeard smoke` against the real service, against one that something stands before, and against others.

use crate::run::{Outcome, Place};
use crate::serve::Service;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// A service with plans in 75001.
fn service(place: &Place, settings: &[&str]) -> Service {
    let flags = settings.iter().flat_map(|setting| ["--set", setting]);
    let arguments: Vec<&str> = ["demo", "--json", "--listen", "127.0.0.1:0"].into_iter().chain(flags).collect();
    Service::start(place, &arguments)
}

fn smoke(place: &Place, address: &str, more: &[&str]) -> Outcome {
    // A slow machine is no fault of the service.
    place.run(&[&["smoke", "--url", &format!("http://{address}"), "--json", "--within", "60000"], more].concat())
}

/// The lines of a report that have this outcome.
fn lines(report: &Value, outcome: &str) -> Vec<(String, String)> {
    let lines = report["lines"].as_array().expect("lines").iter().filter(|line| line["outcome"] == outcome);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    lines.map(|line| (text(&line["check"]), text(&line["says"]))).collect()
}

fn report(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", outcome.stdout, outcome.stderr))
}

/// Answers every connection with what `answer` makes of its request; ends with the test.
fn other_server(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let request = request(&mut stream);
            let _may_be_gone = stream.write_all(&answer(&request));
        }
    });
    address
}

/// One request, head and body.
fn request(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut part = vec![0; 65_536];
    loop {
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if bytes.len() >= head + length.unwrap_or(0) {
                return bytes;
            }
        }
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return bytes,
            Ok(read) => bytes.extend_from_slice(&part[..read]),
        }
    }
}

#[test]
fn every_line_passes_on_a_service_that_is_well_and_nothing_stays() {
    let place = Place::new();
    let service = service(&place, &[]);
    let outcome = smoke(&Place::new(), &service.address, &[]);
    let report = report(&outcome);
    assert_eq!((lines(&report, "failed"), lines(&report, "skipped")), (vec![], vec![]), "{report}");
    assert_eq!((outcome.code, &report["passed"]), (0, &json!(23)));
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert!(report["lines"].as_array().expect("lines").iter().all(|line| line["took_ms"].as_f64().is_some()));
    let metrics = service.get("/metrics");
    for (route, status) in [("/api/v1/auth/register", "201"), ("/api/v1/users/me", "204")] {
        let counted = metrics.lines().any(|line| {
            line.starts_with("treebeard_http_requests_total{")
                && line.contains(&format!("route=\"{route}\",status=\"{status}\"}} 1"))
        });
        assert!(counted, "one account was opened and one erased: {route}");
    }
}

#[test]
fn a_person_reads_a_line_for_each_check_with_its_time_and_a_summary() {
    let place = Place::new();
    let service = service(&place, &[]);
    let outcome = Place::new().run(&["smoke", "--url", &format!("http://{}/", service.address), "--within", "1"]);
    // Hashing a password takes longer.
    assert_eq!(outcome.code, 4, "{}", outcome.stdout);
    let printed: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(printed.len(), 24, "{}", outcome.stdout);
    for line in &printed[..22] {
        assert!(line.starts_with("pass ") && line.contains(" ms  "), "{line}");
    }
    assert!(printed[22].starts_with("FAIL ") && printed[22].contains("more than 1 ms"), "{}", printed[22]);
    assert!(printed[23].starts_with("22 passed, 1 failed, 0 skipped in "), "{}", printed[23]);
}

#[test]
fn what_is_switched_off_is_skipped_and_said() {
    let token = ("TREEBEARD_METRICS__TOKEN", "a-token-for-the-scraper");
    let place = Place::new().with(token.0, token.1);
    let service = service(&place, &["features.docs=false", "features.registration=false"]);
    let skipping = smoke(&Place::new(), &service.address, &[]);
    let found = report(&skipping);
    assert_eq!((skipping.code, lines(&found, "failed")), (0, vec![]), "{found}");
    let says = |check: &str| lines(&found, "skipped").into_iter().find(|line| line.0 == check).unwrap_or_default().1;
    assert!(says("API pages").contains("features.docs"), "{found}");
    assert!(says("open an account").contains("features.registration"), "{found}");
    assert!(says("metrics").contains("TREEBEARD_METRICS__TOKEN"), "{found}");
    let reader = Place::new().with(token.0, token.1);
    let told = smoke(&reader, &service.address, &[]);
    assert!(lines(&report(&told), "passed").iter().any(|line| line.0 == "metrics"), "{}", told.stdout);
    assert!(!told.stdout.contains("a-token-for-the-scraper"));
}

#[test]
fn limits_are_looked_for_unless_the_address_is_said_to_be_exempt() {
    let place = Place::new();
    let service = service(&place, &["limits.exempt_networks=127.0.0.0/8"]);
    let strict = smoke(&Place::new(), &service.address, &[]);
    let found = lines(&report(&strict), "failed");
    assert!(strict.code == 4 && found.len() == 1 && found[0].1.contains("--exempt"), "{found:?}");
    let lenient = smoke(&Place::new(), &service.address, &["--exempt"]);
    assert_eq!((lenient.code, lines(&report(&lenient), "failed")), (0, vec![]));
}

/// A proxy that takes away what must not be missing.
#[test]
fn headers_lost_on_the_way_fail_their_lines_and_no_other() {
    let place = Place::new();
    let service = service(&place, &[]);
    let behind = service.address.clone();
    let proxy = other_server(move |request| {
        let head = request.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let text = String::from_utf8_lossy(&request[..head]);
        let kept: Vec<&str> = text.lines().filter(|line| !line.to_lowercase().starts_with("connection:")).collect();
        let mut stream = TcpStream::connect(&behind).expect("the service is there");
        let sent = [kept.join("\r\n").as_bytes(), b"\r\nconnection: close", &request[head..]].concat();
        stream.write_all(&sent).expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let text = String::from_utf8_lossy(&answer[..head]).into_owned();
        let lost = ["x-content-type-options", "x-ratelimit-"];
        let kept: Vec<&str> = text.lines().filter(|line| !lost.iter().any(|name| line.starts_with(name))).collect();
        [kept.join("\r\n").as_bytes(), &answer[head..]].concat()
    });
    let outcome = smoke(&Place::new(), &proxy.to_string(), &[]);
    let report = report(&outcome);
    let failed: Vec<String> = lines(&report, "failed").into_iter().map(|line| line.0).collect();
    assert_eq!(
        (outcome.code, failed),
        (4, vec!["security headers".to_owned(), "limit headers".to_owned()]),
        "{report}"
    );
}

#[test]
fn another_server_fails_and_no_line_passes() {
    let hello = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 5\r\nconnection: close\r\n\r\nHello";
    let broken = "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    for answer in [hello, broken, "220 mail.example.org ESMTP\r\n"] {
        let address = other_server(|_| answer.as_bytes().to_vec());
        let outcome = smoke(&Place::new(), &address.to_string(), &[]);
        let report = report(&outcome);
        assert_eq!(outcome.code, 4, "{report}");
        let passed: Vec<String> = lines(&report, "passed").into_iter().map(|line| line.0).collect();
        assert!(passed.iter().all(|check| check == "answer times"), "{answer}: {report}");
        assert!(!lines(&report, "failed").is_empty(), "{report}");
    }
}

#[test]
fn where_nobody_listens_one_line_says_so() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let outcome = smoke(&Place::new(), &free.expect("a port nobody listens on any more").to_string(), &[]);
    let report = report(&outcome);
    assert_eq!((outcome.code, &report["failed"], &report["skipped"]), (4, &json!(1), &json!(22)), "{report}");
    assert!(lines(&report, "failed")[0].1.contains("no answer"), "{report}");
}

#[test]
fn what_cannot_be_meant_is_refused_with_exit_code_2() {
    for (arguments, word) in [
        (&["smoke"][..], "--url"),
        (&["smoke", "--url", "127.0.0.1:1"], "http://HOST:PORT"),
        (&["smoke", "--url", "http://127.0.0.1:1/api"], "without a path"),
        (&["smoke", "--url", "http://127.0.0.1:1", "--zip", "here"], "five digits"),
    ] {
        Place::new().run(arguments).refused(2, &[word]);
    }
}
