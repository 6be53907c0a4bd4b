//! One thread: read, compared, committed.

use std::{sync::Arc, time::Duration};

use shared::{ConversationId, EventId, LicenceId, PostId, Timestamp};
use tokio::time::Instant;

use super::{
    PullError, Puller, SURE_AFTER,
    diff::{News, diff, overlap},
    hints::Dirty,
    people::People,
};
use crate::{
    delivery::outlet::Reason,
    flow::{
        audience::{self, Audience, Why},
        thread_to_chat::{Leaving, Said, Turned},
    },
    licence::Licence,
    mattermost::{Fault, Place, Post, User},
    record::{Author, CardState, Cursor, KnownPost, Pull, Pulled, ReplyFile, Thread},
    store::Adopted,
};

/// A thread of more pages than this is read on at the next look: a bound on what one reading may cost.
const PAGES: usize = 200;
/// What repeats after a lost mapping must repeat under ids that i-Reserve still remembers, which is for seven days.
const REMEMBERED: Duration = Duration::from_secs(6 * 24 * 3600);

/// How a reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    Done,
    /// A deletion was seen for the first time.
    LookAgain,
}

/// A thread as it was read.
struct Standing {
    root: Post,
    replies: Vec<Post>,
    whole: bool,
}

impl Puller {
    /// Reads one thread and commits what is new.
    pub(super) async fn pull(&self, dirty: &Dirty) -> Result<Settled, PullError> {
        // Once more when somebody else has taken it in meanwhile.
        for _ in 0..3 {
            let Some(thread) = self.thread(&dirty.root).await? else {
                return Ok(Settled::Done);
            };
            let licences = self.parts.licences.snapshot();
            let licence = licences.get(&thread.licence).ok_or_else(|| {
                PullError::Unsettled(Reason::new(format!(
                    "licence {} is not in the settings",
                    thread.licence
                )))
            })?;
            let Some(standing) = self.stand(&thread, dirty).await? else {
                return Ok(Settled::Done);
            };
            if let Some(settled) = self.commit(&thread, licence, &standing).await? {
                if standing.whole {
                    self.memory().warm(thread.root_id.clone());
                }
                return Ok(settled);
            }
        }
        Err(PullError::Unsettled(Reason::new(
            "somebody else is taking this thread in",
        )))
    }

    /// The thread as the store knows it. A root that it does not know is asked for once.
    async fn thread(&self, root: &PostId) -> Result<Option<Thread>, PullError> {
        if let Some(thread) = self.parts.store.thread(root).await? {
            return Ok(Some(thread));
        }
        if self.memory().foreign.contains(root) {
            return Ok(None);
        }
        let post = match self.parts.mattermost.post(root).await {
            Ok(post) => post,
            Err(Fault::Gone(_) | Fault::Forbidden(_)) => {
                self.memory().foreign(root.clone());
                return Ok(None);
            }
            Err(fault) => return Err(fault.into()),
        };
        let bot = self.parts.mattermost.bot().await?;
        match adopted(&post, &bot, self.parts.clock.now()) {
            Some(adopted)
                if self
                    .parts
                    .licences
                    .snapshot()
                    .get(&adopted.licence)
                    .is_some() =>
            {
                tracing::info!(
                    licence.id = %adopted.licence, conversation.id = %adopted.conversation, root.id = %root,
                    "the mapping of conversation {} was rebuilt from its card", adopted.conversation,
                );
                self.parts.store.adopt(adopted).await?;
                Ok(self.parts.store.thread(root).await?)
            }
            _ => {
                self.memory().foreign(root.clone());
                Ok(None)
            }
        }
    }

    /// Quick from the cursor, or whole where that would not be enough. Nothing: people deleted the thread.
    async fn stand(&self, thread: &Thread, dirty: &Dirty) -> Result<Option<Standing>, PullError> {
        let whole = dirty.full || !self.memory().is_warm(&thread.root_id);
        let Some(standing) = self.fetch(thread, whole).await? else {
            return Ok(None);
        };
        if whole {
            return Ok(Some(standing));
        }
        let has = |id: &&PostId| standing.replies.iter().any(|post| post.id == **id);
        let unseen: Vec<PostId> = dirty.posts.iter().filter(|id| !has(id)).cloned().collect();
        if unseen.is_empty() {
            return Ok(Some(standing));
        }
        let known = self.parts.store.known(&unseen).await?.len();
        // A hinted post that was not read may lie before the cursor.
        if known < unseen.len() {
            self.fetch(thread, true).await
        } else {
            Ok(Some(standing))
        }
    }

    async fn fetch(&self, thread: &Thread, whole: bool) -> Result<Option<Standing>, PullError> {
        let mut from = (!whole).then(|| Place::moment(overlap(&thread.cursor)));
        let mut root = None;
        let mut replies: Vec<Post> = Vec::new();
        for _ in 0..PAGES {
            let page = match self
                .parts
                .mattermost
                .thread_down(&thread.root_id, from.as_ref())
                .await
            {
                Ok(page) => page,
                Err(Fault::Gone(_)) => return Ok(None),
                Err(fault) => return Err(fault.into()),
            };
            let (roots, others): (Vec<Post>, Vec<Post>) = page
                .posts
                .into_iter()
                .partition(|post| post.id == thread.root_id);
            root = Some(roots.into_iter().next().ok_or(PullError::NoRoot)?);
            let last = others.last().map(Place::after);
            replies.extend(
                others
                    .into_iter()
                    .filter(|post| post.root_id.as_ref() == Some(&thread.root_id)),
            );
            match last {
                Some(last) if page.has_next && Some(&last) != from.as_ref() => from = Some(last),
                _ => break,
            }
        }
        Ok(root.map(|root| Standing {
            root,
            replies,
            whole,
        }))
    }

    /// What is new, with the cursor, in one write. Nothing: the cursor moved meanwhile.
    async fn commit(
        &self,
        thread: &Thread,
        licence: &Arc<Licence>,
        standing: &Standing,
    ) -> Result<Option<Settled>, PullError> {
        let bot = self.parts.mattermost.bot().await?;
        let site = (self.parts.site.0)().ok_or_else(|| {
            PullError::Unsettled(Reason::new("no mattermost address is known yet"))
        })?;
        let known = self.known(thread, standing).await?;
        let found = diff(
            &standing.replies,
            &known,
            &bot,
            &thread.cursor,
            standing.whole,
        );
        let replies: Vec<&Post> = found
            .news
            .iter()
            .filter_map(|news| match news {
                News::Written(post) | News::Edited(post, _) => Some(*post),
                News::Missing(_) => None,
            })
            .collect();
        let people = self.people(&replies).await?;
        let team = self.parts.team.borrow().clone();
        let leaving = Leaving {
            thread,
            send_delay: team.send_delay,
            site: &site,
            team: licence.team.as_deref(),
            now: self.parts.clock.moment(),
        };
        let mut pull = Pull {
            root_id: thread.root_id.clone(),
            before: thread.cursor.clone(),
            after: found.cursor.clone(),
            changes: Vec::new(),
            known: Vec::new(),
            card: None,
            seen: thread.seen,
            now: leaving.now,
        };
        let (mut settled, mut written, mut answered) = (Settled::Done, 0, None);
        for news in &found.news {
            let turned = match news {
                News::Written(post) => {
                    written += 1;
                    let said = self
                        .said(post, licence, &people, &team.extra_note_prefixes)
                        .await;
                    Some(leaving.written(&said))
                }
                News::Edited(post, before) => {
                    let said = self
                        .said(post, licence, &people, &team.extra_note_prefixes)
                        .await;
                    Some(leaving.edited(&said, before))
                }
                News::Missing(before) => match self.missed(before).await? {
                    Missed::Sure => Some(leaving.deleted(before)),
                    Missed::Once => {
                        settled = Settled::LookAgain;
                        pull.changes.push(leaving.missed(before));
                        None
                    }
                    Missed::Stands => None,
                },
            };
            if let Some(Turned {
                change,
                known,
                answers,
            }) = turned
            {
                answered = answered.max(answers.then_some(known.create_at));
                pull.changes.extend(change);
                pull.known.push(known);
            }
        }
        pull.card = answered.and_then(|at| answered_card(thread, at));
        if settled == Settled::Done {
            pull.seen = seen(thread, standing, written);
        }
        match self.parts.store.pulled(pull).await? {
            Pulled::Moved => Ok(None),
            Pulled::Kept { .. } => {
                self.parts.wake.ring();
                Ok(Some(settled))
            }
        }
    }

    async fn known(
        &self,
        thread: &Thread,
        standing: &Standing,
    ) -> Result<Vec<KnownPost>, PullError> {
        if standing.whole {
            return Ok(self.parts.store.known_under(&thread.root_id).await?);
        }
        let ids: Vec<PostId> = standing
            .replies
            .iter()
            .map(|post| post.id.clone())
            .collect();
        Ok(if ids.is_empty() {
            Vec::new()
        } else {
            self.parts.store.known(&ids).await?
        })
    }

    /// A deletion is believed when two whole readings miss it and its own address says so.
    async fn missed(&self, post: &KnownPost) -> Result<Missed, PullError> {
        match self.parts.mattermost.post(&post.post_id).await {
            Err(Fault::Gone(_)) => {}
            Ok(_) => return Ok(Missed::Stands),
            Err(fault) => return Err(fault.into()),
        }
        let mut memory = self.memory();
        match memory.missing.get(&post.post_id).copied() {
            Some(first) if first.elapsed() >= SURE_AFTER => {
                memory.missing.remove(&post.post_id);
                Ok(Missed::Sure)
            }
            Some(_) => Ok(Missed::Once),
            None => {
                memory.missing.insert(post.post_id.clone(), Instant::now());
                Ok(Missed::Once)
            }
        }
    }

    async fn said(
        &self,
        post: &Post,
        licence: &Licence,
        people: &People,
        prefixes: &[String],
    ) -> Said {
        let author = people.author(&post.user_id);
        let audience = if post.kind.is_empty() {
            let said = audience::Said {
                text: &post.message,
                has_files: !post.file_ids.is_empty(),
                // Nobody knows who that was, so nobody says that it may leave.
                by_bot: author.is_none_or(|user| user.is_bot),
                from_webhook: post
                    .props
                    .get("from_webhook")
                    .is_some_and(|value| value == "true"),
            };
            audience::audience(said, licence.mode, prefixes, &people.names())
        } else {
            Audience::Team(Why::Machine)
        };
        let leaves = matches!(audience, Audience::Visitor(_));
        Said {
            post_id: post.id.clone(),
            create_at: post.create_at,
            edit_at: post.edit_at,
            audience,
            author: as_author(post, author),
            people: people.mentioned(&post.message),
            channels: match leaves {
                true => self.channels(licence.team.as_deref(), &post.message).await,
                false => std::collections::BTreeMap::new(),
            },
            files: files(post),
        }
    }
}

enum Missed {
    Sure,
    Once,
    /// The reading was behind: it is there.
    Stands,
}

/// What our own card says about itself. Anybody can write props, but nobody can be our bot.
pub(super) fn adopted(post: &Post, bot: &shared::UserId, now: Timestamp) -> Option<Adopted> {
    if post.user_id != *bot || post.root_id.is_some() || post.delete_at > 0 {
        return None;
    }
    let generation = post.props.get("ireserve")?.get("generation")?.as_u64()?;
    Some(Adopted {
        licence: LicenceId::new(post.ours("licence")?).ok()?,
        conversation: ConversationId::new(post.ours("conversation_id")?).ok()?,
        event: EventId::new(post.ours("event_id")?).ok()?,
        root_id: post.id.clone(),
        channel_id: post.channel_id.clone(),
        generation: u32::try_from(generation).ok()?,
        create_at: post.create_at,
        cursor: Cursor {
            create_at: post.create_at.max(now - REMEMBERED),
            post: None,
        },
        now,
    })
}

/// The pair that is expected of the root from now on. What a quick reading does not explain keeps the old one, so that the next
/// look reads the thread whole.
fn seen(thread: &Thread, standing: &Standing, written: i64) -> (i64, i64) {
    let now = (
        standing.root.update_at.as_millis(),
        standing.root.reply_count,
    );
    let newest = standing
        .replies
        .iter()
        .map(|post| post.create_at.as_millis())
        .max()
        .unwrap_or_default();
    let explained = now.1 == thread.seen.1 + written && now.0 <= newest.max(thread.seen.0);
    if standing.whole || explained {
        now
    } else {
        thread.seen
    }
}

fn answered_card(thread: &Thread, at: Timestamp) -> Option<crate::record::Card> {
    let card = thread.card.clone().filter(|_| thread.live)?;
    match card.state {
        CardState::Waiting(_) => Some(crate::record::Card {
            state: CardState::Answered(at),
            ..card
        }),
        CardState::Answered(_) | CardState::Resolved(_) => None,
    }
}

fn as_author(post: &Post, user: Option<&User>) -> Author {
    let of = |field: fn(&User) -> &str| user.map(field).unwrap_or_default().to_owned();
    Author {
        user_id: post.user_id.clone(),
        username: of(|user| &user.username),
        first_name: of(|user| &user.first_name),
        last_name: of(|user| &user.last_name),
        nickname: of(|user| &user.nickname),
        // The address of somebody from a connected server is made up.
        email: of(|user| {
            if user.remote_id.is_empty() {
                &user.email
            } else {
                ""
            }
        }),
    }
}

fn files(post: &Post) -> Vec<ReplyFile> {
    let known = post.files().iter();
    known
        .map(|file| ReplyFile {
            id: file.id.to_string(),
            name: file.name.clone(),
            content_type: file.mime_type.clone(),
            size: file.size,
        })
        .collect()
}
