//! One Mattermost, simulated or real, behind one set of actions, so that a journey is written once and holds in both worlds.
//!
//! People act without faults in either world: directly in the simulated one, over REST in the real one. Faults, clocks and lags
//! exist only in the simulated one; a journey that needs them asks for [`World::simulation`].

use std::path::Path;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::api::Api;
use crate::mattermost::{Account, Cast, Mattermost, Post, Refusal, Settings, Version};
use crate::real::{Furniture, RealError, RealMattermost, answered};

mod reading;

/// A furnished Mattermost.
#[derive(Debug)]
pub enum World {
    /// In this process.
    Simulated {
        /// The server.
        mattermost: Box<Mattermost>,
        /// Who and what is there.
        cast: Box<Cast>,
    },
    /// An unpacked server with its database.
    Real(Box<RealMattermost>),
}

impl World {
    /// A simulated server of this release.
    ///
    /// # Errors
    /// When no loopback port is to be had.
    pub async fn simulated(version: Version) -> Result<Self, RealError> {
        let mattermost = Mattermost::start_with(Settings {
            version,
            ..Settings::default()
        })
        .await?;
        let cast = Box::new(mattermost.furnish());
        Ok(Self::Simulated {
            mattermost: Box::new(mattermost),
            cast,
        })
    }

    /// The server in this folder, furnished like that.
    ///
    /// # Errors
    /// See [`RealError`].
    pub async fn real(home: &Path, furniture: Furniture) -> Result<Self, RealError> {
        Ok(Self::Real(Box::new(
            RealMattermost::start(home, &[], furniture).await?,
        )))
    }

    /// The server that `MATTERMOST_HOME` names, or a simulated one of the newest release.
    ///
    /// # Errors
    /// See [`RealError`].
    pub async fn of_environment() -> Result<Self, RealError> {
        match RealMattermost::of_environment().await? {
            Some(real) => Ok(Self::Real(Box::new(real))),
            None => Self::simulated(Version::default()).await,
        }
    }

    /// The simulated server, where faults can be asked for; none in the real world.
    #[must_use]
    pub fn simulation(&self) -> Option<&Mattermost> {
        match self {
            Self::Simulated { mattermost, .. } => Some(mattermost),
            Self::Real(_) => None,
        }
    }

    /// `http://127.0.0.1:{port}`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Simulated { mattermost, .. } => mattermost.url(),
            Self::Real(real) => real.url(),
        }
    }

    /// The team, the channels, the bot and the people.
    #[must_use]
    pub fn cast(&self) -> &Cast {
        match self {
            Self::Simulated { cast, .. } => cast,
            Self::Real(real) => real.cast(),
        }
    }

    /// The v4 API as somebody calls it.
    #[must_use]
    pub fn api(&self, who: &Account) -> Api {
        Api::new(&self.url(), &who.token)
    }

    /// Somebody writes; with `root_id` into that thread. `files` are names and bytes.
    ///
    /// # Errors
    /// As `POST /posts`.
    pub async fn post_as(
        &self,
        who: &Account,
        channel_id: &str,
        root_id: Option<&str>,
        text: &str,
        files: &[(&str, &[u8])],
    ) -> Result<Post, RealError> {
        if let Self::Simulated { mattermost, .. } = self {
            return refused(
                "post",
                mattermost.post_as(&who.id, channel_id, root_id, text, files),
            );
        }
        let mut file_ids = Vec::new();
        for (name, bytes) in files {
            file_ids.push(self.upload(who, channel_id, name, bytes.to_vec()).await?);
        }
        let body = json!({ "channel_id": channel_id, "root_id": root_id.unwrap_or_default(), "message": text, "file_ids": file_ids });
        let answer = answered("post", self.api(who).post("/posts", &body).await?)?;
        post_of(answer.json())
    }

    /// Somebody changes the text of a post.
    ///
    /// # Errors
    /// As `PUT /posts/{id}/patch`.
    pub async fn edit_as(
        &self,
        who: &Account,
        post_id: &str,
        text: &str,
    ) -> Result<Post, RealError> {
        if let Self::Simulated { mattermost, .. } = self {
            return refused("edit", mattermost.edit_as(&who.id, post_id, text));
        }
        let answer = self
            .api(who)
            .put(
                &format!("/posts/{post_id}/patch"),
                &json!({ "message": text }),
            )
            .await?;
        post_of(answered("edit", answer)?.json())
    }

    /// Somebody deletes a post; with a root, its thread.
    ///
    /// # Errors
    /// As `DELETE /posts/{id}`.
    pub async fn delete_as(&self, who: &Account, post_id: &str) -> Result<(), RealError> {
        if let Self::Simulated { mattermost, .. } = self {
            return refused("delete", mattermost.delete_as(&who.id, post_id));
        }
        answered(
            "delete",
            self.api(who).delete(&format!("/posts/{post_id}")).await?,
        )
        .map(|_| ())
    }

    /// A moderator deletes whatever there is.
    ///
    /// # Errors
    /// As `DELETE /posts/{id}`.
    pub async fn delete_post_as_admin(&self, post_id: &str) -> Result<(), RealError> {
        self.delete_as(&self.cast().admin, post_id).await
    }

    /// Somebody puts an emoji on a post.
    ///
    /// # Errors
    /// As `POST /reactions`.
    pub async fn react_as(
        &self,
        who: &Account,
        post_id: &str,
        emoji: &str,
    ) -> Result<(), RealError> {
        if let Self::Simulated { mattermost, .. } = self {
            return refused("react", mattermost.react_as(&who.id, post_id, emoji));
        }
        let body = json!({ "user_id": who.id, "post_id": post_id, "emoji_name": emoji });
        answered("react", self.api(who).post("/reactions", &body).await?).map(|_| ())
    }

    /// Somebody uploads a file into a channel; its id, not yet on any post.
    ///
    /// # Errors
    /// As `POST /files`.
    pub async fn upload(
        &self,
        who: &Account,
        channel_id: &str,
        name: &str,
        bytes: impl Into<Bytes>,
    ) -> Result<String, RealError> {
        let answer = answered(
            "upload",
            self.api(who).upload(channel_id, name, bytes).await?,
        )?;
        Ok(answer.json()["file_infos"][0]["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// Registers an outgoing webhook for one public channel and tells its token.
    ///
    /// # Errors
    /// As `POST /hooks/outgoing`.
    pub async fn register_outgoing_webhook(
        &self,
        channel_id: &str,
        url: &str,
    ) -> Result<String, RealError> {
        if let Self::Simulated { mattermost, .. } = self {
            return refused(
                "webhook",
                mattermost.register_outgoing_webhook(channel_id, url),
            );
        }
        let body = json!({ "team_id": self.cast().team_id, "channel_id": channel_id, "display_name": "test", "callback_urls": [url],
            "trigger_words": [], "content_type": "application/json" });
        let answer = answered(
            "webhook",
            self.api(&self.cast().admin)
                .post("/hooks/outgoing", &body)
                .await?,
        )?;
        Ok(answer.json()["token"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// Archives a channel.
    ///
    /// # Errors
    /// As `DELETE /channels/{id}`.
    pub async fn archive(&self, channel_id: &str) -> Result<(), RealError> {
        if let Self::Simulated { mattermost, .. } = self {
            return refused("archive", mattermost.archive(channel_id));
        }
        answered(
            "archive",
            self.api(&self.cast().admin)
                .delete(&format!("/channels/{channel_id}"))
                .await?,
        )
        .map(|_| ())
    }

    /// Takes a channel out of the archive.
    ///
    /// # Errors
    /// As `POST /channels/{id}/restore`.
    pub async fn restore(&self, channel_id: &str) -> Result<(), RealError> {
        if let Self::Simulated { mattermost, .. } = self {
            return refused("restore", mattermost.restore(channel_id));
        }
        answered(
            "restore",
            self.api(&self.cast().admin)
                .post(&format!("/channels/{channel_id}/restore"), &json!({}))
                .await?,
        )
        .map(|_| ())
    }

    /// Takes somebody out of a channel.
    ///
    /// # Errors
    /// As `DELETE /channels/{id}/members/{user}`.
    pub async fn remove(&self, channel_id: &str, who: &Account) -> Result<(), RealError> {
        if let Self::Simulated { mattermost, .. } = self {
            mattermost.remove(channel_id, &who.id);
            return Ok(());
        }
        answered(
            "remove",
            self.api(&self.cast().admin)
                .delete(&format!("/channels/{channel_id}/members/{}", who.id))
                .await?,
        )
        .map(|_| ())
    }

    /// Adds somebody to a channel.
    ///
    /// # Errors
    /// As `POST /channels/{id}/members`.
    pub async fn invite(&self, channel_id: &str, who: &Account) -> Result<(), RealError> {
        if let Self::Simulated { mattermost, .. } = self {
            mattermost.invite(channel_id, &who.id);
            return Ok(());
        }
        let path = format!("/channels/{channel_id}/members");
        answered(
            "invite",
            self.api(&self.cast().admin)
                .post(&path, &json!({ "user_id": who.id }))
                .await?,
        )
        .map(|_| ())
    }

    /// Ends the server and starts it again on the same port.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn restart(&mut self) -> Result<(), RealError> {
        match self {
            Self::Simulated { mattermost, .. } => Ok(mattermost.restart().await?),
            Self::Real(real) => real.restart().await,
        }
    }

    /// Ends everything in order.
    ///
    /// # Errors
    /// When a process has to be killed.
    pub async fn close(self) -> Result<(), RealError> {
        match self {
            Self::Simulated { mattermost, .. } => {
                mattermost.close().await;
                Ok(())
            }
            Self::Real(real) => real.close().await,
        }
    }
}

pub(super) fn refused<T>(what: &str, result: Result<T, Refusal>) -> Result<T, RealError> {
    result.map_err(|refusal| RealError::Refused {
        what: what.to_owned(),
        refusal,
    })
}

pub(super) fn post_of(json: Value) -> Result<Post, RealError> {
    serde_json::from_value(json).map_err(|_| RealError::Refused {
        what: "a post that is none".to_owned(),
        refusal: Refusal::new(200, ""),
    })
}
