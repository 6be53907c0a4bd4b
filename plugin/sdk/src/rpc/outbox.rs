//! The writing half of a stream that many tasks write on.
//!
//! Encoding and queueing are one step under a lock, so messages leave in the order in which the encoder saw them, and a task that
//! is dropped while it waits cannot leave half a message behind. One task, [`Outbox::drain`], carries the bytes away.
//!
//! What waits here is bounded by those who put it: a client limits its calls, a server its answers.

use std::sync::{Mutex, PoisonError};

use gob::{EncodeError, Encoder};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

/// A buffer that one large message needed is not kept.
const KEEP: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    // A plain mutex: held for the encoding of one message, never across an await.
    state: Mutex<State>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct State {
    encoder: Encoder,
    bytes: Vec<u8>,
}

impl Outbox {
    /// Encodes something and hands it over, whole or not at all.
    pub(crate) fn put(
        &self,
        encode: impl FnOnce(&mut Encoder, &mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { encoder, bytes } = &mut *state;
        encode(encoder, bytes)?;
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Carries bytes to the stream for ever, or until it breaks.
    pub(crate) async fn drain(&self, mut write: impl AsyncWrite + Unpin) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        loop {
            std::mem::swap(
                &mut self
                    .state
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .bytes,
                &mut bytes,
            );
            if !bytes.is_empty() {
                write.write_all(&bytes).await?;
                bytes.clear();
                bytes.shrink_to(KEEP);
            } else {
                self.filled.notified().await;
            }
        }
    }
}
