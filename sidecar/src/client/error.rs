//! What is certain about an exchange that did not end well.

use std::time::Duration;

/// What the HTTP client says about it; for the chain of causes only.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no whole answer. Texts name the host and nothing that could be private.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No connection stood: the peer saw nothing, and trying again can double nothing.
    #[error("no connection to {host}")]
    NotSent {
        host: String,
        #[source]
        source: Cause,
    },
    /// The request left and the connection broke: it may have been carried out.
    #[error("the connection to {host} broke before an answer came")]
    Broken {
        host: String,
        #[source]
        source: Cause,
    },
    /// The request left and nothing came back in time: it may have been carried out, or still run.
    #[error("{host} did not answer within {} ms", waited.as_millis())]
    TimedOut { host: String, waited: Duration },
    /// The head of an answer came, its body is of no use. With a 2xx it was probably carried out.
    #[error("{host} answered {status} with a body that {unread}")]
    Unreadable {
        host: String,
        status: u16,
        unread: Unread,
    },
}

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// A peer that sends without end must not fill our memory.
    TooLarge {
        limit: usize,
    },
    Broken,
    Late,
    /// Whole, but not of the shape that was asked for.
    Strange,
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge { limit } => write!(f, "is larger than {limit} bytes"),
            Self::Broken => f.write_str("broke off"),
            Self::Late => f.write_str("did not come in time"),
            Self::Strange => f.write_str("cannot be understood"),
        }
    }
}

impl CallError {
    /// Whether the peer can have seen nothing of the request.
    #[must_use]
    pub const fn is_unsent(&self) -> bool {
        matches!(self, Self::NotSent { .. })
    }

    /// The status of the answer, where its head came.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Unreadable { status, .. } => Some(*status),
            _ => None,
        }
    }
}
