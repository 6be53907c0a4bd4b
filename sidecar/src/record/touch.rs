//! Touches: posts that do not show yet what the store knows. Newest state only, best effort, outside the lanes.

use shared::{ConversationId, LicenceId, PostId};

use super::{Card, Mapping, ReplyMark};

/// One post that should change what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touch {
    /// The root of a conversation, live or former.
    Card {
        licence: LicenceId,
        conversation: ConversationId,
        root: Mapping,
        card: Box<Card>,
        /// The version of the card that `card` is.
        version: u64,
        /// The root that took over from this one, for the line that links forward.
        continues_in: Option<PostId>,
    },
    /// The mark on a reply: a reaction of our bot.
    Mark {
        post: PostId,
        wanted: Option<ReplyMark>,
        shown: Option<ReplyMark>,
    },
}
