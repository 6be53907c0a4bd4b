//! The answering end of a stream: each call on a task of its own, so that a slow one delays nobody.
//!
//! A call that panics is answered with an error; so is one for a method that does not exist, and one with arguments of the wrong
//! type. Only bytes that are no gob end the stream.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use gob::{EncodeError, Encoder, Gob};
use tokio::task::JoinSet;
use yamux::Stream;

use super::outbox::Outbox;
use super::{LARGE, Request, Response, Source};
use crate::error::Error;

/// Calls worked on at once; more are refused. Attack, or just a bad day: hooks have no time limit at the server, so calls that
/// hang would pile up for ever.
const MAX_CALLS: usize = 4096;

/// A call on its way: what it answers in the end, or the text of its refusal.
pub(crate) type Work = Pin<Box<dyn Future<Output = Result<Box<dyn Answer>, String>> + Send>>;

/// The body of an answer.
pub(crate) trait Answer: Send {
    fn write(
        &self,
        header: &Response,
        encoder: &mut Encoder,
        bytes: &mut Vec<u8>,
    ) -> Result<(), EncodeError>;
}

impl<T: Gob + Send> Answer for T {
    fn write(
        &self,
        header: &Response,
        encoder: &mut Encoder,
        bytes: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        encoder.encode_pair(header, self, bytes)
    }
}

/// Something that can be called.
pub(crate) trait Service: Send + Sync + 'static {
    /// Reads the argument of `method` and says what is to be done; `None` after skipping the argument of a method that does not
    /// exist. Asked again after `Incomplete`, so nothing may happen before the argument is there.
    fn take(
        self: &Arc<Self>,
        method: &str,
        decoder: &mut gob::Decoder,
    ) -> Result<Option<Work>, gob::Error>;
}

/// Answers calls until the other end closes the stream, or breaks it.
///
/// # Errors
///
/// The stream broke. Calls under way are dropped then; after an orderly end they are, too, for nobody hears the answer.
pub(crate) async fn serve<S: Service>(stream: Stream, service: Arc<S>) -> Result<(), Error> {
    let (read, write) = tokio::io::split(stream);
    let mut source = Source::new(read, LARGE);
    let outbox = Arc::new(Outbox::new(write));
    let mut tasks = JoinSet::new();
    let answers = Arc::clone(&outbox);
    tasks.spawn(async move {
        // If the stream cannot be written, the reader below sees its end.
        let _ = answers.drain().await;
    });
    loop {
        let request = match source.next(|decoder| decoder.decode::<Request>()).await {
            Ok(request) => request,
            Err(Error::Gone(None)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let taken = source
            .next(|decoder| service.take(&request.method, decoder))
            .await;
        while tasks.try_join_next().is_some() {}
        match taken {
            Ok(Some(_)) if tasks.len() > MAX_CALLS => {
                refuse(
                    &outbox,
                    request,
                    format!("plugin: {MAX_CALLS} calls are under way already"),
                );
            }
            Ok(Some(work)) => {
                tasks.spawn(answer(Arc::clone(&outbox), request, work));
            }
            Ok(None) => {
                let text = format!("rpc: can't find method {}", request.method);
                refuse(&outbox, request, text);
            }
            Err(Error::Unexpected(error @ gob::Error::Mismatch(_))) => {
                refuse(&outbox, request, format!("gob: {error}"));
            }
            Err(error) => return Err(error),
        }
    }
}

async fn answer(outbox: Arc<Outbox>, request: Request, work: Work) {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(answer)) => {
            let header = Response {
                method: request.method.clone(),
                seq: request.seq,
                error: String::new(),
            };
            let put = outbox.put(|encoder, bytes| answer.write(&header, encoder, bytes));
            if let Err(error) = put {
                refuse(
                    &outbox,
                    request,
                    format!("plugin: the answer cannot be sent: {error}"),
                );
            }
        }
        Ok(Err(text)) => refuse(&outbox, request, text),
        Err(panic) => {
            let text = format!("plugin: {} panicked", request.method);
            tracing::error!(method = %request.method, "a call of {} panicked and was answered with an error", request.method);
            refuse(&outbox, request, text);
            drop_panic(panic);
        }
    }
}

/// A payload may panic itself when it is dropped.
fn drop_panic(panic: Box<dyn Any + Send>) {
    let _ = std::panic::catch_unwind(AssertUnwindSafe(move || drop(panic)));
}

pub(crate) fn refuse(outbox: &Outbox, request: Request, error: String) {
    let header = Response {
        method: request.method,
        seq: request.seq,
        error,
    };
    outbox
        .put(|encoder, bytes| encoder.encode_pair(&header, &(), bytes))
        .expect("a header and an empty struct can always be written");
}
