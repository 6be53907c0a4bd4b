//! Words that cross a process boundary. Their JSON is a promise to i-Reserve, the plugin and the operator.
//!
//! | word | meaning |
//! |---|---|
//! | licence | one customer of i-Reserve, the tenant: [`LicenceId`] |
//! | conversation | the web chat: [`ConversationId`]; what stands for it in Mattermost is a *thread* |
//! | message | what somebody said: [`Message`]; what Mattermost calls one is a *post* |
//! | event | something that happened, as i-Reserve tells it: [`Event`] |
//! | pairing | what plugin and sidecar say to each other: [`pairing`] |
//!
//! Nothing in here does I/O or reads a clock.

pub mod event;
pub mod id;
pub mod limits;
pub mod message;
pub mod pairing;
mod time;

pub use event::{
    Assigned, Ephemeral, Event, EventKind, Fault, Field, MessageCreated, MessageDeleted,
    MessageUpdated, Notification, Origin, Page, Pointed, Severity, Started, StateChanged, Updated,
    Visitor,
};
pub use id::{ChannelId, ConversationId, EventId, LicenceId, MessageId, PostId, UserId};
pub use message::{Attachment, Format, Message, Person, Sender, SenderType, Source};
pub use time::{Timestamp, TimestampError, Zone, ZoneError};

use serde::{Deserialize, Serialize};

/// The languages people are spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    #[default]
    En,
    Nl,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::En, Self::Nl];

    /// The code as settings and Fluent files spell it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Nl => "nl",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.code() == code)
    }
}
