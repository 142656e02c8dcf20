//! One connection: its handshake, its requests by HTTP/1.1 or HTTP/2, its patience, and its end.

use crate::http::listener::pulse::Pulse;
use crate::http::listener::tls::Certificates;
use crate::http::listener::watched::Watched;
use crate::http::listener::{Figures, ServeLimits, Served};
use crate::http::problem::Problem;
use bytes::Bytes;
use futures_util::future::{Either, ready};
use http_body_util::Full;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use poem::http::uri::Scheme;
use poem::http::{HeaderValue, StatusCode, Version, header};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint, Request};
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{self, Instant};
use uuid::Uuid;

/// Requests of one HTTP/2 connection at once.
const STREAMS_MAX: u32 = 128;
/// Streams a client may reset before we have begun with them (CVE-2023-44487); then the connection ends.
const RESETS_MAX: usize = 20;
/// Bytes of all headers of a request.
const HEADER_BYTES_MAX: u32 = 16 << 10;
/// A request that was sent before the stop is heard within this.
const SETTLE: Duration = Duration::from_millis(100);
/// How long an idle connection may take to end when asked to.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long what a client still sends is taken and thrown away when it has its last answer. Closed over bytes that
/// nobody has read, a connection is reset, and the reset may overtake the answer.
const LINGER: Duration = Duration::from_secs(5);

/// What all connections share.
#[derive(Clone)]
pub struct Context {
    pub limits: ServeLimits,
    pub figures: Arc<Figures>,
    pub stop: watch::Receiver<bool>,
}

/// Who came, where, and the place it takes up.
pub struct Visit {
    pub local: LocalAddr,
    pub peer: RemoteAddr,
    pub slot: OwnedSemaphorePermit,
}

pub async fn serve_plain<S>(stream: S, served: Served, visit: Visit, context: Context)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let figures = context.figures.clone();
    serve(stream, Scheme::HTTP, served, visit, context).await;
    figures.closed();
}

pub async fn serve_tls(
    stream: TcpStream,
    certificates: Arc<Certificates>,
    served: Served,
    visit: Visit,
    context: Context,
) {
    let figures = context.figures.clone();
    match time::timeout(context.limits.header_timeout, certificates.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => serve(stream, Scheme::HTTPS, served, visit, context).await,
        Ok(Err(error)) => {
            figures.handshake_failed();
            tracing::debug!(error = %error, "TLS handshake failed");
        }
        Err(_) => figures.handshake_failed(),
    }
    figures.closed();
}

async fn serve<S>(stream: S, scheme: Scheme, served: Served, visit: Visit, context: Context)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Visit { local, peer, slot: _slot } = visit;
    let pulse = Arc::new(Pulse::new(Instant::now()));
    let (stream, mut returned) = Watched::new(stream, pulse.clone(), context.limits.write_timeout);
    let (beat, stop, figures) = (pulse.clone(), context.stop.clone(), context.figures.clone());
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        let (underway, version) = (Underway::begin(&beat), request.version());
        let at_once = served.lane.as_ref().and_then(|lane| lane.answer(&mut request, &peer, &scheme));
        if let Some(answer) = at_once {
            figures.has_answered_at_once();
            let answer = answer.map(|bytes| Sent::Whole(Full::new(bytes)));
            return Either::Left(ready(Ok(finish(answer, version, &stop, underway))));
        }
        let request: Request = (request, local.clone(), peer.clone(), scheme.clone()).into();
        let (endpoint, stop) = (served.endpoint.clone(), stop.clone());
        Either::Right(async move {
            let answer: hyper::Response<BoxBody<Bytes, io::Error>> = endpoint.get_response(request).await.into();
            Ok::<_, Infallible>(finish(answer.map(Sent::Made), version, &stop, underway))
        })
    });
    let builder = builder();
    let mut connection = Box::pin(builder.serve_connection(TokioIo::new(stream), service));
    let mut stop = context.stop.clone();
    let (mut leaves_at, mut ends_at) = (None, None);
    let ended = loop {
        tokio::select! {
            biased;
            outcome = connection.as_mut() => {
                if let Err(error) = outcome {
                    tracing::debug!(error = %error, "connection ended");
                }
                break true;
            }
            _ = stop.wait_for(|stop| *stop), if leaves_at.is_none() => leaves_at = Some(Instant::now() + SETTLE),
            () = at(leaves_at), if ends_at.is_none() => {
                connection.as_mut().graceful_shutdown();
                // Only the drain limit ends what is under way.
                ends_at = Some(None);
            }
            () = at(ends_at.flatten()) => break false,
            () = time::sleep_until(next_look(&pulse, &context.limits)), if ends_at.flatten().is_none() => {
                let late = pulse.deadline(context.limits.header_timeout, context.limits.idle_timeout);
                if late.is_some_and(|at| at <= Instant::now()) {
                    if pulse.is_mid_header() {
                        break false;
                    }
                    connection.as_mut().graceful_shutdown();
                    ends_at = Some(ends_at.flatten().or(Some(Instant::now() + FAREWELL)));
                }
            }
        }
    };
    drop(connection);
    let Ok(mut stream) = returned.try_recv() else { return };
    if ended && leaves_at.is_none() && ends_at.is_none() {
        linger(stream, LINGER).await;
    } else if !ended && pulse.is_mid_header() {
        context.figures.header_was_slow();
        tell_slow_header(&mut stream).await;
        linger(stream, LINGER).await;
    }
}

/// The last word on an answer: whether the connection ends with it.
fn finish(
    mut answer: hyper::Response<Sent>,
    version: Version,
    stop: &watch::Receiver<bool>,
    underway: Underway,
) -> hyper::Response<Counted> {
    // HTTP/2 says so in a frame of its own.
    if version < Version::HTTP_2 && *stop.borrow() {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer.map(|body| Counted { body, _underway: underway })
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // The pulse keeps the time: hyper's own limit knows no connection that has not said anything.
    builder.http1().header_read_timeout(None).max_buf_size(64 << 10);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX)
        .keep_alive_interval(Some(Duration::from_secs(20)));
    builder
}

/// When to look at the pulse again. A header may begin at any time, so a long wait is cut into short ones.
fn next_look(pulse: &Pulse, limits: &ServeLimits) -> Instant {
    let soon = Instant::now() + limits.header_timeout / 2;
    pulse.deadline(limits.header_timeout, limits.idle_timeout).map_or(soon, |deadline| deadline.min(soon))
}

/// Never, without an instant.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// Nothing more is said; what comes is heard until the client has nothing more to say either, or for `most`.
async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, most: Duration) {
    let heard = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
    };
    // A client that is gone is heard no more, and one that never ends is cut off.
    let _ended = time::timeout(most, heard).await;
}

/// 408 in the one shape of errors, on a stream that hyper has let go of.
async fn tell_slow_header<S: AsyncWrite + Unpin>(stream: &mut S) {
    let id = Uuid::now_v7().to_string();
    let message = "The headers of the request did not arrive in time. Send it again.";
    let response = Problem::new(StatusCode::REQUEST_TIMEOUT, message).into_response(&id);
    let mut head = format!("HTTP/1.1 {}\r\nx-request-id: {id}\r\nconnection: close\r\n", response.status());
    for (name, value) in response.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
    }
    let body = response.into_body().into_bytes().await.unwrap_or_default();
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    // A client this slow may be gone.
    let _told = time::timeout(FAREWELL, stream.write_all(&[head.as_bytes(), &body].concat())).await;
}

/// A request from its first handler to the last byte of its answer.
struct Underway(Arc<Pulse>);

impl Underway {
    fn begin(pulse: &Arc<Pulse>) -> Self {
        pulse.request_begins();
        Underway(pulse.clone())
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.request_ends(Instant::now());
    }
}

/// The body of an answer: finished before it was asked for, or made for the request.
enum Sent {
    Whole(Full<Bytes>),
    Made(BoxBody<Bytes, io::Error>),
}

/// A body that counts as under way until it is sent.
struct Counted {
    body: Sent,
    _underway: Underway,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut self.body {
            Sent::Whole(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Sent::Made(body) => Pin::new(body).poll_frame(context),
        }
    }
    fn is_end_stream(&self) -> bool {
        match &self.body {
            Sent::Whole(body) => body.is_end_stream(),
            Sent::Made(body) => body.is_end_stream(),
        }
    }
    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Sent::Whole(body) => body.size_hint(),
            Sent::Made(body) => body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_that_sends_for_ever_is_cut_off() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let talk = tokio::spawn(async move { while theirs.write_all(b"more").await.is_ok() {} });
        linger(ours, SETTLE).await;
        talk.await.expect("it is told by the end of the connection");
    }

    #[tokio::test]
    async fn a_client_that_has_hung_up_is_not_waited_for() {
        let (ours, theirs) = tokio::io::duplex(64);
        drop(theirs);
        // A day: the test would not end.
        linger(ours, Duration::from_hours(24)).await;
    }
}
