//! The people's side: who is there, what they write, what an admin does. Nothing here goes over HTTP, and no fault touches it; what
//! people do is heard by hooks and sockets like everything else.

use super::Mattermost;
use super::errors::Refusal;
use super::model::{Channel, ChannelKind, Team, User};

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
}

/// An admin nobody meets.
pub(super) fn god() -> User {
    User::person("system", "", "").admin()
}

fn titled(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
