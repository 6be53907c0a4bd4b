//! Outlets: what a lane posts through. Two products, and scripted ones in tests.

use std::{future::Future, time::Duration};

use shared::{ChannelId, Timestamp};

use crate::record::{Claim, Posted, Presence, Root, Step, Touch};

/// One side to which events are brought over.
///
/// A method never waits longer than its deadlines, never repeats a request, and answers with what is known for certain: the
/// engine decides what follows.
pub trait Outlet: Send + Sync + 'static {
    /// What the next attempt of this claim would do. Makes no request that changes anything.
    fn aim(&self, claim: &Claim) -> impl Future<Output = Aim> + Send;

    /// Searches for what the claimed step may already have created, by its mark and our bot's user id.
    fn look(&self, claim: &Claim) -> impl Future<Output = Found> + Send;

    /// Takes the claimed step, once.
    fn post(&self, claim: &Claim) -> impl Future<Output = Outcome> + Send;

    /// Makes a post that exists show what the store knows.
    fn show(&self, touch: &Touch) -> impl Future<Output = Shown> + Send;

    /// Asks something harmless, to learn whether the other side is back.
    fn probe(&self) -> impl Future<Output = Result<(), Reason>> + Send;
}

/// What an attempt is about to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aim {
    /// Takes this step. It is noted durably first when it is not the claimed one, or when `look_from` is news.
    Step {
        step: Step,
        look_from: Option<Timestamp>,
    },
    /// Nothing is to be brought over: the event ends as delivered.
    Nothing,
    /// The attempt ends here.
    End(Box<Outcome>),
}

/// What a look saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It stands: this is the outcome.
    Here(Box<Outcome>),
    /// It does not stand where it would have to.
    Absent,
    /// What it was meant for is gone, so it can stand nowhere.
    Gone,
    /// A look that failed is no look.
    Failed(Box<Outcome>),
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The root stands; the event's own parts follow.
    Opened(Box<Root>),
    /// This part stands, `next` follows.
    PartDone { post: Posted, next: Step },
    /// Everything stands. No post: nothing had to be posted.
    Delivered { post: Option<Posted> },
    /// Taken, and the other side said where the reader is. `returns`: how often he had come back before, as far as is known.
    Answered { presence: Presence, returns: u32 },
    /// The request never left, so it cannot have worked.
    NotSent(Reason),
    /// The request left and its answer is not known. Open: it may still run.
    InDoubt { open: bool, reason: Reason },
    /// Nobody of this dependency may ask before the time is over; nothing was posted.
    Pause { wait: Duration, reason: Reason },
    /// This lane waits until people repair something.
    Blocked {
        channel: Option<ChannelId>,
        reason: Reason,
    },
    /// The other side does not want this event.
    Refused(Reason),
    /// What it belongs to no longer exists on the other side: it leaves its lane without being parked, and its author is told.
    Gone(Reason),
    /// The root this was meant for is gone: a new generation is needed.
    RootGone,
    /// It changes something whose own event is parked: it parks behind it, to be replayed after it.
    ParkBehind,
}

/// What came of showing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The post shows it, or can never show it (any 4xx ends a touch).
    Done,
    /// Not now; the newest state is tried again later.
    Later(Reason),
}

/// Why, for operators: one fact, lower case, no secret and no text that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub text: String,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
}

impl Reason {
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            status: None,
        }
    }

    #[must_use]
    pub fn answered(status: u16, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            status: Some(status),
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}
