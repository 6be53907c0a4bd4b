//! Hints: reasons to look at a thread now. Kept in memory, never believed.
//!
//! Four ears bring them: the plugin, Mattermost's outgoing webhook, the WebSocket and the slow look. They are equal in rank, carry ids
//! and nothing else, and may be lost, doubled, forged or swapped: all that changes is when a thread is read. A crash forgets them, and
//! the look at the next start finds what they pointed at.
//!
//! | word | meaning |
//! |---|---|
//! | dirty | a thread that is to be read; several hints for it are one reading |
//! | full | it is to be read from its begin, because an edit or a deletion lies behind the cursor |
//! | loose | a post whose thread nobody named yet |
//! | in hand | being read; what is hinted meanwhile makes one more reading afterwards |
//!
//! Guarantees: whoever is told what to read has it taken out of the set *before* the read, and it goes back by itself unless he says
//! that it is done; one reading per thread at a time; never more than [`MOST`] threads and posts, beyond that everything is to be
//! looked at.

mod set;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::PostId;
use tokio::{sync::Notify, time::Instant};

use crate::metrics::{HintSource, Metrics};
use set::Set;
pub use set::{Dirty, Happened, Hint, MOST};

/// Posts that one question to Mattermost resolves.
pub const LOOSE_AT_ONCE: usize = 1_000;

/// All that is to be looked at. A clone is the same set.
#[derive(Debug, Clone)]
pub struct Hints(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Plain: held for one step, never across an await.
    set: Mutex<Set>,
    changed: Notify,
    metrics: Metrics,
}

/// What to do next.
#[derive(Debug)]
pub enum Work {
    /// Find out which threads these posts belong to, and hint at those.
    Resolve(Loose),
    /// Read this thread.
    Read(Reading),
}

/// A thread in hand. Dropped, it counts as failed.
#[derive(Debug)]
#[must_use = "a reading that is neither done nor put back is one that failed"]
pub struct Reading {
    hints: Hints,
    dirty: Option<Dirty>,
}

/// Posts in hand. Dropped, they count as failed.
#[derive(Debug)]
#[must_use = "posts that are not resolved are asked for again"]
pub struct Loose {
    hints: Hints,
    posts: Vec<Hint>,
}

impl Hints {
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        Self(Arc::new(Inner {
            set: Mutex::default(),
            changed: Notify::new(),
            metrics,
        }))
    }

    /// One of the ears heard this. Never waits.
    pub fn heard(&self, source: HintSource, hints: impl IntoIterator<Item = Hint>) {
        let mut count = 0;
        self.change(|set, now| {
            for hint in hints {
                count += 1;
                set.add(hint, now);
            }
        });
        self.0.metrics.hinted(source, count);
    }

    /// What a loose post turned out to be, or what a reading found out about another thread. Not counted: somebody heard it before.
    pub fn put(&self, hint: Hint) {
        self.change(|set, now| set.add(hint, now));
    }

    /// Nobody knows what was missed: after a start, a connection that stood anew, an overflow of the plugin's.
    pub fn look_everywhere(&self) {
        self.change(|set, _| set.look_everywhere());
    }

    /// Resolves when everything is to be looked at, and forgets that it was asked for.
    ///
    /// May be dropped at any point.
    pub async fn everywhere(&self) {
        loop {
            // Registered before looking, so what rings in between is not missed.
            let changed = self.0.changed.notified();
            if self.set().take_everywhere() {
                return;
            }
            changed.await;
        }
    }

    /// The next thing to do, as soon as there is one.
    ///
    /// May be dropped at any point: it takes nothing before it answers.
    pub async fn next(&self) -> Work {
        loop {
            let changed = self.0.changed.notified();
            let (work, due) = {
                let mut set = self.set();
                let now = Instant::now();
                (self.take(&mut set, now), set.next_due())
            };
            if let Some(work) = work {
                return work;
            }
            match due {
                Some(due) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(due) => {}
                },
                None => changed.await,
            }
        }
    }

    /// Threads and posts that wait, those in hand not counted.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.set().len()
    }

    fn take(&self, set: &mut Set, now: Instant) -> Option<Work> {
        // Loose posts first: they may belong to a thread that is read next.
        let posts = set.take_loose(now, LOOSE_AT_ONCE);
        if !posts.is_empty() {
            let hints = self.clone();
            return Some(Work::Resolve(Loose { hints, posts }));
        }
        let dirty = Some(set.take(now)?);
        let hints = self.clone();
        Some(Work::Read(Reading { hints, dirty }))
    }

    fn change(&self, change: impl FnOnce(&mut Set, Instant)) {
        change(&mut self.set(), Instant::now());
        self.0.changed.notify_waiters();
    }

    fn set(&self) -> MutexGuard<'_, Set> {
        self.0.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    /// What is to be read.
    ///
    /// # Panics
    /// Never: it is there until the reading ends.
    #[must_use]
    pub fn dirty(&self) -> &Dirty {
        self.dirty
            .as_ref()
            .expect("a reading holds its thread until it ends")
    }

    /// Everything was read and committed.
    pub fn done(mut self) {
        if let Some(dirty) = self.dirty.take() {
            self.hints.change(|set, now| set.done(&dirty.root, now));
        }
    }

    /// It could not be read or committed: again after a wait that grows from 1 s to 60 s.
    pub fn failed(self) {
        drop(self);
    }

    /// It was read, and is to be read once more, whole, after this wait: a deletion counts only when it is seen twice.
    pub fn again(mut self, wait: Duration) {
        if let Some(dirty) = self.dirty.take() {
            self.hints.change(|set, now| set.again(dirty, now + wait));
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(dirty) = self.dirty.take() {
            self.hints.change(|set, now| set.failed(dirty, now));
        }
    }
}

impl Loose {
    #[must_use]
    pub fn posts(&self) -> &[Hint] {
        &self.posts
    }

    /// Mattermost said which threads they belong to; those that concern us were hinted at with [`Hints::put`].
    pub fn resolved(mut self) {
        self.posts.clear();
        self.hints.change(|set, _| set.loose_resolved());
    }

    /// Mattermost did not say: again after a wait that grows from 1 s to 60 s.
    pub fn failed(self) {
        drop(self);
    }
}

impl Drop for Loose {
    fn drop(&mut self) {
        let posts = std::mem::take(&mut self.posts);
        if !posts.is_empty() {
            self.hints.change(|set, now| set.loose_failed(posts, now));
        }
    }
}

/// For those who only have a root.
impl Hint {
    /// A thread that is to be read from its begin, whatever happened in it.
    #[must_use]
    pub fn whole(root: PostId) -> Self {
        Self {
            what: Happened::Edited,
            post: root.clone(),
            root: Some(root),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn id(name: &str) -> PostId {
        PostId::new(format!("{name:0<26}")).unwrap()
    }

    fn posted(root: &str, post: &str) -> Hint {
        Hint {
            what: Happened::Posted,
            post: id(post),
            root: Some(id(root)),
        }
    }

    fn hints() -> Hints {
        Hints::new(Metrics::new())
    }

    async fn reading(hints: &Hints) -> Reading {
        match hints.next().await {
            Work::Read(reading) => reading,
            Work::Resolve(loose) => panic!("nothing is loose: {loose:?}"),
        }
    }

    /// What is to be done within a day of virtual time.
    async fn quiet(hints: &Hints) -> bool {
        tokio::time::timeout(Duration::from_secs(86_400), hints.next())
            .await
            .is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_one_reading_and_what_comes_during_it_is_one_more() {
        let hints = hints();
        hints.heard(
            HintSource::Webhook,
            (0..9).map(|n| posted("r", &format!("p{n}"))),
        );
        let first = reading(&hints).await;
        assert_eq!(first.dirty().posts.len(), 9);
        assert!(!first.dirty().full);

        hints.heard(HintSource::Plugin, [posted("r", "later")]);
        hints.heard(HintSource::Socket, [posted("r", "later")]);
        assert!(quiet(&hints).await, "one reading per thread at a time");
        first.done();

        let second = reading(&hints).await;
        assert_eq!(second.dirty().posts, [id("later")]);
        second.done();
        assert!(quiet(&hints).await);
        let text = hints.0.metrics.text();
        for (source, count) in [
            ("webhook", 9),
            ("plugin", 1),
            ("websocket", 1),
            ("sweep", 0),
        ] {
            let line = format!("ireserve_hints_total{{source=\"{source}\"}} {count}");
            assert!(text.contains(&line), "{line} is missing in {text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_woken_by_a_hint_and_a_whole_look_waits_apart() {
        let hints = hints();
        let (waiter, other) = (hints.clone(), hints.clone());
        let (read, looked) = tokio::join!(
            async move { reading(&waiter).await.dirty().root.clone() },
            async move {
                tokio::time::sleep(Duration::from_secs(5)).await;
                other.heard(HintSource::Plugin, [posted("r", "p")]);
                other.look_everywhere();
                other.everywhere().await;
                tokio::time::timeout(Duration::from_secs(1), other.everywhere()).await
            }
        );
        assert_eq!(read, id("r"));
        assert!(looked.is_err(), "asked once, looked once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reading_that_is_lost_or_fails_comes_back_more_and_more_slowly() {
        let hints = hints();
        hints.heard(HintSource::Plugin, [Hint::whole(id("r"))]);
        let began = Instant::now();
        let mut waits = Vec::new();
        let mut last = began;
        for _ in 0..9 {
            drop(reading(&hints).await);
            waits.push((Instant::now() - last).as_secs());
            last = Instant::now();
        }
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 60, 60]);

        hints.heard(HintSource::Plugin, [posted("r", "p")]);
        let again = reading(&hints).await;
        assert_eq!(
            (Instant::now() - last).as_secs(),
            1,
            "a fresh hint is a reason to try soon"
        );
        assert!(again.dirty().full, "what was asked for is not forgotten");
        again.done();
        hints.heard(HintSource::Plugin, [posted("r", "p")]);
        drop(reading(&hints).await);
        let last = Instant::now();
        drop(reading(&hints).await);
        assert_eq!(
            (Instant::now() - last).as_secs(),
            1,
            "after a success it begins anew"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_deletion_that_was_seen_once_is_looked_at_again_and_whole() {
        let hints = hints();
        hints.heard(HintSource::Plugin, [posted("r", "p")]);
        let began = Instant::now();
        reading(&hints).await.again(Duration::from_secs(5));
        let second = reading(&hints).await;
        assert_eq!((Instant::now() - began).as_secs(), 5);
        assert!(second.dirty().full);
        second.done();
    }

    #[tokio::test(start_paused = true)]
    async fn posts_that_are_hinted_at_while_others_are_asked_for_are_asked_for_together() {
        let hints = hints();
        let loose = |name: &str| Hint {
            what: Happened::Posted,
            post: id(name),
            root: None,
        };
        hints.heard(HintSource::Webhook, [loose("p1")]);
        let Work::Resolve(first) = hints.next().await else {
            panic!("a post first")
        };
        for name in ["p2", "p3", "p2"] {
            hints.heard(HintSource::Webhook, [loose(name)]);
        }
        assert!(quiet(&hints).await, "one question at a time");
        first.resolved();
        let Work::Resolve(second) = hints.next().await else {
            panic!("the others")
        };
        assert_eq!(second.posts().len(), 2);
        second.resolved();
        assert!(quiet(&hints).await);
    }

    #[tokio::test(start_paused = true)]
    async fn loose_posts_are_handed_out_a_thousand_at_a_time_and_come_back_when_nobody_answers() {
        let hints = hints();
        let loose = |n: u32| Hint {
            what: Happened::Posted,
            post: id(&format!("p{n}x")),
            root: None,
        };
        hints.heard(HintSource::Webhook, (0..1_500).map(loose));
        let Work::Resolve(first) = hints.next().await else {
            panic!("posts first")
        };
        assert_eq!(first.posts().len(), LOOSE_AT_ONCE);
        let began = Instant::now();
        first.failed();
        let Work::Resolve(second) = hints.next().await else {
            panic!("posts again")
        };
        assert_eq!((Instant::now() - began).as_secs(), 1);
        hints.put(posted("r", "p1"));
        second.resolved();
        let Work::Resolve(rest) = hints.next().await else {
            panic!("the rest")
        };
        assert_eq!(rest.posts().len(), 500);
        rest.resolved();
        reading(&hints).await.done();
        assert!(quiet(&hints).await);
    }
}
