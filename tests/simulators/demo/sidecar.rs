//! A sidecar as the demonstration sees it: something that is started with settings, tells what it does, and can be killed.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

/// Starts a sidecar with these settings (TOML). May be called again with the same store once a life has ended.
#[derive(Clone)]
pub struct Start(Arc<dyn Fn(String) -> BoxFuture<'static, Result<Life, StartError>> + Send + Sync>);

impl Start {
    /// A way to start one.
    #[must_use]
    pub fn new(
        start: impl Fn(String) -> BoxFuture<'static, Result<Life, StartError>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(start))
    }

    pub(super) async fn call(&self, settings: String) -> Result<Life, StartError> {
        (self.0)(settings).await
    }
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Start")
    }
}

/// Why a sidecar did not start, in its own words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

/// One life of a sidecar. Dropping it kills.
#[derive(Debug)]
pub struct Life {
    /// Where events come in.
    pub address: SocketAddr,
    /// What it does, as it does it.
    pub steps: mpsc::Receiver<Step>,
    /// How it is to end; dropping this kills.
    pub end: oneshot::Sender<Ending>,
    /// Answers, or is dropped, when nothing of it is left.
    pub ended: oneshot::Receiver<()>,
}

/// How a life ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// In order.
    Stop,
    /// At once: whatever it is doing is left where it is.
    Kill,
}

/// One thing that a sidecar did for an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The event's id.
    pub event: String,
    /// What it did.
    pub work: Work,
}

/// What a sidecar does for an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// It makes an attempt; they are counted from 1.
    Tried {
        /// At what.
        act: Act,
        /// Which one of this event.
        attempt: u32,
    },
    /// All of it stands.
    Delivered {
        /// Since it was accepted.
        after: Duration,
    },
    /// The attempt brought nothing over.
    Failed {
        /// In which way.
        how: How,
        /// Why.
        reason: String,
    },
    /// It was given up, and its place says so.
    Parked {
        /// Why.
        reason: String,
    },
}

/// What an attempt is to create or change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// The card of this generation, counted from 1.
    Card(u32),
    /// A part of the event's own posts, counted from 0.
    Part(u32),
    /// The line that stands for a withdrawn message.
    Withdrawn,
    /// The line that stands for a parked event.
    Placeholder,
    /// A change of what stands.
    Change,
    /// A reply that i-Reserve is to show to the visitor.
    Reply,
}

/// How an attempt ended that brought nothing over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The request never left.
    NotSent,
    /// It left, and its answer is not known: the post may stand.
    InDoubt,
    /// Mattermost asked for a pause.
    Paused,
    /// People have to repair something first.
    Blocked,
    /// Mattermost does not want it.
    Refused,
}
