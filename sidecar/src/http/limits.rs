//! What one peer, and all peers together, may ask of this room. Each number is a wall against something; its comment names it.

use std::time::Duration;

/// Tests shorten the waits; the running service uses [`Limits::default`].
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections in all: each costs a descriptor and a buffer, and a flood must not take those of the store.
    pub connections: usize,
    /// Open connections of one address, so that one caller cannot take them all.
    pub connections_per_peer: usize,
    /// From an accepted connection or the last answer to the end of the next head: against dribbled heads. It counts the idle
    /// time of a kept connection too, so a shorter one would cut callers that pool.
    pub head: Duration,
    /// A JSON body, whole: against dribbled bodies.
    pub body: Duration,
    /// Bytes of bodies held in memory by all requests together.
    pub bodies_in_flight: usize,
    /// A body of files arrives at least this fast, measured from its begin: against dribbled files, which need no deadline
    /// otherwise, because a large one may rightly take minutes.
    pub bytes_per_second: u64,
    /// How long an answer may wait for a client that does not read it.
    pub answer: Duration,
    /// A file is taken at least this fast, after [`Self::answer`] to begin with: against clients that hold a transfer from
    /// Mattermost open by sipping.
    pub file_bytes_per_second: u64,
    /// Files that leave at once: each is a transfer from Mattermost, and whoever holds a link must not keep replies from being read.
    pub files_at_once: usize,
    /// After an answer that ends its connection: how much is still read and dropped, so that the client sees the answer
    /// instead of a reset, and how long.
    pub linger_bytes: usize,
    pub linger: Duration,
    /// After the order to stop: how long requests in flight may take.
    pub drain: Duration,
    /// The longest `Prefer: wait`.
    pub wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            connections_per_peer: 32,
            head: Duration::from_secs(30),
            body: Duration::from_secs(10),
            bodies_in_flight: 64 * 1024 * 1024,
            bytes_per_second: 64 * 1024,
            answer: Duration::from_secs(30),
            file_bytes_per_second: 16 * 1024,
            files_at_once: 16,
            linger_bytes: 4 * 1024 * 1024,
            linger: Duration::from_secs(2),
            drain: Duration::from_secs(10),
            wait: Duration::from_secs(30),
        }
    }
}

/// Fields of one head: more is a way to burn time in maps.
pub(super) const HEAD_FIELDS: usize = 64;
/// One head, and the read buffer of a connection.
pub(super) const HEAD_BYTES: usize = 16 * 1024;
