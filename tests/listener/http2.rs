//! HTTP/2, by prior knowledge and by TLS, and what a client cannot do with it.

use crate::service::{Service, connect, get};
use crate::tls::{FILES, Pair};
use bytes::Bytes;
use h2::client::{Connection, SendRequest};
use http::Request;
use std::io::{Read, Write};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version::TLS13;

/// RFC 9113, 7.
const ENHANCE_YOUR_CALM: u32 = 0xb;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(crate::service::PATIENCE, work).await.expect("in time") })
}

async fn begin<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> SendRequest<Bytes> {
    let (requests, connection): (_, Connection<S>) = h2::client::handshake(stream).await.expect("HTTP/2");
    tokio::spawn(async move {
        // How it ends is seen by the requests.
        let _ended = connection.await;
    });
    requests.ready().await.expect("ready")
}

async fn status(requests: &mut SendRequest<Bytes>, request: Request<()>) -> u16 {
    let (answer, _) = requests.send_request(request, true).expect("sent");
    answer.await.expect("an answer").status().as_u16()
}

fn request(path: &str) -> Request<()> {
    Request::get(format!("http://localhost{path}")).body(()).expect("a request")
}

#[test]
fn it_is_spoken_to_who_begins_with_it() {
    let service = Service::start(&[]);
    run(async {
        let mut requests = begin(TcpStream::connect(service.address()).await.expect("connected")).await;
        assert_eq!(status(&mut requests, request("/health/live")).await, 200);
        assert_eq!(status(&mut requests, request("/nope")).await, 404);
    });
    assert_eq!(service.get("/health/live").status, 200, "HTTP/1.1 on the same port");
}

#[test]
fn it_is_agreed_on_over_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = Pair::new();
    pair.write(folder.path());
    let service = Service::start_in(folder.path(), &FILES);
    run(async {
        let tcp = TcpStream::connect(service.address()).await.expect("connected");
        let connector = TlsConnector::from(pair.client(&[&TLS13], &["h2", "http/1.1"]));
        let stream = connector.connect(ServerName::try_from("localhost").expect("a name"), tcp).await.expect("TLS");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let mut requests = begin(stream).await;
        assert_eq!(status(&mut requests, request("/health/live")).await, 200);
    });
}

#[test]
fn a_client_is_told_how_many_requests_it_may_have_at_once() {
    let service = Service::start(&[]);
    run(async {
        let mut requests = begin(TcpStream::connect(service.address()).await.expect("connected")).await;
        assert_eq!(status(&mut requests, request("/health/live")).await, 200);
        assert_eq!(requests.current_max_send_streams(), 128);
    });
}

#[test]
fn headers_without_measure_are_refused() {
    let service = Service::start(&[]);
    run(async {
        let mut requests = begin(TcpStream::connect(service.address()).await.expect("connected")).await;
        let mut large = request("/health/live");
        large.headers_mut().insert("x-large", "x".repeat(20_000).parse().expect("a value"));
        assert_eq!(status(&mut requests, large).await, 431);
        assert_eq!(status(&mut requests, request("/health/live")).await, 200, "the connection goes on");
    });
}

/// CVE-2023-44487: requests that are taken back at once cost the client nothing.
#[test]
fn a_client_that_takes_back_its_requests_is_sent_away() {
    let service = Service::start(&[]);
    let mut stream = connect(&service.address());
    let mut bytes = PREFACE.to_vec();
    bytes.extend(frame(4, 0, 0, &[]));
    for id in (1..40_001).step_by(2) {
        // GET http / from the static table: a whole request in three bytes.
        bytes.extend(frame(1, 5, id, &[0x82, 0x86, 0x84]));
        bytes.extend(frame(3, 0, id, &8u32.to_be_bytes()));
    }
    // The service may have hung up before it has read everything.
    let _may_be_torn = stream.write_all(&bytes);
    assert_eq!(goodbye(stream), Some(ENHANCE_YOUR_CALM));
    assert_eq!(service.get("/health/live").status, 200);
}

/// A request that never ends its headers, without a time of its own in the protocol.
#[test]
fn a_connection_without_requests_is_ended() {
    let service = Service::start(&[("TREEBEARD_SERVER__HEADER_TIMEOUT_SECONDS", "1")]);
    let mut stream = connect(&service.address());
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out can be set");
    let mut bytes = PREFACE.to_vec();
    bytes.extend(frame(4, 0, 0, &[]));
    // HEADERS without END_HEADERS: the rest never comes.
    bytes.extend(frame(1, 1, 1, &[0x82]));
    stream.write_all(&bytes).expect("sent");
    let mut rest = Vec::new();
    let _may_be_torn = stream.read_to_end(&mut rest);
    assert_eq!(crate::service::ask(service.connect(), &get("/health/live")).status, 200);
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// The reason of the first GOAWAY that gives one.
fn goodbye(mut stream: impl Read) -> Option<u32> {
    let mut head = [0; 9];
    while stream.read_exact(&mut head).is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).ok()?;
        let reason = payload.get(4..8).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
        if let (7, Some(reason @ 1..)) = (head[3], reason) {
            return Some(reason);
        }
    }
    None
}
