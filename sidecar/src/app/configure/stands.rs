//! What follows from the settings for the plugin: pure.

use std::collections::BTreeMap;

use shared::{
    Language, LicenceId,
    pairing::{Problem, Wanted, WantedMember, WantedWebhook},
};

use super::{Held, told};
use crate::{
    command::{Place, Standing, Told, language_of},
    config::{Config, Mistake, Settings},
    licence::{Channel, Licence},
};

pub(super) fn standing(
    base: &Settings,
    config: &Config,
    held: &Held,
    problems: Vec<Problem>,
) -> Standing {
    let places = held.decisions.places();
    let plugin = held.plugin.as_ref();
    Standing {
        configured: plugin.is_some(),
        managed: base.is_managed(),
        language: plugin.map_or(Language::En, |plugin| language_of(&plugin.locale)),
        problems,
        wanted: Wanted {
            webhooks: webhooks(base, config.licences.iter(), &places, &held.found),
            ..Wanted::default()
        },
        members: members(&places),
        places,
        plugin: plugin.map_or_else(Told::default, told::told),
    }
}

/// One for each public channel that conversations can be in: the one that people chose, known from then, and those of the settings that
/// were found. Not where file or environment bring tokens of their own.
pub(super) fn webhooks<'a>(
    base: &Settings,
    licences: impl Iterator<Item = &'a Licence>,
    places: &BTreeMap<LicenceId, Place>,
    found: &[WantedWebhook],
) -> Vec<WantedWebhook> {
    let mut webhooks: Vec<WantedWebhook> = Vec::new();
    for licence in licences {
        if base.fixed(Some(&licence.id), "webhook_tokens").is_some() {
            continue;
        }
        let counts = |place: &&Place| {
            place.public && licence.channel == Some(Channel::Id(place.channel_id.clone()))
        };
        let chosen = places.get(&licence.id).filter(counts);
        let chosen = chosen.map(|place| WantedWebhook {
            licence: licence.id.clone(),
            team_id: place.team_id.clone(),
            channel_id: place.channel_id.to_string(),
        });
        let found = found.iter().filter(|hook| hook.licence == licence.id);
        for hook in chosen.into_iter().chain(found.cloned()) {
            if !webhooks.contains(&hook) {
                webhooks.push(hook);
            }
        }
    }
    webhooks
}

fn members(places: &BTreeMap<LicenceId, Place>) -> Vec<WantedMember> {
    let mut members: Vec<WantedMember> = Vec::new();
    for place in places.values() {
        let member = WantedMember {
            team_id: place.team_id.clone(),
            channel_id: place.channel_id.to_string(),
        };
        if !members.contains(&member) {
            members.push(member);
        }
    }
    members
}

pub(super) fn problems(mistakes: &[Mistake]) -> Vec<Problem> {
    mistakes
        .iter()
        .map(|mistake| Problem {
            key: mistake.key.clone(),
            detail: mistake.detail.clone(),
            fix: mistake.fix.clone(),
        })
        .collect()
}
