//! What ends a session, and what ends one stream.
//!
//! A session ends for one of five reasons, and every stream of it ends with the same one. A stream can also end alone.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::frame::{Kind, StreamId};

/// Why a session is over.
#[derive(Clone, Debug)]
pub enum SessionError {
    /// Either end closed the connection, between two frames. Nothing is wrong.
    Closed,
    /// The other end broke the rules. It has been told with a go-away; the connection cannot be used any more.
    Protocol(Violation),
    /// The other end left something unanswered for too long. It hangs, or the connection is dead without saying so.
    Silent(Silence),
    /// The other end gave up with this go-away code: 1 says that *we* broke the rules, 2 that it failed inside.
    Refused(u32),
    /// The connection failed, or ended in the middle of a frame.
    Io(Arc<io::Error>),
}

/// What the other end did that no yamux peer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A version other than 0.
    Version(u8),
    /// A kind other than the four.
    Kind(u8),
    /// A stream's frame without a stream, or a session's frame with one.
    Misplaced { kind: Kind, stream: StreamId },
    /// It opened a stream with an id that is ours to give, or with one that is in use.
    Opened(StreamId),
    /// A frame for a stream that nobody has opened yet.
    Unopened(StreamId),
    /// More bytes than it was allowed to send.
    Window {
        stream: StreamId,
        length: u32,
        granted: u32,
    },
    /// It gave us more credit than fits into 32 bits.
    Credit { stream: StreamId, delta: u32 },
    /// It ended its half of a stream a second time.
    SecondFin(StreamId),
    /// It makes us answer and does not read the answers.
    Unread { answers: usize },
}

/// What the other end left unanswered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// A keep-alive ping.
    Ping(Duration),
    /// The opening of a stream.
    Open(StreamId, Duration),
}

/// Why a stream cannot be read or written any more.
#[derive(Clone, Debug)]
pub enum StreamError {
    /// The other end reset this stream, or refused it. The session goes on.
    Reset,
    /// It was written to after its own end.
    Finished,
    /// The session is over.
    Session(SessionError),
}

/// Why a stream cannot be opened.
#[derive(Clone, Debug)]
pub enum OpenError {
    /// As many streams as [`Config::max_streams`](crate::Config::max_streams) allows exist already. Try again when one has ended.
    TooMany(usize),
    /// One end has announced that it takes no new streams.
    GoneAway,
    /// All ids of this side were used. Only a new session has more.
    Exhausted,
    /// The session is over.
    Session(SessionError),
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the yamux session was closed"),
            Self::Protocol(_) => f.write_str("the peer broke the yamux protocol"),
            Self::Silent(Silence::Ping(waited)) => write!(
                f,
                "the peer left a ping unanswered for {} s",
                waited.as_secs()
            ),
            Self::Silent(Silence::Open(stream, waited)) => {
                write!(
                    f,
                    "the peer did not acknowledge stream {stream} within {} s",
                    waited.as_secs()
                )
            }
            Self::Refused(code) => write!(f, "the peer went away with code {code}"),
            Self::Io(_) => f.write_str("the connection under the yamux session failed"),
        }
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Protocol(violation) => Some(violation),
            Self::Io(error) => Some(&**error),
            Self::Closed | Self::Silent(_) | Self::Refused(_) => None,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "frame with version {version}"),
            Self::Kind(kind) => write!(f, "frame of unknown type {kind}"),
            Self::Misplaced { kind, stream } => {
                write!(f, "frame of type {kind:?} for stream {stream}")
            }
            Self::Opened(stream) => write!(f, "stream {stream} opened by the wrong side or twice"),
            Self::Unopened(stream) => {
                write!(f, "frame for stream {stream}, which was never opened")
            }
            Self::Window {
                stream,
                length,
                granted,
            } => {
                write!(
                    f,
                    "{length} bytes on stream {stream}, where {granted} were allowed"
                )
            }
            Self::Credit { stream, delta } => write!(
                f,
                "window of stream {stream} grown by {delta} beyond 32 bits"
            ),
            Self::SecondFin(stream) => write!(f, "stream {stream} ended twice"),
            Self::Unread { answers } => write!(f, "{answers} answers not read"),
        }
    }
}

impl std::error::Error for Violation {}

impl From<Violation> for SessionError {
    fn from(violation: Violation) -> Self {
        Self::Protocol(violation)
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reset => f.write_str("the peer reset the stream"),
            Self::Finished => f.write_str("the stream was written to after its end"),
            Self::Session(_) => f.write_str("the stream ended with its session"),
        }
    }
}

impl std::error::Error for StreamError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Session(error) => Some(error),
            Self::Reset | Self::Finished => None,
        }
    }
}

impl From<StreamError> for io::Error {
    fn from(error: StreamError) -> Self {
        let kind = match error {
            StreamError::Reset => io::ErrorKind::ConnectionReset,
            StreamError::Finished => io::ErrorKind::BrokenPipe,
            StreamError::Session(_) => io::ErrorKind::ConnectionAborted,
        };
        Self::new(kind, error)
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany(limit) => write!(f, "{limit} streams exist already"),
            Self::GoneAway => f.write_str("no new streams are taken on this session"),
            Self::Exhausted => f.write_str("all stream ids of this session were used"),
            Self::Session(_) => f.write_str("a stream could not be opened"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Session(error) => Some(error),
            Self::TooMany(_) | Self::GoneAway | Self::Exhausted => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn every_error_with_a_cause_keeps_it() {
        let violation = SessionError::from(Violation::Version(3));
        assert_eq!(
            violation.source().map(ToString::to_string).as_deref(),
            Some("frame with version 3")
        );
        let broken = SessionError::Io(Arc::new(io::ErrorKind::BrokenPipe.into()));
        assert!(broken.source().is_some());
        assert!(
            StreamError::Session(SessionError::Closed)
                .source()
                .is_some()
        );
        assert!(OpenError::Session(SessionError::Closed).source().is_some());
    }

    #[test]
    fn a_stream_that_was_reset_is_told_apart_from_a_session_that_is_over() {
        assert_eq!(
            io::Error::from(StreamError::Reset).kind(),
            io::ErrorKind::ConnectionReset
        );
        assert_eq!(
            io::Error::from(StreamError::Session(SessionError::Closed)).kind(),
            io::ErrorKind::ConnectionAborted
        );
    }
}
