//! Aiming: which step an attempt is about to take. Reads where it must, changes nothing.

use shared::EventKind;

use super::Job;
use crate::{
    delivery::outlet::{Aim, Outcome, Reason},
    record::{Content, Mapping, Posted, Step},
};

impl Job<'_> {
    pub(super) async fn aim(&self) -> Result<Aim, Outcome> {
        let claim = self.claim;
        let event = match &claim.content {
            Content::Event(event) => event,
            // A line for what was parked stands where that would have stood; only conversations have such a place.
            Content::Placeholder { .. } if self.conversation().is_none() => {
                return Ok(Aim::Nothing);
            }
            Content::Placeholder { .. } => return self.in_thread(Step::Parked).await,
            Content::Undelivered { .. } | Content::Away { .. } => return self.remark().await,
            Content::Reply(_) => {
                let reason = Reason::new("a reply leads to i-reserve, not here");
                return Ok(Aim::End(Box::new(Outcome::Refused(reason))));
            }
        };
        match &event.kind {
            EventKind::Started(_) => match &claim.mapping {
                Some(root) if root.event == claim.event => {
                    Ok(Aim::End(Box::new(Outcome::Delivered {
                        post: Some(as_posted(root)),
                    })))
                }
                // A conversation that has a thread: its card changes, nothing else.
                Some(root) if !is_ahead(claim.step, root) => Ok(Aim::Nothing),
                _ => self.in_thread(Step::Part(0)).await,
            },
            EventKind::MessageCreated(_) => self.in_thread(Step::Part(0)).await,
            EventKind::Closed(_) | EventKind::Reopened(_) | EventKind::Assigned(_) => {
                self.remark().await
            }
            EventKind::MessageUpdated(edit) => self.aim_edit(edit).await,
            EventKind::MessageDeleted(_) => self.aim_deletion().await,
            EventKind::Notification(_) => self.alone(claim.step).await,
            EventKind::Updated(_)
            | EventKind::Typing(_)
            | EventKind::ReplyRead(_)
            | EventKind::Ping
            | EventKind::Unknown(_) => Ok(Aim::Nothing),
        }
    }

    /// A line about a conversation: it opens no thread.
    async fn remark(&self) -> Result<Aim, Outcome> {
        match &self.claim.mapping {
            Some(_) => self.in_thread(Step::Part(0)).await,
            None => Ok(Aim::Nothing),
        }
    }

    /// A post under the root, or the root first.
    async fn in_thread(&self, first: Step) -> Result<Aim, Outcome> {
        let claim = self.claim;
        let Some(root) = &claim.mapping else {
            return self
                .alone(match claim.step {
                    Step::Root(generation) => Step::Root(generation),
                    _ => Step::Root(1),
                })
                .await;
        };
        if is_ahead(claim.step, root) {
            return self.alone(claim.step).await;
        }
        let step = match claim.step {
            Step::Part(part) => Step::Part(part),
            _ => first,
        };
        // Never between the parts of one event, and never for the event that has just opened this thread.
        let limit = self.settings.thread_limit;
        let is_full = limit > 0 && root.replies >= limit;
        if is_full && step == Step::Part(0) && root.event != claim.event {
            return self.alone(Step::Root(root.generation + 1)).await;
        }
        Ok(Aim::Step {
            step: if first == Step::Parked {
                Step::Parked
            } else {
                step
            },
            look_from: claim.look_from,
        })
    }

    /// A root or a standalone post: a look for it would have to search the channel.
    async fn alone(&self, step: Step) -> Result<Aim, Outcome> {
        let channel = self.channel().await?;
        let look_from = self.outlet.memory.look_from(&channel);
        Ok(Aim::Step { step, look_from })
    }
}

/// Whether the claimed step opens a root later than this one.
pub(super) fn is_ahead(step: Step, root: &Mapping) -> bool {
    matches!(step, Step::Root(generation) if generation > root.generation)
}

/// The root as what the event that opened it came to.
pub(super) fn as_posted(root: &Mapping) -> Posted {
    Posted {
        post_id: root.root_id.clone(),
        channel_id: root.channel_id.clone(),
        root_id: Some(root.root_id.clone()),
        create_at: root.last_create_at,
    }
}
