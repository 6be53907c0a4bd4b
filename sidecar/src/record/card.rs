//! The card: what is known of a conversation and shown on its root. No message text.

use serde::{Deserialize, Serialize};
use shared::{MessageId, Page, Person, Timestamp, Visitor};

/// Kept as long as the mapping. What people see of it is made in `render::card`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Running per licence, from 1; people say `#1042`.
    pub number: u64,
    /// Unknown when a message opened the thread before `conversation.started` came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor: Option<Visitor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<Page>,
    /// The conversation in i-Reserve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    #[serde(default)]
    pub test: bool,
    pub started_at: Timestamp,
    pub state: CardState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned: Option<Person>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
    /// A reply of the team could not be delivered.
    #[serde(default)]
    pub undelivered: bool,
    /// The message whose first line the root quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quoted: Option<MessageId>,
    /// The visitor took the quoted message back, so the quote goes too.
    #[serde(default)]
    pub quote_withdrawn: bool,
}

/// Where a conversation stands, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "word", content = "since", rename_all = "lowercase")]
pub enum CardState {
    /// The visitor wrote last.
    Waiting(Timestamp),
    /// An agent, a bot or the team wrote last.
    Answered(Timestamp),
    Resolved(Timestamp),
}

impl Card {
    /// A conversation of which nothing is known but that it began.
    #[must_use]
    pub const fn new(number: u64, started_at: Timestamp) -> Self {
        Self {
            number,
            visitor: None,
            page: None,
            url: None,
            department: None,
            test: false,
            started_at,
            state: CardState::Waiting(started_at),
            assigned: None,
            muted_until: None,
            undelivered: false,
            quoted: None,
            quote_withdrawn: false,
        }
    }
}
