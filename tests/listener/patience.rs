//! How long the service waits for slow clients and slow work, and what it says then.

use crate::service::{Reply, Service, ask, get, metric, until};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

const REGISTER: &str = r#"{"email":"slow@example.org","password":"test123","name":"Slow","zip_code":"78701"}"#;

fn post(length: usize) -> String {
    format!(
        "POST /api/v1/auth/register HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    )
}

#[test]
fn a_header_that_does_not_end_is_answered_with_408() {
    let service = Service::start(&[("TREEBEARD_SERVER__HEADER_TIMEOUT_SECONDS", "1")]);
    let reply = ask(service.connect(), "GET /health/live HTTP/1.1\r\nhost: x\r\nx-slow: ");
    reply.problem(408);
    assert_eq!((reply.header("connection"), service.get("/health/live").status), (Some("close"), 200));
    assert!(service.metric("treebeard_slow_headers_total") >= 1);
}

#[test]
fn a_header_that_trickles_gains_no_time() {
    let service = Service::start(&[("TREEBEARD_SERVER__HEADER_TIMEOUT_SECONDS", "1")]);
    let mut slow = service.connect();
    slow.write_all(b"GET /health/live HTTP/1.1\r\n").expect("sent");
    let mut writer = slow.try_clone().expect("a second handle");
    let trickle = std::thread::spawn(move || {
        // Ends when the service closes the connection.
        while writer.write_all(b"x-a: b\r\n").is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    });
    let reply = Reply::read(&slow);
    assert_eq!(reply.status, 408, "{reply:?}");
    trickle.join().expect("it ends");
}

#[test]
fn a_connection_that_says_nothing_is_closed_without_a_word() {
    let service = Service::start(&[
        ("TREEBEARD_SERVER__HEADER_TIMEOUT_SECONDS", "1"),
        ("TREEBEARD_SERVER__IDLE_TIMEOUT_SECONDS", "1"),
    ]);
    let mut bytes = Vec::new();
    service.connect().read_to_end(&mut bytes).expect("closed in order");
    assert!(bytes.is_empty(), "{}", String::from_utf8_lossy(&bytes));
    // And so is one that has been served and says nothing more.
    let kept = ask(service.connect(), "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!((kept.status, kept.header("connection")), (200, None));
}

#[test]
fn a_body_that_does_not_come_is_answered_with_408() {
    let service = Service::start(&[("TREEBEARD_SERVER__BODY_TIMEOUT_SECONDS", "1")]);
    let request = format!("{}{}", post(REGISTER.len()), &REGISTER[..20]);
    ask(service.connect(), &request).problem(408);
    let chunked = post(0).replace("content-length: 0", "transfer-encoding: chunked");
    ask(service.connect(), &format!("{chunked}5\r\n{{\"ema")).problem(408);
}

#[test]
fn a_client_that_goes_on_sending_what_was_refused_still_has_its_answer() {
    let service = Service::start(&[]);
    let mut stream = service.connect();
    let part = vec![b'x'; 64 << 10];
    stream.write_all(post((32 << 20) + 1).as_bytes()).expect("sent");
    stream.write_all(&part).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an end in order");
    Reply::read(&answer[..]).problem(413);
    // All has been said, and nobody reads the rest: still it is taken, and nothing is reset.
    for _ in 0..64 {
        stream.write_all(&part).expect("taken");
    }
    stream.shutdown(Shutdown::Write).expect("half closed");
    assert_eq!(stream.read(&mut [0]).expect("no reset"), 0);
}

#[test]
fn a_body_that_breaks_off_is_no_slow_one() {
    let service = Service::start(&[]);
    let mut stream = service.connect();
    stream.write_all(format!("{}{}", post(REGISTER.len()), &REGISTER[..20]).as_bytes()).expect("sent");
    stream.shutdown(Shutdown::Write).expect("half closed");
    // There is nobody to answer; the service goes on.
    let reply = Reply::read(stream);
    assert!(reply.status == 0 || reply.status == 400, "{reply:?}");
    assert_eq!(service.get("/health/live").status, 200);
}

#[test]
fn work_that_takes_too_long_is_answered_with_503() {
    let service = Service::start(&[
        ("TREEBEARD_SERVER__REQUEST_TIMEOUT_SECONDS", "1"),
        // A password hash of several seconds.
        ("TREEBEARD_AUTH__ARGON2_MEMORY_KIB", "131072"),
        ("TREEBEARD_AUTH__ARGON2_PASSES", "64"),
    ]);
    let reply = ask(service.connect(), &format!("{}{REGISTER}", post(REGISTER.len())));
    reply.problem(503);
    assert!(reply.header("retry-after").is_some());
}

#[test]
fn a_client_that_takes_no_answer_does_not_keep_its_place() {
    let service = Service::start(&[("TREEBEARD_SERVER__BODY_TIMEOUT_SECONDS", "1")]);
    let mut deaf = service.connect();
    // More answers than the buffers between us hold, and none of them read.
    let request = "GET /docs HTTP/1.1\r\nhost: x\r\n\r\n".repeat(64);
    deaf.write_all(request.as_bytes()).expect("sent");
    until("the end of the deaf client's connection", || {
        // The connection that asks is one itself.
        metric(&ask(service.connect(), &get("/metrics")), "treebeard_connections_open") <= 1
    });
}

#[test]
fn without_open_files_to_spare_it_pauses_and_serves_again_when_there_are() {
    let service = Service::start(&[]);
    let limit = Some(service.metric("treebeard_process_open_fds") + 4);
    let limit = Rlimit { current: limit, maximum: limit };
    prlimit(Some(Pid::from_child(&service.child)), Resource::Nofile, limit).expect("it may open few files more");
    let begun = Instant::now();
    let held: Vec<_> = (0..20).map(|_| service.connect()).collect();
    service.wait_for("cannot accept connections");
    // A loop that does not pause fails many thousand times meanwhile.
    std::thread::sleep(Duration::from_millis(500));
    drop(held);
    assert_eq!(service.get("/health/live").status, 200);
    let tries = service.metric("treebeard_accept_faults_total");
    // The shortest pause is 50 ms.
    let most = begun.elapsed().as_millis() as u64 / 50 + 1;
    assert!((1..=most).contains(&tries), "{tries} tries, {most} at most");
}
