//! Parts: the posts of one event, in order; text first, files on the last text and behind it.

use shared::{Attachment, ChannelId, EventKind, PostId};

use super::{
    Job,
    attach::Line,
    create::posted,
    marked,
    missing::{absent, dropped},
    plan::{FILES_PER_POST, Plan},
};
use crate::{
    delivery::outlet::{Outcome, Reason},
    mattermost::{Fault, Post},
    record::{Content, Step},
    render::{self, Draft, Neutral, Notice, Who},
};

/// Whatever a server makes of files, an event has no more posts than its plan and these.
const SPARE: usize = 16;

impl Job<'_> {
    pub(super) async fn post_part(&self, part: u32) -> Result<Outcome, Outcome> {
        if let Content::Event(event) = &self.claim.content
            && let EventKind::MessageUpdated(edit) = &event.kind
        {
            return self.append(edit, part).await;
        }
        let (channel, root) = self.place().await?;
        let drafts = self.drafts().await?;
        let at = part as usize;
        let plan = Plan::new(drafts.len(), self.attachments().len());
        let files = match at < plan.posts() {
            true => plan.files(at).collect(),
            false => self.owed().await?,
        };
        if files.is_empty() && at >= plan.posts() {
            return Ok(self.nothing_left());
        }
        let batch = &files[..files.len().min(FILES_PER_POST)];
        let attached = if at < plan.posts() || plan.may_try_again(at) {
            Box::pin(self.attach(&channel, batch)).await?
        } else {
            self.given_up(batch)
        };
        let mut draft = self.draft(&drafts, plan, at);
        let unsaid = add_lines(
            &mut draft.message,
            &attached.lines,
            self.limits.max_post_size,
        );
        let ids = attached.files.iter().map(|file| file.id.clone()).collect();
        let post = match self.create(&channel, root.as_ref(), draft, ids).await {
            // It was removed as soon as it stood, and others have to follow it.
            Err(Outcome::Delivered { .. }) if at + 1 < plan.posts() => {
                return Err(Outcome::InDoubt {
                    open: false,
                    reason: Reason::new("a part was removed before it was known"),
                });
            }
            created => created?,
        };
        let mut missing = dropped(&post, &attached.files, self.attachments());
        missing.extend(unsaid);
        self.outlet.memory.owe(self.claim, |owing| {
            owing.files.retain(|file| !batch.contains(file));
            owing.files.extend(missing);
        });
        Ok(self.part_stands(part, plan, &post))
    }

    /// A part was found that an earlier attempt created: what it lacks is owed.
    pub(super) async fn part_found(&self, part: u32, post: &Post) -> Result<Outcome, Outcome> {
        if matches!(&self.claim.content, Content::Event(event) if matches!(event.kind, EventKind::MessageUpdated(_)))
        {
            return self.appended(part, post).await;
        }
        let drafts = self.drafts().await?;
        let plan = Plan::new(drafts.len(), self.attachments().len());
        let missing = absent(
            std::slice::from_ref(post),
            self.attachments(),
            plan.files(part as usize),
        );
        self.outlet
            .memory
            .owe(self.claim, |owing| owing.files.extend(missing));
        Ok(self.part_stands(part, plan, post))
    }

    /// What follows a part that stands.
    fn part_stands(&self, part: u32, plan: Plan, post: &Post) -> Outcome {
        self.outlet.memory.stands(&self.claim.mark());
        let next = part as usize + 1;
        let owes = self
            .outlet
            .memory
            .owing(self.claim)
            .is_some_and(|owing| !owing.files.is_empty());
        if next < plan.posts() || owes && next < plan.posts() * 2 + SPARE {
            return Outcome::PartDone {
                post: posted(post),
                next: Step::Part(part + 1),
            };
        }
        self.outlet.memory.settled(self.claim);
        Outcome::Delivered {
            post: Some(posted(post)),
        }
    }

    fn nothing_left(&self) -> Outcome {
        self.outlet.memory.settled(self.claim);
        Outcome::Delivered { post: None }
    }

    /// Under the conversation's root, or in a channel of its own.
    pub(super) async fn place(&self) -> Result<(ChannelId, Option<PostId>), Outcome> {
        if marked::is_standalone(self.claim) {
            return Ok((self.channel().await?, None));
        }
        let root = self.claim.mapping.as_ref().ok_or(Outcome::RootGone)?;
        Ok((root.channel_id.clone(), Some(root.root_id.clone())))
    }

    pub(super) fn attachments(&self) -> &[Attachment] {
        match &self.claim.content {
            Content::Event(event) => event.kind.attachments(),
            Content::Placeholder { .. }
            | Content::Reply(_)
            | Content::Undelivered { .. }
            | Content::Away { .. } => &[],
        }
    }

    /// The texts of this event.
    pub(super) async fn drafts(&self) -> Result<Vec<Draft>, Outcome> {
        let event = match &self.claim.content {
            Content::Event(event) => event,
            Content::Undelivered {
                username,
                visitor,
                reason,
            } => {
                let notice = Notice::Undelivered {
                    author: username,
                    visitor: &self.visitor(visitor),
                    reason: render::Reason::from_key(reason),
                };
                return Ok(vec![Draft {
                    message: render::notice(notice, &self.voice),
                    ..Draft::default()
                }]);
            }
            Content::Away { visitor, closed } => {
                let visitor = &self.visitor(visitor);
                let notice = match closed {
                    false => Notice::VisitorOffline { visitor },
                    true => Notice::VisitorClosed { visitor },
                };
                return Ok(vec![Draft {
                    message: render::notice(notice, &self.voice),
                    ..Draft::default()
                }]);
            }
            Content::Placeholder { .. } | Content::Reply(_) => return Ok(Vec::new()),
        };
        let name =
            |person: &Option<shared::Person>| person.as_ref().map(|person| person.name.clone());
        let lines = match &event.kind {
            EventKind::MessageCreated(created) => render::message(
                &created.conversation_id,
                &created.message,
                &self.voice,
                self.part_limit(),
            ),
            EventKind::Notification(notification) => {
                return Ok(render::notification(
                    notification,
                    &self.voice,
                    self.part_limit(),
                ));
            }
            EventKind::Closed(change) => vec![render::line_closed(
                name(&change.by).as_deref(),
                &self.voice,
            )],
            EventKind::Reopened(change) => vec![render::line_reopened(
                name(&change.by).as_deref(),
                &self.voice,
            )],
            EventKind::Assigned(assigned) => match &assigned.agent {
                None => vec![render::line_unassigned(&self.voice)],
                Some(agent) => {
                    let user = self.colleague(agent).await?;
                    let who = user.as_deref().map_or(Who::Name(&agent.name), Who::Mention);
                    vec![render::line_assigned(
                        who,
                        name(&assigned.by).as_deref(),
                        &self.voice,
                    )]
                }
            },
            _ => Vec::new(),
        };
        Ok(lines
            .into_iter()
            .map(|message| Draft {
                message,
                ..Draft::default()
            })
            .collect())
    }

    /// The visitor as the card calls him.
    fn visitor(&self, name: &str) -> Neutral {
        match self.conversation() {
            Some(conversation) => render::visitor_name(conversation, name, &self.voice),
            None => Neutral::line(name),
        }
    }

    /// The user name of an agent who is in the thread's channel: a mention makes him follow the thread. Nobody else is mentioned.
    async fn colleague(&self, agent: &shared::Person) -> Result<Option<String>, Outcome> {
        let (Some(email), Some(root)) = (&agent.email, &self.claim.mapping) else {
            return Ok(None);
        };
        let user = self.mattermost().user_by_email(email).await;
        let Some(user) = known(user)?.flatten() else {
            return Ok(None);
        };
        if user.is_bot || user.delete_at > 0 || !user.remote_id.is_empty() {
            return Ok(None);
        }
        let here = self
            .mattermost()
            .is_member(&root.channel_id, &user.id)
            .await;
        Ok(known(here)?.unwrap_or(false).then_some(user.username))
    }

    /// The text of this part. One that carries files alone still says whose they are.
    fn draft(&self, drafts: &[Draft], plan: Plan, part: usize) -> Draft {
        if let Some(draft) = plan.text(part).and_then(|text| drafts.get(text)) {
            return draft.clone();
        }
        let first = drafts.first().map_or("", |draft| draft.message.as_str());
        let message =
            render::sender_line_of(first).map_or_else(String::new, |name| format!("**{name}:** "));
        Draft {
            message,
            ..Draft::default()
        }
    }

    /// Files that earlier parts should have shown and do not.
    async fn owed(&self) -> Result<Vec<usize>, Outcome> {
        let owing = self.outlet.memory.owing(self.claim).unwrap_or_default();
        if !owing.files.is_empty() {
            return Ok(owing.files);
        }
        // Forgotten, by a restart: what stands says what is missing.
        let posts = self.posts_of_event().await?;
        Ok(absent(
            &posts,
            self.attachments(),
            0..self.attachments().len(),
        ))
    }

    /// The line that stands for an event that was parked.
    pub(super) async fn post_placeholder(&self) -> Result<Outcome, Outcome> {
        let Content::Placeholder {
            visitor,
            at,
            reason,
        } = &self.claim.content
        else {
            return Err(Outcome::Refused(Reason::new("nothing was parked here")));
        };
        let (channel, root) = self.place().await?;
        let message = render::parked(visitor, *at, reason, &self.voice);
        let draft = Draft {
            message,
            ..Draft::default()
        };
        let post = self
            .create(&channel, root.as_ref(), draft, Vec::new())
            .await?;
        Ok(Outcome::Delivered {
            post: Some(posted(&post)),
        })
    }
}

/// What a server tells; nothing where it will not, so that a line says less instead of waiting.
fn known<T>(answer: Result<T, Fault>) -> Result<Option<T>, Outcome> {
    match answer {
        Ok(told) => Ok(Some(told)),
        Err(fault) if fault.is_final() || matches!(fault, Fault::Proxy(_)) => Ok(None),
        Err(fault) => Err(fault.unread()),
    }
}

/// Adds what fits into one post. Gives back the files whose line did not.
fn add_lines(message: &mut String, lines: &[Line], limit: usize) -> Vec<usize> {
    let mut used = message.chars().count();
    let mut unsaid = Vec::new();
    for line in lines {
        // A link is worth less than the line itself.
        let fitting = [&line.full, &line.short]
            .into_iter()
            .find(|text| used + 1 + text.chars().count() <= limit);
        let Some(text) = fitting else {
            unsaid.push(line.file);
            continue;
        };
        used += 1 + text.chars().count();
        if !message.is_empty() {
            message.push('\n');
        }
        message.push_str(text);
    }
    unsaid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lose_their_links_before_they_wait_for_a_post_of_their_own() {
        let line = |file, full: usize, short: usize| Line {
            file,
            full: "x".repeat(full),
            short: "y".repeat(short),
        };
        let mut message = "12345".to_owned();
        let unsaid = add_lines(
            &mut message,
            &[line(0, 10, 3), line(1, 5, 5), line(2, 30, 25)],
            20,
        );
        assert_eq!(message, "12345\nxxxxxxxxxx");
        assert_eq!(unsaid, [1, 2]);
        let mut empty = String::new();
        assert!(add_lines(&mut empty, &[line(0, 30, 8)], 10).is_empty());
        assert_eq!(empty, "y".repeat(8));
    }
}
