//! Pulls: what one reading of a thread found, and how far that thread has been taken in.

use shared::{ChannelId, ConversationId, LicenceId, PostId, Timestamp};

use super::{Card, KnownPost, Moment, NewEvent};

/// The newest reply that was taken in, by (create_at, id): create_at alone has ties.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// By Mattermost's clock.
    pub create_at: Timestamp,
    /// None: nothing of that millisecond yet.
    pub post: Option<PostId>,
}

/// One of our roots, live or former, and what the store expects of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    pub licence: LicenceId,
    pub conversation: ConversationId,
    pub root_id: PostId,
    pub channel_id: ChannelId,
    pub generation: u32,
    /// Whether it is the conversation's live root.
    pub live: bool,
    pub cursor: Cursor,
    /// The root's `update_at` and `reply_count` as they were when it was read last: another pair means that something happened.
    pub seen: (i64, i64),
    pub active_at: Timestamp,
    pub card: Option<Card>,
}

/// What is written when a thread was read. Refused as a whole if the cursor moved meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    pub root_id: PostId,
    pub before: Cursor,
    pub after: Cursor,
    pub changes: Vec<Change>,
    /// Posts whose state is news. A mark that is absent stays what it is.
    pub known: Vec<KnownPost>,
    /// What the card shall show from now on.
    pub card: Option<Card>,
    pub seen: (i64, i64),
    pub now: Moment,
}

/// What becomes of one reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It leaves, behind what waits.
    Append(Box<NewEvent>),
    /// Its author changed it. While it waits untried its text is replaced; parked, it is replaced and goes out anew; else the
    /// edit follows it.
    Edit {
        held: Box<NewEvent>,
        edit: Box<NewEvent>,
        anew: Box<NewEvent>,
    },
    /// It shall not be there. While it waits untried it is removed; parked, it is dropped; else the deletion follows it.
    Withdraw {
        held: shared::EventId,
        deletion: Box<NewEvent>,
    },
    /// One look missed it. While it waits untried it waits on until then, for the look that makes it sure.
    Hold {
        held: shared::EventId,
        lane: super::Lane,
        until: Timestamp,
    },
}

/// What came of writing a pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulled {
    /// Events that are new.
    Kept { new: usize },
    /// Somebody else has read this thread meanwhile: read again.
    Moved,
}

/// The mark a reply carries for its author: a reaction of our bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReplyMark {
    /// i-Reserve has taken it.
    Sent,
    /// It stays in the team.
    Inside,
    /// It was not taken.
    Undelivered,
}

impl ReplyMark {
    pub const ALL: [Self; 3] = [Self::Sent, Self::Inside, Self::Undelivered];

    /// The emoji, by its name in Mattermost's standard set.
    #[must_use]
    pub const fn emoji(self) -> &'static str {
        match self {
            Self::Sent => "white_check_mark",
            Self::Inside => "lock",
            Self::Undelivered => "warning",
        }
    }

    #[must_use]
    pub fn from_emoji(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mark| mark.emoji() == name)
    }
}

/// How far a channel has been swept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    pub post: PostId,
    /// By Mattermost's clock.
    pub create_at: Timestamp,
}
