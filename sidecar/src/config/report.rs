//! The settings that count, each with where it comes from, as the `config` command prints them. Secrets are `set` or `not set`.

use std::{collections::BTreeMap, fmt};

use super::{
    Origin,
    keys::{Entry, KEYS, Kind},
    licence::Group,
    show,
    value::{Node, Raw},
};

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    pub key: String,
    /// As it may be shown.
    pub value: String,
    pub origin: Option<Origin>,
}

impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.key, self.value)?;
        match &self.origin {
            Some(origin) => write!(f, "  # {origin}"),
            None => Ok(()),
        }
    }
}

/// Of all sections, then of each licence.
pub(super) fn effective(values: &BTreeMap<String, Node>, groups: &[Group]) -> Vec<Effective> {
    let mut lines: Vec<Effective> = KEYS
        .iter()
        .filter(|entry| !entry.path.starts_with("licence."))
        .map(|entry| line(entry.path.to_owned(), entry, values.get(entry.path)))
        .collect();
    for group in groups {
        licence(group, &mut lines);
    }
    lines
}

fn licence(group: &Group, lines: &mut Vec<Effective>) {
    let of_licence = KEYS
        .iter()
        .filter_map(|entry| Some((entry, entry.path.strip_prefix("licence.")?)));
    for (entry, path) in of_licence {
        let Some(part) = path.strip_prefix("keys.") else {
            let key = format!("licence.{}.{path}", group.id);
            lines.push(match path {
                "id" => Effective {
                    key,
                    value: format!("{:?}", group.id.as_str()),
                    origin: group.values.get("id").map(|node| node.origin.clone()),
                },
                _ => line(key, entry, group.values.get(path)),
            });
            continue;
        };
        for (number, values) in &group.keys {
            if let Some(node) = values.get(part) {
                let key = format!("licence.{}.keys.{number}.{part}", group.id);
                lines.push(line(key, entry, Some(node)));
            }
        }
    }
}

fn line(key: String, entry: &Entry, node: Option<&Node>) -> Effective {
    match (node, entry.default) {
        (Some(node), _) => Effective {
            key,
            value: shown(entry.kind, node),
            origin: Some(node.origin.clone()),
        },
        (None, Some(default)) => Effective {
            key,
            value: default.to_owned(),
            origin: Some(Origin::Default),
        },
        (None, None) => Effective {
            key,
            value: "not set".to_owned(),
            origin: None,
        },
    }
}

fn shown(kind: Kind, node: &Node) -> String {
    match (kind, &node.raw) {
        (_, Raw::Unreadable(_)) => "unreadable".to_owned(),
        (Kind::Secret | Kind::Secrets, Raw::List(items)) => format!("set ({})", items.len()),
        (Kind::Secret | Kind::Secrets | Kind::Pem, _) => "set".to_owned(),
        (Kind::Address, Raw::Text(text)) => format!("{:?}", show::without_password(text)),
        // Something of the wrong kind may be anything, also the secret of the next line.
        (Kind::Address, _) => "set".to_owned(),
        (Kind::List | Kind::Table, _) => plain(&node.opened()),
        (Kind::Plain, _) => plain(node),
    }
}

fn plain(node: &Node) -> String {
    match &node.raw {
        Raw::Text(text) if text.contains("://") => format!("{:?}", show::without_password(text)),
        Raw::Text(text) => format!("{text:?}"),
        Raw::Whole(number) => number.to_string(),
        Raw::Truth(truth) => truth.to_string(),
        Raw::List(items) => {
            let items: Vec<String> = items.iter().map(plain).collect();
            format!("[{}]", items.join(", "))
        }
        Raw::Table(table) => {
            let items: Vec<String> = table
                .iter()
                .map(|(name, node)| format!("{name:?} = {}", plain(node)))
                .collect();
            format!("{{ {} }}", items.join(", "))
        }
        Raw::Other(_) | Raw::Bytes(_) | Raw::Unreadable(_) => node.called().to_owned(),
    }
}
