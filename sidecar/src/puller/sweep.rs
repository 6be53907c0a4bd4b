//! The slow look: for what nobody hinted at. At start, after every connection that stood anew, and now and then.
//!
//! Two questions. Per channel with open threads: which of the newest posts are not known? And for the roots themselves, a thousand
//! at a time: do they look as expected? A reply and an edit move a root's `update_at`, a deletion its `reply_count`. So 100,000 open
//! threads cost a hundred requests per round, and no start reads them all. At most one request a second in all.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use shared::{ChannelId, PostId, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    PullError, Puller,
    diff::is_ours,
    hints::{Happened, Hint},
};
use crate::{
    mattermost::{Around, Fault, Post},
    metrics::HintSource,
    record::{Anchor, Thread},
};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Threads are looked at for so long after their last activity.
const OPEN: Duration = Duration::from_secs(30 * 24 * 3600);
/// The older ones are spread over so much time.
const SLOW_ROUND: Duration = Duration::from_secs(600);
/// Clocks of two nodes may differ, and a reply may wait for its links.
const OVERLAP: Duration = Duration::from_secs(60);
/// Roots per question; the server takes no more.
const ROOTS: usize = 1_000;
/// Between two requests.
const PACE: Duration = Duration::from_secs(1);
/// Pages of one channel in one look: a bound on what a busy channel may cost.
const PAGES: usize = 50;

/// How far the slow round over older threads has come.
#[derive(Debug, Default)]
struct Round {
    older: Option<(Timestamp, PostId)>,
    older_due: Option<Instant>,
}

pub(super) async fn run(puller: &Puller, cancel: &CancellationToken) {
    let mut round = Round::default();
    loop {
        if cancel
            .run_until_cancelled(puller.look(&mut round))
            .await
            .is_none()
        {
            return;
        }
        let wait = puller.parts.poll_interval.unwrap_or(DAY * 365);
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            () = puller.parts.hints.everywhere() => {}
        }
    }
}

impl Puller {
    async fn look(&self, round: &mut Round) {
        if self.parts.lease.borrow().is_none() {
            return;
        }
        if let Err(error) = self.look_everywhere(round).await {
            tracing::debug!(error = %error, "the slow look did not end; the next one begins anew");
        }
    }

    async fn look_everywhere(&self, round: &mut Round) -> Result<(), PullError> {
        let now = self.parts.clock.now();
        for channel in self.parts.store.open_channels(now - OPEN).await? {
            if self.parts.poll_interval.is_some() {
                self.sweep(&channel).await?;
            }
        }
        self.check_recent(now).await?;
        self.check_older(now, round).await
    }

    /// Marks threads of this channel in which something unknown stands.
    async fn sweep(&self, channel: &ChannelId) -> Result<(), PullError> {
        let bot = self.parts.mattermost.bot().await?;
        let anchor = self.parts.store.anchor(channel).await?;
        // A channel that was never swept begins with what is newest; older replies are the root check's.
        let until = anchor.as_ref().map(|anchor| anchor.create_at - OVERLAP);
        let posts = self.newest(channel, until).await?;
        let replies: Vec<&Post> = posts
            .iter()
            .filter(|post| post.root_id.is_some() && !is_ours(post, &bot))
            .collect();
        let unknown = self.unknown(&replies).await?;
        let hints = unknown.iter().map(|post| Hint {
            what: Happened::Posted,
            post: post.id.clone(),
            root: post.root_id.clone(),
        });
        self.parts.hints.heard(HintSource::Sweep, hints);
        // Only over what is known or not needed: a crash between this look and the reading loses nothing.
        let first_unknown = unknown.iter().map(|post| post.create_at).min();
        let known = posts
            .iter()
            .filter(|post| first_unknown.is_none_or(|first| post.create_at < first));
        if let Some(newest) = known.max_by_key(|post| (post.create_at, &post.id)) {
            let moved = Anchor {
                post: newest.id.clone(),
                create_at: newest.create_at,
            };
            if anchor.is_none_or(|anchor| anchor.create_at < moved.create_at) {
                self.parts.store.swept(channel, &moved).await?;
            }
        }
        Ok(())
    }

    /// The newest posts down to `until`, or one page of them.
    ///
    /// `before=` skips posts of the same millisecond, so the next page begins at the last post that is older by one than the page's
    /// own last.
    async fn newest(
        &self,
        channel: &ChannelId,
        until: Option<Timestamp>,
    ) -> Result<Vec<Post>, PullError> {
        let mut posts: HashMap<PostId, Post> = HashMap::new();
        let mut before: Option<PostId> = None;
        for _ in 0..PAGES {
            let around = before.as_ref().map_or(Around::Newest, Around::Before);
            let page = match self.parts.mattermost.channel_posts(channel, around).await {
                Ok(page) => page,
                Err(Fault::Gone(_) | Fault::Forbidden(_)) => return Ok(Vec::new()),
                Err(fault) => return Err(fault.into()),
            };
            tokio::time::sleep(PACE).await;
            let Some(oldest) = page.posts.iter().map(|post| post.create_at).min() else {
                break;
            };
            let next = page
                .posts
                .iter()
                .filter(|post| post.create_at > oldest)
                .min_by_key(|post| post.create_at);
            let next = next.map(|post| post.id.clone());
            posts.extend(page.posts.into_iter().map(|post| (post.id.clone(), post)));
            let enough = until.is_none_or(|until| oldest < until);
            if enough || !page.is_full || next.is_none() || next == before {
                break;
            }
            before = next;
        }
        Ok(posts.into_values().collect())
    }

    /// Replies that the store does not know, under roots that it does.
    async fn unknown<'a>(&self, replies: &[&'a Post]) -> Result<Vec<&'a Post>, PullError> {
        let ids: Vec<PostId> = replies.iter().map(|post| post.id.clone()).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let known: HashSet<PostId> = self
            .parts
            .store
            .known(&ids)
            .await?
            .into_iter()
            .map(|post| post.post_id)
            .collect();
        let mut ours: HashMap<&PostId, bool> = HashMap::new();
        let mut unknown = Vec::new();
        for post in replies.iter().filter(|post| !known.contains(&post.id)) {
            let Some(root) = &post.root_id else { continue };
            let is_ours = match ours.get(root) {
                Some(is_ours) => *is_ours,
                None => {
                    // Whatever the thread's own cursor has passed was taken in, though its post may be forgotten by now.
                    let thread = self.parts.store.thread(root).await?;
                    let is_ours = thread.is_some();
                    ours.insert(root, is_ours);
                    is_ours
                }
            };
            if is_ours {
                unknown.push(*post);
            }
        }
        Ok(unknown)
    }

    /// Threads active in the last day.
    async fn check_recent(&self, now: Timestamp) -> Result<(), PullError> {
        let mut before = None;
        loop {
            let threads = self
                .parts
                .store
                .open_threads(now - DAY, before.take(), ROOTS)
                .await?;
            let last = threads
                .last()
                .map(|thread| (thread.active_at, thread.root_id.clone()));
            let full = threads.len() == ROOTS;
            self.check(threads).await?;
            match last {
                Some(last) if full => before = Some(last),
                _ => return Ok(()),
            }
        }
    }

    /// Older ones, a piece at a time, most recent first.
    async fn check_older(&self, now: Timestamp, round: &mut Round) -> Result<(), PullError> {
        if round.older.is_none() && round.older_due.is_some_and(|due| Instant::now() < due) {
            return Ok(());
        }
        let before = round
            .older
            .take()
            .or_else(|| Some((now - DAY, PostId::new("z".repeat(26)).ok()?)));
        let threads = self
            .parts
            .store
            .open_threads(now - OPEN, before, ROOTS)
            .await?;
        let full = threads.len() == ROOTS;
        round.older = threads
            .last()
            .filter(|_| full)
            .map(|thread| (thread.active_at, thread.root_id.clone()));
        round.older_due = Some(Instant::now() + SLOW_ROUND);
        self.check(threads).await
    }

    /// A root that does not look as expected is a thread to read whole.
    async fn check(&self, threads: Vec<Thread>) -> Result<(), PullError> {
        if threads.is_empty() {
            return Ok(());
        }
        let ids: Vec<PostId> = threads
            .iter()
            .map(|thread| thread.root_id.clone())
            .collect();
        let roots = match self.parts.mattermost.posts(&ids).await {
            Ok(roots) => roots,
            // All of them are gone for good.
            Err(Fault::Gone(_)) => Vec::new(),
            Err(fault) => return Err(fault.into()),
        };
        tokio::time::sleep(PACE).await;
        let pairs: HashMap<PostId, (i64, i64)> = roots
            .into_iter()
            .filter(|root| root.delete_at == 0)
            .map(|root| (root.id, (root.update_at.as_millis(), root.reply_count)))
            .collect();
        // A root that is gone is healed by whatever is posted next; its replies are not reported as deleted one by one.
        let moved = threads.into_iter().filter(|thread| {
            pairs
                .get(&thread.root_id)
                .is_some_and(|pair| *pair != thread.seen)
        });
        self.parts.hints.heard(
            HintSource::Sweep,
            moved.map(|thread| Hint::whole(thread.root_id)),
        );
        Ok(())
    }
}
