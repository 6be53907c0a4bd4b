//! One connection's bytes: the only place that touches its socket.
//!
//! Reading, they pass the framing guard. Writing, a client that does not read is left after [`Limits::answer`]. Closing, what
//! still comes is read and dropped for a moment, or the kernel would answer it with a reset and the client would lose our
//! last answer.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};

use super::{
    guard::{Doubt, Guard},
    limits::Limits,
};

/// The doubtful head of a connection, if one was seen: its number and why.
pub(super) type Doubtful = Arc<OnceLock<(u64, Doubt)>>;

#[derive(Debug)]
pub(super) struct Wire {
    socket: TcpStream,
    guard: Guard,
    doubtful: Doubtful,
    answer: Duration,
    /// Runs from the first byte of an answer that the client did not take until all of it is taken. An answer of several
    /// frames gets it for each.
    patience: Option<Pin<Box<Sleep>>>,
    ended: bool,
    linger: Duration,
    linger_left: usize,
    lingering: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub(super) fn new(socket: TcpStream, limits: &Limits, doubtful: Doubtful) -> Self {
        Self {
            socket,
            guard: Guard::new(),
            doubtful,
            answer: limits.answer,
            patience: None,
            ended: false,
            linger: limits.linger,
            linger_left: limits.linger_bytes,
            lingering: None,
        }
    }

    fn patient<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            return written;
        }
        let answer = self.answer;
        let patience = self
            .patience
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(answer)));
        match patience.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Reads and drops until the client has ended, enough was dropped or the time is over.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let linger = self.linger;
        let timer = self
            .lingering
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(linger)));
        if timer.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let mut dropped = [0; 8 * 1024];
        while !self.ended && self.linger_left > 0 {
            let mut buffer = ReadBuf::new(&mut dropped);
            match ready!(Pin::new(&mut self.socket).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {
                    self.linger_left = self.linger_left.saturating_sub(buffer.filled().len());
                }
                Ok(()) | Err(_) => self.ended = true,
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let room = buffer.remaining() > 0;
        ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        let came = &buffer.filled()[before..];
        if came.is_empty() && room {
            self.ended = true;
        }
        if let Some(doubt) = self.guard.saw(came) {
            // The guard names one doubt at most.
            let _ = self.doubtful.set(doubt);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.patient(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.patient(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    /// Asked only when everything was written: the client has taken the answer.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.patience = None;
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.socket).poll_shutdown(context))?;
        }
        ready!(self.poll_linger(context));
        Poll::Ready(Ok(()))
    }
}
