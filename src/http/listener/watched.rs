//! A stream that tells the connection's pulse what it hears, gives up on a client that takes no answer, and comes back
//! when hyper lets go of it, so that a last word can be said.

use crate::http::listener::pulse::Pulse;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep};

pub struct Watched<S> {
    /// Present until it is dropped.
    stream: Option<S>,
    back: Option<oneshot::Sender<S>>,
    pulse: Arc<Pulse>,
    write_timeout: Duration,
    /// Runs while bytes wait to be taken.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    /// The stream to hand to hyper, and where it comes back.
    pub fn new(stream: S, pulse: Arc<Pulse>, write_timeout: Duration) -> (Self, oneshot::Receiver<S>) {
        let (back, returned) = oneshot::channel();
        (Watched { stream: Some(stream), back: Some(back), pulse, write_timeout, stalled: None }, returned)
    }

    /// What became of a write: progress stops the clock, none starts it.
    fn timed<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let timeout = self.write_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes no answer")))
    }
}

impl<S> Drop for Watched<S> {
    fn drop(&mut self) {
        if let (Some(stream), Some(back)) = (self.stream.take(), self.back.take()) {
            // Nobody waits for it where nothing is left to be said.
            let _unwanted = back.send(stream);
        }
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the stream was given back")
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let this = &mut *self;
        let Some(stream) = &mut this.stream else { return Poll::Ready(Err(gone())) };
        ready!(Pin::new(stream).poll_read(context, buffer))?;
        let heard = buffer.filled().get(before..).unwrap_or_default();
        if !heard.is_empty() {
            this.pulse.hears(heard, Instant::now());
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        this.pulse.answers();
        let Some(stream) = &mut this.stream else { return Poll::Ready(Err(gone())) };
        let outcome = Pin::new(stream).poll_write(context, bytes);
        this.timed(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        this.pulse.answers();
        let Some(stream) = &mut this.stream else { return Poll::Ready(Err(gone())) };
        let outcome = Pin::new(stream).poll_write_vectored(context, slices);
        this.timed(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(stream) = &mut this.stream else { return Poll::Ready(Err(gone())) };
        let outcome = Pin::new(stream).poll_flush(context);
        this.timed(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(stream) = &mut this.stream else { return Poll::Ready(Err(gone())) };
        let outcome = Pin::new(stream).poll_shutdown(context);
        this.timed(context, outcome)
    }
}
