//! The calling end of a stream, for many calls at once: answers may overtake each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gob::Gob;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;
use yamux::Stream;

use super::outbox::Outbox;
use super::{LARGE, Request, Response, Source};
use crate::error::Error;

/// Calls under way at once on one stream; more wait. Without it, a server that is slow would fill our memory with arguments.
const MAX_CALLS: usize = 256;

/// How long an answer may take. A server that hangs would otherwise collect our tasks one by one.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub(crate) struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    outbox: Arc<Outbox>,
    waiting: Arc<Waiting>,
    turns: Semaphore,
    /// The reader and the writer. They end with the last clone of the client.
    _tasks: JoinSet<()>,
}

/// Who waits for which answer. A plain mutex: held for a look-up, never across an await.
#[derive(Debug, Default)]
struct Waiting {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    calls: HashMap<u64, Box<dyn Reply>>,
    over: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("next", &self.next)
            .field("calls", &self.calls.len())
            .finish_non_exhaustive()
    }
}

/// Takes the body of an answer from the decoder and gives it to the caller.
trait Reply: Send {
    /// Asked again after `Incomplete`.
    fn read(&mut self, decoder: &mut gob::Decoder) -> Result<(), gob::Error>;

    fn fail(self: Box<Self>, error: Error);
}

struct Waiter<R> {
    caller: Option<oneshot::Sender<Result<R, Error>>>,
}

impl<R: Gob + Send> Reply for Waiter<R> {
    fn read(&mut self, decoder: &mut gob::Decoder) -> Result<(), gob::Error> {
        let result = match decoder.decode() {
            Ok(value) => Ok(value),
            Err(error @ gob::Error::Mismatch(_)) => Err(Error::Unexpected(error)),
            Err(error) => return Err(error),
        };
        // A caller that is gone no longer wants to know.
        let _ = self.caller.take().map(|caller| caller.send(result));
        Ok(())
    }

    fn fail(self: Box<Self>, error: Error) {
        let _ = self.caller.map(|caller| caller.send(Err(error)));
    }
}

impl Client {
    pub(crate) fn new(stream: Stream) -> Self {
        let (read, write) = tokio::io::split(stream);
        let outbox = Arc::new(Outbox::new(write));
        let waiting = Arc::new(Waiting::default());
        let mut tasks = JoinSet::new();
        let (to_write, to_answer) = (Arc::clone(&outbox), Arc::clone(&waiting));
        tasks.spawn(async move {
            // A stream that cannot be written cannot be read either: the reader reports it.
            let _ = to_write.drain().await;
        });
        tasks.spawn(async move {
            to_answer.read(Source::new(read, LARGE)).await;
            to_answer.end();
        });
        Self {
            inner: Arc::new(Inner {
                outbox,
                waiting,
                turns: Semaphore::new(MAX_CALLS),
                _tasks: tasks,
            }),
        }
    }

    /// Makes one call. Dropped half-way, the server still gets and does what was asked.
    pub(crate) async fn call<A: Gob, R: Gob + Send>(
        &self,
        method: &str,
        argument: &A,
    ) -> Result<R, Error> {
        let turn = self.inner.turns.acquire();
        let _turn = turn.await.map_err(|_| Error::Gone(None))?;
        let (caller, answer) = oneshot::channel();
        let entry = self.inner.waiting.enter(Box::new(Waiter {
            caller: Some(caller),
        }))?;
        let header = Request {
            method: method.to_owned(),
            seq: entry.seq,
        };
        self.inner
            .outbox
            .put(|encoder, bytes| encoder.encode_pair(&header, argument, bytes))
            .map_err(Error::Argument)?;
        match timeout(PATIENCE, answer).await {
            Ok(Ok(result)) => result.map_err(|error| named(error, method)),
            Ok(Err(_)) => Err(Error::Gone(None)),
            Err(_) => Err(Error::Silent {
                what: method.to_owned(),
                waited: PATIENCE,
            }),
        }
    }
}

fn named(error: Error, called: &str) -> Error {
    match error {
        Error::Refused { reason, .. } => Error::refused(called, reason),
        other => other,
    }
}

/// A place among the waiting calls, given back when the caller leaves, whatever the reason.
struct Entry<'a> {
    waiting: &'a Waiting,
    seq: u64,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.waiting.take(self.seq);
    }
}

impl Waiting {
    fn enter(&self, reply: Box<dyn Reply>) -> Result<Entry<'_>, Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.over {
            return Err(Error::Gone(None));
        }
        let seq = state.next;
        state.next += 1;
        state.calls.insert(seq, reply);
        Ok(Entry { waiting: self, seq })
    }

    fn take(&self, seq: u64) -> Option<Box<dyn Reply>> {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .calls
            .remove(&seq)
    }

    /// Hands out answers until the stream ends or is out of step.
    async fn read(&self, mut source: Source<impl tokio::io::AsyncRead + Unpin>) {
        while let Ok(response) = source.next(|decoder| decoder.decode::<Response>()).await {
            let mut reply = self.take(response.seq);
            if !response.error.is_empty()
                && let Some(refused) = reply.take()
            {
                refused.fail(Error::refused(&response.method, response.error));
            }
            // Nobody waits any more, or the body of a refusal: it is there and means nothing.
            let read = source.next(|decoder| match &mut reply {
                Some(reply) => reply.read(decoder),
                None => decoder.skip(),
            });
            if read.await.is_err() {
                return;
            }
        }
    }

    fn end(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.over = true;
        for (_, reply) in state.calls.drain() {
            reply.fail(Error::Gone(None));
        }
    }
}
