//! The events that i-Reserve pushes, as JSON. Each builder fills what is required with plain values; tests change or add what
//! they are about with [`with`].

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::random::Random;

/// Ids that no two calls of one process share, and hardly ever two processes: `evt_…`.
#[derive(Debug)]
pub struct Ids {
    start: u64,
    next: AtomicU64,
}

impl Default for Ids {
    fn default() -> Self {
        Self {
            start: Random::fresh().below(1 << 40),
            next: AtomicU64::new(1),
        }
    }
}

impl Ids {
    /// The next id behind a prefix such as `evt` or `conv`.
    pub fn next(&self, prefix: &str) -> String {
        format!(
            "{prefix}_{:x}_{}",
            self.start,
            self.next.fetch_add(1, Ordering::Relaxed)
        )
    }
}

/// Any event.
#[must_use]
pub fn event(id: &str, kind: &str, data: Value) -> Value {
    json!({ "id": id, "type": kind, "data": data })
}

/// The same with one value of `data` set, named by its path: `with(event, "visitor.email", "a@b.c")`.
#[must_use]
pub fn with(mut event: Value, path: &str, value: impl Into<Value>) -> Value {
    let mut place = &mut event["data"];
    for key in path.split('.') {
        place = &mut place[key];
    }
    *place = value.into();
    event
}

/// `conversation.started` by a visitor on a page.
#[must_use]
pub fn started(id: &str, conversation: &str, visitor: &str) -> Value {
    let data = json!({ "conversation_id": conversation, "visitor": { "name": visitor, "language": "nl" },
        "page": { "url": "https://www.example.com/rooms", "title": "Rooms" } });
    event(id, "conversation.started", data)
}

/// `message.created` by a visitor; the message's id is the event's with `m-` before it.
#[must_use]
pub fn message(id: &str, conversation: &str, visitor: &str, text: &str) -> Value {
    message_by(id, conversation, "visitor", visitor, text)
}

/// `message.created` by a `visitor`, `agent`, `bot` or `system`.
#[must_use]
pub fn message_by(id: &str, conversation: &str, sender: &str, name: &str, text: &str) -> Value {
    let data = json!({ "conversation_id": conversation, "message_id": format!("m-{id}"), "sender": { "type": sender, "name": name }, "text": text });
    event(id, "message.created", data)
}

/// `message.updated` of a message.
#[must_use]
pub fn updated(id: &str, conversation: &str, message_id: &str, text: &str) -> Value {
    event(
        id,
        "message.updated",
        json!({ "conversation_id": conversation, "message_id": message_id, "text": text }),
    )
}

/// `message.deleted` of a message.
#[must_use]
pub fn deleted(id: &str, conversation: &str, message_id: &str) -> Value {
    event(
        id,
        "message.deleted",
        json!({ "conversation_id": conversation, "message_id": message_id }),
    )
}

/// `conversation.closed` by an agent.
#[must_use]
pub fn closed(id: &str, conversation: &str, by: &str) -> Value {
    event(
        id,
        "conversation.closed",
        json!({ "conversation_id": conversation, "by": { "name": by } }),
    )
}

/// `conversation.reopened` by an agent.
#[must_use]
pub fn reopened(id: &str, conversation: &str, by: &str) -> Value {
    event(
        id,
        "conversation.reopened",
        json!({ "conversation_id": conversation, "by": { "name": by } }),
    )
}

/// `conversation.assigned` to an agent, or to nobody.
#[must_use]
pub fn assigned(id: &str, conversation: &str, agent: Option<&str>) -> Value {
    let agent = agent.map_or(Value::Null, |name| json!({ "name": name }));
    event(
        id,
        "conversation.assigned",
        json!({ "conversation_id": conversation, "agent": agent }),
    )
}

/// `visitor.typing`.
#[must_use]
pub fn typing(id: &str, conversation: &str) -> Value {
    event(
        id,
        "visitor.typing",
        json!({ "conversation_id": conversation }),
    )
}

/// `reply.read`.
#[must_use]
pub fn read(id: &str, conversation: &str, reply_id: &str) -> Value {
    event(
        id,
        "reply.read",
        json!({ "conversation_id": conversation, "reply_id": reply_id }),
    )
}

/// `notification` of a type.
#[must_use]
pub fn notification(id: &str, kind: &str, text: &str) -> Value {
    event(
        id,
        "notification",
        json!({ "notification_type": kind, "title": "A notice", "text": text }),
    )
}

/// `integration.ping`.
#[must_use]
pub fn ping(id: &str) -> Value {
    event(id, "integration.ping", json!({}))
}
