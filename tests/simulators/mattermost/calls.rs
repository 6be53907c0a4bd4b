//! The table of calls: which question or change of the state each one is.

use std::sync::Arc;

use http::request::Parts;
use serde_json::json;

use super::errors::Refusal;
use super::model::User;
use super::route::{Call, Query};
use super::rows::Seen;
use super::{Inner, files};
use crate::answer::{self, Answer};

impl Inner {
    /// Calls that change nothing; none for the others.
    pub(super) fn reading(
        &self,
        call: &Call,
        user: &User,
        query: &Query,
        body: &[u8],
        parts: &Parts,
    ) -> Option<Result<Answer, Refusal>> {
        let lag = self.faults.draw_lag();
        let seen = if lag.is_zero() {
            Seen::Now
        } else {
            Seen::At(self.clock.now() - crate::clock::millis(lag))
        };
        let forced = query.text("download") == "1";
        self.state.look(|state| {
            Some(
                match call {
                    Call::Post(id) => state.read_post(user, id, seen),
                    Call::PostsByIds => state.read_posts(user, body, seen),
                    Call::Thread(id) => state.read_thread(user, id, query, seen),
                    Call::ChannelPosts(id) => state.read_channel(user, id, query, seen),
                    Call::PostReactions(id) => state.reactions_of(user, id),
                    Call::Channel(id) => state.channel(user, id),
                    Call::Team(id) => state.team(user, id),
                    Call::TeamMember { team_id, user_id } => {
                        state.team_member(user, team_id, self_or(user, user_id))
                    }
                    Call::TeamsOf(id) => state.teams_of(user, self_or(user, id)),
                    Call::ChannelsOf { user_id, team_id } => {
                        state.channels_of(user, self_or(user, user_id), team_id)
                    }
                    Call::TeamByName(name) => state.team_by_name(user, name),
                    Call::ChannelByName { team_id, name } => {
                        state.channel_by_name(user, team_id, name)
                    }
                    Call::ChannelByNames { team, name } => state.channel_by_names(user, team, name),
                    Call::Members(id) => state.all_members(user, id),
                    Call::Member {
                        channel_id,
                        user_id,
                    } => state.member(user, channel_id, self_or(user, user_id)),
                    Call::Users => Ok(state.users_of_role(user, query)),
                    Call::User(id) => state.user(user, id),
                    Call::UserByName(name) => state.user_by_name(user, name),
                    Call::UserByEmail(email) => state.user_by_email(user, email),
                    Call::UsersByIds => state.users_by_ids(user, body),
                    Call::UsersByNames => state.users_by_names(user, body),
                    Call::FileInfo(id) => state
                        .readable_file(user, id)
                        .map(|file| file.info.json(state.settings.version)),
                    Call::Emoji => Err(Refusal::new(404, "app.emoji.get_by_name.no_result")),
                    Call::Hook(id) => state.hook(user, id).map(super::hooks::Hook::json),
                    Call::ListHooks => state.list_hooks(user, query.text("channel_id")),
                    Call::File { id, head } => {
                        return Some(
                            state
                                .readable_file(user, id)
                                .map(|file| files::download(file, &parts.headers, *head, forced)),
                        );
                    }
                    _ => return None,
                }
                .map(|body| answer::json(200, &body)),
            )
        })
    }

    /// Calls that change something; the rest of the table.
    pub(super) fn changing(
        self: &Arc<Self>,
        call: &Call,
        user: &User,
        body: &[u8],
    ) -> Result<Answer, Refusal> {
        let now = self.clock.now();
        let done = || json!({ "status": "OK" });
        let result = self.change(|state| match call {
            Call::UpdatePost(id) => state
                .edit_post(now, user, id, body, true)
                .map(|post| (200, json!(post))),
            Call::PatchPost(id) => state
                .edit_post(now, user, id, body, false)
                .map(|post| (200, json!(post))),
            Call::DeletePost(id) => state.delete_post(now, user, id).map(|()| (200, done())),
            Call::Direct => state
                .direct(self.random.id(), now, user, body)
                .map(|channel| (201, channel)),
            Call::AddMember(id) => state
                .add_member(self.random.id(), now, user, id, body)
                .map(|member| (201, member)),
            Call::RemoveMember {
                channel_id,
                user_id,
            } => state
                .remove_member(user, channel_id, self_or(user, user_id))
                .map(|()| (200, done())),
            Call::NotifyProps {
                channel_id,
                user_id,
            } => state
                .set_notify_props(user, channel_id, self_or(user, user_id), body)
                .map(|()| (200, done())),
            Call::Typing(id) => state
                .typing(user, self_or(user, id), body)
                .map(|()| (200, done())),
            Call::ArchiveChannel(id) => state.archive(now, user, id).map(|()| (200, done())),
            Call::RestoreChannel(id) => state.restore(now, user, id).map(|channel| (200, channel)),
            Call::React => state.react(now, user, body).map(|reaction| (200, reaction)),
            Call::Unreact {
                user_id,
                post_id,
                emoji,
            } => state
                .unreact(now, user, self_or(user, user_id), post_id, emoji)
                .map(|()| (200, done())),
            Call::CreateHook => state
                .create_hook(self.random.id(), self.random.id(), now, user, body)
                .map(|hook| (201, hook)),
            Call::UpdateHook(id) => state.update_hook(user, id, body).map(|hook| (200, hook)),
            Call::DeleteHook(id) => state.delete_hook(user, id).map(|()| (200, done())),
            Call::RegenerateHookToken(id) => state
                .regenerate_hook_token(self.random.id(), user, id)
                .map(|hook| (200, hook)),
            _ => Err(Refusal::no_such_path()),
        });
        result.map(|(status, body)| answer::json(status, &body))
    }
}

fn self_or<'a>(user: &'a User, id: &'a str) -> &'a str {
    if id == "me" { &user.id } else { id }
}
