//! Raw values: what a file, the environment or JSON holds before anybody knows what it should be. No `Debug`: any of it may be a secret.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::Origin;

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) raw: Raw,
    pub(super) origin: Origin,
}

#[derive(Clone)]
pub(super) enum Raw {
    Text(String),
    /// Of a file that is no UTF-8: only a secret whose bytes count as they stand may be one.
    Bytes(Vec<u8>),
    Whole(i64),
    Truth(bool),
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
    /// A date, a fraction: nothing that a setting takes.
    Other(&'static str),
    /// A `…_file` that could not be read, and why. A mistake only where it would count.
    Unreadable(String),
}

/// A place in a text that is no TOML. The library's own words repeat what stands there, secret or not, so they are not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoToml {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Node {
    pub(super) const fn new(raw: Raw, origin: Origin) -> Self {
        Self { raw, origin }
    }

    /// What it is, for a sentence.
    pub(super) const fn called(&self) -> &'static str {
        match &self.raw {
            Raw::Text(_) => "a text",
            Raw::Bytes(_) => "a file that is no text",
            Raw::Whole(_) => "a number",
            Raw::Truth(_) => "true or false",
            Raw::List(_) => "a list",
            Raw::Table(_) => "a table",
            Raw::Other(kind) => kind,
            Raw::Unreadable(_) => "an unreadable file",
        }
    }

    /// What a value of the environment is when it should be more than text: the TOML that stands in it. Everything else is itself.
    pub(super) fn opened(&self) -> Self {
        let (Raw::Text(text), Origin::Environment(_)) = (&self.raw, &self.origin) else {
            return self.clone();
        };
        match DeValue::parse(text) {
            Ok(value) => from_toml(value.get_ref(), &|_| self.origin.clone(), 0),
            Err(_) => self.clone(),
        }
    }
}

/// A whole TOML document; each value knows its line.
///
/// All places that are no TOML are named, not only the first.
pub(super) fn document(text: &str) -> Result<BTreeMap<String, Node>, Vec<NoToml>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let places = errors
            .iter()
            .map(|error| place(text, error.span().map_or(0, |span| span.start)));
        return Err(places.collect());
    }
    Ok(table_from_toml(table.get_ref(), &|at| {
        Origin::File(place(text, at).line)
    }))
}

fn place(text: &str, at: usize) -> NoToml {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    NoToml {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

fn table_from_toml(
    table: &DeTable<'_>,
    origin: &dyn Fn(usize) -> Origin,
) -> BTreeMap<String, Node> {
    table
        .iter()
        .map(|(key, value)| {
            let at = key.span().start;
            let node = from_toml(value.get_ref(), origin, at);
            (key.get_ref().clone().into_owned(), node)
        })
        .collect()
}

fn from_toml(value: &DeValue<'_>, origin: &dyn Fn(usize) -> Origin, at: usize) -> Node {
    let raw = match value {
        DeValue::String(text) => Raw::Text(text.clone().into_owned()),
        DeValue::Integer(whole) => i64::from_str_radix(whole.as_str(), whole.radix())
            .map_or(Raw::Other("a number out of range"), Raw::Whole),
        DeValue::Boolean(truth) => Raw::Truth(*truth),
        DeValue::Array(items) => Raw::List(
            items
                .iter()
                .map(|item| from_toml(item.get_ref(), origin, item.span().start))
                .collect(),
        ),
        DeValue::Table(table) => Raw::Table(table_from_toml(table, origin)),
        DeValue::Float(_) => Raw::Other("a fraction"),
        DeValue::Datetime(_) => Raw::Other("a date"),
    };
    Node::new(raw, origin(at))
}

/// JSON as the plugin and the store hold it. `null` is nothing.
pub(super) fn from_json(json: &serde_json::Value, origin: &Origin) -> Option<Node> {
    use serde_json::Value;
    let raw = match json {
        Value::Null => return None,
        Value::Bool(truth) => Raw::Truth(*truth),
        Value::Number(number) => number.as_i64().map_or(Raw::Other("a fraction"), Raw::Whole),
        Value::String(text) => Raw::Text(text.clone()),
        Value::Array(items) => Raw::List(
            items
                .iter()
                .filter_map(|item| from_json(item, origin))
                .collect(),
        ),
        Value::Object(map) => Raw::Table(
            map.iter()
                .filter_map(|(key, value)| Some((key.clone(), from_json(value, origin)?)))
                .collect(),
        ),
    };
    Some(Node::new(raw, origin.clone()))
}

/// Puts a value at a path of names into a tree. `false` when something else stands there or on the way.
pub(super) fn insert(tree: &mut BTreeMap<String, Node>, path: &[String], node: Node) -> bool {
    let Some((name, rest)) = path.split_first() else {
        return false;
    };
    if rest.is_empty() {
        return match tree.get_mut(name) {
            None => {
                tree.insert(name.clone(), node);
                true
            }
            Some(_) => false,
        };
    }
    let below = tree
        .entry(name.clone())
        .or_insert_with(|| Node::new(Raw::Table(BTreeMap::new()), node.origin.clone()));
    match &mut below.raw {
        Raw::Table(below) => insert(below, rest, node),
        _ => false,
    }
}
