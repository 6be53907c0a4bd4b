//! The slow look: for what nobody hinted at. At start, after every connection that stood anew, and now and then.
//!
//! Two questions. Per channel with open threads, or that the settings name: which of the newest posts are not known? And for the roots
//! themselves, a thousand at a time: do they look as expected? A reply and an edit move a root's `update_at`, a deletion its
//! `reply_count`. So 100,000 open threads cost a hundred requests per round, and no start reads them all. At most one request a second
//! in all; the first of a look leaves at once.

mod round;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use shared::{ChannelId, PostId, Timestamp, UserId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::round::{Pace, Round, is_due};
use super::{
    PullError, Puller,
    diff::is_ours,
    hints::{Happened, Hint},
    read::adopted,
};
use crate::{
    licence::Channel,
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
/// Pages of one channel in one look: a bound on what a busy channel may cost.
const PAGES: usize = 50;

/// Between two pieces of the older threads: 100,000 of them are a round.
const PIECE: Duration = Duration::from_secs(6);

pub(super) async fn run(puller: &Puller, cancel: &CancellationToken) {
    // Whoever has not got the lanes yet has nothing to look for: his look begins when he gets them.
    let mut lease = puller.parts.lease.clone();
    match cancel
        .run_until_cancelled(lease.wait_for(Option::is_some))
        .await
    {
        Some(Ok(_)) => {}
        Some(Err(_)) | None => return,
    }
    let mut round = Round::at(Instant::now());
    loop {
        if cancel
            .run_until_cancelled(puller.look(&mut round))
            .await
            .is_none()
        {
            return;
        }
        let due = round.due();
        let wait = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = cancel.cancelled() => return,
            () = wait => {}
            () = puller.parts.hints.everywhere() => round.everything(Instant::now()),
        }
    }
}

impl Puller {
    async fn look(&self, round: &mut Round) {
        let begun = Instant::now();
        let ours = self.parts.lease.borrow().is_some();
        let looked = if ours {
            self.look_around(round).await
        } else {
            Ok(())
        };
        if let Err(error) = &looked {
            tracing::debug!(error = %error, "the slow look did not end; the next one begins anew");
        }
        // What could not be asked, or is another's, waits for the next time.
        if looked.is_err() || !ours {
            let later = begun + self.parts.poll_interval.unwrap_or(SLOW_ROUND);
            for due in [&mut round.recent, &mut round.channels, &mut round.older] {
                *due = due.map(|due| due.max(later));
            }
        }
    }

    /// Channels first: there a reply stands that nobody has told of. The others change what a visitor saw before.
    async fn look_around(&self, round: &mut Round) -> Result<(), PullError> {
        self.sweep_channels(round).await?;
        if is_due(round.recent) {
            let next = self.next_time();
            self.check_recent(round).await?;
            round.recent = next;
        }
        if is_due(round.older) {
            self.check_older(round).await?;
        }
        Ok(())
    }

    /// Counted from the begin of a look, whatever it takes.
    fn next_time(&self) -> Option<Instant> {
        self.parts
            .poll_interval
            .map(|interval| Instant::now() + interval)
    }

    async fn sweep_channels(&self, round: &mut Round) -> Result<(), PullError> {
        if !is_due(round.channels) {
            return Ok(());
        }
        let next = self.next_time();
        // Without an interval people rely on hints alone.
        if self.parts.poll_interval.is_some() {
            let since = self.parts.clock.now() - OPEN;
            let open = self.parts.store.open_channels(since).await?;
            for channel in &open {
                self.sweep(channel, &mut round.pace).await?;
            }
            for channel in self.chosen(&mut round.pace).await? {
                if !open.contains(&channel) {
                    self.sweep(&channel, &mut round.pace).await?;
                }
            }
        }
        round.channels = next;
        Ok(())
    }

    /// The channels that the settings name for conversations: threads may stand there of which the store has lost everything. A name
    /// is asked for once; one that cannot be found now, or not by our bot, is asked for again.
    async fn chosen(&self, pace: &mut Pace) -> Result<Vec<ChannelId>, PullError> {
        let licences = self.parts.licences.snapshot();
        let mut names: BTreeSet<(&str, &str)> = BTreeSet::new();
        let mut chosen = Vec::new();
        for licence in licences.iter() {
            let all = licence.channel.iter().chain(licence.departments.values());
            for channel in all {
                match (channel, licence.team.as_deref()) {
                    (Channel::Id(id), _) => chosen.push(id.clone()),
                    (Channel::Name(_), Some(team)) => drop(names.insert((team, channel.as_str()))),
                    (Channel::Name(_), None) => {}
                }
            }
        }
        for (team, name) in names {
            let key = (team.to_owned(), name.to_owned());
            let known = self.memory().channels.get(&key).cloned();
            let id = match known {
                Some(id) => id,
                None => {
                    pace.turn().await;
                    match self.parts.mattermost.channel_by_name(team, name).await {
                        Ok(channel) => {
                            self.memory().channels.insert(key, channel.id.clone());
                            channel.id
                        }
                        Err(fault) if fault.is_final() => continue,
                        Err(fault) => return Err(fault.into()),
                    }
                }
            };
            chosen.push(id);
        }
        chosen.sort_unstable();
        chosen.dedup();
        Ok(chosen)
    }

    /// Marks threads of this channel in which something unknown stands.
    async fn sweep(&self, channel: &ChannelId, pace: &mut Pace) -> Result<(), PullError> {
        let bot = self.parts.mattermost.bot().await?;
        let anchor = self.parts.store.anchor(channel).await?;
        // A channel that was never swept begins with what is newest; older replies are the root check's.
        let until = anchor.as_ref().map(|anchor| anchor.create_at - OVERLAP);
        let posts = self.newest(channel, until, pace).await?;
        let replies: Vec<&Post> = posts
            .iter()
            .filter(|post| post.root_id.is_some() && !is_ours(post, &bot))
            .collect();
        let (unknown, strangers) = self.unknown(&replies).await?;
        let adopts = self.adopt(&strangers, &bot, pace).await?;
        let hints = unknown.iter().map(|post| Hint {
            what: Happened::Posted,
            post: post.id.clone(),
            root: post.root_id.clone(),
        });
        self.parts.hints.heard(HintSource::Sweep, hints);
        if adopts {
            return Ok(());
        }
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
        pace: &mut Pace,
    ) -> Result<Vec<Post>, PullError> {
        let mut posts: HashMap<PostId, Post> = HashMap::new();
        let mut before: Option<PostId> = None;
        for _ in 0..PAGES {
            pace.turn().await;
            let around = before.as_ref().map_or(Around::Newest, Around::Before);
            let page = match self.parts.mattermost.channel_posts(channel, around).await {
                Ok(page) => page,
                Err(Fault::Gone(_) | Fault::Forbidden(_)) => return Ok(Vec::new()),
                Err(fault) => return Err(fault.into()),
            };
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

    /// Roots that the store does not know, of replies in a channel of ours: a card of our bot's has lost its mapping. The others are
    /// people's own threads, and remembered as such. Says whether there is a card to be read.
    async fn adopt(
        &self,
        roots: &[PostId],
        bot: &UserId,
        pace: &mut Pace,
    ) -> Result<bool, PullError> {
        let mut adopts = false;
        for some in roots.chunks(ROOTS) {
            pace.turn().await;
            let posts = match self.parts.mattermost.posts(some).await {
                Ok(posts) => posts,
                Err(Fault::Gone(_)) => Vec::new(),
                Err(fault) => return Err(fault.into()),
            };
            let now = self.parts.clock.now();
            let ours: HashSet<&PostId> = posts
                .iter()
                .filter(|post| adopted(post, bot, now).is_some())
                .map(|post| &post.id)
                .collect();
            for root in some.iter().filter(|root| !ours.contains(root)) {
                self.memory().foreign(root.clone());
            }
            adopts |= !ours.is_empty();
            let ours = ours.into_iter().cloned().map(Hint::whole);
            self.parts.hints.heard(HintSource::Sweep, ours);
        }
        Ok(adopts)
    }

    /// Replies that the store does not know, under roots that it does; and the roots that nothing is known of.
    async fn unknown<'a>(
        &self,
        replies: &[&'a Post],
    ) -> Result<(Vec<&'a Post>, Vec<PostId>), PullError> {
        let ids: Vec<PostId> = replies.iter().map(|post| post.id.clone()).collect();
        if ids.is_empty() {
            return Ok((Vec::new(), Vec::new()));
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
        let memory = self.memory();
        let strangers = ours
            .into_iter()
            .filter(|(root, is_ours)| !is_ours && !memory.foreign.contains(*root))
            .map(|(root, _)| root.clone())
            .collect();
        drop(memory);
        Ok((unknown, strangers))
    }

    /// Threads active in the last day. Many of them do not keep the channels waiting.
    async fn check_recent(&self, round: &mut Round) -> Result<(), PullError> {
        let since = self.parts.clock.now() - DAY;
        let mut before = None;
        loop {
            let threads = self
                .parts
                .store
                .open_threads(since, before.take(), ROOTS)
                .await?;
            let last = last_of(&threads);
            self.check(threads, &mut round.pace).await?;
            if last.is_none() {
                return Ok(());
            }
            before = last;
            self.sweep_channels(round).await?;
        }
    }

    /// Older ones, one piece now, most recent first.
    async fn check_older(&self, round: &mut Round) -> Result<(), PullError> {
        let now = self.parts.clock.now();
        let begin = || Some((now - DAY, PostId::new("z".repeat(26)).ok()?));
        let before = round.older_before.take().or_else(begin);
        let threads = self
            .parts
            .store
            .open_threads(now - OPEN, before, ROOTS)
            .await?;
        round.older_before = last_of(&threads);
        self.check(threads, &mut round.pace).await?;
        round.older = if round.older_before.is_some() {
            Some(Instant::now() + PIECE)
        } else {
            let begun = round.older_begun;
            round.older_begun = Instant::now().max(begun + SLOW_ROUND);
            self.parts.poll_interval.map(|_| round.older_begun)
        };
        Ok(())
    }

    /// A root that does not look as expected is a thread to read whole.
    async fn check(&self, threads: Vec<Thread>, pace: &mut Pace) -> Result<(), PullError> {
        if threads.is_empty() {
            return Ok(());
        }
        let ids: Vec<PostId> = threads
            .iter()
            .map(|thread| thread.root_id.clone())
            .collect();
        pace.turn().await;
        let roots = match self.parts.mattermost.posts(&ids).await {
            Ok(roots) => roots,
            // All of them are gone for good.
            Err(Fault::Gone(_)) => Vec::new(),
            Err(fault) => return Err(fault.into()),
        };
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

/// Where the next piece begins; nothing: this was the last one.
fn last_of(threads: &[Thread]) -> Option<(Timestamp, PostId)> {
    let last = threads.last().filter(|_| threads.len() == ROOTS)?;
    Some((last.active_at, last.root_id.clone()))
}
