//! What stands in a world, and waiting for it.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::{World, post_of, refused};
use crate::mattermost::{Post, Refusal};
use crate::real::{RealError, answered};
use crate::watched::{Late, PATIENCE};

/// How often a real server is asked whether something is there yet: it has no bell that everybody may hear.
const LOOK_AGAIN: Duration = Duration::from_millis(150);

impl World {
    /// The standing replies to a root in (`create_at`, id) order, without the root; empty when the root is gone.
    ///
    /// # Errors
    /// As `GET /posts/{id}/thread`, a 404 excepted.
    pub async fn thread(&self, root_id: &str) -> Result<Vec<Post>, RealError> {
        if let Self::Simulated { mattermost, .. } = self {
            return Ok(mattermost.thread(root_id));
        }
        let answer = self
            .api(&self.cast().admin)
            .get(&format!("/posts/{root_id}/thread"))
            .await?;
        if answer.status == 404 {
            return Ok(Vec::new());
        }
        let posts = sorted(&answered("thread", answer)?.json())?;
        Ok(posts
            .into_iter()
            .filter(|post| post.root_id == root_id)
            .collect())
    }

    /// Every standing post of a channel, roots and replies, oldest first, without joins and the like.
    ///
    /// # Errors
    /// As `GET /channels/{id}/posts`.
    pub async fn channel_posts(&self, channel_id: &str) -> Result<Vec<Post>, RealError> {
        if let Self::Simulated { mattermost, .. } = self {
            return Ok(mattermost.posts(channel_id));
        }
        let api = self.api(&self.cast().admin);
        let mut all = Vec::new();
        for page in 0.. {
            let path = format!(
                "/channels/{channel_id}/posts?per_page=200&page={page}&skipFetchThreads=true"
            );
            let posts = sorted(&answered("channel", api.get(&path).await?)?.json())?;
            let last = posts.len() < 200;
            all.extend(posts);
            if last {
                break;
            }
        }
        all.retain(|post| !post.is_system());
        all.sort_by(|a, b| (a.create_at, &a.id).cmp(&(b.create_at, &b.id)));
        all.dedup_by(|a, b| a.id == b.id);
        Ok(all)
    }

    /// The standing root posts of a channel, oldest first.
    ///
    /// # Errors
    /// As [`World::channel_posts`].
    pub async fn roots(&self, channel_id: &str) -> Result<Vec<Post>, RealError> {
        let posts = self.channel_posts(channel_id).await?;
        Ok(posts
            .into_iter()
            .filter(|post| post.root_id.is_empty())
            .collect())
    }

    /// Waits until `look` finds something in a thread.
    ///
    /// # Panics
    /// With what stands there when it does not within [`PATIENCE`], or when the server refuses to show it.
    pub async fn until_thread<T>(
        &self,
        root_id: &str,
        what: &str,
        mut look: impl FnMut(&[Post]) -> Option<T>,
    ) -> T {
        match self {
            Self::Simulated { mattermost, .. } => {
                mattermost
                    .until(what, |state| look(&state.thread(root_id)))
                    .await
            }
            Self::Real(_) => asked_again(what, async || self.thread(root_id).await, look).await,
        }
    }

    /// Waits until `look` finds something among all posts of a channel.
    ///
    /// # Panics
    /// With what stands there when it does not within [`PATIENCE`], or when the server refuses to show it.
    pub async fn until_channel<T>(
        &self,
        channel_id: &str,
        what: &str,
        mut look: impl FnMut(&[Post]) -> Option<T>,
    ) -> T {
        match self {
            Self::Simulated { mattermost, .. } => {
                mattermost
                    .until(what, |state| look(&state.posts(channel_id)))
                    .await
            }
            Self::Real(_) => {
                asked_again(what, async || self.channel_posts(channel_id).await, look).await
            }
        }
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// As `GET /files/{id}`.
    pub async fn file_bytes(&self, file_id: &str) -> Result<Bytes, RealError> {
        if let Self::Simulated { mattermost, .. } = self {
            let file = mattermost
                .look(|state| state.file(file_id))
                .map(|(_, bytes)| bytes);
            return refused("file", file.ok_or_else(Refusal::file_not_found));
        }
        Ok(answered(
            "file",
            self.api(&self.cast().admin)
                .get(&format!("/files/{file_id}"))
                .await?,
        )?
        .body)
    }
}

fn sorted(list: &Value) -> Result<Vec<Post>, RealError> {
    let in_order = list["order"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|id| list["posts"].get(id.as_str()?));
    let mut posts = in_order
        .map(|post| post_of(post.clone()))
        .collect::<Result<Vec<_>, _>>()?;
    posts.sort_by(|a, b| (a.create_at, &a.id).cmp(&(b.create_at, &b.id)));
    posts.dedup_by(|a, b| a.id == b.id);
    Ok(posts)
}

async fn asked_again<T>(
    what: &str,
    ask: impl AsyncFn() -> Result<Vec<Post>, RealError>,
    mut look: impl FnMut(&[Post]) -> Option<T>,
) -> T {
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let posts = match ask().await {
            Ok(posts) => posts,
            Err(error) => panic!("while waiting until {what}: {error}"),
        };
        if let Some(found) = look(&posts) {
            return found;
        }
        if tokio::time::Instant::now() > end {
            let seen = posts
                .iter()
                .map(|post| format!("  {} {:?}\n", post.create_at, post.readable()))
                .collect();
            panic!(
                "{}",
                Late {
                    what: what.to_owned(),
                    waited: PATIENCE,
                    seen
                }
            );
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
