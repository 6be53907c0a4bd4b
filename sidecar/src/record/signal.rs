//! Signals: that somebody types.

use shared::{ConversationId, LicenceId, Timestamp};

/// Something of use for ten seconds only: one try, never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    pub licence: LicenceId,
    pub conversation: ConversationId,
    pub until: Timestamp,
}
