//! Running the HTTP service in this process until it is told to stop.

use crate::app::App;
use crate::cli::Failure;
use crate::cli::alerts;
use crate::cli::reload::{self, LoadAgain, Running};
use crate::config::{Listen, Server};
use crate::http;
use crate::http::listener::{self, Certificates, Door, Figures, Inherited, ServeLimits, Socket};
use crate::ops::systemd;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Blocking calls are few and short; more threads than this would only queue elsewhere.
const BLOCKING_THREADS_MAX: usize = 32;
/// The name a service manager gives the socket whose callers are sent on to https.
const REDIRECT: &str = "redirect";

/// Serves until SIGTERM or Ctrl-C, on the sockets handed over or else where the settings say. `listening` is told each
/// address, as a URL without its path, as soon as connections are taken. With `load_again`, SIGHUP reloads the
/// settings.
pub fn run(
    app: Arc<App>,
    inherited: Inherited,
    load_again: Option<LoadAgain>,
    listening: impl FnMut(&str, &str),
) -> Result<(), Failure> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(number) = app.config.server.worker_threads {
        runtime.worker_threads(number);
    }
    let runtime = runtime.enable_all().thread_name("treebeard").max_blocking_threads(BLOCKING_THREADS_MAX).build()?;
    // The runtime ends before the last reference, so that the database closes outside of it.
    let served = runtime.block_on(serve(Arc::clone(&app), inherited, load_again, listening));
    app.tell_audit_head_blocking();
    served
}

async fn serve(
    app: Arc<App>,
    inherited: Inherited,
    load_again: Option<LoadAgain>,
    mut listening: impl FnMut(&str, &str),
) -> Result<(), Failure> {
    let figures = Arc::<Figures>::default();
    let files = app.config.tls.files.as_ref();
    let certificates = files.map(|files| Certificates::load(files, figures.clone(), app.now())).transpose();
    let certificates = certificates.map_err(Failure::failed)?;
    let api = http::build(app.clone(), figures.clone());
    let doors = open(&app, inherited, certificates.as_ref(), &api).await?;
    let alarms = alerts::alarms(&app.config.alerts)?;
    // Whoever reads that we listen may signal at once.
    let stop = Stop::listen()?;
    let running = Arc::new(Running { app: app.clone(), api, certificates });
    let status = format!("Serving on {}", doors.iter().map(|door| door.socket.name()).collect::<Vec<_>>().join(", "));
    if let Some(load_again) = load_again {
        tokio::spawn(reload::on_hangup(signal(SignalKind::hangup())?, running.clone(), load_again, status.clone()));
    }
    if let Some(door) = doors.first().filter(|door| door.socket.port().is_some()) {
        running.app.listens_at(format!("{}://{}", scheme(door), door.socket.name()));
    }
    for door in &doors {
        listening(scheme(door), &door.socket.name());
    }
    tokio::spawn(alerts::keep_looking(running.clone(), alarms));
    tokio::spawn(reload::on_new_certificate(running));
    systemd::ready(&status);
    tokio::spawn(systemd::keep_watch(app.clone()));
    let following = app.clone();
    tokio::spawn(async move { following.follow_nodes().await });
    let following = app.clone();
    tokio::spawn(async move { following.follow_catalog().await });
    tokio::spawn(app.clone().keep_backups());
    tokio::spawn(app.clone().keep_maintained());
    let following = app.clone();
    tokio::spawn(async move { following.follow_audit().await });
    let following = app.clone();
    tokio::spawn(async move { following.keep_checking_audit().await });
    let following = app.clone();
    tokio::spawn(async move { following.follow_store().await });
    tokio::spawn(app.clone().follow_retention());
    let (say_stop, told_stop) = watch::channel(false);
    let (limits, delay) = (limits(&app.config.server), app.config.server.drain_delay);
    tokio::spawn(async move {
        stop.requested(&app, delay).await;
        // Nobody listens any more when the listener has ended before.
        let _unheard = say_stop.send(true);
    });
    listener::serve(doors, limits, figures, told_stop).await;
    Ok(())
}

fn limits(server: &Server) -> ServeLimits {
    ServeLimits {
        connections_max: server.connections_max,
        header_timeout: server.header_timeout,
        write_timeout: server.body_timeout,
        idle_timeout: server.idle_timeout,
        drain: server.drain,
    }
}

fn scheme(door: &Door) -> &'static str {
    match (door.socket.port(), &door.tls) {
        (None, _) => "http+unix",
        (Some(_), Some(_)) => "https",
        (Some(_), None) => "http",
    }
}

/// The sockets handed over, else those of the settings.
async fn open(
    app: &App,
    inherited: Inherited,
    tls: Option<&Arc<Certificates>>,
    api: &http::Service,
) -> Result<Vec<Door>, Failure> {
    let server = &app.config.server;
    let main = |socket| Door { socket, tls: tls.cloned(), served: api.served.clone() };
    let sockets = inherited.sockets().map_err(|error| {
        Failure::failed(format!("a socket handed over (LISTEN_FDS) cannot be listened on: {error}"))
    })?;
    let (redirecting, serving): (Vec<_>, Vec<_>) =
        sockets.into_iter().partition(|(name, _)| name == REDIRECT && tls.is_some());
    let mut doors: Vec<Door> = serving.into_iter().map(|(_, socket)| main(socket)).collect();
    if doors.is_empty() {
        let socket = Socket::open(&server.listen, server.socket_mode).await;
        doors.push(main(socket.map_err(|error| cannot_listen(&server.listen, "--listen", &error))?));
    }
    let mut ways_in: Vec<Socket> = redirecting.into_iter().map(|(_, socket)| socket).collect();
    if let (Some(address), true) = (app.config.tls.redirect_listen, ways_in.is_empty()) {
        let listen = Listen::Tcp(address);
        let socket = Socket::open(&listen, 0).await;
        ways_in.push(socket.map_err(|error| cannot_listen(&listen, "tls.redirect_listen", &error))?);
    }
    let port = doors.iter().find_map(|door| door.socket.port()).unwrap_or(443);
    doors.extend(ways_in.into_iter().map(|socket| Door { socket, tls: None, served: listener::redirect(port) }));
    if let Some(address) = app.config.metrics.listen {
        let listen = Listen::Tcp(address);
        let socket = Socket::open(&listen, 0).await;
        let socket = socket.map_err(|error| cannot_listen(&listen, "metrics.listen", &error))?;
        doors.push(Door { socket, tls: None, served: api.for_metrics.clone() });
    }
    Ok(doors)
}

fn cannot_listen(listen: &Listen, setting: &str, error: &std::io::Error) -> Failure {
    let remedy = match (error.kind(), listen) {
        (ErrorKind::AddrInUse, Listen::Tcp(_)) => "another program listens there: stop it, or choose another port with",
        (ErrorKind::AddrInUse, Listen::Unix(_)) => {
            "another program listens there: stop it, or choose another path with"
        }
        (ErrorKind::PermissionDenied, Listen::Tcp(_)) => "ports below 1024 need a privilege: choose a higher one with",
        (ErrorKind::NotFound, Listen::Unix(_)) => "its folder does not exist: make it, or choose another path with",
        (ErrorKind::AddrNotAvailable, _) => {
            "this machine has no such address (0.0.0.0 means all it has): choose one with"
        }
        (_, Listen::Tcp(_)) => "choose another address with",
        (_, Listen::Unix(_)) => "choose another path with",
    };
    Failure::failed(format!("cannot listen on {listen} ({error}); {remedy} {setting}"))
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

    /// The first signal asks for a drain: not ready at once, and after `delay` no more connections. A second one ends
    /// the process without waiting for anything.
    async fn requested(mut self, app: &App, delay: Duration) {
        self.next().await;
        tracing::info!("stopping: requests under way are finished first");
        app.start_draining();
        systemd::stopping();
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(1);
        });
        tokio::time::sleep(delay).await;
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
