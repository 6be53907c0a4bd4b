//! Showing: cards and marks look as the store knows them. Best effort, newest state only.

use serde_json::Value;
use shared::PostId;

use super::MattermostOutlet;
use crate::{
    delivery::outlet::{Reason, Shown},
    mattermost::{Fault, Patch, Post},
    record::{ReplyMark, Touch},
    render,
};

impl MattermostOutlet {
    pub(super) async fn show_touch(&self, touch: &Touch) -> Shown {
        let done = match touch {
            Touch::Card { .. } => self.redraw(touch).await,
            Touch::Mark { .. } if !self.settings().receipts => Ok(()),
            Touch::Mark {
                post,
                wanted,
                shown,
            } => self.mark(post, *wanted, *shown).await,
        };
        match done {
            Ok(()) => Shown::Done,
            Err(Fault::Proxy(reason)) if reason.status.is_some_and(|status| status < 400) => {
                Shown::Later(reason)
            }
            // The post is gone, archived or not ours to change: it can never show it.
            Err(fault) if fault.is_final() => Shown::Done,
            Err(fault) => Shown::Later(fault.reason().clone()),
        }
    }

    /// One mark at a time. A reaction that is there already, or is not, is no mistake.
    async fn mark(
        &self,
        post: &PostId,
        wanted: Option<ReplyMark>,
        shown: Option<ReplyMark>,
    ) -> Result<(), Fault> {
        if let Some(mark) = shown.filter(|_| shown != wanted) {
            match self.mattermost.unreact(post, mark.emoji()).await {
                Ok(()) | Err(Fault::Gone(_) | Fault::Refused(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
        match wanted {
            Some(mark) => self.mattermost.react(post, mark.emoji()).await,
            None => Ok(()),
        }
    }

    async fn redraw(&self, touch: &Touch) -> Result<(), Fault> {
        let Touch::Card {
            licence,
            conversation,
            root,
            card,
            continues_in,
            ..
        } = touch
        else {
            return Ok(());
        };
        let licences = self.licences.snapshot();
        let Some(licence) = licences.get(licence) else {
            let reason = Reason::new("the licence is not in the settings");
            // The plugin may still tell it; else nobody speaks for this card any more.
            return Err(if licences.is_waiting() {
                Fault::NotSent(reason)
            } else {
                Fault::Refused(reason)
            });
        };
        let standing = self.mattermost.post(&root.root_id).await?;
        let bot = self.mattermost.bot().await?;
        if standing.user_id != bot || standing.ours("mark").is_none() {
            return Err(Fault::Refused(Reason::new(
                "the root is not a post of ours",
            )));
        }
        let voice = self.voice(licence);
        let mut draft = render::card_again(&standing.message, card, conversation, &voice);
        if let Some(next) = continues_in {
            let limits = self.limits().await;
            draft.message = render::continues(
                &draft.message,
                &self.permalink(licence, &limits, next),
                &voice,
            );
        }
        match patch(&standing, draft) {
            Some(patch) => self
                .mattermost
                .patch_post(&standing.id, &patch)
                .await
                .map(|_| ()),
            None => Ok(()),
        }
    }
}

/// What has to change; nothing when it shows everything already. Each change makes clients say "Edited".
fn patch(standing: &Post, draft: render::Draft) -> Option<Patch> {
    let shown = standing
        .props
        .get("attachments")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let is_shown = shown.len() == draft.attachments.len()
        && shown
            .iter()
            .zip(&draft.attachments)
            .all(|(shown, wanted)| shows(shown, wanted));
    let props = (!is_shown).then(|| {
        // A patch replaces all props, so what stands there goes along, our mark above all.
        let mut props = standing.props.clone();
        props.insert("attachments".into(), Value::Array(draft.attachments));
        props
    });
    let message = (standing.message != draft.message).then_some(draft.message);
    (props.is_some() || message.is_some()).then_some(Patch { message, props })
}

/// Whether an attachment shows what is wanted. The server adds keys of its own.
fn shows(shown: &Value, wanted: &Value) -> bool {
    match (shown, wanted) {
        (Value::Object(shown), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, value)| shown.get(key).is_some_and(|shown| shows(shown, value))),
        (Value::Array(shown), Value::Array(wanted)) => {
            shown.len() == wanted.len()
                && shown
                    .iter()
                    .zip(wanted)
                    .all(|(shown, wanted)| shows(shown, wanted))
        }
        (shown, wanted) => shown == wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn standing() -> Post {
        serde_json::from_value(json!({"id": "p".repeat(26), "create_at": 1, "update_at": 1, "user_id": "u".repeat(26),
            "channel_id": "c".repeat(26), "message": "card", "props": {"ireserve": {"mark": "m"}, "from_bot": "true",
            "attachments": [{"id": 0, "color": "#F5A623", "text": "a", "fields": null}]}}))
        .unwrap()
    }

    fn draft(message: &str, text: &str) -> render::Draft {
        render::Draft {
            message: message.into(),
            attachments: vec![json!({"color": "#F5A623", "text": text})],
        }
    }

    #[test]
    fn a_card_that_shows_everything_is_not_edited() {
        assert_eq!(patch(&standing(), draft("card", "a")), None);
    }

    #[test]
    fn changed_props_go_whole_and_an_unchanged_message_stays_away() {
        let patch = patch(&standing(), draft("card", "b")).unwrap();
        assert_eq!(patch.message, None);
        let props = patch.props.unwrap();
        assert_eq!(
            (&props["ireserve"]["mark"], &props["from_bot"]),
            (&json!("m"), &json!("true"))
        );
        assert_eq!(props["attachments"][0]["text"], "b");
    }
}
