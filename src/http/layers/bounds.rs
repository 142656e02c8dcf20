//! The most a request may take: time to be answered, pauses in its body, and bytes of body, whether its length is
//! stated or not.

use crate::app::App;
use crate::http::layers::request_id;
use crate::http::problem::Problem;
use crate::http::{Limits, body};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use poem::http::{StatusCode, header};
use poem::{Body, Endpoint, EndpointExt, IntoResponse, Request, Response};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep, timeout};

type BoxBody = http_body_util::combinators::BoxBody<Bytes, io::Error>;

pub fn layer<E: Endpoint + 'static>(endpoint: E, app: Arc<App>) -> impl Endpoint<Output = Response> {
    endpoint.around(move |endpoint, mut request: Request| {
        let server = app.current();
        async move {
            let (limits, id) = (Limits::of_settings(&server.server), request_id::of(&request));
            if stated_length(&request).is_some_and(|length| length > limits.upload_bytes_max as u64) {
                return Ok(body::too_large(limits.upload_bytes_max).into_response(&id));
            }
            let arrival = cap(&mut request, limits.upload_bytes_max, server.server.body_timeout);
            request.set_data(limits);
            let answer = timeout(limits.answer_within, endpoint.call(request)).await;
            Ok(match (answer, arrival.state()) {
                // The handler saw a body that breaks off; we know why.
                (_, State::Stalled) | (Err(_), State::Coming) => slow_body().into_response(&id),
                (Ok(answer), _) => return answer.map(IntoResponse::into_response),
                (Err(_), _) => slow_answer().into_response(&id),
            })
        }
    })
}

fn slow_body() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "The request body did not arrive in time. Send it again.")
}

fn slow_answer() -> Problem {
    let message = "The request took too long and was given up. Try again, or ask for less at a time.";
    Problem { retry_after: Some(5), ..Problem::new(StatusCode::SERVICE_UNAVAILABLE, message) }
}

/// Whatever reads the body, a chunked one included, meets an end at the limit, and an error after too long a pause.
fn cap(request: &mut Request, bytes_max: usize, pause_max: Duration) -> Arc<Arrival> {
    let unbounded: BoxBody = request.take_body().into();
    let arrival = Arc::<Arrival>::default();
    let paced = Paced { body: unbounded, pause_max, pause: None, arrival: arrival.clone() };
    let bounded = Limited::new(paced, bytes_max).map_err(io::Error::other).boxed();
    request.set_body(Body::from(bounded));
    arrival
}

fn stated_length(request: &Request) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// How far a body has come.
#[derive(Debug, Default)]
struct Arrival(AtomicU8);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nobody waits for it.
    Unread,
    /// Somebody waits for more of it.
    Coming,
    Stalled,
}

impl Arrival {
    fn set(&self, state: State) {
        self.0.store(state as u8, Ordering::Relaxed);
    }
    fn state(&self) -> State {
        let state = self.0.load(Ordering::Relaxed);
        [State::Unread, State::Coming, State::Stalled]
            .into_iter()
            .find(|known| *known as u8 == state)
            .unwrap_or(State::Unread)
    }
}

/// A body whose pauses are timed.
struct Paced {
    body: BoxBody,
    pause_max: Duration,
    /// Runs while somebody waits.
    pause: Option<Pin<Box<Sleep>>>,
    arrival: Arc<Arrival>,
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.pause = None;
            this.arrival.set(State::Unread);
            return Poll::Ready(frame);
        }
        this.arrival.set(State::Coming);
        let pause_max = this.pause_max;
        let pause = this.pause.get_or_insert_with(|| Box::pin(sleep(pause_max)));
        ready!(pause.as_mut().poll(context));
        this.arrival.set(State::Stalled);
        Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, "the body stopped coming"))))
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
