//! Lanes and queues: what keeps its order, and what it waits for.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use shared::{ConversationId, LicenceId};

/// Which way a lane leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    ChatToThread,
    ThreadToChat,
}

impl Direction {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChatToThread => "chat_to_thread",
            Self::ThreadToChat => "thread_to_chat",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::ChatToThread, Self::ThreadToChat]
            .into_iter()
            .find(|direction| direction.name() == name)
    }
}

/// The unit of order inside a licence: a conversation, or for a notification its subject, or else its type.
///
/// As text `c:…`, `s:…`, `n:…`, so that a booking 123 and a chat 123 never meet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LaneKey {
    Conversation(ConversationId),
    Subject(String),
    NotificationType(String),
}

impl LaneKey {
    #[must_use]
    pub const fn conversation(&self) -> Option<&ConversationId> {
        match self {
            Self::Conversation(id) => Some(id),
            Self::Subject(_) | Self::NotificationType(_) => None,
        }
    }
}

impl fmt::Display for LaneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conversation(id) => write!(f, "c:{id}"),
            Self::Subject(id) => write!(f, "s:{id}"),
            Self::NotificationType(name) => write!(f, "n:{name}"),
        }
    }
}

/// A stored lane key or queue that this build cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store names a lane or queue that is not known here: {0:?}")]
pub struct LaneError(pub String);

impl FromStr for LaneKey {
    type Err = LaneError;
    fn from_str(text: &str) -> Result<Self, LaneError> {
        let wrong = || LaneError(text.to_owned());
        match text.split_once(':') {
            Some(("c", id)) => Ok(Self::Conversation(
                ConversationId::new(id).map_err(|_| wrong())?,
            )),
            Some(("s", id)) => Ok(Self::Subject(id.to_owned())),
            Some(("n", name)) => Ok(Self::NotificationType(name.to_owned())),
            _ => Err(wrong()),
        }
    }
}

/// Everything owed to one conversation (or subject, or type) in one direction, in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    pub licence: LicenceId,
    pub key: LaneKey,
    pub direction: Direction,
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.licence, self.key, self.direction.name())
    }
}

/// The lanes that wait for one dependency. Claims are asked for by queue, so a dead one cannot fill the page of a healthy one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Queue {
    Mattermost,
    /// One licence's `webhook_url`.
    Ireserve(LicenceId),
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mattermost => f.write_str("mm"),
            Self::Ireserve(licence) => write!(f, "ir:{licence}"),
        }
    }
}

impl FromStr for Queue {
    type Err = LaneError;
    fn from_str(text: &str) -> Result<Self, LaneError> {
        match text.split_once(':') {
            None if text == "mm" => Ok(Self::Mattermost),
            Some(("ir", licence)) => LicenceId::new(licence)
                .map(Self::Ireserve)
                .map_err(|_| LaneError(text.to_owned())),
            _ => Err(LaneError(text.to_owned())),
        }
    }
}
