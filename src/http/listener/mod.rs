//! The accept loop: poem endpoints over hyper, on any number of sockets, with one cap on connections, back-off when
//! the system has no more file descriptors, and a drain at the end.

mod connection;
mod figures;
mod pulse;
mod redirect;
mod socket;
mod tls;
mod watched;

pub use figures::Figures;
pub use redirect::redirect;
pub use socket::{Inherited, Socket};
pub use tls::{Certificates, TlsFault};

use crate::http::lane::Lane;
use connection::Context;
use poem::Response;
use poem::endpoint::BoxEndpoint;
use socket::Stream;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time;

/// What is served, as it arrives at a door.
#[derive(Clone)]
pub struct Served {
    pub endpoint: Arc<BoxEndpoint<'static, Response>>,
    /// Asked first, if there is one.
    pub lane: Option<Arc<Lane>>,
}

/// A socket, what is served there, and the certificates if it speaks TLS.
pub struct Door {
    pub socket: Socket,
    pub tls: Option<Arc<Certificates>>,
    pub served: Served,
}

/// Bounds of the accept loop.
#[derive(Debug, Clone, Copy)]
pub struct ServeLimits {
    /// Connections served at once over all doors; more wait in the listen queue.
    pub connections_max: usize,
    /// How long a TLS handshake and the headers of a request may take.
    pub header_timeout: Duration,
    /// How long a client may keep an answer waiting.
    pub write_timeout: Duration,
    /// How long a connection without requests is kept.
    pub idle_timeout: Duration,
    /// How long requests in flight may take to finish after the stop signal.
    pub drain: Duration,
}

/// Serves every door until `stop` says true, then finishes what is in flight. Sockets lie open until then, so that
/// nobody is turned away while another process takes over.
pub async fn serve(doors: Vec<Door>, limits: ServeLimits, figures: Arc<Figures>, mut stop: watch::Receiver<bool>) {
    let slots = Arc::new(Semaphore::new(limits.connections_max));
    let mut loops = JoinSet::new();
    for door in doors {
        let context = Context { limits, figures: figures.clone(), stop: stop.clone() };
        loops.spawn(accept(door, slots.clone(), context));
    }
    // An error means that nobody is left who could ask for a stop.
    let _asked = stop.wait_for(|stop| *stop).await;
    loops.join_all().await;
    let everyone = u32::try_from(limits.connections_max).unwrap_or(u32::MAX);
    if time::timeout(limits.drain, slots.acquire_many(everyone)).await.is_err() {
        let left = figures.open();
        tracing::warn!(seconds = limits.drain.as_secs(), connections = left, "cut off at the drain limit");
    }
}

async fn accept(door: Door, slots: Arc<Semaphore>, mut context: Context) {
    let local = door.socket.local_address();
    let mut fault = AcceptFault::default();
    loop {
        let slot = tokio::select! {
            slot = slots.clone().acquire_owned() => slot.expect("the semaphore is never closed"),
            _ = context.stop.wait_for(|stop| *stop) => break,
        };
        let accepted = tokio::select! {
            accepted = door.socket.accept() => accepted,
            _ = context.stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                fault = AcceptFault::default();
                context.figures.accepted();
                let visit = connection::Visit { local: local.clone(), peer, slot };
                begin(stream, visit, &door, &context);
            }
            Err(error) => {
                context.figures.accept_failed();
                time::sleep(fault.pause(&error)).await;
            }
        }
    }
    // Whoever is in the queue has been told by the system that the connection stands. A socket that is not ours stays
    // open, and the next process finds them there.
    while door.socket.is_ours()
        && let Ok(slot) = slots.clone().try_acquire_owned()
        && let Some((stream, peer)) = door.socket.waiting().await
    {
        context.figures.accepted();
        begin(stream, connection::Visit { local: local.clone(), peer, slot }, &door, &context);
    }
}

fn begin(stream: Stream, visit: connection::Visit, door: &Door, context: &Context) {
    let (served, context, tls) = (door.served.clone(), context.clone(), door.tls.clone());
    match stream {
        Stream::Tcp(stream) => {
            // Small answers leave at once instead of waiting for more data.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(error = %error, "TCP_NODELAY was refused");
            }
            match tls {
                Some(certificates) => {
                    tokio::spawn(connection::serve_tls(stream, certificates, served, visit, context));
                }
                None => {
                    tokio::spawn(connection::serve_plain(stream, served, visit, context));
                }
            }
        }
        // Who may connect to a file is no stranger on the way: TLS is for the network.
        Stream::Unix(stream) => {
            tokio::spawn(connection::serve_plain(stream, served, visit, context));
        }
    }
}

/// Failed accepts in a row: the pause doubles from 50 ms to 1 s, and only the first is logged.
#[derive(Default)]
struct AcceptFault {
    in_a_row: u32,
}

impl AcceptFault {
    fn pause(&mut self, error: &io::Error) -> Duration {
        if self.in_a_row == 0 {
            tracing::warn!(error = %error, "cannot accept connections; trying again");
        }
        let pause = Duration::from_millis(50 << self.in_a_row.min(5)).min(Duration::from_secs(1));
        self.in_a_row += 1;
        pause
    }
}
