//! Running the HTTP service in this process until it is told to stop.

use crate::app::App;
use crate::cli::Failure;
use crate::http;
use crate::http::serve::ServeLimits;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Blocking calls are few and short; more threads than this would only queue elsewhere.
const BLOCKING_THREADS_MAX: usize = 32;

/// Serves until SIGTERM or Ctrl-C. `listening` is told the address as soon as connections are taken.
pub fn run(app: Arc<App>, listening: impl FnOnce(SocketAddr)) -> Result<(), Failure> {
    let server = app.config.server.clone();
    let limits = ServeLimits {
        connections_max: server.connections_max,
        header_timeout: server.header_timeout,
        drain: server.drain,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("treebeard")
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(server.listen).await.map_err(|error| cannot_listen(server.listen, &error))?;
        let stop = Stop::listen()?;
        listening(listener.local_addr()?);
        let (draining, following) = (Arc::clone(&app), Arc::clone(&app));
        // Ends with the runtime.
        tokio::spawn(async move { following.follow_catalog().await });
        // The runtime ends before the last reference, so that the database closes outside of it.
        http::serve::serve(listener, http::endpoint(Arc::clone(&app)), limits, async move {
            stop.requested().await;
            draining.start_draining();
        })
        .await?;
        Ok(())
    })
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Failure {
    let remedy = match error.kind() {
        ErrorKind::AddrInUse => "another program listens there: stop it, or choose another port with --listen",
        ErrorKind::PermissionDenied => "ports below 1024 need a privilege: choose a higher one with --listen",
        ErrorKind::AddrNotAvailable => "this machine has no such address: 0.0.0.0 means all it has",
        _ => "choose another address with --listen",
    };
    Failure::failed(format!("cannot listen on {address} ({error}); {remedy}"))
}

/// The signals that end the service.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        Ok(Stop { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// The first signal asks for a drain; a second one ends the process without waiting for it.
    async fn requested(mut self) {
        self.next().await;
        tracing::info!("stopping: requests under way are finished first");
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(1);
        });
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
