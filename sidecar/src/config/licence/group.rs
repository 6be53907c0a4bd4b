//! What each source says about a licence, gathered by its id.

use std::collections::{BTreeMap, BTreeSet};

use shared::LicenceId;

use crate::{
    config::{
        Mistake, Origin,
        layer::{Element, Layer},
        value::{Node, Raw},
    },
    licence::{LicenceKey, LicenceKeyError},
};

/// Everything that was said about one licence; of each key the first source counts.
pub(in crate::config) struct Group {
    pub(in crate::config) id: LicenceId,
    pub(in crate::config) values: BTreeMap<String, Node>,
    /// Merged by their number.
    pub(in crate::config) keys: BTreeMap<usize, BTreeMap<String, Node>>,
    /// Of all sources.
    pub(in crate::config) licence_keys: Vec<LicenceKey>,
    /// Whether file or environment speak of it, and not only people in Mattermost.
    pub(super) is_fixed: bool,
}

/// `layers` in the order of precedence.
pub(in crate::config) fn group(layers: &[&Layer], mistakes: &mut Vec<Mistake>) -> Vec<Group> {
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
