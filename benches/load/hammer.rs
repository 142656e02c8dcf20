//! A client that costs next to nothing: finished requests over kept connections, of the answers only status and length
//! are read. What it measures is the server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use treebeard::load::Counted;

/// Room for a head and its body.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// How hard to press.
#[derive(Clone, Copy)]
pub struct Manner {
    pub connections: usize,
    pub spell: Duration,
    /// Between two requests of a connection; without it the next follows at once.
    pub every: Option<Duration>,
    /// All connections together stop after so many requests.
    pub requests_max: usize,
}

impl Manner {
    pub const fn full(connections: usize, spell: Duration) -> Self {
        Manner { connections, spell, every: None, requests_max: usize::MAX }
    }

    pub const fn paced(connections: usize, spell: Duration, every: Duration) -> Self {
        Manner { connections, spell, every: Some(every), requests_max: usize::MAX }
    }
}

/// A whole request.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: bench\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        text += &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    }
    (text + "\r\n" + body).into_bytes()
}

/// What came back, and in how many seconds. `of` gives request `n` of connection `c`.
pub fn hammer(
    address: SocketAddr,
    manner: Manner,
    of: impl Fn(usize, usize) -> Vec<u8> + Send + Sync + 'static,
) -> (Counted, f64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let of = Arc::new(of);
    runtime.block_on(async {
        let started = Instant::now();
        let connections: Vec<_> = (0..manner.connections)
            .map(|c| tokio::spawn(connection(address, manner, c, started, of.clone())))
            .collect();
        let mut all = Counted::default();
        for connection in connections {
            all.add(&connection.await.expect("a connection's task ends"));
        }
        (all, started.elapsed().as_secs_f64())
    })
}

async fn connection(
    address: SocketAddr,
    manner: Manner,
    number: usize,
    started: Instant,
    of: Arc<impl Fn(usize, usize) -> Vec<u8>>,
) -> Counted {
    let mut counted = Counted::default();
    let mut stream = TcpStream::connect(address).await.expect("the server takes connections");
    stream.set_nodelay(true).expect("TCP_NODELAY");
    let mut buffer = vec![0; 64 << 10];
    let share = manner.requests_max / manner.connections;
    let mut n = 0;
    while started.elapsed() < manner.spell && n < share {
        let request = of(number, n);
        n += 1;
        if let Some(every) = manner.every {
            tokio::time::sleep(every).await;
        }
        let sent = Instant::now();
        stream.write_all(&request).await.expect("the server reads");
        let status = answer(&mut stream, &mut buffer).await;
        counted.durations.record(sent.elapsed());
        *counted.statuses.entry(status).or_default() += 1;
    }
    counted
}

/// The status of an answer that has been read to its end.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> u16 {
    let (mut held, mut whole) = (0, None);
    loop {
        let read = stream.read(&mut buffer[held..]).await.expect("the server answers");
        assert_ne!(read, 0, "the server closed the connection: {}", String::from_utf8_lossy(&buffer[..held]));
        held += read;
        if whole.is_none() {
            whole = length(&buffer[..held]);
        }
        match whole {
            Some(length) if held >= length => break,
            Some(length) if buffer.len() < length => buffer.resize(length.min(ANSWER_BYTES_MAX), 0),
            _ => assert!(held < buffer.len(), "a head of more than {held} bytes"),
        }
    }
    let status = std::str::from_utf8(&buffer[9..12]).ok().and_then(|status| status.parse().ok());
    status.expect("an answer begins with its status")
}

/// Bytes of head and body, once the head is there.
fn length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).expect("a head is ASCII");
    let body = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    Some(head + body.map_or(0, |length| length.trim().parse::<usize>().expect("a length")))
}
