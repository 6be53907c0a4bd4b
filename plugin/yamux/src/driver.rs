//! The driver: the only file that touches the connection, and the only one that looks at a clock.
//!
//! [`connect`] makes three things: an [`Opener`] and an [`Acceptor`] for the program, and the [`Driver`], whose [`Driver::run`]
//! must be polled all the time, best in a task of its own, for anything to move. Whoever owns that task learns from its result
//! why the session ended; dropping it ends the session.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use crate::error::{OpenError, SessionError};
use crate::session::{Config, Session, Side};
use crate::stream::handle::Stream;
use crate::wake::Shared;

/// Bytes asked from the connection at once.
const READ_SIZE: usize = 64 * 1024;

/// How long a session that is over tries to say why. Attack: a peer that does not read would keep the task for ever.
const FAREWELL: Duration = Duration::from_secs(1);

/// When to look at the clock if no deadline exists; any long time does.
const NO_DEADLINE: Duration = Duration::from_secs(3600);

/// Makes a session of a connection. Nothing moves before [`Driver::run`] is polled.
pub fn connect<T>(connection: T, side: Side, config: Config) -> (Opener, Acceptor, Driver<T>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let now = Instant::now();
    let shared = Arc::new(Shared::new(Session::new(side, config, now.into_std())));
    let driver = Driver {
        connection,
        shared: Arc::clone(&shared),
        timer: Box::pin(sleep_until(now + NO_DEADLINE)),
        buffer: vec![0; READ_SIZE].into_boxed_slice(),
        sending: Vec::new(),
        sent: 0,
    };
    (
        Opener {
            shared: Arc::clone(&shared),
        },
        Acceptor { shared },
        driver,
    )
}

/// Opens streams and ends the session.
#[derive(Clone, Debug)]
pub struct Opener {
    shared: Arc<Shared>,
}

impl Opener {
    /// Opens a stream. Waits while more than [`Config::backlog`] are unacknowledged. Dropped half-way, it has opened nothing.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub async fn open(&self) -> Result<Stream, OpenError> {
        poll_fn(|context| {
            let now = Instant::now().into_std();
            self.shared.with(|state| {
                if let Some(id) = state.session.open(now)? {
                    return Poll::Ready(Ok(Stream::new(id, Arc::clone(&self.shared))));
                }
                state.waiting.opener(context);
                Poll::Pending
            })
        })
        .await
    }

    /// Tells the other end that no new stream is taken; the existing ones go on.
    pub fn go_away(&self) {
        self.shared.with(|state| state.session.go_away());
    }

    /// Ends the session in order: what was written goes out, then the connection is closed and the driver returns.
    pub fn close(&self) {
        self.shared.with(|state| state.closing = true);
    }
}

/// Takes the streams that the other end opens.
#[derive(Debug)]
pub struct Acceptor {
    shared: Arc<Shared>,
}

impl Acceptor {
    /// The next stream. Dropped half-way, it has taken none.
    ///
    /// # Errors
    ///
    /// The session is over.
    pub async fn accept(&mut self) -> Result<Stream, SessionError> {
        poll_fn(|context| {
            self.shared.with(|state| {
                if let Some(id) = state.session.accept() {
                    return Poll::Ready(Ok(Stream::new(id, Arc::clone(&self.shared))));
                }
                if let Some(failure) = state.session.failure() {
                    return Poll::Ready(Err(failure.clone()));
                }
                state.waiting.acceptor(context);
                Poll::Pending
            })
        })
        .await
    }
}

/// Moves bytes between the session and its connection.
#[derive(Debug)]
#[must_use = "a session moves nothing unless its driver runs"]
pub struct Driver<T> {
    connection: T,
    shared: Arc<Shared>,
    timer: Pin<Box<Sleep>>,
    buffer: Box<[u8]>,
    /// Taken from the session; the first `sent` bytes are with the connection.
    sending: Vec<u8>,
    sent: usize,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Driver<T> {
    /// Drives the session to its end.
    ///
    /// # Errors
    ///
    /// Every reason but [`SessionError::Closed`], which is the orderly end.
    pub async fn run(mut self) -> Result<(), SessionError> {
        let reason = poll_fn(|context| self.poll(context)).await;
        self.shared.with(|state| state.session.fail(reason.clone()));
        // The reason matters more than whether the other end could still be told.
        let _ = timeout(FAREWELL, self.farewell()).await;
        match reason {
            SessionError::Closed => Ok(()),
            reason => Err(reason),
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<SessionError> {
        loop {
            if let Poll::Ready(reason) = self.poll_time(context) {
                return Poll::Ready(reason);
            }
            let written = self.poll_write(context);
            if let Poll::Ready(Err(reason)) = written {
                return Poll::Ready(reason);
            }
            if written.is_ready() && self.shared.with(|state| state.closing) {
                return Poll::Ready(SessionError::Closed);
            }
            if let Err(reason) = ready!(self.poll_read(context)) {
                return Poll::Ready(reason);
            }
        }
    }

    /// Arms the timer for the session's next deadline, and does what is due.
    fn poll_time(&mut self, context: &mut Context<'_>) -> Poll<SessionError> {
        loop {
            let deadline = self.shared.with(|state| state.session.deadline());
            let deadline = deadline.map_or_else(|| Instant::now() + NO_DEADLINE, Instant::from_std);
            if deadline < self.timer.deadline() || self.timer.is_elapsed() {
                self.timer.as_mut().reset(deadline);
            }
            ready!(self.timer.as_mut().poll(context));
            let now = Instant::now().into_std();
            if let Err(reason) = self.shared.with(|state| state.session.tick(now)) {
                return Poll::Ready(reason);
            }
        }
    }

    /// Ready when everything the session had to say is with the connection.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SessionError>> {
        loop {
            while self.sent < self.sending.len() {
                let rest = &self.sending[self.sent..];
                match ready!(Pin::new(&mut self.connection).poll_write(context, rest)) {
                    Ok(0) => return Poll::Ready(Err(failed(io::ErrorKind::WriteZero.into()))),
                    Ok(sent) => self.sent += sent,
                    Err(error) => return Poll::Ready(Err(failed(error))),
                }
            }
            self.sending.clear();
            self.sent = 0;
            let sending = &mut self.sending;
            self.shared.with(|state| {
                state.session.take_output(sending);
                if sending.is_empty() {
                    state.waiting.driver = Some(context.waker().clone());
                }
            });
            if self.sending.is_empty() {
                return Pin::new(&mut self.connection)
                    .poll_flush(context)
                    .map_err(failed);
            }
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SessionError>> {
        let mut buffer = ReadBuf::new(&mut self.buffer);
        ready!(Pin::new(&mut self.connection).poll_read(context, &mut buffer)).map_err(failed)?;
        let bytes = buffer.filled();
        self.shared.with(|state| {
            // What this produces is sent in the same poll; no need to be woken for it.
            state.waiting.driver = None;
            if !bytes.is_empty() {
                return Poll::Ready(state.session.receive(bytes));
            }
            Poll::Ready(Err(if state.session.is_between_frames() {
                SessionError::Closed
            } else {
                failed(io::ErrorKind::UnexpectedEof.into())
            }))
        })
    }

    async fn farewell(&mut self) -> io::Result<()> {
        let mut rest = self.sending.split_off(self.sent);
        let mut last = Vec::new();
        self.shared
            .with(|state| state.session.take_output(&mut last));
        rest.append(&mut last);
        self.connection.write_all(&rest).await?;
        self.connection.shutdown().await
    }
}

impl<T> Drop for Driver<T> {
    fn drop(&mut self) {
        self.shared
            .with(|state| state.session.fail(SessionError::Closed));
    }
}

fn failed(error: io::Error) -> SessionError {
    SessionError::Io(Arc::new(error))
}
