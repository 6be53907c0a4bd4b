//! The set itself: pure, told what happened and when.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use shared::PostId;
use tokio::time::Instant;

/// Threads and posts that wait. Whoever holds a webhook's token could name posts without end; beyond this everything is looked at,
/// which costs a bounded number of requests.
pub const MOST: usize = 10_000;

/// Hinted posts that are remembered for one thread, to see whether a quick read had them all. With more it is read whole.
const POSTS: usize = 64;

/// After a failure, doubling up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What somebody said has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Happened {
    Posted,
    Edited,
    Deleted,
}

/// A reason to look at a thread. Nothing of it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    pub what: Happened,
    pub post: PostId,
    /// The post itself where it is a root. Unknown: an outgoing webhook does not say.
    pub root: Option<PostId>,
}

/// A thread that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirty {
    pub root: PostId,
    /// From its begin: an edit or a deletion was hinted, or more posts than are remembered.
    pub full: bool,
    /// Posts that were hinted. One that a quick read does not have is a reason to read the thread whole.
    pub posts: Vec<PostId>,
    /// Readings in a row that failed.
    tries: u32,
}

#[derive(Debug, Default)]
pub(super) struct Set {
    threads: HashMap<PostId, Waiting>,
    /// The threads that may be taken, by when; those in hand are not among them.
    queue: BTreeSet<(Instant, u64, PostId)>,
    in_hand: HashSet<PostId>,
    loose: HashMap<PostId, Happened>,
    /// One question at a time: what comes meanwhile is asked together.
    loose_in_hand: bool,
    /// Not before then: the last question was not answered.
    loose_from: Option<Instant>,
    loose_tries: u32,
    everywhere: bool,
    turn: u64,
}

#[derive(Debug)]
struct Waiting {
    dirty: Dirty,
    due: Instant,
    turn: u64,
    failed_at: Option<Instant>,
}

impl Set {
    pub(super) fn add(&mut self, hint: Hint, now: Instant) {
        let Some(root) = hint.root else {
            return self.add_loose(hint.post, hint.what);
        };
        if !self.threads.contains_key(&root) && self.len() >= MOST {
            return self.look_everywhere();
        }
        let turn = self.next_turn();
        let waiting = self.threads.entry(root.clone()).or_insert_with(|| Waiting {
            dirty: Dirty::clean(root.clone()),
            due: now,
            turn,
            failed_at: None,
        });
        waiting
            .dirty
            .merge(hint.what != Happened::Posted, [hint.post]);
        // Somebody is there to hint, so Mattermost may be back; but a forbidden thread is not read at each of its posts.
        let soonest = waiting.failed_at.map_or(now, |at| at + FIRST_WAIT);
        let due = waiting.due.min(soonest);
        self.place(&root, due);
    }

    pub(super) fn look_everywhere(&mut self) {
        self.everywhere = true;
    }

    pub(super) fn take_everywhere(&mut self) -> bool {
        std::mem::take(&mut self.everywhere)
    }

    /// The thread that has been due for longest.
    pub(super) fn take(&mut self, now: Instant) -> Option<Dirty> {
        let (due, ..) = self.queue.first()?;
        if *due > now {
            return None;
        }
        let (.., root) = self.queue.pop_first()?;
        let waiting = self.threads.remove(&root)?;
        self.in_hand.insert(root);
        Some(waiting.dirty)
    }

    pub(super) fn done(&mut self, root: &PostId, now: Instant) {
        self.in_hand.remove(root);
        if let Some(due) = self.threads.get(root).map(|waiting| waiting.due.min(now)) {
            self.place(root, due);
        }
    }

    pub(super) fn failed(&mut self, mut dirty: Dirty, now: Instant) {
        dirty.tries = dirty.tries.saturating_add(1);
        let wait = wait_after(dirty.tries);
        // What was hinted meanwhile is a reason to try soon.
        let hinted = self.threads.contains_key(&dirty.root);
        let due = now + if hinted { FIRST_WAIT } else { wait };
        self.put_back(dirty, due, Some(now));
    }

    pub(super) fn again(&mut self, dirty: Dirty, at: Instant) {
        // What was hinted meanwhile is no deletion to be seen twice: it is read at once.
        let at = self
            .threads
            .get(&dirty.root)
            .map_or(at, |waiting| waiting.due.min(at));
        let again = Dirty {
            full: true,
            tries: 0,
            ..dirty
        };
        self.put_back(again, at, None);
    }

    /// Up to so many posts whose thread nobody named.
    pub(super) fn take_loose(&mut self, now: Instant, most: usize) -> Vec<Hint> {
        if self.loose_in_hand || self.loose_from.is_some_and(|from| from > now) {
            return Vec::new();
        }
        let posts: Vec<PostId> = self.loose.keys().take(most).cloned().collect();
        let taken = posts.into_iter().filter_map(|post| {
            let what = self.loose.remove(&post)?;
            Some(Hint {
                what,
                post,
                root: None,
            })
        });
        let taken: Vec<Hint> = taken.collect();
        self.loose_in_hand = !taken.is_empty();
        taken
    }

    pub(super) fn loose_resolved(&mut self) {
        self.loose_in_hand = false;
        self.loose_tries = 0;
        self.loose_from = None;
    }

    pub(super) fn loose_failed(&mut self, posts: Vec<Hint>, now: Instant) {
        self.loose_in_hand = false;
        self.loose_tries = self.loose_tries.saturating_add(1);
        self.loose_from = Some(now + wait_after(self.loose_tries));
        for hint in posts {
            self.add_loose(hint.post, hint.what);
        }
    }

    /// When something is to be done next; nothing: not before the next hint.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let threads = self.queue.first().map(|(due, ..)| *due);
        let loose = self
            .loose_from
            .filter(|_| !self.loose.is_empty() && !self.loose_in_hand);
        threads.into_iter().chain(loose).min()
    }

    pub(super) fn len(&self) -> usize {
        self.threads.len() + self.loose.len()
    }

    fn add_loose(&mut self, post: PostId, what: Happened) {
        if !self.loose.contains_key(&post) && self.len() >= MOST {
            return self.look_everywhere();
        }
        let known = self.loose.entry(post).or_insert(what);
        if *known == Happened::Posted {
            *known = what;
        }
    }

    /// Back from whoever had it in hand: always taken in, since there are only as many of those as readers.
    fn put_back(&mut self, dirty: Dirty, due: Instant, failed_at: Option<Instant>) {
        let root = dirty.root.clone();
        self.in_hand.remove(&root);
        let turn = self.next_turn();
        let waiting = self.threads.entry(root.clone()).or_insert_with(|| Waiting {
            dirty: Dirty::clean(root.clone()),
            due,
            turn,
            failed_at,
        });
        waiting.failed_at = failed_at;
        waiting.dirty.tries = dirty.tries;
        waiting.dirty.merge(dirty.full, dirty.posts);
        self.place(&root, due);
    }

    /// Gives a waiting thread its place in the queue, unless it is in hand.
    fn place(&mut self, root: &PostId, due: Instant) {
        let Some(waiting) = self.threads.get_mut(root) else {
            return;
        };
        self.queue
            .remove(&(waiting.due, waiting.turn, root.clone()));
        waiting.due = due;
        if !self.in_hand.contains(root) {
            self.queue.insert((due, waiting.turn, root.clone()));
        }
    }

    const fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }
}

impl Dirty {
    const fn clean(root: PostId) -> Self {
        Self {
            root,
            full: false,
            posts: Vec::new(),
            tries: 0,
        }
    }

    fn merge(&mut self, full: bool, posts: impl IntoIterator<Item = PostId>) {
        self.full |= full;
        for post in posts {
            if self.posts.contains(&post) {
                continue;
            }
            if self.posts.len() < POSTS {
                self.posts.push(post);
            } else {
                self.full = true;
            }
        }
    }
}

fn wait_after(tries: u32) -> Duration {
    FIRST_WAIT
        .saturating_mul(1 << tries.saturating_sub(1).min(6))
        .min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> PostId {
        PostId::new(format!("{n:0>26}")).unwrap()
    }

    fn hint(what: Happened, root: usize, post: usize) -> Hint {
        Hint {
            what,
            post: id(post),
            root: Some(id(root)),
        }
    }

    #[test]
    fn an_edit_a_deletion_or_too_many_posts_ask_for_the_whole_thread() {
        let now = Instant::now();
        for (name, hints, wanted) in [
            (
                "posts",
                vec![(Happened::Posted, 2), (Happened::Posted, 3)],
                false,
            ),
            (
                "an edit",
                vec![(Happened::Posted, 2), (Happened::Edited, 2)],
                true,
            ),
            (
                "a deletion",
                vec![(Happened::Deleted, 3), (Happened::Posted, 4)],
                true,
            ),
            (
                "many",
                (2..70).map(|n| (Happened::Posted, n)).collect(),
                true,
            ),
        ] {
            let mut set = Set::default();
            for (what, post) in hints {
                set.add(hint(what, 1, post), now);
            }
            let dirty = set.take(now).unwrap();
            assert_eq!(dirty.full, wanted, "{name}");
            assert!(dirty.posts.len() <= POSTS, "{name}");
        }
    }

    #[test]
    fn beyond_its_bound_everything_is_looked_at_and_known_threads_still_count() {
        let now = Instant::now();
        let mut set = Set::default();
        for n in 0..MOST {
            set.add(hint(Happened::Posted, n, n), now);
        }
        assert!(!set.take_everywhere());
        set.add(hint(Happened::Edited, 0, 7), now);
        assert!(
            !set.take_everywhere(),
            "a thread that waits already costs nothing more"
        );
        set.add(hint(Happened::Posted, MOST, 1), now);
        assert_eq!((set.len(), set.take_everywhere()), (MOST, true));
        let loose = Hint {
            root: None,
            ..hint(Happened::Posted, 0, MOST + 1)
        };
        set.add(loose, now);
        assert_eq!((set.len(), set.take_everywhere()), (MOST, true));
    }

    #[test]
    fn who_waits_longest_is_read_first_and_a_later_hint_does_not_send_him_back() {
        let now = Instant::now();
        let mut set = Set::default();
        for root in [1, 2, 3] {
            set.add(hint(Happened::Posted, root, root), now);
        }
        set.add(hint(Happened::Posted, 1, 9), now + Duration::from_secs(1));
        let order: Vec<PostId> = std::iter::from_fn(|| {
            set.take(now + Duration::from_secs(1))
                .map(|dirty| dirty.root)
        })
        .collect();
        assert_eq!(order, [id(1), id(2), id(3)]);
        assert_eq!(set.next_due(), None, "all are in hand");
    }
}
