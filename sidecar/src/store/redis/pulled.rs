//! Pulled: what one reading of a thread found becomes events, known posts and a cursor in one write.

use shared::PostId;

use super::{
    Redis,
    accepting::event_args,
    claiming::lies_in,
    ending::card_json,
    keys,
    reply::Reader,
    script::{Argument as _, Call, Script},
};
use crate::{
    record::{Change, KnownPost, NewEvent, Pull, Pulled, ReplyMark},
    store::StoreError,
};

impl Redis {
    pub(in crate::store) async fn pulled(&self, pull: Pull) -> Result<Pulled, StoreError> {
        let Some((licence, _)) = self.conversation_of(&pull.root_id).await? else {
            return Ok(Pulled::Moved);
        };
        let Some((partition, name)) = self.owner_of(&pull.root_id).await? else {
            return Ok(Pulled::Moved);
        };
        let known = pull.known.iter();
        let events = pull.changes.iter().flat_map(events_of);
        let call = Call::new(Script::Pulled, partition)
            .behind(known.map(|post| lies_in(partition, &name, &post.post_id)))
            .behind(events.map(|event| self.note(event)))
            .arg(partition)
            .arg(self.remember_ms())
            .arg(&*name)
            .arg(pull.root_id.as_str())
            .arg(pull.before.create_at)
            .arg(pull.before.post.as_ref().map(PostId::as_str))
            .arg(pull.after.create_at)
            .arg(pull.after.post.as_ref().map(PostId::as_str))
            .arg(pull.seen.0)
            .arg(pull.seen.1)
            .arg(!pull.known.is_empty())
            .arg(pull.now.wall)
            .arg(pull.now.steady)
            .arg(card_json(pull.card.as_ref())?)
            .arg(pull.changes.len())
            .args(pull.changes.iter().flat_map(change_args))
            .arg(pull.known.len())
            .args(pull.known.iter().flat_map(known_args));
        let mut answer = Reader::new(self.0.link.call(call).await?)?;
        if answer.text()? == "moved" {
            return Ok(Pulled::Moved);
        }
        let new = answer.parse()?;
        self.counted(&licence, answer.parse()?);
        self.0.hints.ask(partition);
        self.0.hints.touched(partition);
        Ok(Pulled::Kept { new })
    }
}

/// The events that may be new.
fn events_of(change: &Change) -> Vec<&NewEvent> {
    match change {
        Change::Append(event) => vec![event],
        Change::Edit { edit, anew, .. } => vec![edit, anew],
        Change::Withdraw { deletion, .. } => vec![deletion],
        Change::Hold { .. } => Vec::new(),
    }
}

fn change_args(change: &Change) -> Vec<Vec<u8>> {
    let mut args = Vec::new();
    match change {
        Change::Append(event) => {
            args.push("append".into_bytes());
            args.extend(event_args(event, None));
        }
        Change::Edit { held, edit, anew } => {
            args.push("edit".into_bytes());
            for event in [held, edit, anew] {
                args.extend(event_args(event, None));
            }
        }
        Change::Withdraw { held, deletion } => {
            args.push("withdraw".into_bytes());
            args.push(keys::event(&deletion.lane.licence, held).into_bytes());
            args.extend(event_args(deletion, None));
        }
        Change::Hold { held, lane, until } => {
            args.push("hold".into_bytes());
            args.push(keys::event(&lane.licence, held).into_bytes());
            args.push(until.into_bytes());
        }
    }
    args
}

fn known_args(post: &KnownPost) -> Vec<Vec<u8>> {
    let message = post.message_id.as_ref();
    vec![
        post.post_id.as_str().into_bytes(),
        post.root_id.as_str().into_bytes(),
        message.map(shared::MessageId::as_str).into_bytes(),
        post.part.into_bytes(),
        post.state.name().into_bytes(),
        post.create_at.into_bytes(),
        post.edit_at.into_bytes(),
        post.sent_edit_at.into_bytes(),
        post.mark.map(ReplyMark::emoji).into_bytes(),
    ]
}
