//! `[[licence]]`: what each source says about a licence becomes one licence, by its id; then it is read.

mod group;
mod ireserve;
mod keys;

use std::{collections::BTreeMap, num::NonZeroU32};

use shared::{Language, LicenceId, Zone};

use super::{Mistake, Warning, reader::Reader};
use crate::licence::{Channel, Licence, Mode, TokenDigest};

pub(super) use group::{Group, group};

/// All licences that can be agreed on. With a plugin one without a key waits for it; without, that is a mistake.
pub(super) fn read(
    groups: &[Group],
    default_language: Language,
    plugin: bool,
    mistakes: &mut Vec<Mistake>,
    warnings: &mut Vec<Warning>,
) -> Vec<Licence> {
    let mut licences = Vec::new();
    for group in groups {
        let prefix = format!("licence.{}.", group.id);
        let mut settings = Reader::new(prefix, &group.values, mistakes, warnings);
        if group.keys.is_empty() && group.licence_keys.is_empty() && (plugin || !group.is_fixed) {
            if group.is_fixed {
                settings.warn(
                    "keys",
                    "are missing: the licence waits until the plugin brings its licence key",
                );
            }
            continue;
        }
        let licence = one(&mut settings, group, default_language);
        licences.push(licence);
    }
    token_in_two(groups, &licences, mistakes);
    licences
}

fn one(settings: &mut Reader<'_>, group: &Group, default_language: Language) -> Licence {
    let language = settings.choice("language", default_language, &Language::ALL, Language::code);
    let mode = settings.choice("mode", Mode::TwoWay, &Mode::ALL, Mode::name);
    let rate = settings.whole(
        "rate",
        0,
        1..=100_000,
        "use 1 to 100000 events per second, or 0 for no limit",
    );
    let channel = settings
        .text("channel")
        .and_then(|text| channel(settings, "channel", &text));
    let team = team(settings);
    if matches!(channel, Some(Channel::Name(_))) && team.is_none() {
        settings.warn(
            "team",
            "is missing: the channel's name can only be found when the bot is in one team",
        );
    }
    let ireserve = ireserve::read(settings, &group.licence_keys, mode);
    Licence {
        id: group.id.clone(),
        language,
        time_zone: time_zone(settings),
        team,
        channel,
        mode,
        rate: NonZeroU32::new(rate),
        webhook_tokens: tokens(settings),
        keys: keys::read(settings, group),
        attachments: ireserve::attachments(settings, &ireserve),
        ireserve,
        departments: channels(settings, "departments"),
        notifications: channels(settings, "notifications"),
    }
}

fn time_zone(settings: &mut Reader<'_>) -> Zone {
    let Some(name) = settings.text("time_zone") else {
        return Zone::default();
    };
    name.parse().unwrap_or_else(|_| {
        settings.mistake(
            "time_zone",
            format!("is `{name}`"),
            "write a name of the IANA list, such as Europe/Amsterdam",
        );
        Zone::default()
    })
}

fn team(settings: &mut Reader<'_>) -> Option<String> {
    let team = settings.text("team")?;
    let fine = team.len() <= 64
        && team
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !fine {
        settings.mistake(
            "team",
            format!("is `{team}`"),
            "write the team's name as it stands in addresses: a-z 0-9 -",
        );
    }
    fine.then_some(team)
}

fn channel(settings: &mut Reader<'_>, key: &str, text: &str) -> Option<Channel> {
    let channel = Channel::parse(text);
    if channel.is_none() {
        settings.mistake(
            key,
            format!("names `{text}`"),
            "write a channel's name as it stands in addresses, or its id of 26 characters",
        );
    }
    channel
}

fn channels(settings: &mut Reader<'_>, key: &str) -> BTreeMap<String, Channel> {
    let mut channels = BTreeMap::new();
    for (name, text) in settings.table(key) {
        if let Some(channel) = channel(settings, key, &text) {
            channels.insert(name, channel);
        }
    }
    channels
}

fn tokens(settings: &mut Reader<'_>) -> Vec<TokenDigest> {
    const KEY: &str = "webhook_tokens";
    let texts = settings.texts(KEY).unwrap_or_default();
    if texts.len() > 3 {
        let detail = format!("has {} entries", texts.len());
        settings.mistake(
            KEY,
            detail,
            "keep at most 3: the current token and those of a rotation",
        );
    }
    let mut tokens = Vec::new();
    for text in texts {
        match TokenDigest::new(&text) {
            Ok(token) => tokens.push(token),
            Err(error) => settings.mistake(
                KEY,
                format!("has an entry that {error}"),
                "copy the token of the outgoing webhook from Mattermost",
            ),
        }
    }
    tokens
}

/// One token must not lead to two licences: it is all that a webhook says of itself.
fn token_in_two(groups: &[Group], licences: &[Licence], mistakes: &mut Vec<Mistake>) {
    let mut owners: BTreeMap<TokenDigest, &LicenceId> = BTreeMap::new();
    for licence in licences {
        for token in &licence.webhook_tokens {
            let owner = *owners.entry(*token).or_insert(&licence.id);
            if *owner != licence.id {
                let group = groups.iter().find(|group| group.id == licence.id);
                let node = group.and_then(|group| group.values.get("webhook_tokens"));
                mistakes.push(Mistake {
                    key: format!("licence.{}.webhook_tokens", licence.id),
                    origin: node.map(|node| node.origin.clone()),
                    detail: format!("has a token that licence {owner} has too"),
                    fix: "make an outgoing webhook for each licence".to_owned(),
                });
            }
        }
    }
}
