//! The look: does what the claimed step creates stand already?
//!
//! A thread is read newest first, or from the moment that was noted; a channel newest first down to that moment. Nothing noted:
//! the newest 1,000 posts. A read that fails is no look, and neither is a thread without its root.

use shared::{ChannelId, EventKind, PostId, Timestamp, UserId};

use super::{
    Job,
    aim::{as_posted, is_ahead},
    change::withdrawn_stands,
    create::posted,
    marked,
    place::{Entrance, enter},
};
use crate::{
    delivery::outlet::{Found, Outcome, Reason},
    mattermost::{Around, Fault, Place, Post},
    record::{Content, Mark, Step},
};

/// Where nothing is noted, so many posts at least.
const NEWEST: usize = 1_000;
/// However a server pages, a look ends: 200 posts each.
const PAGES: usize = 100;

enum Missing {
    /// It does not stand where it would have to.
    Absent,
    /// The thread is gone.
    Gone,
    /// Nothing is known.
    Failed(Outcome),
}

impl Job<'_> {
    pub(super) async fn look(&self) -> Found {
        if let Some(outcome) = self.over() {
            return Found::Here(Box::new(outcome));
        }
        let bot = match self.mattermost().bot().await {
            Ok(bot) => bot,
            Err(fault) => return Found::Failed(Box::new(fault.unread())),
        };
        match self.find(&bot, &self.claim.mark()).await {
            Ok(post) => match self.found(&post).await {
                Ok(outcome) => Found::Here(Box::new(outcome)),
                Err(outcome) => Found::Failed(Box::new(outcome)),
            },
            Err(Missing::Absent) => Found::Absent,
            Err(Missing::Gone) => Found::Gone,
            Err(Missing::Failed(outcome)) => Found::Failed(Box::new(outcome)),
        }
    }

    /// A start ends with its root: where that is known, nothing more can stand or be missing.
    fn over(&self) -> Option<Outcome> {
        let Content::Event(event) = &self.claim.content else {
            return None;
        };
        let root = self.claim.mapping.as_ref()?;
        let started =
            matches!(event.kind, EventKind::Started(_)) && !is_ahead(self.claim.step, root);
        started.then(|| Outcome::Delivered {
            post: (root.event == self.claim.event).then(|| as_posted(root)),
        })
    }

    /// A post that stands is the outcome.
    async fn found(&self, post: &Post) -> Result<Outcome, Outcome> {
        match self.claim.step {
            Step::Root(generation) => Ok(self.opened(generation, post)),
            Step::Part(part) => self.part_found(part, post).await,
            Step::Withdrawn => Ok(withdrawn_stands(post)),
            Step::Parked | Step::Change => Ok(Outcome::Delivered {
                post: Some(posted(post)),
            }),
        }
    }

    async fn find(&self, bot: &UserId, mark: &Mark) -> Result<Post, Missing> {
        let is_it = |post: &Post| marked::is(post, bot, mark);
        let mut found = None;
        let mut see = |post: &Post| {
            if is_it(post) {
                found = Some(post.clone());
            }
            found.is_some()
        };
        match self.thread() {
            Some((channel, root)) => {
                self.read_thread(&channel, &root, self.claim.look_from, &mut see)
                    .await?;
            }
            None => {
                let channel = self.searched(mark).await.map_err(Missing::Failed)?;
                self.read_channel(&channel, self.claim.look_from, &mut see)
                    .await?;
            }
        }
        found.ok_or(Missing::Absent)
    }

    /// The thread in which the claimed step creates: that of the message for an edit or a deletion, else the live one. Nothing
    /// for roots and for what stands alone.
    fn thread(&self) -> Option<(ChannelId, PostId)> {
        let root = self.claim.mapping.as_ref()?;
        if matches!(self.claim.step, Step::Root(_)) || marked::is_standalone(self.claim) {
            return None;
        }
        let id = self
            .claim
            .target
            .first()
            .map_or(&root.root_id, |known| &known.root_id);
        Some((root.channel_id.clone(), id.clone()))
    }

    /// Where it would stand: where it was sent, else where the settings say.
    async fn searched(&self, mark: &Mark) -> Result<ChannelId, Outcome> {
        match self.outlet.memory.aimed_at(mark) {
            Some(channel) => Ok(channel),
            None => self.channel().await,
        }
    }

    /// Whether the line of this deletion stands already.
    pub(super) async fn line_stands(&self) -> Result<bool, Outcome> {
        let Some((channel, root)) = self.thread() else {
            return Ok(false);
        };
        let bot = self.mattermost().bot().await.map_err(Fault::unread)?;
        let mark = Mark::of(
            &self.claim.lane.licence,
            &self.claim.lane.key,
            &self.claim.event,
            Step::Withdrawn,
        );
        let mut stands = false;
        let mut see = |post: &Post| {
            stands |= marked::is(post, &bot, &mark);
            stands
        };
        let read = self.read_thread(&channel, &root, None, &mut see).await;
        match read {
            Ok(()) | Err(Missing::Gone | Missing::Absent) => Ok(stands),
            Err(Missing::Failed(outcome)) => Err(outcome),
        }
    }

    /// The posts that this event has become so far.
    pub(super) async fn posts_of_event(&self) -> Result<Vec<Post>, Outcome> {
        let bot = self.mattermost().bot().await.map_err(Fault::unread)?;
        let (channel, root) = self.place().await?;
        let event = self.claim.event.as_str();
        let mut posts = Vec::new();
        let mut see = |post: &Post| {
            if post.user_id == bot && post.ours("event_id") == Some(event) {
                posts.push(post.clone());
            }
            false
        };
        let read = match &root {
            Some(root) => self.read_thread(&channel, root, None, &mut see).await,
            None => self.read_channel(&channel, None, &mut see).await,
        };
        match read {
            Ok(()) | Err(Missing::Absent) => Ok(posts),
            Err(Missing::Gone) => Err(Outcome::RootGone),
            Err(Missing::Failed(outcome)) => Err(outcome),
        }
    }

    /// Shows each post of a thread to `see` until it has seen enough.
    async fn read_thread(
        &self,
        channel: &ChannelId,
        root: &PostId,
        from: Option<Timestamp>,
        see: &mut (dyn FnMut(&Post) -> bool + Send),
    ) -> Result<(), Missing> {
        let mut place = from.map(Place::moment);
        let mut seen = 0;
        for _ in 0..PAGES {
            let page = match from {
                Some(_) => self.mattermost().thread_down(root, place.as_ref()).await,
                None => self.mattermost().thread_up(root, place.as_ref()).await,
            };
            let page = match page {
                Ok(page) => page,
                Err(fault) => return Err(self.missing(channel, fault).await),
            };
            if !page.posts.iter().any(|post| post.id == *root) {
                let reason = Reason::new("the thread came without its root, so it says nothing");
                return Err(Missing::Failed(Outcome::NotSent(reason)));
            }
            if page.posts.iter().any(&mut *see) {
                return Ok(());
            }
            seen += page.posts.len();
            let mut replies = page.posts.iter().filter(|post| post.id != *root);
            let edge = match from {
                Some(_) => replies.next_back(),
                None => replies.next(),
            };
            let next = edge.map(Place::after);
            let is_enough = from.is_none() && seen >= NEWEST;
            if !page.has_next || is_enough || next.is_none() {
                return Ok(());
            }
            if next == place {
                break;
            }
            place = next;
        }
        Err(Missing::Failed(Outcome::NotSent(Reason::new(
            "the thread does not end",
        ))))
    }

    /// Shows each post of a channel to `see`, newest first, until it has seen enough.
    async fn read_channel(
        &self,
        channel: &ChannelId,
        from: Option<Timestamp>,
        see: &mut (dyn FnMut(&Post) -> bool + Send),
    ) -> Result<(), Missing> {
        let mut anchor: Option<PostId> = None;
        let mut seen = 0;
        for _ in 0..PAGES {
            let around = anchor.as_ref().map_or(Around::Newest, Around::Before);
            let page = match self.mattermost().channel_posts(channel, around).await {
                Ok(page) => page,
                Err(fault) => return Err(self.missing(channel, fault).await),
            };
            for post in &page.posts {
                self.outlet.memory.saw(channel, post.create_at);
            }
            if page.posts.iter().any(&mut *see) {
                return Ok(());
            }
            seen += page.posts.len();
            let Some(oldest) = page.posts.last().map(|post| post.create_at) else {
                return Ok(());
            };
            let is_enough = from.map_or(seen >= NEWEST, |from| oldest < from);
            if !page.is_full || is_enough {
                return Ok(());
            }
            // Others of the anchor's millisecond are skipped, so the anchor is one that is newer than the page's end.
            let next = page
                .posts
                .iter()
                .rev()
                .find(|post| post.create_at > oldest)
                .or_else(|| page.posts.last());
            let next = next.map(|post| post.id.clone());
            if next == anchor {
                break;
            }
            anchor = next;
        }
        Err(Missing::Failed(Outcome::NotSent(Reason::new(
            "the channel does not end",
        ))))
    }

    /// Why a read failed. Our bot goes in where it may, so that the next look can see.
    async fn missing(&self, channel: &ChannelId, fault: Fault) -> Missing {
        match fault {
            Fault::Gone(_) => Missing::Gone,
            Fault::Forbidden(reason) => match enter(self.mattermost(), channel).await {
                Entrance::Joined => Missing::Failed(Outcome::NotSent(reason)),
                Entrance::Shut(outcome) => Missing::Failed(outcome),
            },
            fault => Missing::Failed(fault.unread()),
        }
    }
}
