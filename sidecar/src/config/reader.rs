//! From raw values to right ones. Each reading either gives a value or adds a mistake; none stops the others.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use secrecy::{SecretSlice, SecretString};
use url::Url;

use super::{
    Mistake, Origin, Warning,
    layer::wrong_kind,
    units,
    value::{Node, Raw},
};

/// Reads the keys of one section or element, after all sources were merged.
pub(super) struct Reader<'a> {
    /// What people read before a key's name: empty, or `licence.acme.`
    prefix: String,
    values: &'a BTreeMap<String, Node>,
    pub(super) mistakes: &'a mut Vec<Mistake>,
    pub(super) warnings: &'a mut Vec<Warning>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(
        prefix: String,
        values: &'a BTreeMap<String, Node>,
        mistakes: &'a mut Vec<Mistake>,
        warnings: &'a mut Vec<Warning>,
    ) -> Self {
        Self {
            prefix,
            values,
            mistakes,
            warnings,
        }
    }

    pub(super) fn is_given(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    pub(super) fn origin(&self, key: &str) -> Option<Origin> {
        self.values.get(key).map(|node| node.origin.clone())
    }

    pub(super) fn named(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    pub(super) fn mistake(&mut self, key: &str, detail: impl Into<String>, fix: impl Into<String>) {
        self.mistakes.push(Mistake {
            key: self.named(key),
            origin: self.origin(key),
            detail: detail.into(),
            fix: fix.into(),
        });
    }

    pub(super) fn warn(&mut self, key: &str, detail: impl Into<String>) {
        self.warnings.push(Warning {
            key: self.named(key),
            origin: self.origin(key),
            detail: detail.into(),
        });
    }

    pub(super) fn missing(&mut self, key: &str, fix: &str) {
        self.mistake(key, "is missing", fix);
    }

    fn wrong(&mut self, key: &str, node: &Node, wanted: &str) {
        self.mistakes.push(match &node.raw {
            Raw::Unreadable(why) => Mistake {
                key: format!("{}_file", self.named(key)),
                origin: Some(node.origin.clone()),
                detail: format!("cannot be read: {why}"),
                fix: "check the path and that the sidecar's user may read it".to_owned(),
            },
            _ => wrong_kind(&self.named(key), node, wanted),
        });
    }

    /// Any text that is not empty.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        let node = self.values.get(key)?;
        match &node.raw {
            Raw::Text(text) if text.is_empty() => {
                self.mistake(key, "is empty", "give it a value or leave it out");
                None
            }
            Raw::Text(text) => Some(text.clone()),
            _ => {
                self.wrong(key, node, "a text in quotes");
                None
            }
        }
    }

    pub(super) fn secret(&mut self, key: &str, least: usize) -> Option<SecretString> {
        let text = self.text(key)?;
        if self.is_long_enough(key, text.len(), least) {
            Some(text.into())
        } else {
            None
        }
    }

    /// A secret whose bytes count as they stand, text or not.
    pub(super) fn secret_bytes(&mut self, key: &str, least: usize) -> Option<SecretSlice<u8>> {
        let bytes = match self.values.get(key).map(|node| &node.raw) {
            Some(Raw::Bytes(bytes)) => bytes.clone(),
            _ => self.text(key)?.into_bytes(),
        };
        if self.is_long_enough(key, bytes.len(), least) {
            Some(bytes.into())
        } else {
            None
        }
    }

    fn is_long_enough(&mut self, key: &str, length: usize, least: usize) -> bool {
        if length < least {
            let detail = format!("has {length} bytes");
            self.mistake(key, detail, format!("use at least {least} random ones"));
        }
        length >= least
    }

    pub(super) fn truth(&mut self, key: &str, default: bool) -> bool {
        let Some(node) = self.values.get(key) else {
            return default;
        };
        match node.opened().raw {
            Raw::Truth(truth) => truth,
            _ => {
                self.wrong(key, node, "true or false, without quotes");
                default
            }
        }
    }

    /// 0 is allowed besides the range; `advice` says what it means.
    pub(super) fn whole(
        &mut self,
        key: &str,
        default: u32,
        range: RangeInclusive<u32>,
        advice: &str,
    ) -> u32 {
        let Some(node) = self.values.get(key) else {
            return default;
        };
        let Raw::Whole(number) = node.opened().raw else {
            self.wrong(key, node, "a whole number, without quotes");
            return default;
        };
        match u32::try_from(number) {
            Ok(0) => 0,
            Ok(number) if range.contains(&number) => number,
            _ => {
                self.mistake(key, format!("is {number}"), advice);
                default
            }
        }
    }

    /// `None` stands for 0, which is allowed where the advice speaks of it.
    pub(super) fn duration(
        &mut self,
        key: &str,
        default: Duration,
        range: RangeInclusive<Duration>,
        zero: Option<&str>,
    ) -> Duration {
        let Some(node) = self.values.get(key) else {
            return default;
        };
        let text = match &node.raw {
            Raw::Text(text) => text.clone(),
            Raw::Whole(0) => "0".to_owned(),
            Raw::Whole(number) => {
                self.mistake(
                    key,
                    format!("is {number} without a unit"),
                    "write ms, s, m, h or d after the number, in quotes",
                );
                return default;
            }
            _ => {
                self.wrong(key, node, "a duration such as \"30s\"");
                return default;
            }
        };
        match units::duration(&text) {
            Some(Duration::ZERO) if zero.is_some() => Duration::ZERO,
            Some(duration) if range.contains(&duration) => duration,
            Some(_) => {
                let (least, most) = (units::written(*range.start()), units::written(*range.end()));
                let zero = zero.map_or_else(String::new, |zero| format!(", or 0 {zero}"));
                self.mistake(
                    key,
                    format!("is `{text}`"),
                    format!("use {least} to {most}{zero}"),
                );
                default
            }
            None => {
                self.mistake(
                    key,
                    format!("is `{text}`"),
                    "write a duration such as 250ms, 30s, 5m or 7d",
                );
                default
            }
        }
    }

    pub(super) fn size(&mut self, key: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let Some(node) = self.values.get(key) else {
            return default;
        };
        let Raw::Text(text) = &node.raw else {
            self.wrong(key, node, "a size such as \"100MB\"");
            return default;
        };
        match units::size(text) {
            Some(size) if range.contains(&size) => size,
            Some(_) => {
                self.mistake(key, format!("is `{text}`"), "use 1KB to 1GiB");
                default
            }
            None => {
                self.mistake(
                    key,
                    format!("is `{text}`"),
                    "write a size such as 100MB or 64MiB",
                );
                default
            }
        }
    }

    /// One of the names of a closed set.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &str,
        default: T,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> T {
        let Some(text) = self.text(key) else {
            return default;
        };
        let found = all.iter().copied().find(|one| name(*one) == text);
        if found.is_none() {
            let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
            self.mistake(
                key,
                format!("is `{text}`"),
                format!("use {}", names.join(", ")),
            );
        }
        found.unwrap_or(default)
    }

    /// The texts of a list. `None` when nothing is given, or something else than a list of texts.
    pub(super) fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        let node = self.values.get(key)?;
        let Raw::List(items) = node.opened().raw else {
            self.wrong(key, node, "a list such as [\"one\", \"two\"]");
            return None;
        };
        let texts: Option<Vec<String>> = items
            .into_iter()
            .map(|item| match item.raw {
                Raw::Text(text) => Some(text),
                _ => None,
            })
            .collect();
        if texts.is_none() {
            self.mistake(
                key,
                "holds something else than texts",
                "put every value in quotes",
            );
        }
        texts
    }

    /// Names to texts.
    pub(super) fn table(&mut self, key: &str) -> BTreeMap<String, String> {
        let Some(node) = self.values.get(key) else {
            return BTreeMap::new();
        };
        let Raw::Table(table) = node.opened().raw else {
            self.wrong(key, node, "a table of names and texts");
            return BTreeMap::new();
        };
        let mut texts = BTreeMap::new();
        for (name, item) in table {
            match item.raw {
                Raw::Text(text) => drop(texts.insert(name, text)),
                _ => self.mistakes.push(wrong_kind(
                    &format!("{}.{name}", self.named(key)),
                    &item,
                    "a text in quotes",
                )),
            }
        }
        texts
    }

    /// An http or https address without user, query or fragment.
    pub(super) fn address(&mut self, key: &str) -> Option<Url> {
        let text = self.text(key)?;
        let fix = "write an address such as https://chat.example.org";
        let Ok(url) = Url::parse(&text) else {
            self.mistake(key, "is no address", fix);
            return None;
        };
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") {
            self.mistake(key, "begins with neither http:// nor https://", fix);
            None
        } else if plain {
            Some(url)
        } else {
            self.mistake(key, "has a user, a query or a fragment", fix);
            None
        }
    }
}
