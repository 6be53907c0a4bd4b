//! What people do: they write, edit, delete and react, quickly or late, and admins register webhooks. No fault touches it.

use std::time::Duration;

use serde_json::json;

use super::Mattermost;
use super::errors::Refusal;
use super::files::Uploaded;
use super::model::{Post, User};
use super::people::god;
use super::posts::Wanted;

impl Mattermost {
    /// Somebody writes; with `root_id` into that thread. `files` are names and bytes. People need a millisecond for a post: see
    /// [`Mattermost::post_at_once`] for those who do not.
    ///
    /// # Errors
    /// As `POST /posts`.
    pub fn post_as(
        &self,
        user_id: &str,
        channel_id: &str,
        root_id: Option<&str>,
        text: &str,
        files: &[(&str, &[u8])],
    ) -> Result<Post, Refusal> {
        self.let_a_millisecond_pass();
        let uploaded = Uploaded {
            channel_id: channel_id.to_owned(),
            files: files
                .iter()
                .map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec().into()))
                .collect(),
            client_ids: Vec::new(),
        };
        self.as_user(user_id, |state, user, now| {
            let infos = state.upload(|| self.inner.random.id(), now, user, uploaded)?;
            let ids = infos["file_infos"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|info| info["id"].as_str().map(str::to_owned));
            let wanted = Wanted {
                file_ids: ids.collect(),
                ..plain(channel_id, root_id, text)
            };
            state.may_post(user, channel_id)?;
            state.finish_post(self.inner.random.id(), now, now, user, &wanted)
        })
    }

    /// As [`Mattermost::post_as`], with props of the writer's choice: a forger.
    ///
    /// # Errors
    /// As `POST /posts`.
    pub fn post_with_props(
        &self,
        user_id: &str,
        channel_id: &str,
        root_id: Option<&str>,
        text: &str,
        props: &serde_json::Value,
    ) -> Result<Post, Refusal> {
        self.as_user(user_id, |state, user, now| {
            let wanted = Wanted {
                props: props.as_object().cloned().unwrap_or_default(),
                ..plain(channel_id, root_id, text)
            };
            state.finish_post(self.inner.random.id(), now, now, user, &wanted)
        })
    }

    /// A reply that appears now with a `create_at` of `ago`: its links took that long to fetch, or an import made it.
    ///
    /// # Errors
    /// As `POST /posts`.
    pub fn post_in_the_past(
        &self,
        user_id: &str,
        channel_id: &str,
        root_id: Option<&str>,
        text: &str,
        ago: Duration,
    ) -> Result<Post, Refusal> {
        self.as_user(user_id, |state, user, now| {
            let then = now - crate::clock::millis(ago);
            state.finish_post(
                self.inner.random.id(),
                now,
                then,
                user,
                &plain(channel_id, root_id, text),
            )
        })
    }

    /// Somebody writes several replies that all get the same millisecond.
    ///
    /// # Errors
    /// As `POST /posts`.
    pub fn post_at_once(
        &self,
        user_id: &str,
        channel_id: &str,
        root_id: Option<&str>,
        texts: &[&str],
    ) -> Result<Vec<Post>, Refusal> {
        self.as_user(user_id, |state, user, now| {
            let mut posts = Vec::new();
            for text in texts {
                posts.push(state.finish_post(
                    self.inner.random.id(),
                    now,
                    now,
                    user,
                    &plain(channel_id, root_id, text),
                )?);
            }
            Ok(posts)
        })
    }

    /// Somebody changes the text of a post.
    ///
    /// # Errors
    /// As `PUT /posts/{id}/patch`.
    pub fn edit_as(&self, user_id: &str, post_id: &str, text: &str) -> Result<Post, Refusal> {
        let patch = json!({ "message": text }).to_string();
        self.as_user(user_id, |state, user, now| {
            state.edit_post(now, user, post_id, patch.as_bytes(), false)
        })
    }

    /// Somebody deletes a post; with a root, its thread.
    ///
    /// # Errors
    /// As `DELETE /posts/{id}`.
    pub fn delete_as(&self, user_id: &str, post_id: &str) -> Result<(), Refusal> {
        self.as_user(user_id, |state, user, now| {
            state.delete_post(now, user, post_id)
        })
    }

    /// A moderator deletes whatever there is.
    ///
    /// # Errors
    /// As `DELETE /posts/{id}`.
    pub fn delete_post_as_admin(&self, post_id: &str) -> Result<(), Refusal> {
        let (admin, now) = (god(), self.now());
        self.inner
            .change(|state| state.delete_post(now, &admin, post_id))
    }

    /// Posts as an import brings them: with ids and times of their own, and nobody hears of them.
    pub fn import(&self, posts: impl IntoIterator<Item = Post>) {
        self.inner.change(|state| {
            for post in posts {
                state.rows.put(post.update_at, post);
            }
        });
    }

    /// Retention removes a post without a trace.
    pub fn purge(&self, post_id: &str) {
        self.inner.change(|state| state.rows.purge(post_id));
    }

    /// Somebody puts an emoji on a post.
    ///
    /// # Errors
    /// As `POST /reactions`.
    pub fn react_as(&self, user_id: &str, post_id: &str, emoji: &str) -> Result<(), Refusal> {
        let body =
            json!({ "user_id": user_id, "post_id": post_id, "emoji_name": emoji }).to_string();
        self.as_user(user_id, |state, user, now| {
            state.react(now, user, body.as_bytes()).map(|_| ())
        })
    }

    /// Registers an outgoing webhook with JSON bodies for one public channel and tells its token.
    ///
    /// # Errors
    /// As `POST /hooks/outgoing`.
    pub fn register_outgoing_webhook(
        &self,
        channel_id: &str,
        url: &str,
    ) -> Result<String, Refusal> {
        self.register_outgoing_webhook_of_type(channel_id, url, "application/json")
    }

    /// The same with a content type of choice; anything but `application/json` means a form.
    ///
    /// # Errors
    /// As `POST /hooks/outgoing`.
    pub fn register_outgoing_webhook_of_type(
        &self,
        channel_id: &str,
        url: &str,
        content_type: &str,
    ) -> Result<String, Refusal> {
        let admin = self
            .look(|state| state.users.values().find(|user| user.is_admin).cloned())
            .unwrap_or_else(god);
        let (id, token, now) = (self.inner.random.id(), self.inner.random.id(), self.now());
        self.inner.change(|state| {
            let team_id = state.channels.get(channel_id).map_or("", |channel| &channel.team_id).to_owned();
            let body = json!({ "team_id": team_id, "channel_id": channel_id, "callback_urls": [url], "content_type": content_type, "display_name": "test" });
            state.create_hook(id, token.clone(), now, &admin, body.to_string().as_bytes()).map(|_| token)
        })
    }

    /// Moves the clock on if the newest post is of this very millisecond.
    fn let_a_millisecond_pass(&self) {
        if self.look(|state| state.last_create_at) == self.now() {
            self.advance(Duration::from_millis(1));
        }
    }

    fn as_user<T>(
        &self,
        user_id: &str,
        act: impl FnOnce(&mut super::state::State, &User, i64) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let now = self.now();
        self.inner.change(|state| {
            let user = state
                .users
                .get(user_id)
                .cloned()
                .ok_or_else(Refusal::user_not_found)?;
            act(state, &user, now)
        })
    }
}

fn plain(channel_id: &str, root_id: Option<&str>, text: &str) -> Wanted {
    Wanted {
        channel_id: channel_id.to_owned(),
        root_id: root_id.unwrap_or_default().to_owned(),
        message: text.to_owned(),
        ..Wanted::default()
    }
}
