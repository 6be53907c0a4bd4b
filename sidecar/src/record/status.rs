//! What is known of one event, and what accepting it came to.

use serde::Serialize;
use shared::{ChannelId, EventId, PostId, Timestamp};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Accepted,
    /// Tried without success, or waiting for a repair.
    Retrying,
    Delivered,
    Parked,
    Dropped,
}

impl State {
    pub const ALL: [Self; 5] = [
        Self::Accepted,
        Self::Retrying,
        Self::Delivered,
        Self::Parked,
        Self::Dropped,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Retrying => "retrying",
            Self::Delivered => "delivered",
            Self::Parked => "parked",
            Self::Dropped => "dropped",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether waiting longer can change nothing.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Delivered | Self::Parked | Self::Dropped)
    }
}

/// The answer of `GET /v1/events/{id}`, and of a duplicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    pub id: EventId,
    #[serde(rename = "type")]
    pub kind: String,
    pub status: State,
    pub attempts: u32,
    pub last_error: Option<String>,
    pub post_id: Option<PostId>,
    pub root_id: Option<PostId>,
    pub channel_id: Option<ChannelId>,
    pub accepted_at: Timestamp,
    pub next_attempt_at: Option<Timestamp>,
}

/// What accepting one event came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceptance {
    New {
        seq: u64,
    },
    /// Same id, same content: the first one's status.
    Duplicate(Status),
    /// Same id, other content.
    Conflict,
}
