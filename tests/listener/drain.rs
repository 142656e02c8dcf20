//! The end: not ready first, then no more connections, and every request that was taken is answered.

use crate::service::{PATIENCE, Reply, Service, ask, get};
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::TcpStream;

const CONNECTIONS: usize = 32;
const BODY: &str = r#"{"username":"nobody@example.org","password":"wrong-password"}"#;

/// Sends everything but the body, and waits until the service asks for it: then the request is under way.
fn begin(service: &Service) -> TcpStream {
    let mut stream = service.connect();
    let head = format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
         expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        BODY.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).expect("the service asks for the body");
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

fn finish(mut stream: TcpStream) -> Reply {
    ask(&mut stream, BODY)
}

#[test]
fn on_sigterm_every_request_under_way_is_answered() {
    let mut service = Service::start(&[
        ("TREEBEARD_LIMITS__LOGIN_PER_IP_PER_MINUTE", "1000"),
        ("TREEBEARD_AUTH__ARGON2_MEMORY_KIB", "64"),
    ]);
    let underway: Vec<_> = (0..CONNECTIONS).map(|_| begin(&service)).collect();
    service.signal(Signal::TERM);
    service.wait_for("stopping");
    crate::service::until("the end of listening", || TcpStream::connect(service.address()).is_err());
    let answers: Vec<_> = underway.into_iter().map(|stream| std::thread::spawn(|| finish(stream))).collect();
    for answer in answers {
        let answer = answer.join().expect("an answer");
        answer.problem(401);
        assert_eq!(answer.header("connection"), Some("close"));
    }
    assert_eq!(service.child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn it_is_not_ready_before_it_takes_no_more_connections() {
    let service = Service::start(&[("TREEBEARD_SERVER__DRAIN_DELAY_SECONDS", "600")]);
    assert_eq!(service.get("/health/ready").status, 200);
    let mut kept = service.connect();
    service.signal(Signal::TERM);
    service.wait_for("stopping");
    let balancer = service.get("/health/ready");
    balancer.problem(503);
    assert!(balancer.header("retry-after").is_some());
    assert_eq!(service.get("/health/live").status, 200, "requests are answered as before");
    kept.write_all(get("/version").as_bytes()).expect("sent");
    assert_eq!(Reply::read(kept).status, 200);
}

/// Clients that never stop asking on kept connections: each answer they get is whole, and each request that the
/// service has taken gets one.
#[test]
fn under_load_no_connection_ends_in_the_middle_of_an_answer() {
    let mut service = Service::start(&[]);
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let mut stream = service.connect();
            std::thread::spawn(move || keep_asking(&mut stream))
        })
        .collect();
    std::thread::sleep(std::time::Duration::from_millis(300));
    service.signal(Signal::TERM);
    for client in clients {
        assert!(client.join().expect("no torn answer") > 0);
    }
    assert_eq!(service.child.wait().expect("it ends").code(), Some(0));
}

/// Asks until an answer says that it is the last, or there is none; gives the answers.
fn keep_asking(stream: &mut TcpStream) -> usize {
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
    let mut answered = 0;
    loop {
        if stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").is_err() {
            return answered;
        }
        let Some(head) = read_answer(stream) else { return answered };
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        answered += 1;
        if head.contains("connection: close") {
            return answered;
        }
    }
}

/// One whole answer with a stated length; `None` where the connection ends before it begins.
fn read_answer(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ if head.is_empty() => return None,
            _ => panic!("an answer broke off"),
        }
    }
    let head = String::from_utf8(head).expect("ASCII");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    stream.read_exact(&mut body).expect("the whole body");
    Some(head)
}
