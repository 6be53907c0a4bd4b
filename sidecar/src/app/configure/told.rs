//! What the plugin says, as a source of settings, and what of it people should mend.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use shared::{
    Language, LicenceId,
    pairing::{Configuration, Problem},
};

use super::Held;
use crate::{command::Told, config::Config};

/// A licence takes up to so many tokens; all webhooks of one carry the same, so more is a mistake of the plugin's.
const MOST_TOKENS: usize = 3;

/// As dotted settings, and `licence_keys`.
pub(super) fn settings(configuration: &Configuration) -> Map<String, Value> {
    let mut settings = Map::new();
    let mut put = |key: &str, value: &str| {
        if !value.is_empty() {
            settings.insert(key.to_owned(), json!(value));
        }
    };
    put("mattermost.url", &configuration.mattermost_url);
    put("server.public_url", &configuration.public_url);
    if let Some(bot) = &configuration.bot {
        put("mattermost.token", &bot.token.0);
    }
    // What the console leaves open follows the server.
    if let Some(language) = server_language(&configuration.locale) {
        put("team.default_language", language.code());
    }
    for (key, value) in &configuration.team {
        settings.insert(format!("team.{key}"), value.clone());
    }
    let keys: Vec<&str> = configuration
        .licence_keys
        .iter()
        .map(|key| key.0.trim())
        .filter(|key| !key.is_empty())
        .collect();
    if !keys.is_empty() {
        settings.insert("licence_keys".to_owned(), json!(keys));
    }
    let licences: Vec<Value> = tokens(configuration)
        .into_iter()
        .map(|(licence, tokens)| json!({"id": licence, "webhook_tokens": tokens}))
        .collect();
    if !licences.is_empty() {
        settings.insert("licence".to_owned(), Value::Array(licences));
    }
    settings
}

fn server_language(locale: &str) -> Option<Language> {
    Language::from_code(locale.split(['-', '_']).next().unwrap_or_default())
}

fn tokens(configuration: &Configuration) -> BTreeMap<&LicenceId, Vec<&str>> {
    let mut tokens: BTreeMap<&LicenceId, Vec<&str>> = BTreeMap::new();
    for hook in &configuration.webhooks {
        let Some(token) = &hook.token else {
            continue;
        };
        let own = tokens.entry(&hook.licence).or_default();
        if !own.contains(&token.0.as_str()) && own.len() < MOST_TOKENS {
            own.push(&token.0);
        }
    }
    tokens
}

/// Without its secrets.
pub(super) fn told(configuration: &Configuration) -> Told {
    Told {
        server_version: configuration.server_version.clone(),
        plugin_version: configuration.plugin_version.clone(),
        node: configuration.node_id.clone(),
        without_webhook: configuration
            .webhooks
            .iter()
            .filter(|hook| hook.error.is_some())
            .map(|hook| hook.channel_id.clone())
            .collect(),
        callbacks: configuration.callbacks.allowed,
    }
}

/// What no single setting is wrong about.
pub(super) fn problems(held: &Held, config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |key: &str, detail: &str, fix: &str| {
        problems.push(Problem {
            key: key.to_owned(),
            detail: detail.to_owned(),
            fix: fix.to_owned(),
        });
    };
    let Some(configuration) = &held.plugin else {
        return problems;
    };
    if configuration.site_url.is_empty() {
        add(
            "site_url",
            "is empty",
            "set it in System Console → Environment → Web Server",
        );
    }
    if config.mattermost.is_none() {
        add(
            "mattermost",
            "has no address or no token that can be used",
            "let the plugin make its bot and a token for it",
        );
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(value: Value) -> Map<String, Value> {
        settings(&serde_json::from_value(value).unwrap())
    }

    #[test]
    fn a_configuration_becomes_dotted_settings() {
        let settings = said(json!({
            "mattermost_url": "http://127.0.0.1:8065", "public_url": "https://chat.example.org/plugins/x",
            "bot": {"id": "b", "username": "i-reserve", "token": "t"}, "locale": "nl",
            "team": {"send_delay": "3s", "allow_files": false},
            "licence_keys": ["ir1.a", " "],
            "webhooks": [{"licence": "acme", "channel_id": "c", "token": "one"}, {"licence": "acme", "channel_id": "d", "token": "one"},
                {"licence": "other", "channel_id": "e", "error": "no right"}],
        }));
        let wanted = json!({
            "mattermost.url": "http://127.0.0.1:8065", "server.public_url": "https://chat.example.org/plugins/x",
            "mattermost.token": "t", "team.default_language": "nl", "team.send_delay": "3s", "team.allow_files": false,
            "licence_keys": ["ir1.a"], "licence": [{"id": "acme", "webhook_tokens": ["one"]}],
        });
        assert_eq!(Value::Object(settings), wanted);
    }

    #[test]
    fn an_empty_configuration_says_nothing_and_the_console_comes_before_the_server() {
        assert!(said(json!({})).is_empty());
        assert!(said(json!({"locale": "de"})).is_empty());
        let settings = said(json!({"locale": "nl", "team": {"default_language": "en"}}));
        assert_eq!(settings["team.default_language"], "en");
    }
}
