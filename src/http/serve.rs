//! The accept loop: poem endpoints over hyper, with a cap on connections, a time limit for headers, back-off when the
//! system has no more file descriptors, and a drain at the end.

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint, Request, Response};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time;

/// Bounds of the accept loop.
#[derive(Debug, Clone, Copy)]
pub struct ServeLimits {
    /// Connections served at once; more wait in the listen queue.
    pub connections_max: usize,
    /// A connection that has not sent its header by then is closed.
    pub header_timeout: Duration,
    /// How long requests in flight may take to finish after the stop signal.
    pub drain: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        ServeLimits { connections_max: 2_048, header_timeout: Duration::from_secs(10), drain: Duration::from_secs(20) }
    }
}

/// Serves `app` on `listener` until `stop`, then finishes what is in flight.
pub async fn serve(
    listener: TcpListener,
    app: impl Endpoint<Output = Response> + 'static,
    limits: ServeLimits,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let local = LocalAddr(Addr::SocketAddr(listener.local_addr()?));
    let app = Arc::new(app);
    let slots = Arc::new(Semaphore::new(limits.connections_max));
    let graceful = GracefulShutdown::new();
    let builder = connection_builder(limits.header_timeout);
    let mut accept_fault = AcceptFault::default();
    tokio::pin!(stop);
    loop {
        let slot = tokio::select! {
            slot = slots.clone().acquire_owned() => slot.expect("the semaphore is never closed"),
            () = &mut stop => break,
        };
        let (socket, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(pair) => pair,
                Err(error) => {
                    time::sleep(accept_fault.pause(&error)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        accept_fault = AcceptFault::default();
        let (app, local, remote) = (app.clone(), local.clone(), RemoteAddr(Addr::SocketAddr(peer)));
        let service = hyper::service::service_fn(move |request| {
            let request: Request = (request, local.clone(), remote.clone(), poem::http::uri::Scheme::HTTP).into();
            let app = app.clone();
            async move { Ok::<_, Infallible>(poem::http::Response::from(app.get_response(request).await)) }
        });
        let connection = builder.serve_connection_with_upgrades(stream(socket), service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _slot = slot;
            if let Err(error) = connection.await {
                tracing::debug!(error = %error, "connection ended");
            }
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = time::sleep(limits.drain) => tracing::warn!(seconds = limits.drain.as_secs(), "requests cut off at the drain limit"),
    }
    Ok(())
}

fn connection_builder(header_timeout: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(header_timeout).max_buf_size(64 << 10);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .max_header_list_size(16 << 10)
        .keep_alive_interval(Some(Duration::from_secs(20)));
    builder
}

/// Small answers leave at once instead of waiting for more data.
fn stream(socket: TcpStream) -> TokioIo<TcpStream> {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(error = %error, "TCP_NODELAY was refused");
    }
    TokioIo::new(socket)
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
