//! What waits for people: parked events, blocked lanes, totals.

use serde::{Deserialize, Serialize};
use shared::{ChannelId, ConversationId, EventId, LicenceId, Timestamp};

use super::Direction;

/// An event that was taken out of its lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parked {
    pub failed_id: u64,
    pub licence: LicenceId,
    pub direction: Direction,
    pub conversation_id: Option<ConversationId>,
    pub event_id: EventId,
    #[serde(rename = "type")]
    pub kind: String,
    pub reason: String,
    pub attempts: u32,
    pub accepted_at: Timestamp,
    pub parked_at: Timestamp,
}

/// Which parked events are meant. Everything empty means all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Selection {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_ids: Option<Vec<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<LicenceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
}

/// A lane that waits for a repair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blocked {
    pub licence: LicenceId,
    pub channel_id: Option<ChannelId>,
    pub reason: String,
    pub since: Timestamp,
}

/// One licence in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    pub licence: LicenceId,
    pub direction: Direction,
    pub waiting: u64,
    pub parked: u64,
    pub oldest_accepted_at: Option<Timestamp>,
}
