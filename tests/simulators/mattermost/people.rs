//! The people's side: who is there, what they write, what an admin does. Nothing here goes over HTTP, and no fault touches it; what
//! people do is heard by hooks and sockets like everything else.

use std::time::Duration;

use serde_json::json;

use super::Mattermost;
use super::errors::Refusal;
use super::files::Uploaded;
use super::model::{Channel, ChannelKind, Post, Team, User};
use super::posts::Wanted;

/// Somebody with a token.
#[derive(Debug, Clone)]
pub struct Account {
    /// 26 characters.
    pub id: String,
    /// Lower case.
    pub username: String,
    /// For `Authorization: Bearer`.
    pub token: String,
}

/// A furnished server: team `support`, channels `webchat` and `bookings` (public) and `vip` (private), a bot in all of them, two
/// colleagues and an admin.
#[derive(Debug, Clone)]
pub struct Cast {
    /// Id of the team.
    pub team_id: String,
    /// Its name in URLs.
    pub team: String,
    /// Id of the public channel `webchat`.
    pub webchat: String,
    /// Id of the public channel `bookings`.
    pub bookings: String,
    /// Id of the private channel `vip`.
    pub vip: String,
    /// The integration's account.
    pub bot: Account,
    /// Lotte Jansen, a colleague.
    pub lotte: Account,
    /// Jan Jansen, another.
    pub jan: Account,
    /// Who may do everything.
    pub admin: Account,
}

impl Mattermost {
    /// Makes the team, the channels and the people of [`Cast`].
    #[must_use]
    pub fn furnish(&self) -> Cast {
        let team_id = self.team("support");
        let channel = |name, kind| self.channel(&team_id, name, kind);
        let (webchat, bookings) = (
            channel("webchat", ChannelKind::Public),
            channel("bookings", ChannelKind::Public),
        );
        let vip = channel("vip", ChannelKind::Private);
        let account = |user: User| {
            let username = user.username.clone();
            let id = self.user(user);
            self.join_team(&team_id, &id);
            for channel in [&webchat, &bookings, &vip] {
                self.invite(channel, &id);
            }
            Account {
                token: self.token(&id),
                id,
                username,
            }
        };
        Cast {
            bot: account(User::bot("i-reserve")),
            lotte: account(User::person("lotte", "Lotte", "Jansen")),
            jan: account(User::person("jan", "Jan", "Jansen")),
            admin: account(User::person("admin1", "", "").admin()),
            team: "support".to_owned(),
            team_id,
            webchat,
            bookings,
            vip,
        }
    }

    /// Makes a team and tells its id.
    #[must_use]
    pub fn team(&self, name: &str) -> String {
        let team = Team {
            id: self.inner.random.id(),
            name: name.to_owned(),
            display_name: titled(name),
            create_at: self.now(),
        };
        let id = team.id.clone();
        self.inner
            .change(|state| state.teams.insert(id.clone(), team));
        id
    }

    /// Makes a channel without members and tells its id.
    #[must_use]
    pub fn channel(&self, team_id: &str, name: &str, kind: ChannelKind) -> String {
        let now = self.now();
        let channel = Channel {
            id: self.inner.random.id(),
            team_id: team_id.to_owned(),
            name: name.to_owned(),
            display_name: titled(name),
            kind,
            create_at: now,
            update_at: now,
            delete_at: 0,
        };
        let id = channel.id.clone();
        self.inner.change(|state| state.put_channel(channel));
        id
    }

    /// Makes a user, in no team yet, and tells the id.
    #[must_use]
    pub fn user(&self, user: User) -> String {
        let id = self.inner.random.id();
        let user = User {
            id: id.clone(),
            create_at: self.now(),
            ..user
        };
        self.inner
            .change(|state| state.users.insert(id.clone(), user));
        id
    }

    /// Changes what is known of a user: rename, deactivate, hide.
    pub fn change_user(&self, user_id: &str, change: impl FnOnce(&mut User)) {
        self.inner
            .change(|state| state.users.get_mut(user_id).map(change));
    }

    /// Makes a further token for a user.
    #[must_use]
    pub fn token(&self, user_id: &str) -> String {
        let token = self.inner.random.id();
        self.inner
            .change(|state| state.tokens.insert(token.clone(), user_id.to_owned()));
        token
    }

    /// Takes a token away: it answers 401 from now on.
    pub fn revoke(&self, token: &str) {
        self.inner.change(|state| state.tokens.remove(token));
    }

    /// Adds somebody to a team.
    pub fn join_team(&self, team_id: &str, user_id: &str) {
        self.inner.change(|state| {
            state
                .team_members
                .insert((team_id.to_owned(), user_id.to_owned()))
        });
    }

    /// Adds somebody to a channel.
    pub fn invite(&self, channel_id: &str, user_id: &str) {
        self.inner.change(|state| state.join(user_id, channel_id));
    }

    /// Takes somebody out of a channel.
    pub fn remove(&self, channel_id: &str, user_id: &str) {
        let admin = god();
        // Somebody who is not there is as removed as can be.
        let _ = self
            .inner
            .change(|state| state.remove_member(&admin, channel_id, user_id));
    }

    /// Archives a channel; its outgoing webhooks are gone for good.
    ///
    /// # Errors
    /// As `DELETE /channels/{id}`.
    pub fn archive(&self, channel_id: &str) -> Result<(), Refusal> {
        let (admin, now) = (god(), self.now());
        self.inner
            .change(|state| state.archive(now, &admin, channel_id))
    }

    /// Takes a channel out of the archive.
    ///
    /// # Errors
    /// As `POST /channels/{id}/restore`.
    pub fn restore(&self, channel_id: &str) -> Result<(), Refusal> {
        let (admin, now) = (god(), self.now());
        self.inner
            .change(|state| state.restore(now, &admin, channel_id))
            .map(|_| ())
    }

    /// Makes a public channel private, or the other way round. Webhooks of a private one are silent, not gone.
    pub fn convert(&self, channel_id: &str, kind: ChannelKind) {
        self.inner.change(|state| {
            state
                .channels
                .get_mut(channel_id)
                .map(|channel| channel.kind = kind)
        });
    }

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

/// An admin nobody meets.
fn god() -> User {
    User::person("system", "", "").admin()
}

fn titled(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
