//! The table of posts: what stands where, in which order, and what a reader sees whose copy is some seconds old.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::model::Post;

/// How long earlier states of a post are kept for readers that lag: a little more than the longest lag a test may ask for.
const REMEMBERED: i64 = 26_000;

/// Which state a reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// The newest.
    Now,
    /// What was committed at this moment.
    At(i64),
}

/// All posts, deleted ones included.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: HashMap<String, VecDeque<(i64, Post)>>,
    by_channel: HashMap<String, BTreeSet<(i64, String)>>,
    by_root: HashMap<String, BTreeSet<(i64, String)>>,
    /// How many replies of a root stand now; counted along, because every shown post tells it.
    standing_replies: HashMap<String, i64>,
}

impl Rows {
    /// Stores a new state of a post, committed at `now`.
    pub(super) fn put(&mut self, now: i64, post: Post) {
        let stood = self.standing(&post.id, Seen::Now).is_some();
        self.count_along(
            &post.root_id,
            i64::from(post.delete_at == 0) - i64::from(stood),
        );
        let place = (post.create_at, post.id.clone());
        if !self.rows.contains_key(&post.id) {
            self.by_channel
                .entry(post.channel_id.clone())
                .or_default()
                .insert(place.clone());
            if !post.root_id.is_empty() {
                self.by_root
                    .entry(post.root_id.clone())
                    .or_default()
                    .insert(place);
            }
        }
        let states = self.rows.entry(post.id.clone()).or_default();
        states.push_back((now, post));
        // The newest state that every possible reader has seen is the oldest that is needed.
        while states
            .get(1)
            .is_some_and(|(since, _)| *since < now - REMEMBERED)
        {
            states.pop_front();
        }
    }

    /// Removes the row, as retention and permanent deletion do.
    pub(super) fn purge(&mut self, id: &str) {
        let Some(post) = self
            .rows
            .remove(id)
            .and_then(|mut states| states.pop_back())
            .map(|(_, post)| post)
        else {
            return;
        };
        self.count_along(&post.root_id, -i64::from(post.delete_at == 0));
        let place = (post.create_at, post.id);
        if let Some(places) = self.by_channel.get_mut(&post.channel_id) {
            places.remove(&place);
        }
        if let Some(places) = self.by_root.get_mut(&post.root_id) {
            places.remove(&place);
        }
    }

    /// A post, deleted or not.
    pub(super) fn row(&self, id: &str, seen: Seen) -> Option<&Post> {
        let states = self.rows.get(id)?;
        match seen {
            Seen::Now => states.back(),
            Seen::At(moment) => states.iter().rev().find(|(since, _)| *since <= moment),
        }
        .map(|(_, post)| post)
    }

    /// A post that is not deleted.
    pub(super) fn standing(&self, id: &str, seen: Seen) -> Option<&Post> {
        self.row(id, seen).filter(|post| post.delete_at == 0)
    }

    /// The standing replies to a root in (`create_at`, id) order.
    pub(super) fn replies(&self, root: &str, seen: Seen) -> impl DoubleEndedIterator<Item = &Post> {
        self.by_root
            .get(root)
            .into_iter()
            .flatten()
            .filter_map(move |(_, id)| self.standing(id, seen))
    }

    /// The standing posts of a channel in (`create_at`, id) order.
    pub(super) fn in_channel(
        &self,
        channel: &str,
        seen: Seen,
    ) -> impl DoubleEndedIterator<Item = &Post> {
        self.by_channel
            .get(channel)
            .into_iter()
            .flatten()
            .filter_map(move |(_, id)| self.standing(id, seen))
    }

    /// The standing posts of a channel with a `create_at` greater than `after`, oldest first.
    pub(super) fn in_channel_after(
        &self,
        channel: &str,
        after: i64,
        seen: Seen,
    ) -> impl Iterator<Item = &Post> {
        let from = (after.saturating_add(1), String::new());
        self.by_channel
            .get(channel)
            .into_iter()
            .flat_map(move |places| places.range(from.clone()..))
            .filter_map(move |(_, id)| self.standing(id, seen))
    }

    /// The standing posts of a channel with a `create_at` less than `before`, newest first.
    pub(super) fn in_channel_before(
        &self,
        channel: &str,
        before: i64,
        seen: Seen,
    ) -> impl Iterator<Item = &Post> {
        let to = (before, String::new());
        self.by_channel
            .get(channel)
            .into_iter()
            .flat_map(move |places| places.range(..to.clone()).rev())
            .filter_map(move |(_, id)| self.standing(id, seen))
    }

    /// How many standing replies a root has.
    pub(super) fn reply_count(&self, root: &str, seen: Seen) -> i64 {
        match seen {
            Seen::Now => self.standing_replies.get(root).copied().unwrap_or(0),
            Seen::At(_) => i64::try_from(self.replies(root, seen).count()).unwrap_or(i64::MAX),
        }
    }

    fn count_along(&mut self, root: &str, more: i64) {
        if !root.is_empty() && more != 0 {
            *self.standing_replies.entry(root.to_owned()).or_default() += more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(id: &str, create_at: i64, root: &str) -> Post {
        Post {
            id: id.into(),
            create_at,
            channel_id: "c".into(),
            root_id: root.into(),
            ..Post::default()
        }
    }

    #[test]
    fn a_reader_who_lags_sees_neither_new_posts_nor_new_states() {
        let mut rows = Rows::default();
        rows.put(1_000, post("a", 1_000, ""));
        rows.put(5_000, post("b", 5_000, "a"));
        rows.put(
            6_000,
            Post {
                delete_at: 6_000,
                ..post("b", 5_000, "a")
            },
        );

        assert_eq!(rows.replies("a", Seen::At(4_000)).count(), 0);
        assert_eq!(rows.replies("a", Seen::At(5_500)).count(), 1);
        assert_eq!(rows.replies("a", Seen::Now).count(), 0);
        assert!(rows.row("b", Seen::Now).is_some(), "deleted is not gone");
    }

    #[test]
    fn after_and_before_are_strict_in_the_millisecond() {
        let mut rows = Rows::default();
        for (id, at) in [("a", 1), ("b", 2), ("c", 2), ("d", 3)] {
            rows.put(at, post(id, at, ""));
        }

        let ids = |posts: Vec<&Post>| posts.iter().map(|post| post.id.clone()).collect::<Vec<_>>();
        assert_eq!(
            ids(rows.in_channel_after("c", 1, Seen::Now).collect()),
            ["b", "c", "d"]
        );
        assert_eq!(
            ids(rows.in_channel_before("c", 3, Seen::Now).collect()),
            ["c", "b", "a"]
        );
    }
}
