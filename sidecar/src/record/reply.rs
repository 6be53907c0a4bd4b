//! Replies: what a team member said in a thread, as it waits for i-Reserve. Neutral: who he is there, links and signature are
//! made at each attempt.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::{ChannelId, ConversationId, PostId, Timestamp, UserId};

/// One thing that happened to a reply. Between attempts nothing of it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    pub what: ReplyChange,
    pub conversation_id: ConversationId,
    pub reply_id: PostId,
    pub root_id: PostId,
    pub channel_id: ChannelId,
    /// Markdown as written, without the prefix that sent it. Empty for a deletion.
    pub text: String,
    /// Absent for a deletion, when nobody knows any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
    /// Display names of the people and channels that the text mentions, by the name that stands there, lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub people: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub channels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ReplyFile>,
    /// How people opened Mattermost when it was taken in, and its own address there: both decide what leaves. Empty for a deletion.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub permalink: String,
    /// When it was written, by Mattermost's clock.
    pub created_at: Timestamp,
    /// When it was taken in.
    pub taken_at: Timestamp,
    /// Part of a test conversation: i-Reserve takes it and shows it to nobody.
    #[serde(default)]
    pub test: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyChange {
    Created,
    /// Edited then, by Mattermost's clock.
    Updated(Timestamp),
    /// Deleted, or turned into a note, as we saw then.
    Deleted(Timestamp),
}

impl ReplyChange {
    /// The type's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "reply.created",
            Self::Updated(_) => "reply.updated",
            Self::Deleted(_) => "reply.deleted",
        }
    }
}

/// Who wrote it, as Mattermost knows him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    pub user_id: UserId,
    pub username: String,
    #[serde(default)]
    pub first_name: String,
    #[serde(default)]
    pub last_name: String,
    #[serde(default)]
    pub nickname: String,
    /// Empty where Mattermost does not show it.
    #[serde(default)]
    pub email: String,
}

/// Where the visitor is who is to read a reply, as i-Reserve says when it takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// It reached him.
    Delivered,
    /// He has left; it waits for him, or goes by e-mail.
    Offline,
    /// The conversation is closed there.
    Closed,
}

/// A file of a reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyFile {
    /// Mattermost's id.
    pub id: String,
    pub name: String,
    pub content_type: String,
    /// Bytes.
    pub size: u64,
}
