//! The values of the System Console, in the sidecar's words where they are meant for it.

use serde_json::{Map, Value, json};
use shared::{Language, pairing::Hidden};

use crate::text;

/// Who runs the sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Managed,
    External,
}

/// What an administrator has chosen; absent and senseless values are the defaults of the manifest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Console {
    pub(crate) mode: Mode,
    pub(crate) sidecar_url: String,
    pub(crate) data_directory: String,
    /// May hold a password.
    pub(crate) redis_url: Hidden,
    values: Map<String, Value>,
}

impl Console {
    /// From the server's JSON, whose keys are in lower case.
    pub(crate) fn read(stored: &[u8]) -> Self {
        let values = match serde_json::from_slice(stored) {
            Ok(Value::Object(values)) => values,
            Ok(Value::Null) => Map::new(),
            _ => {
                tracing::warn!("the stored settings are no JSON object, so all are their defaults");
                Map::new()
            }
        };
        let text = |key: &str| {
            let value = values.get(key).and_then(Value::as_str);
            value.unwrap_or_default().trim().to_owned()
        };
        Self {
            mode: if text("sidecar_mode") == "external" {
                Mode::External
            } else {
                Mode::Managed
            },
            sidecar_url: text("sidecar_url"),
            data_directory: text("data_directory"),
            redis_url: text("redis_url").into(),
            values,
        }
    }

    /// The sidecar's section `team`. A language left open is the server's.
    pub(crate) fn team(&self, server_locale: &str) -> Map<String, Value> {
        let language = match self.one_of("default_language", &["auto", "en", "nl"]) {
            "auto" => text::language(server_locale),
            code => Language::from_code(code).unwrap_or_default(),
        };
        let prefixes = self
            .values
            .get("extra_note_prefixes")
            .and_then(Value::as_str);
        let prefixes: Vec<&str> = prefixes
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|prefix| !prefix.is_empty())
            .collect();
        let team = json!({
            "send_delay": format!("{}s", self.number("send_delay_seconds", 3, 30)),
            "reminder": format!("{}m", self.number("reminder_minutes", 3, 60)),
            "default_language": language.code(),
            "who_may_reply": self.one_of("who_may_reply", &["members", "assigned"]),
            "who_may_map": self.one_of("who_may_map", &["manage_channel", "admins", "members"]),
            "contact_details": self.one_of("contact_details", &["name", "none", "all"]),
            "extra_note_prefixes": prefixes,
            "allow_files": self.values.get("allow_files").and_then(Value::as_bool).unwrap_or(true),
        });
        match team {
            Value::Object(team) => team,
            _ => Map::new(),
        }
    }

    /// One of the words; the first is the default.
    fn one_of(&self, key: &str, words: &[&'static str]) -> &'static str {
        let said = self.values.get(key).and_then(Value::as_str);
        let found = words.iter().find(|&&word| said == Some(word));
        found.copied().unwrap_or(words[0])
    }

    /// A number, which the console may store as text.
    fn number(&self, key: &str, default: u64, most: u64) -> u64 {
        let value = match self.values.get(key) {
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(value) => value.as_u64(),
            None => None,
        };
        value.filter(|&number| number <= most).unwrap_or(default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_any_value_everything_is_the_manifests_default() {
        let console = Console::read(b"{}");
        assert_eq!(console.mode, Mode::Managed);
        assert_eq!(
            Value::Object(console.team("nl")),
            json!({"send_delay": "3s", "reminder": "3m", "default_language": "nl", "who_may_reply": "members",
                "who_may_map": "manage_channel", "contact_details": "name", "extra_note_prefixes": [], "allow_files": true})
        );
    }

    #[test]
    fn console_values_become_the_sidecars_and_senseless_ones_the_default() {
        let team = Console::read(
            br#"{"send_delay_seconds": "10", "reminder_minutes": 99, "default_language": "en", "who_may_map": "all",
                "extra_note_prefixes": "psst:, , intern ", "allow_files": false, "contact_details": null}"#,
        )
        .team("nl");
        assert_eq!(team["send_delay"], "10s");
        assert_eq!(team["reminder"], "3m");
        assert_eq!(team["default_language"], "en");
        assert_eq!(team["who_may_map"], "manage_channel");
        assert_eq!(team["extra_note_prefixes"], json!(["psst:", "intern"]));
        assert_eq!(team["allow_files"], false);
    }

    #[test]
    fn the_manifest_has_exactly_the_values_that_are_read() {
        let manifest: Value = serde_json::from_str(include_str!("../../plugin.json")).unwrap();
        let settings = manifest["settings_schema"]["settings"].as_array().unwrap();
        let mut keys: Vec<&str> = settings
            .iter()
            .map(|one| one["key"].as_str().unwrap())
            .collect();
        keys.sort_unstable();
        assert_eq!(
            keys,
            [
                "allow_files",
                "contact_details",
                "data_directory",
                "default_language",
                "extra_note_prefixes",
                "redis_url",
                "reminder_minutes",
                "send_delay_seconds",
                "sidecar_mode",
                "sidecar_url",
                "who_may_map",
                "who_may_reply"
            ]
        );
        let defaults = settings.iter().map(|one| {
            (
                one["key"].as_str().unwrap().to_owned(),
                one.get("default").cloned().unwrap_or_default(),
            )
        });
        let defaults = Value::Object(defaults.collect()).to_string();
        assert_eq!(
            Console::read(defaults.as_bytes()).team("en"),
            Console::read(b"{}").team("en")
        );
        assert!(settings.iter().all(|one| {
            one["help_text"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        }));
    }
}
