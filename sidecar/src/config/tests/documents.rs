//! Example, documentation and code name the same keys with the same defaults.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::config::keys::KEYS;

const EXAMPLE: &str = include_str!("../../../config.example.toml");
const DOCUMENTATION: &str = include_str!("../../../../docs/configuration.md");

/// The example with its commented keys set too.
fn everything() -> String {
    EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if is_setting(rest) => rest,
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn is_setting(text: &str) -> bool {
    text == "[[licence.keys]]"
        || text.split_once(" = ").is_some_and(|(key, _)| {
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        })
}

/// Key, and the value as it is written.
fn keys_of(text: &str) -> BTreeMap<String, String> {
    let table: toml::Table = toml::from_str(text).unwrap();
    let mut keys = BTreeMap::new();
    collect("", &toml::Value::Table(table), &mut keys);
    keys
}

fn collect(path: &str, value: &toml::Value, keys: &mut BTreeMap<String, String>) {
    let known = path.strip_suffix("_file").unwrap_or(path);
    let is_leaf = KEYS.iter().any(|entry| entry.path == known);
    match value {
        toml::Value::Table(table) if !is_leaf => {
            for (name, value) in table {
                let path = format!("{path}.{name}");
                collect(path.trim_start_matches('.'), value, keys);
            }
        }
        toml::Value::Array(items) if !is_leaf => {
            for item in items {
                collect(path, item, keys);
            }
        }
        _ => drop(keys.insert(known.to_owned(), written(value))),
    }
}

fn written(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => format!("{text:?}"),
        toml::Value::Array(items) if items.is_empty() => "[]".to_owned(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Boolean(truth) => truth.to_string(),
        _ => "…".to_owned(),
    }
}

#[test]
fn the_example_names_every_key_with_its_default() {
    let example = keys_of(&everything());
    let code: BTreeSet<&str> = KEYS.iter().map(|entry| entry.path).collect();
    let named: BTreeSet<&str> = example.keys().map(String::as_str).collect();
    assert_eq!(named, code);
    for entry in KEYS {
        if let Some(default) = entry.default.filter(|default| *default != "{}") {
            assert_eq!(example[entry.path], default, "{}", entry.path);
        }
    }
}

#[test]
fn the_example_starts_once_its_secrets_are_there() {
    let environment = [
        ("IRESERVE__MATTERMOST__TOKEN", "bot-token"),
        ("IRESERVE__LICENCE__0__KEYS__0__SECRET", SECRET),
        (
            "IRESERVE__LICENCE__0__IRESERVE__SECRETS",
            r#"["whsec_y1Lx0oo3XBsU342ON9KPV8nvSeyXJmr3dtHuJOpA0jI="]"#,
        ),
    ];
    let config = resolved(EXAMPLE, &environment);
    assert_eq!(
        config.licences[0].departments["sales"].as_str(),
        "webchat-sales"
    );
    assert_eq!(warnings(EXAMPLE, &environment), [""; 0]);
}

#[test]
fn the_documentation_has_a_row_for_every_key_with_its_default() {
    let rows: BTreeMap<&str, &str> = DOCUMENTATION
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
            let key = cells.next()?.trim_end_matches('`');
            Some((key, cells.next()?))
        })
        .collect();
    for entry in KEYS {
        let Some(default) = rows.get(entry.path) else {
            panic!("no row for {}", entry.path);
        };
        if let Some(wanted) = entry.default {
            let wanted = wanted.trim_matches('"');
            assert_eq!(default.trim_matches('`'), wanted, "{}", entry.path);
        }
    }
    let known: BTreeSet<&str> = KEYS.iter().map(|entry| entry.path).collect();
    let unknown: Vec<&&str> = rows
        .keys()
        .filter(|key| key.contains('.') && !known.contains(*key))
        .collect();
    assert_eq!(unknown, [&""; 0], "rows for keys that do not exist");
}

#[test]
fn what_the_code_takes_for_granted_is_what_the_table_says() {
    let (effective, _, _) = settings(PLAIN, &[]).report();
    let written: Vec<(String, String)> = effective
        .into_iter()
        .filter(|line| line.origin == Some(Origin::Default))
        .map(|line| {
            let key = line.key.replace("licence.acme.", "licence.0.");
            let name = key.replace('.', "__").to_ascii_uppercase();
            let value = line.value.trim_matches('"').to_owned();
            (format!("IRESERVE__{name}"), value)
        })
        .collect();
    assert!(written.len() > 20, "{written:?}");
    let written: Vec<(&str, &str)> = written
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        format!("{:?}", resolved(PLAIN, &written)),
        format!("{:?}", plain()),
        "writing every default changes nothing"
    );
}
