//! Where an event goes: its lane, its queue and its first step. Pure.
//!
//! The channel is not part of it. It is found at each attempt, for whatever has no live root, so a map that people repair also
//! repairs what waits. Only what no map could ever answer is refused here.

use shared::{Event, EventKind, Notification, Pointed, Started, Timestamp};

use crate::{
    auth::Parsed,
    licence::Licence,
    record::{Content, ContentHash, Direction, Lane, LaneKey, NewEvent, Queue, Step},
};

/// Who an echo of our own reply names as its origin.
const OURS: &str = "mattermost";
/// The type that stands for all that are not mapped.
const EVERY_OTHER: &str = "*";

/// Why an event is refused although its form is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    Department(Pointed),
    NotificationType(Pointed),
}

/// # Errors
/// When it names a department or a notification type that has no channel.
pub fn check(licence: &Licence, event: &Event) -> Result<(), Unknown> {
    match &event.kind {
        EventKind::Started(started) => check_department(licence, started),
        EventKind::Notification(notification) => check_type(licence, notification),
        _ => Ok(()),
    }
}

fn check_department(licence: &Licence, started: &Started) -> Result<(), Unknown> {
    match &started.department {
        Some(name) if !licence.departments.contains_key(name) => {
            Err(Unknown::Department(Pointed {
                pointer: "/data/department".into(),
                detail: "names no department of this licence: map it to a channel, or leave it out"
                    .into(),
            }))
        }
        _ => Ok(()),
    }
}

fn check_type(licence: &Licence, notification: &Notification) -> Result<(), Unknown> {
    let mapped = |name: &str| licence.notifications.contains_key(name);
    if mapped(&notification.notification_type) || mapped(EVERY_OTHER) {
        return Ok(());
    }
    Err(Unknown::NotificationType(Pointed {
        pointer: "/data/notification_type".into(),
        detail: "has no channel: map it, or map `*` for all others".into(),
    }))
}

/// The event with its lane, or nothing where it has none (a ping, an unknown type, an ephemeral one).
///
/// `digests` are those of its files, in the order of the attachments; `files` the names under which they are kept.
#[must_use]
pub fn address(
    licence: &Licence,
    parsed: Parsed,
    digests: &[[u8; 32]],
    files: Vec<String>,
    now: Timestamp,
) -> Option<NewEvent> {
    let Parsed { event, json } = parsed;
    let key = lane_key(&event)?;
    Some(NewEvent {
        id: event.id.clone(),
        kind: event.kind.name().to_owned(),
        hash: ContentHash::of(&json, digests),
        lane: Lane {
            licence: licence.id.clone(),
            key,
            direction: Direction::ChatToThread,
        },
        queue: Queue::Mattermost,
        accepted_at: now,
        message_id: event.kind.message_id().cloned(),
        step: first_step(&event.kind),
        hold_until: None,
        done: is_echo(&event.kind),
        files,
        content: Content::Event(Box::new(event)),
    })
}

fn lane_key(event: &Event) -> Option<LaneKey> {
    match &event.kind {
        EventKind::Notification(notification) => Some(match &notification.subject_id {
            Some(subject) => LaneKey::Subject(subject.clone()),
            None => LaneKey::NotificationType(notification.notification_type.clone()),
        }),
        EventKind::Typing(_)
        | EventKind::ReplyRead(_)
        | EventKind::Ping
        | EventKind::Unknown(_) => None,
        kind => kind.conversation_id().cloned().map(LaneKey::Conversation),
    }
}

/// What only changes posts that stand, or the card, needs no look when its outcome is not known.
const fn first_step(kind: &EventKind) -> Step {
    match kind {
        EventKind::MessageUpdated(_) | EventKind::MessageDeleted(_) | EventKind::Updated(_) => {
            Step::Change
        }
        _ => Step::Part(0),
    }
}

/// A reply that came from the thread comes back as a message: it is known, and never posted again.
fn is_echo(kind: &EventKind) -> bool {
    match kind {
        EventKind::MessageCreated(created) => created
            .origin
            .as_ref()
            .is_some_and(|origin| origin.system == OURS),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::{ConversationId, Language, LicenceId};

    use super::*;
    use crate::licence::{Attachments, Channel, Ireserve, Mode};

    fn licence() -> Licence {
        Licence {
            id: LicenceId::new("acme").unwrap(),
            language: Language::Nl,
            time_zone: "Europe/Amsterdam".parse().unwrap(),
            team: Some("support".into()),
            channel: Channel::parse("webchat"),
            mode: Mode::TwoWay,
            rate: None,
            webhook_tokens: Vec::new(),
            keys: Vec::new(),
            attachments: Attachments {
                fetch_hosts: Vec::new(),
                max_bytes: 1,
            },
            ireserve: Ireserve::default(),
            departments: [("sales".to_owned(), Channel::parse("webchat-sales").unwrap())].into(),
            notifications: [(
                "booking.confirmed".to_owned(),
                Channel::parse("bookings").unwrap(),
            )]
            .into(),
        }
    }

    fn parsed(kind: &str, data: Value) -> Parsed {
        let json =
            json!({"id": "evt", "type": kind, "timestamp": "2026-11-22T10:00:00Z", "data": data});
        Parsed {
            event: Event::from_json(&json, Timestamp::default()).unwrap(),
            json,
        }
    }

    fn addressed(kind: &str, data: Value) -> NewEvent {
        address(
            &licence(),
            parsed(kind, data),
            &[],
            Vec::new(),
            Timestamp::default(),
        )
        .unwrap()
    }

    fn notification(data: Value) -> Value {
        let mut whole = json!({"notification_type": "booking.confirmed", "text": "x"});
        whole
            .as_object_mut()
            .unwrap()
            .extend(data.as_object().unwrap().clone());
        whole
    }

    #[test]
    fn a_chat_and_a_booking_of_one_name_never_meet() {
        let chat = addressed(
            "message.deleted",
            json!({"conversation_id": "123", "message_id": "m"}),
        );
        assert_eq!(
            chat.lane.key,
            LaneKey::Conversation(ConversationId::new("123").unwrap())
        );
        assert_eq!(chat.step, Step::Change);
        let booking = addressed("notification", notification(json!({"subject_id": "123"})));
        assert_eq!(booking.lane.key, LaneKey::Subject("123".into()));
        let plain = addressed("notification", notification(json!({})));
        assert_eq!(
            plain.lane.key,
            LaneKey::NotificationType("booking.confirmed".into())
        );
    }

    #[test]
    fn a_department_or_type_without_a_channel_is_refused_with_its_place() {
        let started = |department: &str| {
            parsed(
                "conversation.started",
                json!({"conversation_id": "c", "visitor": {"name": "S"}, "page": {"url": "u"}, "department": department}),
            )
        };
        assert_eq!(check(&licence(), &started("sales").event), Ok(()));
        assert!(matches!(
            check(&licence(), &started("legal").event),
            Err(Unknown::Department(_))
        ));
        let other = parsed(
            "notification",
            notification(json!({"notification_type": "booking.moved"})),
        );
        assert!(matches!(
            check(&licence(), &other.event),
            Err(Unknown::NotificationType(_))
        ));
        let mut open = licence();
        open.notifications
            .insert("*".into(), Channel::parse("webchat").unwrap());
        assert_eq!(check(&open, &other.event), Ok(()));
    }

    #[test]
    fn the_echo_of_our_own_reply_is_done_at_once() {
        let data = json!({"conversation_id": "c", "message_id": "m", "sender": {"type": "agent", "name": "A"},
                          "text": "x", "origin": {"system": "mattermost", "reply_id": "p"}});
        assert!(addressed("message.created", data).done);
    }

    #[test]
    fn what_is_never_stored_has_no_lane() {
        let typing = parsed("visitor.typing", json!({"conversation_id": "c"}));
        assert_eq!(
            address(&licence(), typing, &[], Vec::new(), Timestamp::default()),
            None
        );
    }
}
