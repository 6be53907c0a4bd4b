//! One source of settings, sorted into known keys. What is unknown, doubled or of a later build is found here; what a value means is not.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::Path,
};

use super::{
    Mistake, Origin, Warning,
    keys::{self, Kind},
    value::{Node, Raw, document, from_json, insert},
};

/// The keys that one source names. A licence's keys are relative to it.
#[derive(Clone, Default)]
pub(super) struct Layer {
    pub(super) values: BTreeMap<String, Node>,
    pub(super) licences: Vec<Element>,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<Warning>,
}

/// One element of a list of tables.
#[derive(Clone)]
pub(super) struct Element {
    /// From 0, as the source counts.
    pub(super) number: usize,
    pub(super) origin: Origin,
    pub(super) values: BTreeMap<String, Node>,
    /// Of a licence: its `keys`. `None` where the source does not speak of them.
    pub(super) keys: Option<Vec<Self>>,
}

impl Element {
    /// What people read in a key: the licence's id, or its number where it says none.
    pub(super) fn name(&self) -> String {
        self.id().unwrap_or_else(|| self.number.to_string())
    }

    pub(super) fn id(&self) -> Option<String> {
        match self.values.get("id").map(|id| &id.raw) {
            Some(Raw::Text(id)) => Some(id.clone()),
            _ => None,
        }
    }
}

impl Layer {
    /// The file. Relative paths in it start at its folder.
    pub(super) fn file(path: &Path) -> Self {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                return Self::failed(
                    "--config",
                    format!("names a file that cannot be read: {error}"),
                    format!("check that {} exists and may be read", path.display()),
                );
            }
        };
        Self::toml(&text, path.parent().unwrap_or_else(|| Path::new("")))
    }

    pub(super) fn toml(text: &str, folder: &Path) -> Self {
        match document(text) {
            Ok(tree) => Self::sorted(tree, folder),
            Err(places) => Self {
                mistakes: places
                    .into_iter()
                    .map(|place| Mistake {
                        key: "--config".to_owned(),
                        origin: Some(Origin::File(place.line)),
                        detail: format!("is no valid TOML at column {}", place.column),
                        fix: "correct the line: a key, an equals sign, a value; a key once only"
                            .to_owned(),
                    })
                    .collect(),
                ..Self::default()
            },
        }
    }

    /// The variables that begin with `IRESERVE__`. Relative paths in them start at `folder`.
    pub(super) fn environment(
        variables: impl IntoIterator<Item = (String, String)>,
        folder: &Path,
    ) -> Self {
        let mut tree = BTreeMap::new();
        let mut mistakes = Vec::new();
        for (name, value) in variables {
            let Some(rest) = name.strip_prefix("IRESERVE__") else {
                continue;
            };
            let path: Vec<String> = rest.split("__").map(str::to_ascii_lowercase).collect();
            let origin = Origin::Environment(name.clone());
            if !insert(
                &mut tree,
                &path,
                Node::new(Raw::Text(value), origin.clone()),
            ) {
                mistakes.push(Mistake {
                    key: path.join("."),
                    origin: Some(origin),
                    detail: "is given twice, or as a whole and in parts".to_owned(),
                    fix: "keep one of the two".to_owned(),
                });
            }
        }
        let mut layer = Self::sorted(tree, folder);
        layer.mistakes.splice(0..0, mistakes);
        layer
    }

    /// A JSON object of dotted settings. `licence_keys` in it is a list of licence keys, each of which is a licence.
    pub(super) fn json(
        settings: &serde_json::Map<String, serde_json::Value>,
        origin: &Origin,
        folder: &Path,
    ) -> Self {
        let mut tree = BTreeMap::new();
        let mut mistakes = Vec::new();
        let mut licence_keys = Vec::new();
        for (key, value) in settings {
            let Some(node) = from_json(value, origin) else {
                continue;
            };
            if key == "licence_keys" {
                match node.raw {
                    Raw::List(items) => licence_keys.extend(items),
                    _ => mistakes.push(wrong_kind(key, &node, "a list of licence keys")),
                }
                continue;
            }
            let path: Vec<String> = key.split('.').map(str::to_owned).collect();
            if !insert(&mut tree, &path, node) {
                mistakes.push(Mistake {
                    key: key.clone(),
                    origin: Some(origin.clone()),
                    detail: "is given twice, or as a whole and in parts".to_owned(),
                    fix: "keep one of the two".to_owned(),
                });
            }
        }
        let mut layer = Self::sorted(tree, folder);
        layer.mistakes.splice(0..0, mistakes);
        let first = layer.licences.len();
        let connected = licence_keys.into_iter().enumerate();
        layer.licences.extend(connected.map(|(at, node)| Element {
            number: first + at,
            origin: origin.clone(),
            values: BTreeMap::from([("licence_key".to_owned(), node)]),
            keys: None,
        }));
        layer
    }

    pub(super) fn failed(key: &str, detail: String, fix: String) -> Self {
        Self {
            mistakes: vec![Mistake {
                key: key.to_owned(),
                origin: None,
                detail,
                fix,
            }],
            ..Self::default()
        }
    }

    fn sorted(tree: BTreeMap<String, Node>, folder: &Path) -> Self {
        let mut layer = Self::default();
        let mut sorter = Sorter {
            folder,
            layer: &mut layer,
        };
        let mut values = BTreeMap::new();
        sorter.section("", "", tree, &mut values);
        layer.values = values;
        layer
    }
}

struct Sorter<'a> {
    folder: &'a Path,
    layer: &'a mut Layer,
}

impl Sorter<'_> {
    /// `schema` is the path in the table of keys, `shown` the one that people read, `values` what belongs to the whole or the element.
    fn section(
        &mut self,
        schema: &str,
        shown: &str,
        tree: BTreeMap<String, Node>,
        values: &mut BTreeMap<String, Node>,
    ) {
        for (name, node) in tree {
            let path = join(schema, &name);
            let shown = join(shown, &name);
            if let Some(entry) = keys::find(&path) {
                self.keep(entry, &shown, node, values);
            } else if let Some(entry) = path
                .strip_suffix("_file")
                .and_then(keys::find)
                .filter(|entry| entry.kind.has_file())
            {
                let shown = shown.strip_suffix("_file").unwrap_or(&shown).to_owned();
                let content = self.read_file(entry, &shown, &node);
                self.keep(entry, &shown, content, values);
            } else if path == "licence" {
                let elements = self.elements(&path, &shown, &node);
                self.layer.licences.extend(elements);
            } else if keys::is_section(&path) {
                match node.opened().raw {
                    Raw::Table(below) => self.section(&path, &shown, below, values),
                    _ => self.mistake(wrong_kind(&shown, &node, "a section")),
                }
            } else if keys::is_later(&path) {
                self.layer.warnings.push(Warning {
                    key: shown,
                    origin: Some(node.origin),
                    detail: "belongs to a later build and is ignored by this one".to_owned(),
                });
            } else {
                self.unknown(&path, shown, node.origin);
            }
        }
    }

    fn keep(
        &mut self,
        entry: &'static keys::Entry,
        shown: &str,
        node: Node,
        values: &mut BTreeMap<String, Node>,
    ) {
        let path = relative(entry.path).to_owned();
        let node = if entry.kind.is_list() {
            numbered(node)
        } else {
            node
        };
        match values.entry(path) {
            Entry::Vacant(place) => drop(place.insert(node)),
            Entry::Occupied(_) => self.mistake(Mistake {
                key: shown.to_owned(),
                origin: Some(node.origin),
                detail: "is given twice, once as `_file`".to_owned(),
                fix: "keep one of the two".to_owned(),
            }),
        }
    }

    fn read_file(&mut self, entry: &keys::Entry, shown: &str, node: &Node) -> Node {
        let Raw::Text(path) = &node.raw else {
            self.mistake(wrong_kind(&format!("{shown}_file"), node, "a path"));
            return Node::new(Raw::Unreadable("no path".to_owned()), node.origin.clone());
        };
        let raw = match std::fs::read(self.folder.join(path)) {
            Err(error) => Raw::Unreadable(format!("{path}: {error}")),
            Ok(content) => content_of(content, entry.kind, &node.origin),
        };
        Node::new(raw, node.origin.clone())
    }

    fn elements(&mut self, schema: &str, shown: &str, node: &Node) -> Vec<Element> {
        let Some(items) = items(node) else {
            self.mistake(wrong_kind(shown, node, "a list of tables"));
            return Vec::new();
        };
        let mut elements = Vec::new();
        for (number, item) in items {
            let shown = format!("{shown}.{number}");
            let Raw::Table(mut below) = item.opened().raw else {
                self.mistake(wrong_kind(&shown, &item, "a table"));
                continue;
            };
            let id = match below.get("id").map(|id| &id.raw) {
                Some(Raw::Text(id)) => join("licence", id),
                _ => shown,
            };
            let keys = below.remove("keys").map(|keys| {
                let schema = join(schema, "keys");
                self.elements(&schema, &join(&id, "keys"), &keys)
            });
            let mut values = BTreeMap::new();
            self.section(schema, &id, below, &mut values);
            elements.push(Element {
                number,
                origin: item.origin,
                values,
                keys,
            });
        }
        elements
    }

    fn unknown(&mut self, path: &str, shown: String, origin: Origin) {
        let fix = match keys::nearest(path) {
            Some(near) => format!("perhaps `{near}` was meant; leave it out otherwise"),
            None => "leave it out".to_owned(),
        };
        self.mistake(Mistake {
            key: shown,
            origin: Some(origin),
            detail: "is no setting".to_owned(),
            fix,
        });
    }

    fn mistake(&mut self, mistake: Mistake) {
        self.layer.mistakes.push(mistake);
    }
}

/// A list, or what the environment and dotted keys make of one: a table whose names are numbers.
fn items(node: &Node) -> Option<Vec<(usize, Node)>> {
    match node.opened().raw {
        Raw::List(items) => Some(items.into_iter().enumerate().collect()),
        Raw::Table(table) => {
            let mut items = table
                .into_iter()
                .map(|(name, item)| Some((name.parse().ok()?, item)))
                .collect::<Option<Vec<(usize, Node)>>>()?;
            items.sort_by_key(|(number, _)| *number);
            Some(items)
        }
        _ => None,
    }
}

fn numbered(node: Node) -> Node {
    let origin = node.origin.clone();
    match (&node.raw, items(&node)) {
        (Raw::Table(_), Some(items)) => {
            let items = items.into_iter().map(|(_, item)| item).collect();
            Node::new(Raw::List(items), origin)
        }
        _ => node,
    }
}

/// Of a licence or a key of one, without the list it stands in.
fn relative(path: &'static str) -> &'static str {
    path.strip_prefix("licence.keys.")
        .or_else(|| path.strip_prefix("licence."))
        .unwrap_or(path)
}

pub(super) fn wrong_kind(key: &str, node: &Node, wanted: &str) -> Mistake {
    Mistake {
        key: key.to_owned(),
        origin: Some(node.origin.clone()),
        detail: format!("is {}", node.called()),
        fix: format!("write {wanted}"),
    }
}

/// Editors put one newline at the end; every other byte belongs to the secret.
fn content_of(mut content: Vec<u8>, kind: Kind, origin: &Origin) -> Raw {
    content.pop_if(|last| *last == b'\n');
    match String::from_utf8(content) {
        Ok(text) if kind == Kind::Secrets => Raw::List(
            text.split('\n')
                .map(|line| Node::new(Raw::Text(line.to_owned()), origin.clone()))
                .collect(),
        ),
        Ok(text) => Raw::Text(text),
        Err(error) => Raw::Bytes(error.into_bytes()),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
