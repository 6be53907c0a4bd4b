//! Posts: create, patch, delete, read.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::{ChannelId, PostId, Timestamp, UserId};

use super::{Ask, Fault, FileId, FileInfo, Mattermost, read};

/// A post's props: anybody may have written them.
pub type Props = Map<String, Value>;

/// A post, as far as we read it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Post {
    pub id: PostId,
    #[serde(deserialize_with = "read::millis")]
    pub create_at: Timestamp,
    #[serde(deserialize_with = "read::millis")]
    pub update_at: Timestamp,
    /// 0: never edited.
    #[serde(default)]
    pub edit_at: i64,
    /// 0: not deleted.
    #[serde(default)]
    pub delete_at: i64,
    pub user_id: UserId,
    pub channel_id: ChannelId,
    /// Empty for a root.
    #[serde(default, deserialize_with = "read::optional")]
    pub root_id: Option<PostId>,
    #[serde(default)]
    pub message: String,
    /// Empty for an ordinary post, `system_…` for what the server wrote.
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default, deserialize_with = "read::or_empty")]
    pub props: Props,
    #[serde(default, deserialize_with = "read::or_empty")]
    pub file_ids: Vec<FileId>,
    /// Of a root: replies that are not deleted.
    #[serde(default)]
    pub reply_count: i64,
    #[serde(default, deserialize_with = "read::or_empty")]
    metadata: Metadata,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
struct Metadata {
    #[serde(default, deserialize_with = "read::or_empty")]
    files: Vec<FileInfo>,
}

/// A post that shall be.
#[derive(Debug, Clone, Serialize)]
pub struct NewPost {
    pub channel_id: ChannelId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_id: Option<PostId>,
    pub message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub file_ids: Vec<FileId>,
    pub props: Props,
    /// One key space for everybody, remembered for 30 s.
    pub pending_post_id: String,
}

/// What shall change of a post. Absent: stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Patch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Replaces *all* props: what is not sent is gone, our mark too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub props: Option<Props>,
}

impl Post {
    /// What `ireserve` says under this name. Means nothing unless the author is our bot.
    #[must_use]
    pub fn ours(&self, name: &str) -> Option<&str> {
        self.props.get("ireserve")?.get(name)?.as_str()
    }

    /// What is known of its files, in the server's order.
    #[must_use]
    pub fn files(&self) -> &[FileInfo] {
        &self.metadata.files
    }
}

impl Mattermost {
    /// Creates it, once. The answer may be another post with the same `pending_post_id`: compare the props.
    ///
    /// # Errors
    /// What the answer means for a creation.
    pub async fn create_post(&self, post: &NewPost) -> Result<Post, Fault> {
        self.call(Ask::post(["posts"], post).query("set_online", "false"))
            .await
    }

    /// # Errors
    /// [`Fault::Gone`] when there is no such post any more; [`Fault::Archived`] when its channel is archived.
    pub async fn patch_post(&self, id: &PostId, patch: &Patch) -> Result<Post, Fault> {
        self.call(Ask::of(Method::PUT, ["posts", id.as_str(), "patch"]).json(patch))
            .await
    }

    /// Removes the post and its files.
    ///
    /// # Errors
    /// [`Fault::Gone`] when there is no such post any more.
    pub async fn delete_post(&self, id: &PostId) -> Result<(), Fault> {
        self.exchange(Ask::of(Method::DELETE, ["posts", id.as_str()]))
            .await
            .map(|_| ())
    }

    /// # Errors
    /// [`Fault::Gone`] when it was deleted or never was.
    pub async fn post(&self, id: &PostId) -> Result<Post, Fault> {
        self.call(Ask::get(["posts", id.as_str()])).await
    }

    /// Up to 1,000 at a time. Unknown ones are silently missing, deleted ones carry `delete_at`.
    ///
    /// # Errors
    /// When the read failed as a whole.
    pub async fn posts(&self, ids: &[PostId]) -> Result<Vec<Post>, Fault> {
        self.call(Ask::post(["posts", "ids"], &ids).many()).await
    }

    /// Adds our bot's reaction; one that stands already stays.
    ///
    /// # Errors
    /// [`Fault::Gone`] when there is no such post any more.
    pub async fn react(&self, post: &PostId, emoji: &str) -> Result<(), Fault> {
        let bot = self.bot().await?;
        let reaction = serde_json::json!({ "user_id": bot, "post_id": post, "emoji_name": emoji });
        self.exchange(Ask::post(["reactions"], &reaction))
            .await
            .map(|_| ())
    }

    /// Takes our bot's reaction away.
    ///
    /// # Errors
    /// [`Fault::Gone`] when there is no such post or reaction.
    pub async fn unreact(&self, post: &PostId, emoji: &str) -> Result<(), Fault> {
        let ask = Ask::of(
            Method::DELETE,
            ["users", "me", "posts", post.as_str(), "reactions", emoji],
        );
        self.exchange(ask).await.map(|_| ())
    }

    /// Shows for a moment that our bot types.
    ///
    /// # Errors
    /// As any call; nobody repeats it.
    pub async fn typing(&self, channel: &ChannelId, root: Option<&PostId>) -> Result<(), Fault> {
        let place = serde_json::json!({ "channel_id": channel, "parent_id": root.map_or("", PostId::as_str) });
        self.exchange(Ask::post(["users", "me", "typing"], &place))
            .await
            .map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: &str = r#"{"id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","create_at":1,"update_at":2,"edit_at":0,"delete_at":0,
        "user_id":"bbbbbbbbbbbbbbbbbbbbbbbbbb","channel_id":"cccccccccccccccccccccccccc","root_id":"","message":"hi","type":"",
        "props":{"ireserve":{"mark":"m"}},"file_ids":null,"metadata":{"files":null},"reply_count":3,"unknown":[1]}"#;

    #[test]
    fn a_post_is_read_as_the_server_writes_it() {
        let post: Post = serde_json::from_str(POST).unwrap();
        assert_eq!((post.root_id.as_ref(), post.reply_count), (None, 3));
        assert_eq!(post.ours("mark"), Some("m"));
        assert!(post.file_ids.is_empty() && post.files().is_empty());
    }

    #[test]
    fn ids_that_are_none_and_wrong_types_are_an_error() {
        for (good, bad) in [
            ("aaaaaaaaaaaaaaaaaaaaaaaaaa", "../../../../aaaaaaaaaaaaaa"),
            (r#""root_id":"""#, r#""root_id":"short""#),
            (r#""create_at":1"#, r#""create_at":"1""#),
            (r#""file_ids":null"#, r#""file_ids":["x/../y"]"#),
            (r#""message":"hi""#, r#""message":7"#),
        ] {
            let text = POST.replace(good, bad);
            assert!(serde_json::from_str::<Post>(&text).is_err(), "{bad}");
        }
    }
}
