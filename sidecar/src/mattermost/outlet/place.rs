//! Places: which channel something belongs into, and why it cannot be posted there.
//!
//! The settings name channels by name or id. A name is looked up once and kept until posting there fails, so a map that people
//! repair also repairs what waits. A public channel that our bot is not in is joined; everything else is for people, and the
//! reason names what they have to do.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use shared::{ChannelId, EventKind};

use super::{Fault, Mattermost};
use crate::{
    delivery::outlet::{Outcome, Reason},
    licence::{self, Licence},
    mattermost::ChannelKind,
    record::{Claim, Content},
};

/// Settings name few channels; more names than this come from settings that changed very often.
const KEPT: usize = 10_000;

/// Names that were looked up, by team and name. Held for a few instructions, never across an await.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<HashMap<(String, String), ChannelId>>);

/// What the settings say about where a claim belongs.
pub(super) fn channel_of<'a>(
    licence: &'a Licence,
    claim: &Claim,
) -> Result<&'a licence::Channel, Reason> {
    if let Content::Event(event) = &claim.content
        && let EventKind::Notification(notification) = &event.kind
    {
        let kind = &notification.notification_type;
        let mapped = licence
            .notifications
            .get(kind)
            .or_else(|| licence.notifications.get("*"));
        return mapped.ok_or_else(|| Reason::new("no channel is connected to this type of notification: connect one, or `*` for all others"));
    }
    let department = department(claim).and_then(|name| licence.departments.get(name));
    department
        .or(licence.channel.as_ref())
        .ok_or_else(|| Reason::new("no channel is connected to this licence: connect one"))
}

/// The department of a conversation, as its card will know it.
fn department(claim: &Claim) -> Option<&str> {
    claim
        .wanted
        .as_ref()
        .or(claim.card.as_ref())?
        .department
        .as_deref()
}

impl Places {
    /// The channel's id.
    pub(super) async fn find(
        &self,
        mattermost: &Mattermost,
        licence: &Licence,
        channel: &licence::Channel,
    ) -> Result<ChannelId, Outcome> {
        let name = match channel {
            licence::Channel::Id(id) => return Ok(id.clone()),
            licence::Channel::Name(name) => name,
        };
        let team = match &licence.team {
            Some(team) => team.clone(),
            None => only_team(mattermost).await?,
        };
        let key = (team, name.clone());
        if let Some(id) = self.names().get(&key) {
            return Ok(id.clone());
        }
        let (team, _) = &key;
        let found = match mattermost.channel_by_name(team, name).await {
            Ok(found) => found,
            Err(Fault::Gone(_) | Fault::Forbidden(_) | Fault::Refused(_)) => {
                return Err(blocked(
                    None,
                    format!(
                        "there is no channel `{name}` in team `{team}` that the bot may see: create or restore it, correct the name, or invite the bot"
                    ),
                ));
            }
            Err(fault) => return Err(fault.unread()),
        };
        if found.delete_at > 0 {
            return Err(archived(found.id, name));
        }
        let mut names = self.names();
        if names.len() >= KEPT {
            names.clear();
        }
        names.insert(key, found.id.clone());
        Ok(found.id)
    }

    /// Forgets what leads to a channel in which something went wrong.
    pub(super) fn forget(&self, channel: &ChannelId) {
        self.names().retain(|_, id| id != channel);
    }

    fn names(&self) -> MutexGuard<'_, HashMap<(String, String), ChannelId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A bot in one team needs no team in the settings.
async fn only_team(mattermost: &Mattermost) -> Result<String, Outcome> {
    let mut teams = mattermost.my_teams().await.map_err(Fault::unread)?;
    match (teams.pop(), teams.pop()) {
        (Some(team), None) => Ok(team.name),
        (None, _) => Err(blocked(
            None,
            "the bot is in no team: add it to the team of its channels",
        )),
        (Some(_), Some(_)) => Err(blocked(
            None,
            "the bot is in several teams: name the licence's team in the settings",
        )),
    }
}

/// What came of looking why our bot was turned away.
pub(super) enum Entrance {
    /// It has joined; the door is open now.
    Joined,
    Shut(Outcome),
}

/// Our bot was turned away from this channel: joins it if that is all, else says what people have to do.
pub(super) async fn enter(mattermost: &Mattermost, id: &ChannelId) -> Entrance {
    let channel = match mattermost.channel(id).await {
        Ok(channel) => channel,
        Err(Fault::Forbidden(_) | Fault::Gone(_) | Fault::Refused(_)) => {
            return Entrance::Shut(blocked(
                Some(id.clone()),
                format!(
                    "channel {id} does not exist or is private, and the bot is not in it: invite the bot, or connect another channel"
                ),
            ));
        }
        Err(fault) => return Entrance::Shut(fault.unread()),
    };
    let name = &channel.name;
    if channel.delete_at > 0 {
        return Entrance::Shut(archived(channel.id, name));
    }
    if channel.kind != ChannelKind::Public {
        return Entrance::Shut(blocked(
            Some(channel.id),
            format!(
                "the bot may not post in `{name}`, which is private: invite it, and allow members to post there"
            ),
        ));
    }
    // A member joins once more without harm; who is turned away again may not post there.
    match mattermost.join(id).await {
        Ok(()) => Entrance::Joined,
        Err(fault) if fault.is_final() => Entrance::Shut(blocked(
            Some(channel.id),
            format!("the bot cannot join `{name}`: add it to the team and to the channel"),
        )),
        Err(fault) => Entrance::Shut(fault.unread()),
    }
}

pub(super) fn archived(id: ChannelId, name: &str) -> Outcome {
    blocked(
        Some(id),
        format!("channel `{name}` is archived: restore it, or connect another channel"),
    )
}

pub(super) fn blocked(channel: Option<ChannelId>, text: impl Into<String>) -> Outcome {
    Outcome::Blocked {
        channel,
        reason: Reason::new(text),
    }
}
