//! Traces: what a collector gets, over a stand-in for one.

use crate::support::Server;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

/// Takes what is posted to it, as a collector does, and answers each with an empty success.
struct Collector {
    url: String,
    received: Receiver<(String, Value)>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (sender, received) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let sender = sender.clone();
                std::thread::spawn(move || serve(&stream, &sender));
            }
        });
        Collector { url, received }
    }

    /// Every span until the service has ended: its name and the whole of it.
    fn spans(&self) -> Vec<Value> {
        let mut spans = Vec::new();
        while let Ok((path, batch)) = self.received.try_recv() {
            assert_eq!(path, "/v1/traces");
            for resource in batch["resourceSpans"].as_array().expect("resources") {
                let service = resource["resource"]["attributes"].to_string();
                assert!(service.contains("service.name") && service.contains("treebeard"), "{service}");
                for scope in resource["scopeSpans"].as_array().expect("scopes") {
                    spans.extend(scope["spans"].as_array().expect("spans").iter().cloned());
                }
            }
        }
        spans
    }
}

fn serve(stream: &TcpStream, sender: &Sender<(String, Value)>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a header");
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        // The test may have ended.
        let _sent = sender.send((path, serde_json::from_slice(&body).expect("JSON")));
        let mut stream = stream;
        let _answered =
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}");
    }
}

fn attribute<'a>(span: &'a Value, key: &str) -> &'a Value {
    let found = span["attributes"].as_array().into_iter().flatten().find(|attribute| attribute["key"] == key);
    found.map_or(&Value::Null, |attribute| &attribute["value"])
}

#[test]
fn a_request_becomes_a_span_of_the_callers_trace() {
    let collector = Collector::start();
    let server = Server::with(&[("TREEBEARD_TRACES__ENDPOINT", &collector.url)]);
    let bearer = server.signed_in("traced@example.org");
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [("authorization", bearer.as_str()), ("traceparent", traceparent)];
    assert_eq!(server.get("/api/v1/auth/me", &headers).status, 200);
    assert_eq!(server.get("/api/v1/plans/catalog?q=private-words", &[]).status, 200);
    let unsampled = "00-11111111111111111111111111111111-b7ad6b7169203331-00";
    assert_eq!(server.get("/version", &[("traceparent", unsampled)]).status, 200);
    server.get("/health/live", &[("traceparent", "nonsense")]);
    assert_eq!(server.stop(), Some(0), "what is left is sent at the end");

    let spans = collector.spans();
    let named = |name: &str| spans.iter().find(|span| span["name"] == name);
    let me = named("GET /api/v1/auth/me").unwrap_or_else(|| panic!("no such span: {spans:#?}"));
    assert_eq!(me["traceId"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(me["parentSpanId"], "b7ad6b7169203331");
    assert_eq!(me["kind"], 2, "a server's span");
    assert_eq!(attribute(me, "http.route")["stringValue"], "/api/v1/auth/me");
    let status = &attribute(me, "http.response.status_code")["intValue"];
    assert!(*status == "200" || *status == 200, "{status}");
    assert!(attribute(me, "enduser.id")["stringValue"].is_string());
    let read = spans.iter().find(|span| span["name"] == "database read" && span["parentSpanId"] == me["spanId"]);
    assert!(read.is_some_and(|read| read["traceId"] == me["traceId"]), "its work is in the same trace: {spans:#?}");
    let register = named("POST /api/v1/auth/register").expect("another trace");
    assert_ne!(register["traceId"], me["traceId"]);
    assert!(named("GET /health/live").is_some(), "what cannot be read begins a trace");
    assert!(named("GET /version").is_none(), "the caller did not want it sampled");
    let all = serde_json::to_string(&spans).expect("JSON");
    for private in ["traced@example.org", "private-words", "test123", "78701"] {
        assert!(!all.contains(private), "{private} was sent");
    }
}

#[test]
fn a_collector_that_is_away_changes_nothing_for_clients() {
    let nowhere = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    let server = Server::with(&[("TREEBEARD_TRACES__ENDPOINT", &format!("http://{nowhere}"))]);
    for _ in 0..3 {
        assert_eq!(server.get("/version", &[]).status, 200);
    }
    assert_eq!(server.stop(), Some(0));
}
