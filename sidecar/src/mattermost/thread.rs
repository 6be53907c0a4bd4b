//! Threads: a root and its replies, page by page.
//!
//! 9.11 and newer page by `direction`, `fromCreateAt` and `fromPost`, and the root always comes along. A server that ignores
//! these returns everything at once, in no order; whoever drops what he knows copes with both.

use std::collections::HashMap;

use serde::Deserialize;
use shared::{PostId, Timestamp};

use super::{Ask, Fault, Mattermost, Post, read as reading};

/// The server refuses more.
const PAGE: &str = "200";

/// Where a page begins, this place excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub create_at: Timestamp,
    pub post: PostId,
}

/// Some posts of a thread, the root among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadPage {
    /// By (create_at, id), oldest first.
    pub posts: Vec<Post>,
    pub has_next: bool,
}

#[derive(Deserialize)]
struct List {
    #[serde(deserialize_with = "reading::or_empty")]
    posts: HashMap<PostId, Post>,
    #[serde(default, deserialize_with = "reading::or_empty")]
    has_next: bool,
}

impl Place {
    /// Everything from this millisecond on: the server compares with `>` on (create_at, id), and no id is below 26 zeros.
    #[must_use]
    pub fn moment(moment: Timestamp) -> Self {
        Self {
            create_at: Timestamp::from_millis(moment.as_millis().saturating_sub(1)),
            post: PostId::new("0".repeat(26)).expect("26 zeros are an id by the rule"),
        }
    }

    #[must_use]
    pub fn after(post: &Post) -> Self {
        Self {
            create_at: post.create_at,
            post: post.id.clone(),
        }
    }
}

impl Mattermost {
    /// Up to 200 replies later than `from`, oldest first; from the beginning without one.
    ///
    /// # Errors
    /// [`Fault::Gone`] when the root was deleted.
    pub async fn thread_down(
        &self,
        root: &PostId,
        from: Option<&Place>,
    ) -> Result<ThreadPage, Fault> {
        self.thread(root, "down", from).await
    }

    /// Up to 200 replies earlier than `from`, the newest of them; the newest of all without one.
    ///
    /// # Errors
    /// [`Fault::Gone`] when the root was deleted.
    pub async fn thread_up(
        &self,
        root: &PostId,
        from: Option<&Place>,
    ) -> Result<ThreadPage, Fault> {
        self.thread(root, "up", from).await
    }

    async fn thread(
        &self,
        root: &PostId,
        direction: &str,
        from: Option<&Place>,
    ) -> Result<ThreadPage, Fault> {
        let mut ask = Ask::get(["posts", root.as_str(), "thread"])
            .query("perPage", PAGE)
            .query("direction", direction)
            .many();
        if let Some(from) = from {
            ask = ask
                .query("fromCreateAt", from.create_at.as_millis().to_string())
                .query("fromPost", from.post.as_str());
        }
        let list: List = self.call(ask).await?;
        let mut posts: Vec<Post> = list.posts.into_values().collect();
        posts.sort_by(|a, b| (a.create_at, &a.id).cmp(&(b.create_at, &b.id)));
        Ok(ThreadPage {
            posts,
            has_next: list.has_next,
        })
    }
}

#[cfg(test)]
pub(super) fn read(bytes: &[u8]) {
    let _ = serde_json::from_slice::<List>(bytes);
}
