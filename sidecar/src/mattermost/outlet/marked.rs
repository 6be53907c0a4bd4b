//! The props of our posts: `ireserve` for ourselves, attachments, and nothing else. All of it is made here.

use serde_json::{Map, Value, json};

use crate::{
    mattermost::{Post, Props},
    record::{Claim, Content, Mark, Step},
};
use shared::{EventKind, UserId};

/// The props of what the claimed step creates.
pub(super) fn props(claim: &Claim, attachments: Vec<Value>) -> Props {
    let mut props = Map::new();
    props.insert("ireserve".into(), identity(claim));
    if attachments.is_empty() {
        // From 11.x on: nothing in the text is fetched. With attachments it would hide them from the web client.
        props.insert("unsafe_links".into(), json!("true"));
    } else {
        props.insert("attachments".into(), Value::Array(attachments));
    }
    props
}

/// Which post it is: ids, no secret. Everybody in the channel can read them.
fn identity(claim: &Claim) -> Value {
    let mut identity = Map::new();
    identity.insert("licence".into(), json!(claim.lane.licence));
    if let Some(conversation) = claim.lane.key.conversation() {
        identity.insert("conversation_id".into(), json!(conversation));
        identity.insert("generation".into(), json!(generation(claim)));
    }
    identity.insert("event_id".into(), json!(claim.event));
    identity.insert("mark".into(), json!(claim.mark()));
    identity.insert("part".into(), part(claim));
    Value::Object(identity)
}

fn generation(claim: &Claim) -> u32 {
    match claim.step {
        Step::Root(generation) => generation,
        _ => claim
            .mapping
            .as_ref()
            .map_or(1, |mapping| mapping.generation),
    }
}

fn part(claim: &Claim) -> Value {
    match claim.step {
        Step::Part(part) => json!(part),
        Step::Withdrawn => json!("withdrawn"),
        Step::Parked => json!("parked"),
        Step::Root(_) | Step::Change => json!(0),
    }
}

/// Whether this is the post with this mark. Anybody can write props; nobody else can be our bot.
pub(super) fn is(post: &Post, bot: &UserId, mark: &Mark) -> bool {
    post.user_id == *bot && post.ours("mark") == Some(mark.as_str())
}

/// Whether the claim is of an event of its own kind of post: a notification stands alone.
pub(super) fn is_standalone(claim: &Claim) -> bool {
    matches!(&claim.content, Content::Event(event) if matches!(event.kind, EventKind::Notification(_)))
}
