//! What a lane carries, and how it is written down.

use serde::{Deserialize, Serialize};
use shared::{Event, EventId, MessageId, Timestamp};

use super::{ContentHash, Lane, Queue, Reply, Step};

/// What one delivery brings over. Stored as a version byte and JSON; erased once delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Pushed by i-Reserve.
    Event(Box<Event>),
    /// Read from a thread.
    Reply(Box<Reply>),
    /// A line in the thread for the author of a reply that i-Reserve does not take.
    Undelivered {
        /// His name in Mattermost.
        username: String,
        visitor: String,
        /// Why: a key of the texts.
        reason: String,
    },
    /// A line in the thread for whoever answered: the visitor does not read it now.
    Away { visitor: String, closed: bool },
    /// The line that stands in the thread for an event that was parked.
    Placeholder {
        /// Who wrote what is missing; empty where nobody did.
        visitor: String,
        /// When that happened.
        at: Timestamp,
        /// Why, in words of ours for people: a key of the texts.
        reason: String,
    },
}

/// What the store holds cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// Written by a later build; not ours to guess.
    #[error("the stored content has version {0}, this build reads {VERSION}")]
    Version(u8),
    #[error("the stored content is empty")]
    Empty,
    #[error("the stored content is damaged")]
    Damaged(#[source] serde_json::Error),
}

/// Raised when the stored form changes.
const VERSION: u8 = 1;

impl Content {
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        serde_json::to_writer(&mut bytes, self)
            .expect("content is plain data and writing to memory cannot fail");
        bytes
    }

    /// # Errors
    /// When the bytes are none of ours.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ContentError> {
        match bytes.split_first() {
            Some((&VERSION, json)) => serde_json::from_slice(json).map_err(ContentError::Damaged),
            Some((&version, _)) => Err(ContentError::Version(version)),
            None => Err(ContentError::Empty),
        }
    }
}

/// Something to be accepted: the event, its lane, and what the store must know without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    pub id: EventId,
    /// Its type on the wire.
    pub kind: String,
    pub hash: ContentHash,
    pub lane: Lane,
    pub queue: Queue,
    pub content: Content,
    pub accepted_at: Timestamp,
    /// The message it creates, edits or deletes.
    pub message_id: Option<MessageId>,
    /// What its first attempt does.
    pub step: Step,
    /// It may not leave earlier.
    pub hold_until: Option<Timestamp>,
    /// Nothing is to be brought over (the echo of our own reply): its dedup mark says delivered at once.
    pub done: bool,
    /// Names of the files that came with it, kept until it is delivered.
    pub files: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_another_version_or_damaged_ones_are_an_error() {
        let content = Content::Placeholder {
            visitor: "Sanne".into(),
            at: Timestamp::from_millis(1),
            reason: "refused".into(),
        };
        let bytes = content.to_bytes();
        assert_eq!(Content::from_bytes(&bytes).unwrap(), content);
        assert!(matches!(
            Content::from_bytes(&[9, b'{']),
            Err(ContentError::Version(9))
        ));
        assert!(matches!(
            Content::from_bytes(&bytes[..bytes.len() - 1]),
            Err(ContentError::Damaged(_))
        ));
        assert!(matches!(Content::from_bytes(&[]), Err(ContentError::Empty)));
    }
}
