//! A request's body, asked for in pieces.
//!
//! The plugin writes how much it wants (a zigzag varint), the server sends that much, or less and then the end. The next wish may
//! only follow when the last is fulfilled. Wishes are large and their bytes are handed out as they arrive; the stream's window
//! keeps the server from running ahead.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::broker::Dialled;

/// How much is wished for at once.
const WISH: u32 = 1024 * 1024;

/// Bytes handed out at once by [`Body::next`]: all that can lie there, for a stream's window has as many.
const PIECE: usize = 256 * 1024;

/// By how much a piece grows. Go's end sends its bodies in frames of this size.
const STEP: usize = 32 * 1024;

/// The body of a request: `AsyncRead`, or piece by piece. Dropped early, the server is told and does not wait.
#[derive(Debug)]
pub struct Body {
    stream: Option<Dialled>,
    /// Bytes that were wished for and have not arrived.
    owed: u32,
    /// The part of a wish that was not written yet.
    wish: Vec<u8>,
}

/// A body is longer than the handler wants to keep.
#[derive(Debug, thiserror::Error)]
pub enum TooLarge {
    /// It has more bytes than this.
    #[error("the body has more than {0} bytes")]
    Limit(usize),
    /// It could not be read to its end.
    #[error("the body could not be read")]
    Read(#[from] io::Error),
}

impl Body {
    pub(crate) const fn empty() -> Self {
        Self {
            stream: None,
            owed: 0,
            wish: Vec::new(),
        }
    }

    pub(crate) const fn new(stream: Dialled) -> Self {
        Self {
            stream: Some(stream),
            owed: 0,
            wish: Vec::new(),
        }
    }

    /// The next piece: what has arrived, at most 256 KiB; `None` at the end. Whoever is slow gets large pieces, and so fewer of
    /// them. Dropped half-way, nothing is lost.
    ///
    /// # Errors
    ///
    /// The client or the server is gone.
    pub async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut piece = Vec::new();
        poll_fn(|context| self.poll_piece(context, &mut piece)).await?;
        Ok((!piece.is_empty()).then_some(piece))
    }

    fn poll_piece(
        &mut self,
        context: &mut Context<'_>,
        piece: &mut Vec<u8>,
    ) -> Poll<io::Result<()>> {
        while piece.len() < PIECE {
            let start = piece.len();
            if start == STEP {
                // There is more than one step: all the room at once costs less than growing into it.
                piece.reserve_exact(PIECE - start);
            }
            piece.resize(start + STEP, 0);
            let mut into = ReadBuf::new(&mut piece[start..]);
            let polled = Pin::new(&mut *self).poll_read(context, &mut into);
            let read = into.filled().len();
            piece.truncate(start + read);
            match polled {
                Poll::Ready(Ok(())) if read > 0 => {}
                // The end, a failure or a wait: what is there comes first, and the next call meets the same again.
                _ if start > 0 => return Poll::Ready(Ok(())),
                other => return other,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The whole body, if it has at most `limit` bytes. The server puts no limit on what it hands to a plugin.
    ///
    /// # Errors
    ///
    /// It is longer, or cannot be read.
    pub async fn collect(mut self, limit: usize) -> Result<Vec<u8>, TooLarge> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await? {
            if whole.len() + piece.len() > limit {
                return Err(TooLarge::Limit(limit));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    }
}

impl AsyncRead for Body {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, owed, wish } = &mut *self;
        let Some(open) = stream else {
            return Poll::Ready(Ok(()));
        };
        if into.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if *owed == 0 {
            *owed = WISH;
            *wish = zigzag(WISH);
        }
        while !wish.is_empty() {
            let written = ready!(Pin::new(&mut *open).poll_write(context, wish))?;
            wish.drain(..written);
        }
        let most = into.remaining().min(*owed as usize);
        let mut limited = ReadBuf::new(into.initialize_unfilled_to(most));
        ready!(Pin::new(open).poll_read(context, &mut limited))?;
        let read = limited.filled().len();
        into.advance(read);
        *owed -= u32::try_from(read).expect("no more was read than is owed");
        if read == 0 {
            *stream = None;
        }
        Poll::Ready(Ok(()))
    }
}

/// What was wished for and is not wanted any more shall not come: the server stops sending.
impl Drop for Body {
    fn drop(&mut self) {
        if self.owed > 0
            && let Some(stream) = self.stream.take()
        {
            stream.abandon();
        }
    }
}

/// Go's `binary.PutVarint`: the sign in the lowest bit, seven bits in a byte, low ones first.
fn zigzag(value: u32) -> Vec<u8> {
    let mut rest = u64::from(value) << 1;
    let mut bytes = Vec::with_capacity(5);
    while rest >= 0x80 {
        bytes.push(u8::try_from(rest & 0x7f).expect("seven bits") | 0x80);
        rest >>= 7;
    }
    bytes.push(u8::try_from(rest).expect("seven bits"));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_written_as_go_reads_it() {
        assert_eq!(zigzag(512), [0x80, 0x08]);
        assert_eq!(zigzag(495), [0xde, 0x07]);
        assert_eq!(zigzag(32_768), [0x80, 0x80, 0x04]);
        assert_eq!(zigzag(1), [0x02]);
    }
}
