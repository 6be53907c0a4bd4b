//! Channels and teams: finding them by name, joining, and reading a channel page by page.

use std::collections::HashMap;

use serde::Deserialize;
use shared::{ChannelId, PostId, UserId};

use super::{Ask, Fault, Mattermost, Post, read as reading};

/// The server gives no more.
const PAGE: &str = "200";

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Channel {
    pub id: ChannelId,
    #[serde(default)]
    pub team_id: String,
    #[serde(rename = "type")]
    pub kind: ChannelKind,
    /// As in addresses.
    pub name: String,
    #[serde(default)]
    pub display_name: String,
    /// 0: not archived.
    #[serde(default)]
    pub delete_at: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ChannelKind {
    #[serde(rename = "O")]
    Public,
    #[serde(rename = "P")]
    Private,
    /// Direct, group, and what later servers may invent.
    #[serde(other)]
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Team {
    pub id: String,
    pub name: String,
}

/// Which posts of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around<'a> {
    Newest,
    /// Created strictly before this post: others of its millisecond are skipped.
    Before(&'a PostId),
    /// Created strictly after this post: others of its millisecond are skipped. An anchor that is gone for good gives nothing.
    After(&'a PostId),
}

/// Posts of a channel, roots and replies alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelPage {
    /// Newest first.
    pub posts: Vec<Post>,
    /// Whether the page was full, so that there may be more.
    pub is_full: bool,
}

#[derive(Deserialize)]
struct List {
    #[serde(deserialize_with = "reading::or_empty")]
    order: Vec<PostId>,
    #[serde(deserialize_with = "reading::or_empty")]
    posts: HashMap<PostId, Post>,
}

impl Mattermost {
    /// # Errors
    /// [`Fault::Forbidden`] for a private channel that our bot is not in, and for one that does not exist.
    pub async fn channel(&self, id: &ChannelId) -> Result<Channel, Fault> {
        self.call(Ask::get(["channels", id.as_str()])).await
    }

    /// Archived channels are found too.
    ///
    /// # Errors
    /// [`Fault::Gone`] when there is none of this name that our bot may see.
    pub async fn channel_by_name(&self, team: &str, name: &str) -> Result<Channel, Fault> {
        let ask = Ask::get(["teams", "name", team, "channels", "name", name]);
        self.call(ask.query("include_deleted", "true")).await
    }

    /// # Errors
    /// [`Fault::Gone`] when there is none of this name.
    pub async fn team_by_name(&self, name: &str) -> Result<Team, Fault> {
        self.call(Ask::get(["teams", "name", name])).await
    }

    /// # Errors
    /// As any read.
    pub async fn my_teams(&self) -> Result<Vec<Team>, Fault> {
        self.call(Ask::get(["users", "me", "teams"]).many()).await
    }

    /// Our bot joins a public channel of a team it is in.
    ///
    /// # Errors
    /// [`Fault::Forbidden`] for private channels and foreign teams.
    pub async fn join(&self, channel: &ChannelId) -> Result<(), Fault> {
        let me = serde_json::json!({ "user_id": self.bot().await? });
        self.exchange(Ask::post(["channels", channel.as_str(), "members"], &me))
            .await
            .map(|_| ())
    }

    /// Whether this person is in the channel.
    ///
    /// # Errors
    /// As any read; not being a member is no error.
    pub async fn is_member(&self, channel: &ChannelId, user: &UserId) -> Result<bool, Fault> {
        match self
            .exchange(Ask::get([
                "channels",
                channel.as_str(),
                "members",
                user.as_str(),
            ]))
            .await
        {
            Ok(_) => Ok(true),
            Err(Fault::Gone(_)) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// The channel between our bot and this person.
    ///
    /// # Errors
    /// [`Fault::Forbidden`] where the server does not let them talk.
    pub async fn direct(&self, user: &UserId) -> Result<ChannelId, Fault> {
        let two = [self.bot().await?, user.clone()];
        let channel: Channel = self.call(Ask::post(["channels", "direct"], &two)).await?;
        Ok(channel.id)
    }

    /// Up to 200 posts.
    ///
    /// # Errors
    /// [`Fault::Forbidden`] when our bot may not read there.
    pub async fn channel_posts(
        &self,
        channel: &ChannelId,
        around: Around<'_>,
    ) -> Result<ChannelPage, Fault> {
        let mut ask = Ask::get(["channels", channel.as_str(), "posts"])
            .query("per_page", PAGE)
            .query("skipFetchThreads", "true")
            .many();
        match around {
            Around::Newest => {}
            Around::Before(post) => ask = ask.query("before", post.as_str()),
            Around::After(post) => ask = ask.query("after", post.as_str()),
        }
        let List { order, mut posts } = self.call(ask).await?;
        // Also holds roots of the listed replies: the order alone says what the page is.
        let is_full = order.len() >= 200;
        let posts = order.iter().filter_map(|id| posts.remove(id)).collect();
        Ok(ChannelPage { posts, is_full })
    }
}

#[cfg(test)]
pub(super) fn read(bytes: &[u8]) {
    let _ = serde_json::from_slice::<List>(bytes);
}
