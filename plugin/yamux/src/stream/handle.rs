//! The handle of a stream: `AsyncRead`, `AsyncWrite`, and what dropping it means.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::frame::StreamId;
use crate::session::Read;
use crate::wake::Shared;

/// One stream of a session.
///
/// `shutdown` ends the writing half and nothing else; calling it again does nothing. Dropping the handle ends the writing half,
/// too, and drops what the other end still sends: everything written before arrives. [`Stream::reset`] is for the other case, in
/// which the other end must learn that something is missing.
///
/// Every method may be dropped half-way: what was not reported as read or written was not.
#[derive(Debug)]
pub struct Stream {
    id: StreamId,
    shared: Arc<Shared>,
    /// The id no longer means this stream.
    gone: bool,
}

impl Stream {
    pub(crate) const fn new(id: StreamId, shared: Arc<Shared>) -> Self {
        Self {
            id,
            shared,
            gone: false,
        }
    }

    /// The stream's number in its session.
    #[must_use]
    pub const fn id(&self) -> StreamId {
        self.id
    }

    /// Ends the stream as soon as the other end has answered: what was written arrives, what is sent back is refused. For a stream
    /// that the other end may not have looked at yet, and that a reset at once would take from it with everything written.
    pub fn abandon(mut self) {
        self.gone = true;
        let now = Instant::now().into_std();
        self.shared.with(|state| {
            state.session.abandon(self.id, now);
            state.waiting.forget(self.id);
            // There is a new deadline, and nothing to send that would make the driver look at it.
            state.waiting.wake_driver();
        });
    }

    /// Ends the stream at once in both directions; the other end's reads and writes fail.
    pub fn reset(mut self) {
        self.gone = true;
        self.shared.with(|state| {
            state.session.reset(self.id);
            state.waiting.forget(self.id);
        });
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if into.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        self.shared.with(
            |state| match state.session.read(self.id, into.initialize_unfilled())? {
                Read::Bytes(read) => {
                    into.advance(read);
                    Poll::Ready(Ok(()))
                }
                Read::End => Poll::Ready(Ok(())),
                Read::Wait => {
                    state.waiting.reader(self.id, context);
                    Poll::Pending
                }
            },
        )
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.shared.with(|state| {
            if let Some(written) = state.session.write(self.id, bytes)? {
                return Poll::Ready(Ok(written));
            }
            state.waiting.writer(self.id, context);
            Poll::Pending
        })
    }

    /// Always ready: what was written is with the driver, which keeps nothing back.
    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.with(|state| state.session.finish(self.id));
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.gone {
            return;
        }
        let now = Instant::now().into_std();
        self.shared.with(|state| {
            state.session.release(self.id, now);
            state.waiting.forget(self.id);
            // There may be a new deadline, and nothing to send that would make the driver look at it.
            state.waiting.wake_driver();
        });
    }
}
