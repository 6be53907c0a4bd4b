//! Creating one post: sent once, its answer compared with what was sent, its refusal explained.

use std::time::Duration;

use shared::{ChannelId, PostId};
use tokio::time::{Instant, sleep};

use super::{
    Job, marked,
    place::{Entrance, archived, blocked, enter},
};
use crate::{
    delivery::outlet::{Outcome, Reason},
    mattermost::{Fault, FileId, NewPost, Post},
    record::{Doubt, Posted, Step},
    render::Draft,
};

/// Two posts of one lane must not share a millisecond, or their order would be that of their random ids.
const APART: Duration = Duration::from_millis(2);

impl Job<'_> {
    /// Creates what the claimed step stands for.
    pub(super) async fn create(
        &self,
        channel: &ChannelId,
        root: Option<&PostId>,
        draft: Draft,
        file_ids: Vec<FileId>,
    ) -> Result<Post, Outcome> {
        let mark = self.claim.mark();
        let new = NewPost {
            channel_id: channel.clone(),
            root_id: root.cloned(),
            message: draft.message,
            file_ids,
            props: marked::props(self.claim, draft.attachments),
            pending_post_id: mark.pending_post_id(),
        };
        if root.is_none() {
            self.outlet.memory.aim_at(&mark, channel);
        }
        let mut began = Instant::now();
        let mut answer = self.mattermost().create_post(&new).await;
        if matches!(answer, Err(Fault::Forbidden(_))) {
            // Nothing was created, that is certain, so the same request may be made once more from inside.
            match enter(self.mattermost(), channel).await {
                Entrance::Joined => {
                    began = Instant::now();
                    answer = self.mattermost().create_post(&new).await;
                }
                Entrance::Shut(outcome) => {
                    self.outlet.places.forget(channel);
                    return Err(outcome);
                }
            }
        }
        let post = match answer {
            Ok(post) => post,
            Err(fault) => return Err(self.explained(fault, channel, root).await),
        };
        self.verify(&post).await?;
        self.outlet.memory.saw(channel, post.create_at);
        if let Some(rest) = APART.checked_sub(began.elapsed()) {
            sleep(rest).await;
        }
        Ok(post)
    }

    /// Another post in the answer: somebody used our `pending_post_id`, and whether ours stands is unknown.
    async fn verify(&self, post: &Post) -> Result<(), Outcome> {
        let in_doubt = |reason| Outcome::InDoubt { open: true, reason };
        let bot = self
            .mattermost()
            .bot()
            .await
            .map_err(|fault| in_doubt(fault.reason().clone()))?;
        if marked::is(post, &bot, &self.claim.mark()) {
            return Ok(());
        }
        tracing::error!(
            licence.id = %self.claim.lane.licence, event.id = %self.claim.event, post.id = %post.id,
            "mattermost answered event {} with post {}, which is not the one that was sent", self.claim.event, post.id,
        );
        Err(in_doubt(Reason::answered(
            201,
            "mattermost answered with another post",
        )))
    }

    /// What a refusal means here, in this channel, under this root.
    async fn explained(&self, fault: Fault, channel: &ChannelId, root: Option<&PostId>) -> Outcome {
        match (fault, root) {
            (Fault::Forbidden(_), _) => {
                self.outlet.places.forget(channel);
                blocked(
                    Some(channel.clone()),
                    format!(
                        "the bot may not post in channel {channel}: allow members to post there"
                    ),
                )
            }
            (Fault::Archived(_), root) => {
                self.outlet.places.forget(channel);
                match root {
                    Some(_) if self.may_move().await => Outcome::RootGone,
                    _ => archived(channel.clone(), channel.as_str()),
                }
            }
            (Fault::RootRefused(reason), Some(root)) => match self.mattermost().post(root).await {
                Err(Fault::Gone(_)) => Outcome::RootGone,
                Ok(_) => Outcome::Refused(reason),
                Err(fault) => fault.unread(),
            },
            // A root that is gone is made anew, once two looks have shown that nothing stands; a reply is never posted again.
            (Fault::Removed(reason), None) if self.conversation().is_some() => Outcome::InDoubt {
                open: false,
                reason,
            },
            (fault, _) => fault.outcome(),
        }
    }

    /// The thread's channel is archived: whether people have connected another one, and this event may begin there.
    async fn may_move(&self) -> bool {
        let first = matches!(self.claim.step, Step::Part(0) | Step::Parked)
            && self.claim.doubt == Doubt::None;
        let Some(mapping) = self.claim.mapping.as_ref().filter(|_| first) else {
            return false;
        };
        matches!(self.channel().await, Ok(other) if other != mapping.channel_id)
    }
}

/// As the engine and the store know a post.
pub(super) fn posted(post: &Post) -> Posted {
    Posted {
        post_id: post.id.clone(),
        channel_id: post.channel_id.clone(),
        root_id: post.root_id.clone(),
        create_at: post.create_at,
    }
}
