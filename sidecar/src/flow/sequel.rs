//! What one delivery's end leaves behind: how the card looks from then on, and what stands for an event that was parked. Pure.

use shared::{
    Event, EventId, EventKind, MessageCreated, PostId, Sender, SenderType, Timestamp, Visitor,
};

use crate::{
    delivery::outlet::Reason,
    record::{
        Card, CardState, Claim, Content, ContentHash, Direction, Lane, NewEvent, Presence, Queue,
        ReplyChange, ReplyMark, Step,
    },
};

/// What the card shall be once this claim is delivered; nothing where it stays as it is.
#[must_use]
pub fn wanted(claim: &Claim, _: Timestamp) -> Option<Card> {
    let before = claim.card.as_ref()?;
    let Content::Event(event) = &claim.content else {
        return None;
    };
    let mut card = before.clone();
    apply(&mut card, event);
    let opens = claim.mapping.is_none() || matches!(claim.step, Step::Root(_));
    if opens {
        quote(&mut card, claim.opening.as_ref());
    }
    // A root is drawn from this, so it is said even when nothing changed.
    (opens || card != *before).then_some(card)
}

fn apply(card: &mut Card, event: &Event) {
    let at = event.timestamp;
    match &event.kind {
        EventKind::Started(started) => {
            if card.visitor.is_none() && card.page.is_none() {
                card.started_at = at;
            }
            card.visitor = Some(started.visitor.clone());
            card.page = Some(started.page.clone());
            card.url = started.url.clone().or_else(|| card.url.take());
            card.department = started
                .department
                .clone()
                .or_else(|| card.department.take());
            card.test |= started.test;
        }
        EventKind::Updated(updated) => {
            card.visitor = updated.visitor.clone().or_else(|| card.visitor.take());
            card.page = updated.page.clone().or_else(|| card.page.take());
            card.url = updated.url.clone().or_else(|| card.url.take());
        }
        EventKind::MessageCreated(created) => spoke(card, &created.message.sender, at),
        EventKind::MessageDeleted(deleted) if card.quoted.as_ref() == Some(&deleted.message_id) => {
            card.quote_withdrawn = true;
        }
        EventKind::Closed(_) => card.state = CardState::Resolved(at),
        EventKind::Reopened(_) => card.state = CardState::Waiting(at),
        EventKind::Assigned(assigned) => card.assigned = assigned.agent.clone(),
        _ => {}
    }
}

/// Who wrote last decides whether the visitor waits. The system's own messages change nothing.
fn spoke(card: &mut Card, sender: &Sender, at: Timestamp) {
    match sender.kind {
        SenderType::Visitor => {
            if !matches!(card.state, CardState::Waiting(_)) {
                card.state = CardState::Waiting(at);
            }
            if card.visitor.is_none() && !sender.name.trim().is_empty() {
                card.visitor = Some(Visitor {
                    name: sender.name.clone(),
                    email: sender.email.clone(),
                    ..Visitor::default()
                });
            }
        }
        SenderType::Agent | SenderType::Bot => card.state = CardState::Answered(at),
        SenderType::System => {}
    }
}

/// The root quotes the first thing the visitor said, if that already waits when it is made.
fn quote(card: &mut Card, opening: Option<&Content>) {
    let Some(Content::Event(event)) = opening else {
        return;
    };
    if let EventKind::MessageCreated(MessageCreated { message, .. }) = &event.kind
        && message.sender.kind == SenderType::Visitor
        && card.quoted.is_none()
    {
        card.quoted = Some(message.message_id.clone());
    }
}

/// The line that stands in the thread for a message that cannot be shown. What only changes something leaves none, and a
/// notification that its channel does not take has no thread to leave one in.
#[must_use]
pub fn placeholder(claim: &Claim, reason: &Reason) -> Option<Content> {
    let Content::Event(event) = &claim.content else {
        return None;
    };
    let EventKind::MessageCreated(created) = &event.kind else {
        return None;
    };
    let visitor = created.message.sender.name.clone();
    let reason = match reason.status {
        Some(status) if status < 500 => "refused".to_owned(),
        Some(_) => "unreachable".to_owned(),
        None => "other".to_owned(),
    };
    Some(Content::Placeholder {
        visitor,
        at: event.timestamp,
        reason,
    })
}

/// The mark of the reply that this claim brings over: taken or not. A deletion leaves the mark that its note carries.
#[must_use]
pub fn mark(claim: &Claim, taken: bool) -> Option<(PostId, ReplyMark)> {
    let Content::Reply(reply) = &claim.content else {
        return None;
    };
    match reply.what {
        ReplyChange::Created | ReplyChange::Updated(_) if taken => {
            Some((reply.reply_id.clone(), ReplyMark::Sent))
        }
        ReplyChange::Created | ReplyChange::Updated(_) => {
            Some((reply.reply_id.clone(), ReplyMark::Undelivered))
        }
        ReplyChange::Deleted(_) => None,
    }
}

/// The notice to the author of a reply that was not taken: last into the lane that leads to his thread.
#[must_use]
pub fn notices(claim: &Claim, reason: &Reason, now: Timestamp) -> Vec<NewEvent> {
    let Content::Reply(reply) = &claim.content else {
        return Vec::new();
    };
    let (Some(author), ReplyChange::Created | ReplyChange::Updated(_)) =
        (&reply.author, reply.what)
    else {
        return Vec::new();
    };
    // Its id has no dot and fits: a webhook id has at most 48 characters.
    let Ok(id) = EventId::new(format!("notice:{}", claim.event)) else {
        return Vec::new();
    };
    let content = Content::Undelivered {
        username: author.username.clone(),
        visitor: visitor_of(claim),
        reason: match reason.status {
            Some(410) => "gone".into(),
            Some(status) => format!("answered:{status}"),
            None => "unreachable".into(),
        },
    };
    vec![line(claim, id, content, now)]
}

/// The line that says that the visitor does not read a reply now: once per absence. An absence is named by who wrote last before it,
/// and by how often the visitor came back since; the store takes each name once.
#[must_use]
pub fn away(claim: &Claim, presence: Presence, returns: u32, now: Timestamp) -> Vec<NewEvent> {
    let Content::Reply(reply) = &claim.content else {
        return Vec::new();
    };
    let (word, closed) = match presence {
        Presence::Delivered => return Vec::new(),
        Presence::Offline => ("offline", false),
        Presence::Closed => ("closed", true),
    };
    if matches!(reply.what, ReplyChange::Deleted(_)) {
        return Vec::new();
    }
    let since = match claim.card.as_ref().map(|card| card.state) {
        Some(CardState::Waiting(at) | CardState::Answered(at) | CardState::Resolved(at)) => at,
        None => reply.created_at,
    };
    let root = &reply.root_id;
    // Without a dot, and at most 70 characters.
    let Ok(id) = EventId::new(format!("{word}:{root}:{}:{returns}", since.as_millis())) else {
        return Vec::new();
    };
    let visitor = visitor_of(claim);
    vec![line(claim, id, Content::Away { visitor, closed }, now)]
}

/// What the card calls the visitor; empty where nobody knows.
fn visitor_of(claim: &Claim) -> String {
    let visitor = claim.card.as_ref().and_then(|card| card.visitor.as_ref());
    visitor
        .map(|visitor| visitor.name.clone())
        .unwrap_or_default()
}

/// Last into the lane that leads to the thread.
fn line(claim: &Claim, id: EventId, content: Content, now: Timestamp) -> NewEvent {
    NewEvent {
        id,
        kind: "notice".into(),
        hash: ContentHash::of_bytes(&content.to_bytes()),
        lane: Lane {
            direction: Direction::ChatToThread,
            ..claim.lane.clone()
        },
        queue: Queue::Mattermost,
        content,
        accepted_at: now,
        message_id: None,
        step: Step::Part(0),
        hold_until: None,
        done: false,
        files: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::delivery::scripted::{START, claim, message};

    fn with(kind: &str, data: serde_json::Value, card: Card) -> Claim {
        let json =
            json!({"id": "evt", "type": kind, "timestamp": "2026-11-22T10:00:00Z", "data": data});
        let event = Event::from_json(&json, START).unwrap();
        Claim {
            content: Content::Event(Box::new(event)),
            card: Some(card),
            ..claim("evt")
        }
    }

    fn mapped(claim: Claim) -> Claim {
        let root = crate::record::Mapping {
            generation: 1,
            root_id: "r".repeat(26).parse().unwrap(),
            channel_id: "c".repeat(26).parse().unwrap(),
            event: claim.event.clone(),
            replies: 0,
            last_create_at: START,
        };
        Claim {
            mapping: Some(root),
            ..claim
        }
    }

    #[test]
    fn a_visitor_waits_from_his_first_unanswered_message() {
        let card = Card {
            state: CardState::Answered(START),
            ..Card::new(1, START)
        };
        let says = |card| {
            mapped(Claim {
                card: Some(card),
                ..claim("evt")
            })
        };
        let waiting = wanted(&says(card), START).unwrap();
        assert_eq!(waiting.state, CardState::Waiting(START));
        assert_eq!(
            wanted(&says(waiting), START),
            None,
            "a second message does not restart the wait"
        );
    }

    #[test]
    fn a_root_quotes_the_visitor_and_nobody_else() {
        let opening = |kind: &str| {
            let json = json!({"id": "first", "type": "message.created", "data": {"conversation_id": "c",
                "message_id": "m_first", "sender": {"type": kind, "name": "S"}, "text": "Hoi"}});
            Some(Content::Event(Box::new(
                Event::from_json(&json, START).unwrap(),
            )))
        };
        let opens = |kind| Claim {
            card: Some(Card::new(1, START)),
            opening: opening(kind),
            ..claim("evt")
        };
        assert_eq!(
            wanted(&opens("visitor"), START)
                .unwrap()
                .quoted
                .unwrap()
                .as_str(),
            "m_first"
        );
        assert_eq!(wanted(&opens("agent"), START).unwrap().quoted, None);
    }

    #[test]
    fn withdrawing_the_quoted_message_takes_the_quote_away() {
        let card = Card {
            quoted: Some("m1".parse().unwrap()),
            ..Card::new(1, START)
        };
        let deletes = |id: &str, card: &Card| {
            mapped(with(
                "message.deleted",
                json!({"conversation_id": "c", "message_id": id}),
                card.clone(),
            ))
        };
        assert!(
            wanted(&deletes("m1", &card), START)
                .unwrap()
                .quote_withdrawn
        );
        assert_eq!(wanted(&deletes("m2", &card), START), None);
    }

    #[test]
    fn only_a_message_leaves_a_placeholder() {
        let reason = Reason::answered(400, "refused");
        let parked = placeholder(&claim("evt"), &reason);
        assert!(matches!(parked, Some(Content::Placeholder { visitor, .. }) if visitor == "Sanne"));
        let closed = with(
            "conversation.closed",
            json!({"conversation_id": "c"}),
            Card::new(1, START),
        );
        assert_eq!(placeholder(&closed, &reason), None);
        assert_eq!(message("evt", "c", "x").kind.name(), "message.created");
    }

    fn answered(state: CardState, id: &str) -> Claim {
        let reply = json!({"what": "created", "conversation_id": "conv", "reply_id": "p".repeat(26), "root_id": "r".repeat(26),
            "channel_id": "c".repeat(26), "text": "Yes", "created_at": START, "taken_at": START});
        let card = Card {
            state,
            ..Card::new(1, START)
        };
        Claim {
            content: Content::Reply(serde_json::from_value(reply).unwrap()),
            card: Some(card),
            ..claim(id)
        }
    }

    #[test]
    fn an_absence_is_said_once_until_the_visitor_came_back_or_spoke() {
        let id = |claim: &Claim, presence, returns| {
            let lines = away(claim, presence, returns, START);
            lines.first().map(|line| line.id.to_string())
        };
        let first = CardState::Answered(START);
        let later = CardState::Answered(START + std::time::Duration::from_secs(9));
        let said = id(&answered(first, "reply:a:0"), Presence::Offline, 0);
        assert!(said.is_some());
        assert_eq!(
            id(&answered(first, "reply:b:0"), Presence::Offline, 0),
            said
        );
        for (name, again) in [
            (
                "he came back",
                id(&answered(first, "reply:c:0"), Presence::Offline, 1),
            ),
            (
                "he spoke",
                id(&answered(later, "reply:c:0"), Presence::Offline, 0),
            ),
            (
                "he closed it",
                id(&answered(first, "reply:c:0"), Presence::Closed, 0),
            ),
        ] {
            assert!(again.is_some() && again != said, "{name}");
        }
        assert_eq!(id(&answered(first, "x"), Presence::Delivered, 0), None);
        assert_eq!(id(&claim("evt"), Presence::Offline, 0), None);
    }
}
