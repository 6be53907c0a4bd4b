//! Events: everything i-Reserve tells us, one variant per type.
//!
//! The serde form is what the store keeps between acceptance and delivery. What comes from outside goes through
//! [`Event::from_json`], which names every mistake with its place.

mod parse;

use serde::{Deserialize, Serialize};

use crate::{Attachment, ConversationId, EventId, Format, Message, MessageId, Person, Timestamp};

pub use parse::{Fault, Pointed};

/// One event, typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub id: EventId,
    /// When it happened, as i-Reserve says; else the moment of arrival.
    pub timestamp: Timestamp,
    #[serde(flatten)]
    pub kind: EventKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum EventKind {
    #[serde(rename = "conversation.started")]
    Started(Started),
    #[serde(rename = "message.created")]
    MessageCreated(MessageCreated),
    #[serde(rename = "message.updated")]
    MessageUpdated(MessageUpdated),
    #[serde(rename = "message.deleted")]
    MessageDeleted(MessageDeleted),
    #[serde(rename = "conversation.closed")]
    Closed(StateChanged),
    #[serde(rename = "conversation.reopened")]
    Reopened(StateChanged),
    #[serde(rename = "conversation.assigned")]
    Assigned(Assigned),
    #[serde(rename = "conversation.updated")]
    Updated(Updated),
    #[serde(rename = "visitor.typing")]
    Typing(Ephemeral),
    #[serde(rename = "reply.read")]
    ReplyRead(Ephemeral),
    #[serde(rename = "notification")]
    Notification(Notification),
    #[serde(rename = "integration.ping")]
    Ping,
    /// A type of a later i-Reserve: counted, acknowledged, not stored.
    #[serde(skip)]
    Unknown(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    pub conversation_id: ConversationId,
    pub visitor: Visitor,
    pub page: Page,
    /// The conversation in i-Reserve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    #[serde(default)]
    pub test: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Visitor {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Page {
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCreated {
    pub conversation_id: ConversationId,
    #[serde(flatten)]
    pub message: Message,
    /// Set when this is the echo of a reply that came from Mattermost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Where an echoed message was first written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub system: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageUpdated {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    pub text: String,
    #[serde(default)]
    pub format: Format,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDeleted {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChanged {
    pub conversation_id: ConversationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Person>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    pub conversation_id: ConversationId,
    /// Nobody: back to the queue.
    pub agent: Option<Person>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Person>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Updated {
    pub conversation_id: ConversationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor: Option<Visitor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<Page>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Of use for ten seconds only, never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ephemeral {
    pub conversation_id: ConversationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    pub notification_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    pub text: String,
    #[serde(default)]
    pub format: Format,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default)]
    pub severity: Severity,
    /// What it is about, for example the booking. Notifications of one subject keep their order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    pub title: String,
    pub value: String,
    #[serde(default)]
    pub short: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    #[default]
    Info,
    Success,
    Warning,
    Error,
}

impl EventKind {
    /// The type's name on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Started(_) => "conversation.started",
            Self::MessageCreated(_) => "message.created",
            Self::MessageUpdated(_) => "message.updated",
            Self::MessageDeleted(_) => "message.deleted",
            Self::Closed(_) => "conversation.closed",
            Self::Reopened(_) => "conversation.reopened",
            Self::Assigned(_) => "conversation.assigned",
            Self::Updated(_) => "conversation.updated",
            Self::Typing(_) => "visitor.typing",
            Self::ReplyRead(_) => "reply.read",
            Self::Notification(_) => "notification",
            Self::Ping => "integration.ping",
            Self::Unknown(name) => name,
        }
    }

    #[must_use]
    pub fn conversation_id(&self) -> Option<&ConversationId> {
        match self {
            Self::Started(data) => Some(&data.conversation_id),
            Self::MessageCreated(data) => Some(&data.conversation_id),
            Self::MessageUpdated(data) => Some(&data.conversation_id),
            Self::MessageDeleted(data) => Some(&data.conversation_id),
            Self::Closed(data) | Self::Reopened(data) => Some(&data.conversation_id),
            Self::Assigned(data) => Some(&data.conversation_id),
            Self::Updated(data) => Some(&data.conversation_id),
            Self::Typing(data) | Self::ReplyRead(data) => Some(&data.conversation_id),
            Self::Notification(_) | Self::Ping | Self::Unknown(_) => None,
        }
    }

    /// The message this event creates, edits or deletes.
    #[must_use]
    pub fn message_id(&self) -> Option<&MessageId> {
        match self {
            Self::MessageCreated(data) => Some(&data.message.message_id),
            Self::MessageUpdated(data) => Some(&data.message_id),
            Self::MessageDeleted(data) => Some(&data.message_id),
            _ => None,
        }
    }

    /// The files it carries.
    #[must_use]
    pub fn attachments(&self) -> &[Attachment] {
        match self {
            Self::MessageCreated(data) => &data.message.attachments,
            Self::Notification(data) => &data.attachments,
            _ => &[],
        }
    }

    pub fn attachments_mut(&mut self) -> &mut [Attachment] {
        match self {
            Self::MessageCreated(data) => &mut data.message.attachments,
            Self::Notification(data) => &mut data.attachments,
            _ => &mut [],
        }
    }

    /// Of use for ten seconds only: one try, never stored.
    #[must_use]
    pub const fn is_ephemeral(&self) -> bool {
        matches!(self, Self::Typing(_) | Self::ReplyRead(_))
    }
}
