//! Doubles for tests: a claim of nothing in particular.

use serde_json::json;
use shared::{ConversationId, Event, EventId, LicenceId, Timestamp};

use crate::record::{Claim, Content, Direction, Doubt, Fence, Lane, LaneKey, Queue, Step};

/// The licence and the moment of all scripted things.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(crate) fn licence() -> LicenceId {
    LicenceId::new("acme").unwrap()
}

pub(crate) fn lane(conversation: &str) -> Lane {
    Lane {
        licence: licence(),
        key: LaneKey::Conversation(ConversationId::new(conversation).unwrap()),
        direction: Direction::ChatToThread,
    }
}

/// A message of a visitor.
pub(crate) fn message(id: &str, conversation: &str, text: &str) -> Event {
    let json = json!({"id": id, "type": "message.created", "data": {
        "conversation_id": conversation, "message_id": format!("m_{id}"),
        "sender": {"type": "visitor", "name": "Sanne"}, "text": text}});
    Event::from_json(&json, START).unwrap()
}

/// A first, certain attempt at the first part of a message.
pub(crate) fn claim(event: &str) -> Claim {
    Claim {
        fence: Fence(1),
        queue: Queue::Mattermost,
        lane: lane("conv_93"),
        seq: 2,
        event: EventId::new(event).unwrap(),
        kind: "message.created".into(),
        content: Content::Event(Box::new(message(event, "conv_93", "Hoi"))),
        accepted_at: START,
        step: Step::Part(0),
        doubt: Doubt::None,
        refused: 0,
        attempts: 1,
        first_started: None,
        last_ended: None,
        look_from: None,
        mapping: None,
        card: None,
        wanted: None,
        opening: None,
        target: Vec::new(),
        target_parked: false,
    }
}
