//! Wake-up: what other processes publish when they accept or replay something.

use std::time::Duration;

use futures_util::StreamExt as _;
use redis::aio::PubSubStream;

use super::{Redis, keys};

/// How soon a lost connection is made anew.
const AGAIN: Duration = Duration::from_secs(1);

/// How long it may take to listen. The client sets no limit for this kind of connection.
const CONNECT: Duration = Duration::from_secs(3);

/// A connection that listens.
pub(super) struct Ears(PubSubStream);

impl std::fmt::Debug for Ears {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ears").finish_non_exhaustive()
    }
}

impl Redis {
    /// Resolves when another process has something for whoever works the lanes, or may have had while nobody listened. Dropped, it
    /// loses nothing.
    pub(in crate::store) async fn rung(&self) {
        let mut ears = self.0.ears.lock().await;
        loop {
            let Some(Ears(stream)) = &mut *ears else {
                let listening = tokio::time::timeout(CONNECT, self.listen());
                match listening.await.unwrap_or_else(|_| Err(timed_out())) {
                    Ok(fresh) => {
                        *ears = Some(fresh);
                        self.0.hints.ask_all();
                        self.0.hints.hearing(true);
                        return;
                    }
                    Err(error) => {
                        tracing::debug!(error = %super::link::failed(&error), "published hints cannot be heard");
                        tokio::time::sleep(AGAIN).await;
                        continue;
                    }
                }
            };
            let Some(message) = stream.next().await else {
                self.0.hints.hearing(false);
                *ears = None;
                continue;
            };
            let text: String = message.get_payload().unwrap_or_default();
            if self.heard(&text) {
                return;
            }
        }
    }

    async fn listen(&self) -> redis::RedisResult<Ears> {
        let mut connection = self.0.link.client.get_async_pubsub().await?;
        connection.subscribe(keys::WAKE).await?;
        Ok(Ears(connection.into_on_message()))
    }

    /// Notes where to look. What is ours is known here already, and what nobody of us wrote is nothing.
    fn heard(&self, text: &str) -> bool {
        let Some((partition, who)) = text.split_once(':') else {
            return false;
        };
        match partition.parse() {
            Ok(partition) if who != self.0.name.incarnation => {
                self.0.hints.ask(partition);
                true
            }
            _ => false,
        }
    }
}

fn timed_out() -> redis::RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}
