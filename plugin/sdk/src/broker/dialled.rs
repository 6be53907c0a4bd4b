//! A stream that was dialled and is used before the other end has confirmed it: that saves a round trip for every request.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use yamux::Stream;

/// A stream whose echo has not been read yet. It behaves like the stream behind the echo.
#[derive(Debug)]
pub(crate) struct Dialled {
    stream: Stream,
    number: [u8; 4],
    /// Bytes of the echo that were read and are right.
    checked: usize,
}

impl Dialled {
    /// `number` has been written already.
    pub(super) const fn new(stream: Stream, number: u32) -> Self {
        Self {
            stream,
            number: number.to_le_bytes(),
            checked: 0,
        }
    }

    /// Ends the stream: what is still to come from the other end is not wanted.
    ///
    /// Go's end loses a stream that is reset before its number was read, and whoever expects it there waits 5 s and logs an error.
    /// So it is given the time to take it.
    pub(crate) fn abandon(self) {
        if self.checked == self.number.len() {
            self.stream.reset();
        } else {
            self.stream.abandon();
        }
    }
}

impl AsyncRead for Dialled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.checked < self.number.len() {
            let mut byte = [0];
            let mut echo = ReadBuf::new(&mut byte);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut echo))?;
            if echo.filled() != [self.number[self.checked]] {
                let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "stream not taken");
                return Poll::Ready(Err(refused));
            }
            self.checked += 1;
        }
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Dialled {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
