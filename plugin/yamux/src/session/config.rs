//! The limits and periods of a session, each with what it stops.

use std::time::Duration;

/// Which end of the connection this is. It decides the ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Opens streams with odd ids.
    Client,
    /// Opens streams with even ids.
    Server,
}

/// The limits and periods of a session. The defaults are hashicorp's, where it has one.
#[derive(Clone, Debug)]
pub struct Config {
    /// Streams that exist at once, both directions together. A stream beyond it is reset, the session goes on.
    ///
    /// Attack: a peer that opens streams for ever makes us keep a record for each.
    pub max_streams: usize,
    /// Bytes received and not yet read, over all streams. The stream that would exceed it is reset.
    ///
    /// Attack: thousands of streams, each filled up to its window and never read by us, are gigabytes.
    pub max_unread: usize,
    /// Streams we opened and the other end has not acknowledged. Opening waits at this number; hashicorp's end resets what comes
    /// beyond its own backlog of 256.
    pub backlog: usize,
    /// Answers (acknowledgements, pongs, resets) that wait for the socket. More of them end the session.
    ///
    /// Attack: a peer that asks without ever reading the answers makes us keep them.
    pub max_answers: usize,
    /// How often to ask whether the other end is alive; `None` never asks.
    pub keep_alive: Option<Duration>,
    /// How long the other end may take to answer a keep-alive.
    pub ping_timeout: Duration,
    /// How long the other end may take to acknowledge a stream.
    pub open_timeout: Duration,
    /// How long a stream that we have left waits for the other end's FIN before it is reset.
    ///
    /// Attack: a peer that never ends its half makes us keep the record of every stream we ever had.
    pub close_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_streams: 8192,
            max_unread: 128 * 1024 * 1024,
            backlog: 256,
            max_answers: 32 * 1024,
            keep_alive: Some(Duration::from_secs(30)),
            ping_timeout: Duration::from_secs(10),
            open_timeout: Duration::from_secs(75),
            close_timeout: Duration::from_secs(300),
        }
    }
}
