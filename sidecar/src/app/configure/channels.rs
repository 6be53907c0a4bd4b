//! Where the channels of the settings are, and which of them are public: an outgoing webhook needs ids, and settings may hold names.
//!
//! What was found is kept in the store. The plugin deletes what is not wanted any more, so a Mattermost that does not answer at a start
//! must not make a webhook unwanted.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use shared::pairing::WantedWebhook;
use tokio::{sync::Mutex, time::Instant};

use crate::{
    licence::{Channel, Licence, Licences},
    mattermost::{self, ChannelKind, Fault, Mattermost},
    store::Store,
};

/// Where it is kept.
const NAME: &str = "public channels of the settings";
/// A channel may be renamed, made private, archived or restored.
const LOOK_AGAIN: Duration = Duration::from_secs(600);
/// After a look that told nothing.
const SOON: Duration = Duration::from_secs(60);
/// The plugin waits for 5 s at most, and what is not found now is found next time.
const WITHIN: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Channels {
    mattermost: Arc<Mattermost>,
    store: Store,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Public channels, by how the settings name them.
    known: BTreeMap<String, Found>,
    /// When each name is looked at again.
    due: HashMap<String, Instant>,
    /// As it stands in the store, once that was read.
    kept: Option<Option<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Found {
    team_id: String,
    channel_id: String,
}

impl Channels {
    pub(super) fn new(mattermost: Arc<Mattermost>, store: Store) -> Self {
        Self {
            mattermost,
            store,
            held: Mutex::default(),
        }
    }

    /// Every public channel that conversations of these licences can be in, as far as it can be known now.
    pub(super) async fn public(&self, licences: &Licences) -> Vec<WantedWebhook> {
        let mut held = self.held.lock().await;
        self.read(&mut held).await;
        let looking = self.look(licences, &mut held);
        if tokio::time::timeout(WITHIN, looking).await.is_err() {
            tracing::debug!("not all channels of the settings could be looked at in time");
        }
        self.keep(&mut held).await;
        wanted(licences, &held.known)
    }

    async fn read(&self, held: &mut Held) {
        if held.kept.is_some() {
            return;
        }
        match self.store.kept(NAME).await {
            Ok(text) => {
                let known = text.as_deref().map(serde_json::from_str);
                held.known = known.and_then(Result::ok).unwrap_or_default();
                held.kept = Some(text);
            }
            Err(error) => {
                tracing::warn!(%error, "which channels of the settings are public is not known yet");
            }
        }
    }

    async fn look(&self, licences: &Licences, held: &mut Held) {
        let mut in_use = Vec::new();
        for licence in licences.iter() {
            for channel in channels_of(licence) {
                let name = name_of(licence, channel);
                in_use.push(name.clone());
                let is_due = held.due.get(&name).is_none_or(|due| *due <= Instant::now());
                if !is_due {
                    continue;
                }
                let wait = match self.find(licence, channel).await {
                    Ok(Some(found)) => {
                        held.known.insert(name.clone(), found);
                        LOOK_AGAIN
                    }
                    Ok(None) => {
                        held.known.remove(&name);
                        LOOK_AGAIN
                    }
                    // It is not there, or not for us, which both may be mended soon.
                    Err(Fault::Gone(_) | Fault::Forbidden(_) | Fault::Refused(_)) => {
                        held.known.remove(&name);
                        SOON
                    }
                    Err(fault) => {
                        tracing::debug!(error = %fault, "a channel of the settings could not be looked at");
                        SOON
                    }
                };
                held.due.insert(name, Instant::now() + wait);
            }
        }
        held.known.retain(|name, _| in_use.contains(name));
        held.due.retain(|name, _| in_use.contains(name));
    }

    /// `None`: there can be no webhook of it.
    async fn find(&self, licence: &Licence, channel: &Channel) -> Result<Option<Found>, Fault> {
        let found = match channel {
            Channel::Id(id) => self.mattermost.channel(id).await?,
            Channel::Name(name) => match &licence.team {
                Some(team) => self.mattermost.channel_by_name(team, name).await?,
                None => match self.mattermost.my_teams().await?.as_slice() {
                    [only] => self.mattermost.channel_by_name(&only.name, name).await?,
                    _ => return Ok(None),
                },
            },
        };
        let mattermost::Channel { id, team_id, .. } = &found;
        let is_public = found.kind == ChannelKind::Public && found.delete_at == 0;
        Ok(is_public.then(|| Found {
            team_id: team_id.clone(),
            channel_id: id.to_string(),
        }))
    }

    /// Whoever else looks finds the same, so the last one may win.
    async fn keep(&self, held: &mut Held) {
        let Some(before) = &held.kept else {
            return;
        };
        let text = serde_json::to_string(&held.known).expect("texts in a map are JSON");
        if before.as_deref().unwrap_or("{}") == text {
            return;
        }
        match self.store.keep(NAME, &text, before.as_deref()).await {
            Ok(true) => held.kept = Some(Some(text)),
            // To be read anew before it is written again.
            Ok(false) => held.kept = None,
            Err(error) => {
                tracing::warn!(%error, "which channels of the settings are public could not be kept");
            }
        }
    }
}

fn wanted(licences: &Licences, known: &BTreeMap<String, Found>) -> Vec<WantedWebhook> {
    let mut wanted: Vec<WantedWebhook> = Vec::new();
    for licence in licences.iter() {
        for channel in channels_of(licence) {
            let Some(found) = known.get(&name_of(licence, channel)) else {
                continue;
            };
            let one = WantedWebhook {
                licence: licence.id.clone(),
                team_id: found.team_id.clone(),
                channel_id: found.channel_id.clone(),
            };
            if !wanted.contains(&one) {
                wanted.push(one);
            }
        }
    }
    wanted
}

/// Where its conversations can be. Notifications have no thread that anybody listens to.
fn channels_of(licence: &Licence) -> impl Iterator<Item = &Channel> {
    licence.channel.iter().chain(licence.departments.values())
}

/// The same channel name is another channel in another team.
fn name_of(licence: &Licence, channel: &Channel) -> String {
    match channel {
        Channel::Id(id) => id.to_string(),
        Channel::Name(name) => format!("{}/{name}", licence.team.as_deref().unwrap_or_default()),
    }
}
