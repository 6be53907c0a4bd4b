//! Teams, channels and who is in them.

use serde_json::{Value, json};

use super::errors::Refusal;
use super::model::{Channel, ChannelKind, User};
use super::state::{Happened, State};

impl State {
    /// `GET /teams/name/{name}`.
    pub(super) fn team_by_name(&self, user: &User, name: &str) -> Result<Value, Refusal> {
        let team = self.teams.values().find(|team| team.name == name);
        let team =
            team.ok_or_else(|| Refusal::new(404, "app.team.get_by_name.missing.app_error"))?;
        self.in_team(user, &team.id)?;
        Ok(team.json())
    }

    /// `GET /teams/{id}`.
    pub(super) fn team(&self, user: &User, id: &str) -> Result<Value, Refusal> {
        let missing = || Refusal::new(404, "app.team.get.find.app_error");
        let team = self.teams.get(id).ok_or_else(missing)?;
        self.in_team(user, id)?;
        Ok(team.json())
    }

    /// `GET /teams/{id}/members/{user}`.
    pub(super) fn team_member(
        &self,
        user: &User,
        team_id: &str,
        user_id: &str,
    ) -> Result<Value, Refusal> {
        self.in_team(user, team_id)?;
        if !self
            .team_members
            .contains(&(team_id.to_owned(), user_id.to_owned()))
        {
            return Err(Refusal::new(404, "app.team.get_member.missing.app_error"));
        }
        Ok(
            json!({ "team_id": team_id, "user_id": user_id, "roles": "team_user", "delete_at": 0, "scheme_guest": false,
            "scheme_user": true, "scheme_admin": false, "explicit_roles": "" }),
        )
    }

    /// `GET /users/{id}/teams`.
    pub(super) fn teams_of(&self, user: &User, user_id: &str) -> Result<Value, Refusal> {
        if user.id != user_id && !user.is_admin {
            return Err(Refusal::permissions());
        }
        let theirs = self
            .team_members
            .iter()
            .filter(|(_, member)| member == user_id);
        Ok(theirs
            .filter_map(|(team, _)| self.teams.get(team))
            .map(|team| team.json())
            .collect())
    }

    /// `GET /users/{id}/teams/{team}/channels`: archived ones are left out.
    pub(super) fn channels_of(
        &self,
        user: &User,
        user_id: &str,
        team_id: &str,
    ) -> Result<Value, Refusal> {
        if user.id != user_id && !user.is_admin {
            return Err(Refusal::permissions());
        }
        let of_team = self
            .channels
            .values()
            .filter(|channel| channel.team_id == team_id && channel.delete_at == 0);
        Ok(of_team
            .filter(|channel| self.is_member(&channel.id, user_id))
            .map(Channel::json)
            .collect())
    }

    /// `POST /channels/direct`: the same two people always get the same channel.
    pub(super) fn direct(
        &mut self,
        id: String,
        now: i64,
        user: &User,
        body: &[u8],
    ) -> Result<Value, Refusal> {
        let mut two: Vec<String> =
            serde_json::from_slice(body).map_err(|_| Refusal::invalid_body())?;
        if two.len() != 2 || two.iter().any(|id| !self.users.contains_key(id)) {
            return Err(Refusal::invalid_body());
        }
        if !two.contains(&user.id) && !user.is_admin {
            return Err(Refusal::permissions());
        }
        two.sort();
        let name = two.join("__");
        if let Some(channel) = self.channels.values().find(|channel| channel.name == name) {
            return Ok(channel.json());
        }
        let channel = Channel {
            id: id.clone(),
            team_id: String::new(),
            name,
            display_name: String::new(),
            kind: ChannelKind::Direct,
            create_at: now,
            update_at: now,
            delete_at: 0,
        };
        let json = channel.json();
        self.put_channel(channel);
        for member in two {
            self.join(&member, &id);
        }
        Ok(json)
    }

    /// `POST /users/{id}/typing`.
    pub(super) fn typing(
        &mut self,
        user: &User,
        user_id: &str,
        body: &[u8],
    ) -> Result<(), Refusal> {
        let body: Value = serde_json::from_slice(body).map_err(|_| Refusal::invalid_body())?;
        let channel_id = body["channel_id"]
            .as_str()
            .ok_or_else(Refusal::invalid_body)?;
        if user.id != user_id {
            return Err(Refusal::permissions());
        }
        self.may_post(user, channel_id)?;
        let parent_id = body["parent_id"].as_str().unwrap_or_default().to_owned();
        self.happened.push(Happened::Typing {
            channel_id: channel_id.to_owned(),
            user_id: user.id.clone(),
            parent_id,
        });
        Ok(())
    }

    /// `GET /channels/{id}`: an archived channel is still shown.
    pub(super) fn channel(&self, user: &User, id: &str) -> Result<Value, Refusal> {
        let channel = self
            .channels
            .get(id)
            .ok_or_else(Refusal::channel_not_found)?;
        if self.may_read(user, id) {
            Ok(channel.json())
        } else {
            Err(Refusal::permissions())
        }
    }

    /// `GET /teams/{id}/channels/name/{name}`: an archived channel is not found by its name.
    pub(super) fn channel_by_name(
        &self,
        user: &User,
        team_id: &str,
        name: &str,
    ) -> Result<Value, Refusal> {
        let channel = self.channels.values().find(|channel| {
            channel.team_id == team_id && channel.name == name && channel.delete_at == 0
        });
        let channel = channel
            .ok_or_else(|| Refusal::new(404, "app.channel.get_by_name.missing.app_error"))?;
        match (self.may_read(user, &channel.id), channel.kind) {
            (true, _) => Ok(channel.json()),
            (false, ChannelKind::Public) => Err(Refusal::permissions()),
            // A private channel is not there for those outside it.
            (false, ChannelKind::Private | ChannelKind::Direct) => Err(Refusal::new(
                404,
                "app.channel.get_by_name.missing.app_error",
            )),
        }
    }

    /// The same by the team's name.
    pub(super) fn channel_by_names(
        &self,
        user: &User,
        team: &str,
        name: &str,
    ) -> Result<Value, Refusal> {
        let team = self.teams.values().find(|known| known.name == team);
        let team =
            team.ok_or_else(|| Refusal::new(404, "app.team.get_by_name.missing.app_error"))?;
        self.channel_by_name(user, &team.id, name)
    }

    /// `GET /channels/{id}/members/{user}`.
    pub(super) fn member(
        &self,
        user: &User,
        channel_id: &str,
        user_id: &str,
    ) -> Result<Value, Refusal> {
        if !self.may_read(user, channel_id) {
            return Err(Refusal::permissions());
        }
        let missing = || Refusal::new(404, "app.channel.get_member.missing.app_error");
        self.member_json(channel_id, user_id).ok_or_else(missing)
    }

    /// `GET /channels/{id}/members`.
    pub(super) fn all_members(&self, user: &User, channel_id: &str) -> Result<Value, Refusal> {
        if !self.may_read(user, channel_id) {
            return Err(Refusal::permissions());
        }
        let of_channel = self
            .members
            .keys()
            .filter(|(channel, _)| channel == channel_id);
        Ok(of_channel
            .filter_map(|(channel, user)| self.member_json(channel, user))
            .collect())
    }

    /// `POST /channels/{id}/members`: anybody of the team joins a public channel, an archived one too; a private one needs a member
    /// or an admin.
    pub(super) fn add_member(
        &mut self,
        system_post: String,
        now: i64,
        user: &User,
        channel_id: &str,
        body: &[u8],
    ) -> Result<Value, Refusal> {
        let body: Value = serde_json::from_slice(body).map_err(|_| Refusal::invalid_body())?;
        let added = body["user_id"]
            .as_str()
            .ok_or_else(Refusal::invalid_body)?
            .to_owned();
        let channel = self
            .channels
            .get(channel_id)
            .ok_or_else(Refusal::permissions)?
            .clone();
        let inside = self.is_member(channel_id, &user.id);
        let joins = channel.kind == ChannelKind::Public
            && added == user.id
            && self.in_team(user, &channel.team_id).is_ok();
        if !(user.is_admin || inside || joins) {
            return Err(Refusal::permissions());
        }
        if !self.users.contains_key(&added) {
            return Err(Refusal::user_not_found());
        }
        if !self
            .team_members
            .contains(&(channel.team_id, added.clone()))
        {
            return Err(Refusal::new(403, "app.team.get_member.missing.app_error"));
        }
        if !self.is_member(channel_id, &added) {
            self.join(&added, channel_id);
            self.system_post(system_post, now, &added, channel_id, "system_join_channel");
        }
        Ok(self.member_json(channel_id, &added).unwrap_or_default())
    }

    /// Makes somebody a member without a word.
    pub(super) fn join(&mut self, user_id: &str, channel_id: &str) {
        self.members.insert(
            (channel_id.to_owned(), user_id.to_owned()),
            json!({ "channel_auto_follow_threads": "off" }),
        );
        self.happened.push(Happened::Member {
            event: "user_added",
            channel_id: channel_id.to_owned(),
            user_id: user_id.to_owned(),
        });
    }

    /// `DELETE /channels/{id}/members/{user}`.
    pub(super) fn remove_member(
        &mut self,
        user: &User,
        channel_id: &str,
        user_id: &str,
    ) -> Result<(), Refusal> {
        if !(user.is_admin || self.is_member(channel_id, &user.id)) {
            return Err(Refusal::permissions());
        }
        if self
            .members
            .remove(&(channel_id.to_owned(), user_id.to_owned()))
            .is_none()
        {
            return Err(Refusal::new(
                404,
                "app.channel.get_member.missing.app_error",
            ));
        }
        self.happened.push(Happened::Member {
            event: "user_removed",
            channel_id: channel_id.to_owned(),
            user_id: user_id.to_owned(),
        });
        Ok(())
    }

    /// `PUT /channels/{id}/members/{user}/notify_props`: a person's own affair.
    pub(super) fn set_notify_props(
        &mut self,
        user: &User,
        channel_id: &str,
        user_id: &str,
        body: &[u8],
    ) -> Result<(), Refusal> {
        if user.id != user_id && !user.is_admin {
            return Err(Refusal::permissions());
        }
        let wanted: Value = serde_json::from_slice(body).map_err(|_| Refusal::invalid_body())?;
        let wanted = wanted.as_object().ok_or_else(Refusal::invalid_body)?;
        let missing = || Refusal::new(404, "app.channel.get_member.missing.app_error");
        let props = self
            .members
            .get_mut(&(channel_id.to_owned(), user_id.to_owned()))
            .ok_or_else(missing)?;
        if let Some(props) = props.as_object_mut() {
            props.extend(wanted.clone());
        }
        Ok(())
    }

    /// Archives a channel: its outgoing webhooks are gone for good.
    pub(super) fn archive(
        &mut self,
        now: i64,
        user: &User,
        channel_id: &str,
    ) -> Result<(), Refusal> {
        let allowed = user.is_admin || self.is_member(channel_id, &user.id);
        let channel = self
            .channels
            .get_mut(channel_id)
            .filter(|_| allowed)
            .ok_or_else(Refusal::permissions)?;
        if channel.delete_at > 0 {
            return Err(Refusal::new(
                400,
                "api.channel.delete_channel.deleted.app_error",
            ));
        }
        channel.delete_at = now;
        channel.update_at = now;
        self.hooks.retain(|_, hook| hook.channel_id != channel_id);
        self.happened.push(Happened::Channel {
            event: "channel_deleted",
            channel_id: channel_id.to_owned(),
        });
        Ok(())
    }

    /// Takes a channel out of the archive; its webhooks stay gone.
    pub(super) fn restore(
        &mut self,
        now: i64,
        user: &User,
        channel_id: &str,
    ) -> Result<Value, Refusal> {
        let channel = self
            .channels
            .get_mut(channel_id)
            .filter(|_| user.is_admin)
            .ok_or_else(Refusal::permissions)?;
        if channel.delete_at == 0 {
            return Err(Refusal::new(
                400,
                "api.channel.restore_channel.restored.app_error",
            ));
        }
        channel.delete_at = 0;
        channel.update_at = now;
        self.happened.push(Happened::Channel {
            event: "channel_restored",
            channel_id: channel_id.to_owned(),
        });
        Ok(self.channels[channel_id].json())
    }

    pub(super) fn put_channel(&mut self, channel: Channel) {
        self.channels.insert(channel.id.clone(), channel);
    }

    fn in_team(&self, user: &User, team_id: &str) -> Result<(), Refusal> {
        let inside = user.is_admin
            || self
                .team_members
                .contains(&(team_id.to_owned(), user.id.clone()));
        if inside {
            Ok(())
        } else {
            Err(Refusal::permissions())
        }
    }

    fn member_json(&self, channel_id: &str, user_id: &str) -> Option<Value> {
        let props = self
            .members
            .get(&(channel_id.to_owned(), user_id.to_owned()))?;
        Some(
            json!({ "channel_id": channel_id, "user_id": user_id, "roles": "channel_user", "last_viewed_at": 0, "msg_count": 0,
            "mention_count": 0, "notify_props": props, "last_update_at": 0, "scheme_guest": false, "scheme_user": true,
            "scheme_admin": false, "explicit_roles": "" }),
        )
    }
}
