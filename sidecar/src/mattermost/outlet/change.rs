//! Changes: a message that was edited or taken back. Each of these says what the posts shall be, so it may be repeated.
//!
//! Posts are found by message, through the claim; what they are now is read from Mattermost. A post that is gone stays gone.
//! Always `…/patch`: a whole PUT would wipe the props on 9.11, our mark with them.

use shared::{MessageUpdated, PostId};

use super::{
    Job,
    create::posted,
    place::{Entrance, archived, blocked, enter},
    unread,
};
use crate::{
    delivery::outlet::{Aim, Outcome},
    mattermost::{Fault, Patch, Post},
    record::{Content, Step},
    render::{self, Draft},
};

/// The posts of a message as they stand, and the texts they shall have.
struct Edit {
    /// Those that hold text, in order.
    slots: Vec<Post>,
    texts: Vec<String>,
    /// The number of the first part that this edit itself appends.
    appends_from: u32,
}

impl Job<'_> {
    pub(super) async fn aim_edit(&self, edit: &MessageUpdated) -> Result<Aim, Outcome> {
        if self.claim.target_parked {
            return Ok(Aim::End(Box::new(Outcome::ParkBehind)));
        }
        let Some(plan) = self.edit(edit).await? else {
            return Ok(Aim::Nothing);
        };
        let step = match self.claim.step {
            Step::Part(part) => Step::Part(part),
            // More text than there are posts for it: this edit creates, so its steps are noted like those of a message.
            _ if plan.texts.len() > plan.slots.len() => Step::Part(plan.appends_from),
            _ => Step::Change,
        };
        Ok(Aim::Step {
            step,
            look_from: self.claim.look_from,
        })
    }

    pub(super) async fn aim_deletion(&self) -> Result<Aim, Outcome> {
        if self.claim.target_parked {
            return Ok(Aim::End(Box::new(Outcome::ParkBehind)));
        }
        let posts = self.target().await?;
        if posts.is_empty() {
            return Ok(Aim::Nothing);
        }
        // A post with files is removed, and somebody must be able to see that something was there.
        let needs_line = posts.iter().all(|post| !post.file_ids.is_empty());
        let step = match self.claim.step {
            Step::Withdrawn => Step::Withdrawn,
            _ if needs_line && !self.line_stands().await? => Step::Withdrawn,
            _ => Step::Change,
        };
        Ok(Aim::Step {
            step,
            look_from: self.claim.look_from,
        })
    }

    /// Edits and deletions that create nothing.
    pub(super) async fn change(&self) -> Result<Outcome, Outcome> {
        use shared::EventKind::{MessageDeleted, MessageUpdated};
        let Content::Event(event) = &self.claim.content else {
            return Ok(NOTHING);
        };
        match &event.kind {
            MessageUpdated(edit) => {
                if let Some(plan) = self.edit(edit).await? {
                    self.fill(&plan).await?;
                }
            }
            MessageDeleted(_) => {
                for post in self.target().await? {
                    self.take_back(&post).await?;
                }
            }
            _ => {}
        }
        Ok(NOTHING)
    }

    /// Appends the text for which an edited message has no post yet.
    pub(super) async fn append(
        &self,
        edit: &MessageUpdated,
        part: u32,
    ) -> Result<Outcome, Outcome> {
        let Some(plan) = self.edit(edit).await? else {
            return Ok(NOTHING);
        };
        self.fill(&plan).await?;
        let at = plan.text_of(part);
        let (Some(text), Some(first)) = (plan.texts.get(at), plan.slots.first()) else {
            return Ok(NOTHING);
        };
        // Where the message stands, which may be a former thread.
        let (channel, root) = (first.channel_id.clone(), first.root_id.clone());
        let draft = Draft {
            message: text.clone(),
            ..Draft::default()
        };
        let post = self
            .create(&channel, root.as_ref(), draft, Vec::new())
            .await?;
        Ok(self.appended_at(at, part, &plan, &post))
    }

    /// A part of an edit was found that an earlier attempt appended.
    pub(super) async fn appended(&self, part: u32, post: &Post) -> Result<Outcome, Outcome> {
        let Content::Event(event) = &self.claim.content else {
            return Ok(NOTHING);
        };
        let shared::EventKind::MessageUpdated(edit) = &event.kind else {
            return Ok(NOTHING);
        };
        let Some(plan) = self.edit(edit).await? else {
            return Ok(Outcome::Delivered {
                post: Some(posted(post)),
            });
        };
        Ok(self.appended_at(plan.text_of(part), part, &plan, post))
    }

    fn appended_at(&self, at: usize, part: u32, plan: &Edit, post: &Post) -> Outcome {
        self.outlet.memory.stands(&self.claim.mark());
        if at + 1 < plan.texts.len() {
            Outcome::PartDone {
                post: posted(post),
                next: Step::Part(part + 1),
            }
        } else {
            Outcome::Delivered {
                post: Some(posted(post)),
            }
        }
    }

    /// The line first, then what it stands for: the other way round a crash would leave nothing to be seen.
    pub(super) async fn post_withdrawn(&self) -> Result<Outcome, Outcome> {
        let posts = self.target().await?;
        let Some(first) = posts.first() else {
            return Ok(NOTHING);
        };
        let text = self.withdrawn(first);
        let (channel, root) = (first.channel_id.clone(), first.root_id.clone());
        let draft = Draft {
            message: text,
            ..Draft::default()
        };
        let post = self
            .create(&channel, root.as_ref(), draft, Vec::new())
            .await?;
        Ok(withdrawn_stands(&post))
    }

    /// What the posts of an edited message are and shall be; nothing when it has none any more.
    async fn edit(&self, edit: &MessageUpdated) -> Result<Option<Edit>, Outcome> {
        let standing = self.target().await?;
        let appends_from = self
            .claim
            .target
            .iter()
            .filter(|known| !self.is_own(&standing, &known.post_id))
            .map(|known| known.part + 1)
            .max();
        let slots: Vec<Post> = standing
            .into_iter()
            .filter(|post| post.ours("event_id") != Some(self.claim.event.as_str()))
            .enumerate()
            .filter(|(at, post)| *at == 0 || !holds_files_alone(post))
            .map(|(_, post)| post)
            .collect();
        let named = slots
            .iter()
            .find(|post| render::sender_line_of(&post.message).is_some());
        // No sender line anywhere: the message was taken back, and an edit does not bring it again.
        let (Some(named), Some(appends_from)) = (named, appends_from) else {
            return Ok(None);
        };
        let texts = render::edited(
            &named.message,
            &edit.text,
            edit.format,
            &self.voice,
            self.part_limit(),
        );
        Ok(Some(Edit {
            slots,
            texts,
            appends_from,
        }))
    }

    fn is_own(&self, standing: &[Post], id: &PostId) -> bool {
        standing
            .iter()
            .any(|post| post.id == *id && post.ours("event_id") == Some(self.claim.event.as_str()))
    }

    /// Gives each post its text; what is left over says that it was withdrawn, unless files hang on it.
    async fn fill(&self, edit: &Edit) -> Result<(), Outcome> {
        for (at, post) in edit.slots.iter().enumerate() {
            let message = match edit.texts.get(at) {
                Some(text) => text.clone(),
                None if post.file_ids.is_empty() => self.withdrawn(post),
                None => render::sender_line_of(&post.message)
                    .map_or_else(String::new, |name| format!("**{name}:** ")),
            };
            self.say(post, message).await?;
        }
        Ok(())
    }

    async fn take_back(&self, post: &Post) -> Result<(), Outcome> {
        if post.file_ids.is_empty() {
            return self.say(post, self.withdrawn(post)).await;
        }
        // A patch cannot take files away on 9.11.
        let answer = self.mattermost().delete_post(&post.id).await;
        let answer = match self.let_in(post, answer).await? {
            Some(answer) => answer,
            None => self.mattermost().delete_post(&post.id).await,
        };
        self.settled(post, answer)
    }

    async fn say(&self, post: &Post, message: String) -> Result<(), Outcome> {
        if post.message == message {
            return Ok(());
        }
        let patch = Patch {
            message: Some(message),
            props: None,
        };
        let answer = self
            .mattermost()
            .patch_post(&post.id, &patch)
            .await
            .map(|_| ());
        let answer = match self.let_in(post, answer).await? {
            Some(answer) => answer,
            None => self
                .mattermost()
                .patch_post(&post.id, &patch)
                .await
                .map(|_| ()),
        };
        self.settled(post, answer)
    }

    /// The answer as it is; nothing when our bot was outside and has joined, so that the same may be asked once more.
    async fn let_in(
        &self,
        post: &Post,
        answer: Result<(), Fault>,
    ) -> Result<Option<Result<(), Fault>>, Outcome> {
        if !matches!(answer, Err(Fault::Forbidden(_))) {
            return Ok(Some(answer));
        }
        match enter(self.mattermost(), &post.channel_id).await {
            Entrance::Joined => Ok(None),
            Entrance::Shut(outcome) => Err(outcome),
        }
    }

    /// A post that is gone stays as it is. An archived channel, and what our bot may not do, is for people to repair.
    fn settled(&self, post: &Post, answer: Result<(), Fault>) -> Result<(), Outcome> {
        let channel = || Some(post.channel_id.clone());
        match answer {
            Ok(()) | Err(Fault::Gone(_)) => Ok(()),
            Err(Fault::Archived(_)) => {
                Err(archived(post.channel_id.clone(), post.channel_id.as_str()))
            }
            Err(Fault::Forbidden(_)) => Err(blocked(
                channel(),
                format!(
                    "the bot may not change its posts in channel {}: allow it",
                    post.channel_id
                ),
            )),
            Err(fault) => Err(fault.outcome()),
        }
    }

    /// What stands for this post's text once it was taken back. One that says so already keeps its words.
    fn withdrawn(&self, post: &Post) -> String {
        let at = match &self.claim.content {
            Content::Event(event) => event.timestamp,
            Content::Placeholder { at, .. } => *at,
            Content::Reply(_) | Content::Undelivered { .. } | Content::Away { .. } => {
                self.claim.accepted_at
            }
        };
        match render::sender_name_of(&post.message) {
            Some(sender) => render::withdrawn(&sender, at, &self.voice),
            None => post.message.clone(),
        }
    }

    /// The posts of the message as they stand now, in order, those that are gone left out.
    async fn target(&self) -> Result<Vec<Post>, Outcome> {
        let ids: Vec<PostId> = self
            .claim
            .target
            .iter()
            .map(|known| known.post_id.clone())
            .collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let bot = self.mattermost().bot().await.map_err(unread)?;
        let mut posts = self.mattermost().posts(&ids).await.map_err(unread)?;
        posts.retain(|post| post.delete_at == 0 && post.user_id == bot);
        posts.sort_by_key(|post| ids.iter().position(|id| *id == post.id));
        Ok(posts)
    }
}

const NOTHING: Outcome = Outcome::Delivered { post: None };

impl Edit {
    /// Which text an appended part holds.
    fn text_of(&self, part: u32) -> usize {
        self.slots.len() + part.saturating_sub(self.appends_from) as usize
    }
}

/// The line of a deletion stands; what it stands for goes next.
pub(super) fn withdrawn_stands(post: &Post) -> Outcome {
    Outcome::PartDone {
        post: posted(post),
        next: Step::Change,
    }
}

/// A post behind the text, for files that had no room on it.
fn holds_files_alone(post: &Post) -> bool {
    let Some(name) = render::sender_line_of(&post.message) else {
        return false;
    };
    let rest = post
        .message
        .strip_prefix(&format!("**{name}:**"))
        .unwrap_or_default();
    rest.lines()
        .all(|line| line.trim().is_empty() || line.starts_with("📎 "))
}
