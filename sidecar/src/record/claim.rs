//! Claims: the right to work the head of one lane now, and everything an attempt needs to know.

use std::{fmt, str::FromStr};

use shared::{ChannelId, EventId, MessageId, PostId, Timestamp};

use super::{Card, Content, Lane, Mark, Queue, ReplyMark};

/// The number that rises when the lanes change hands. Whoever works with an older one changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an attempt does. As text `root:1`, `part:0`, `part:withdrawn`, `part:parked`, `change`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Creates the root of this generation, counted from 1.
    Root(u32),
    /// Creates the post of this part, counted from 0.
    Part(u32),
    /// Creates the line that stands for a deleted message.
    Withdrawn,
    /// Creates the placeholder of a parked event.
    Parked,
    /// Creates nothing, so it may be repeated without a look: edits, deletes, card changes, everything to i-Reserve.
    Change,
}

impl Step {
    /// Whether repeating it could show people something twice.
    #[must_use]
    pub const fn creates(self) -> bool {
        !matches!(self, Self::Change)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(generation) => write!(f, "root:{generation}"),
            Self::Part(part) => write!(f, "part:{part}"),
            Self::Withdrawn => f.write_str("part:withdrawn"),
            Self::Parked => f.write_str("part:parked"),
            Self::Change => f.write_str("change"),
        }
    }
}

/// A stored step that this build cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store names a step that is not known here: {0:?}")]
pub struct StepError(pub String);

impl FromStr for Step {
    type Err = StepError;
    fn from_str(text: &str) -> Result<Self, StepError> {
        let wrong = || StepError(text.to_owned());
        match text.split_once(':') {
            None if text == "change" => Ok(Self::Change),
            Some(("part", "withdrawn")) => Ok(Self::Withdrawn),
            Some(("part", "parked")) => Ok(Self::Parked),
            Some(("part", part)) => part.parse().map(Self::Part).map_err(|_| wrong()),
            Some(("root", generation)) => generation.parse().map(Self::Root).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }
}

/// Whether an earlier attempt may have created something that we do not know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Doubt {
    #[default]
    None,
    /// Its request may still run.
    Open,
    /// Its request is over; Mattermost said so itself.
    Ended,
}

impl Doubt {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Open => "open",
            Self::Ended => "ended",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::None, Self::Open, Self::Ended]
            .into_iter()
            .find(|doubt| doubt.name() == name)
    }
}

/// The right to work the head of one lane now. It is given back by the store operation that ends its attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a claim that nobody gives back keeps its lane waiting until the next take-over"]
pub struct Claim {
    pub fence: Fence,
    pub queue: Queue,
    pub lane: Lane,
    /// Order of acceptance. A parked event keeps it as its `failed_id`.
    pub seq: u64,
    pub event: EventId,
    /// The event's type on the wire.
    pub kind: String,
    pub content: Content,
    pub accepted_at: Timestamp,
    pub step: Step,
    /// Of the attempts before this one.
    pub doubt: Doubt,
    /// How often the other side said that it does not want this event.
    pub refused: u32,
    /// Attempts so far, this one included.
    pub attempts: u32,
    /// When the first attempt without a certain outcome began, by our wall clock. Empty: this is the first.
    pub first_started: Option<Timestamp>,
    /// When the last attempt ended, or when its outcome was lost in a take-over.
    pub last_ended: Option<Timestamp>,
    /// Where a look may begin, by Mattermost's clock; unknown: the newest 1,000 posts.
    pub look_from: Option<Timestamp>,
    /// The conversation's live root, if it has one.
    pub mapping: Option<Mapping>,
    /// The conversation's card; absent for notifications.
    pub card: Option<Card>,
    /// What the card shall be once this is delivered; filled in by the poster before the attempt, empty where nothing changes.
    pub wanted: Option<Card>,
    /// For a conversation without a root: the first `message.created` among the head and the next five that wait.
    pub opening: Option<Content>,
    /// For an edit or a deletion: the posts of its message.
    pub target: Vec<KnownPost>,
    /// For an edit or a deletion: whether what it changes is parked.
    pub target_parked: bool,
}

impl Claim {
    /// The mark of what the noted step creates.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark::of(&self.lane.licence, &self.lane.key, &self.event, self.step)
    }
}

/// Conversation and root post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// From 1; rises when a root had to be replaced.
    pub generation: u32,
    pub root_id: PostId,
    pub channel_id: ChannelId,
    /// The event that opened this root.
    pub event: EventId,
    /// Replies under this root, ours and the team's.
    pub replies: u32,
    /// The newest `create_at` known in the thread, by Mattermost's clock.
    pub last_create_at: Timestamp,
}

/// A post that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    pub post_id: PostId,
    pub channel_id: ChannelId,
    /// Absent for a standalone post.
    pub root_id: Option<PostId>,
    /// By Mattermost's clock.
    pub create_at: Timestamp,
}

/// A root that was created, and what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    pub generation: u32,
    pub post_id: PostId,
    pub channel_id: ChannelId,
    pub create_at: Timestamp,
    pub card: Card,
}

/// A post under one of our roots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPost {
    pub post_id: PostId,
    pub root_id: PostId,
    pub message_id: Option<MessageId>,
    pub part: u32,
    pub state: PostState,
    pub create_at: Timestamp,
    /// The edit that was taken in last; 0 when never edited.
    pub edit_at: i64,
    /// The edit that was sent last; absent when nothing was sent.
    pub sent_edit_at: Option<i64>,
    /// The mark it shall carry; absent for our own.
    pub mark: Option<ReplyMark>,
}

/// Whose a known post is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PostState {
    Ours,
    /// Stays in the team.
    Inside,
    /// Went to the visitor.
    Sent,
}

impl PostState {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Inside => "inside",
            Self::Sent => "sent",
        }
    }

    /// Unknown counts as inside: what is not known to have left never leaves.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "ours" => Self::Ours,
            "sent" => Self::Sent,
            _ => Self::Inside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_reads_back_as_it_was_written() {
        for step in [
            Step::Root(2),
            Step::Part(0),
            Step::Withdrawn,
            Step::Parked,
            Step::Change,
        ] {
            assert_eq!(step.to_string().parse(), Ok(step));
        }
        assert!("part:x".parse::<Step>().is_err());
    }
}
