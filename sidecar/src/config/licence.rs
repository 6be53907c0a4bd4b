//! `[[licence]]`: what each source says about a licence becomes one licence, by its id; then it is read.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
};

use shared::{Language, LicenceId, Zone};

use super::{
    Mistake, Origin, Warning,
    layer::{Element, Layer},
    reader::Reader,
    value::{Node, Raw},
};
use crate::licence::{
    Algorithm, Channel, Key, Kid, Licence, LicenceKey, LicenceKeyError, Mode, TokenDigest,
};

mod ireserve;

/// Everything that was said about one licence; of each key the first source counts.
pub(super) struct Group {
    pub(super) id: LicenceId,
    pub(super) values: BTreeMap<String, Node>,
    /// Merged by their number.
    pub(super) keys: BTreeMap<usize, BTreeMap<String, Node>>,
    /// Of all sources.
    pub(super) licence_keys: Vec<LicenceKey>,
    /// Whether file or environment speak of it, and not only people in Mattermost.
    is_fixed: bool,
}

/// `layers` in the order of precedence.
pub(super) fn group(layers: &[&Layer], mistakes: &mut Vec<Mistake>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for layer in layers {
        let mut seen = BTreeSet::new();
        for element in &layer.licences {
            let licence_key = licence_key(element, mistakes);
            let Some(id) = id(element, licence_key.as_ref(), layers, mistakes) else {
                continue;
            };
            let is_only_a_key = element.values.len() == 1 && licence_key.is_some();
            if !seen.insert(id.clone()) && !is_only_a_key {
                mistakes.push(Mistake {
                    key: format!("licence.{id}.id"),
                    origin: Some(element.origin.clone()),
                    detail: "stands in two licences".to_owned(),
                    fix: "make one of the two, or give the other its own id".to_owned(),
                });
            }
            let group = match groups.iter().position(|group| group.id == id) {
                Some(at) => &mut groups[at],
                None => {
                    groups.push(Group::new(id));
                    groups.last_mut().expect("one was just put there")
                }
            };
            group.add(element, licence_key);
        }
    }
    let order = |group: &Group| {
        layers
            .iter()
            .flat_map(|layer| &layer.licences)
            .find(|element| element.id().as_deref() == Some(group.id.as_str()))
            .map(|element| element.number)
    };
    groups.sort_by_key(|group| order(group).unwrap_or(usize::MAX));
    groups
}

impl Group {
    const fn new(id: LicenceId) -> Self {
        Self {
            id,
            values: BTreeMap::new(),
            keys: BTreeMap::new(),
            licence_keys: Vec::new(),
            is_fixed: false,
        }
    }

    fn add(&mut self, element: &Element, licence_key: Option<LicenceKey>) {
        self.is_fixed |= element.origin.is_fixed();
        for (key, node) in &element.values {
            self.values
                .entry(key.clone())
                .or_insert_with(|| node.clone());
        }
        for key in element.keys.iter().flatten() {
            let own = self.keys.entry(key.number).or_default();
            for (name, node) in &key.values {
                own.entry(name.clone()).or_insert_with(|| node.clone());
            }
        }
        self.licence_keys
            .extend(licence_key.filter(|key| !self.licence_keys.contains(key)));
    }
}

fn licence_key(element: &Element, mistakes: &mut Vec<Mistake>) -> Option<LicenceKey> {
    let node = element.values.get("licence_key")?;
    let key = format!("licence.{}.licence_key", element.name());
    let mut refuse = |detail: String, fix: &str| {
        mistakes.push(Mistake {
            key: key.clone(),
            origin: Some(node.origin.clone()),
            detail,
            fix: fix.to_owned(),
        });
    };
    if element.keys.is_some() {
        refuse(
            "stands beside `keys`".to_owned(),
            "keep one of the two: a licence key brings its own",
        );
    }
    match &node.raw {
        Raw::Text(text) => match LicenceKey::parse(text) {
            Ok(parsed) => return Some(parsed),
            Err(error) => refuse(error.to_string(), advice(error)),
        },
        Raw::Unreadable(why) => refuse(
            format!("cannot be read: {why}"),
            "check the path and that the sidecar's user may read it",
        ),
        _ => refuse(
            format!("is {}", node.called()),
            "write the licence key in quotes",
        ),
    }
    None
}

const fn advice(error: LicenceKeyError) -> &'static str {
    match error {
        LicenceKeyError::TooLong { .. } => "ask for one with a shorter host",
        LicenceKeyError::Host => "ask for one that names i-Reserve's host after the @",
        _ => "copy the whole licence key again",
    }
}

/// The id a source names, or the licence key does, or for the environment the file's licence of the same number has.
fn id(
    element: &Element,
    licence_key: Option<&LicenceKey>,
    layers: &[&Layer],
    mistakes: &mut Vec<Mistake>,
) -> Option<LicenceId> {
    let key = format!("licence.{}.id", element.name());
    let mut refuse = |origin: &Origin, detail: String, fix: String| {
        mistakes.push(Mistake {
            key: key.clone(),
            origin: Some(origin.clone()),
            detail,
            fix,
        });
        None
    };
    if let Some(node) = element.values.get("id") {
        let Raw::Text(text) = &node.raw else {
            return refuse(
                &node.origin,
                format!("is {}", node.called()),
                "write a text in quotes".to_owned(),
            );
        };
        return match (LicenceId::new(text.as_str()), licence_key) {
            (Err(error), _) => refuse(
                &node.origin,
                "is no id of a licence".to_owned(),
                error.to_string(),
            ),
            (Ok(id), Some(licence_key)) if *licence_key.licence() != id => refuse(
                &node.origin,
                format!(
                    "is not `{}`, for which the licence key was made",
                    licence_key.licence()
                ),
                "leave `id` out, or use the key of this licence".to_owned(),
            ),
            (Ok(id), _) => Some(id),
        };
    }
    if let Some(licence_key) = licence_key {
        return Some(licence_key.licence().clone());
    }
    if element.values.contains_key("licence_key") {
        return None;
    }
    let same_number = matches!(element.origin, Origin::Environment(_)).then(|| {
        layers
            .iter()
            .flat_map(|layer| &layer.licences)
            .filter(|other| !matches!(other.origin, Origin::Environment(_)))
            .find(|other| other.number == element.number)
            .and_then(said_or_carried)
    });
    match same_number.flatten() {
        Some(id) => Some(id),
        None => refuse(
            &element.origin,
            "is missing".to_owned(),
            format!("give the licence an id: {}", LicenceId::RULE),
        ),
    }
}

fn said_or_carried(element: &Element) -> Option<LicenceId> {
    if let Some(id) = element.id() {
        return LicenceId::new(id).ok();
    }
    match element.values.get("licence_key").map(|node| &node.raw) {
        Some(Raw::Text(text)) => LicenceKey::parse(text)
            .ok()
            .map(|key| key.licence().clone()),
        _ => None,
    }
}

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
        keys: keys(settings, group),
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

fn keys(settings: &mut Reader<'_>, group: &Group) -> Vec<Key> {
    if group.keys.is_empty() {
        if group.licence_keys.is_empty() {
            settings.missing("keys", "give 1 to 3 keys, or a `licence_key`");
        }
        if group.licence_keys.len() > 3 {
            settings.warn(
                "licence_key",
                "comes from more than 3 sources: only the first 3 count",
            );
        }
        return group
            .licence_keys
            .iter()
            .take(3)
            .map(LicenceKey::token_key)
            .collect();
    }
    if !group.licence_keys.is_empty() {
        settings.warn(
            "licence_key",
            "is not used for tokens, because `keys` are set too",
        );
    }
    if group.keys.len() > 3 {
        let detail = format!("has {} entries", group.keys.len());
        settings.mistake(
            "keys",
            detail,
            "keep at most 3: the current key and those of a rotation",
        );
    }
    let mut keys: Vec<Key> = Vec::new();
    for (number, values) in &group.keys {
        let prefix = format!("licence.{}.keys.{number}.", group.id);
        let mut settings = Reader::new(prefix, values, settings.mistakes, settings.warnings);
        let Some(key) = key(&mut settings) else {
            continue;
        };
        let is_known = |other: &Key| key.kid().is_some() && other.kid() == key.kid();
        if keys.iter().any(is_known) {
            settings.mistake(
                "kid",
                "stands at two keys",
                "give each key a name of its own",
            );
        }
        keys.push(key);
    }
    keys
}

fn key(settings: &mut Reader<'_>) -> Option<Key> {
    let kid = settings.text("kid").and_then(|text| {
        let kid = Kid::new(&text);
        if kid.is_none() {
            settings.mistake("kid", "is no name of a key", format!("use {}", Kid::RULE));
        }
        kid
    });
    let names = "use HS256, RS256, ES256 or EdDSA";
    if !settings.is_given("alg") {
        settings.missing("alg", names);
        return None;
    }
    let name = settings.text("alg")?;
    let Some(algorithm) = Algorithm::from_name(&name) else {
        settings.mistake("alg", format!("is `{name}`"), names);
        return None;
    };
    let (wanted, other) = match algorithm {
        Algorithm::Hs256 => ("secret", "public_key"),
        _ => ("public_key", "secret"),
    };
    if settings.is_given(other) {
        settings.mistake(
            other,
            format!("does not belong to a key for {algorithm}"),
            format!("give `{wanted}` or `{wanted}_file` instead"),
        );
    }
    if !settings.is_given(wanted) {
        let fix = format!("a key for {algorithm} needs `{wanted}` or `{wanted}_file`");
        settings.missing(wanted, &fix);
        return None;
    }
    let made = if algorithm == Algorithm::Hs256 {
        let secret = settings.secret_bytes(wanted, 0)?;
        Key::shared(kid, secrecy::ExposeSecret::expose_secret(&secret))
    } else {
        let pem = settings.text(wanted)?;
        Key::public(kid, algorithm, &pem)
    };
    match made {
        Ok(key) => Some(key),
        Err(error) => {
            let fix = match algorithm {
                Algorithm::Hs256 => "use at least 32 random bytes",
                _ => "give the public half as `openssl pkey -pubout` writes it",
            };
            settings.mistake(wanted, error.to_string(), fix);
            None
        }
    }
}
