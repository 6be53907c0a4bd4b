//! The writing half of a stream that many tasks write on.
//!
//! Encoding and queueing are one step under a lock, so messages leave in the order in which the encoder saw them, and a task that
//! is dropped while it waits cannot leave half a message behind. What the stream takes at once is gone with that step; one task,
//! [`Outbox::drain`], carries the rest away.
//!
//! What waits here is bounded by those who put it: a client limits its calls, a server its answers.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use gob::{EncodeError, Encoder};
use tokio::io::{AsyncWrite, WriteHalf};
use yamux::Stream;

/// A buffer that one large message needed is not kept.
const KEEP: usize = 64 * 1024;

#[derive(Debug)]
pub(crate) struct Outbox {
    // A plain mutex: held for the encoding of one message and a copy into the session, never across an await.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    encoder: Encoder,
    write: WriteHalf<Stream>,
    bytes: Vec<u8>,
    /// The first of `bytes` that are with the stream.
    written: usize,
    /// The task that carries the rest, while it waits for one.
    carrier: Option<Waker>,
}

impl Outbox {
    pub(crate) fn new(write: WriteHalf<Stream>) -> Self {
        let state = State {
            encoder: Encoder::new(),
            write,
            bytes: Vec::new(),
            written: 0,
            carrier: None,
        };
        Self {
            state: Mutex::new(state),
        }
    }

    /// Encodes something and hands it over, whole or not at all.
    pub(crate) fn put(
        &self,
        encode: impl FnOnce(&mut Encoder, &mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { encoder, bytes, .. } = &mut *state;
        encode(encoder, bytes)?;
        // Nobody is woken through this context; if something is left over, or the stream is broken, the carrier finds out.
        let carried = state.carry(&mut Context::from_waker(Waker::noop()));
        let carrier = if matches!(carried, Poll::Ready(Ok(()))) {
            None
        } else {
            state.carrier.take()
        };
        drop(state);
        carrier.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Carries what the stream did not take at once, until the stream breaks.
    pub(crate) async fn drain(&self) -> std::io::Result<()> {
        poll_fn(|context| {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Poll::Ready(Err(error)) = state.carry(context) {
                return Poll::Ready(Err(error));
            }
            state.carrier = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

impl State {
    fn carry(&mut self, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        while self.written < self.bytes.len() {
            let rest = &self.bytes[self.written..];
            match Pin::new(&mut self.write).poll_write(context, rest) {
                Poll::Ready(Ok(written)) => self.written += written,
                other => return other.map_ok(|_| ()),
            }
        }
        self.written = 0;
        self.bytes.clear();
        self.bytes.shrink_to(KEEP);
        Poll::Ready(Ok(()))
    }
}
