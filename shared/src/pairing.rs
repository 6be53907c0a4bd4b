//! What plugin and sidecar say to each other, over loopback and signed with the pairing secret.
//!
//! | word | meaning |
//! |---|---|
//! | configuration | everything the plugin knows of its server and its console; each one replaces the last whole: [`Configuration`] |
//! | wanted | what the sidecar wants to exist in the server; the complete state, not a change: [`Wanted`] |
//! | where | team, channel, language and rights of whoever acts, asked from the server at that moment: [`Where`] |
//! | hint | "look at this thread"; nothing in it is acted on: [`Hint`] |
//!
//! Ids of Mattermost are plain text in here: they are checked where they are used, so that one bad hint costs itself and not its batch.
//! Unknown fields are ignored, and what may be absent may also be `null`. `Debug` shows no secret and no text that a person wrote.

mod asked;
mod tree;

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::LicenceId;

pub use asked::{
    ActionAnswer, ActionRequest, AutocompleteItem, AutocompleteRequest, ChannelPlace,
    CommandAnswer, CommandRequest, DialogAnswer, DialogRequest, Rights, TeamPlace, Where,
};
pub use tree::{ArgumentData, ListItem, Tree, TreeArgument};

/// `iss` of the plugin's tokens.
pub const ISSUER: &str = "ireserve-plugin";
/// `aud` of the plugin's tokens.
pub const AUDIENCE: &str = "ireserve-sidecar";
/// How long such a token may live.
pub const TOKEN_LIFE: Duration = Duration::from_secs(60);
/// The plugin's id, which is also in its paths.
pub const PLUGIN_ID: &str = "nl.i-reserve.mattermost";
/// Hints of one batch.
pub const MOST_HINTS: usize = 1_000;

pub const CONFIGURATION_PATH: &str = "/v1/plugin/configuration";
pub const HINTS_PATH: &str = "/v1/plugin/hints";
pub const COMMANDS_PATH: &str = "/v1/plugin/commands";
pub const ACTIONS_PATH: &str = "/v1/plugin/actions";
pub const DIALOGS_PATH: &str = "/v1/plugin/dialogs";
pub const AUTOCOMPLETE_PATH: &str = "/v1/plugin/autocomplete";
pub const STATUS_PATH: &str = "/v1/plugin/status";

/// Claims of the plugin's tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// Seconds since 1970.
    pub iat: i64,
    /// At most [`TOKEN_LIFE`] after `iat`.
    pub exp: i64,
    /// Whoever acts; absent for the plugin's own calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
}

/// A text that `Debug` does not show.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() {
            "(empty)"
        } else {
            "(hidden)"
        })
    }
}

impl<T: Into<String>> From<T> for Hidden {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

/// `PUT /v1/plugin/configuration`: everything the plugin knows. Whole replacement, repeatable.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Configuration {
    /// The server's address for people; empty when nobody has set it.
    #[serde(deserialize_with = "or_default")]
    pub site_url: String,
    #[serde(deserialize_with = "or_default")]
    pub server_version: String,
    /// The server's default language, such as `nl` or `en-AU`.
    #[serde(deserialize_with = "or_default")]
    pub locale: String,
    #[serde(deserialize_with = "or_default")]
    pub cluster: bool,
    #[serde(deserialize_with = "or_default")]
    pub node_id: String,
    #[serde(deserialize_with = "or_default")]
    pub plugin_version: String,
    /// Absent while the plugin could not make it.
    pub bot: Option<Bot>,
    /// Where the sidecar reaches Mattermost, over loopback if it can be.
    #[serde(deserialize_with = "or_default")]
    pub mattermost_url: String,
    /// Where i-Reserve reaches the sidecar: the site's address and the plugin's path.
    #[serde(deserialize_with = "or_default")]
    pub public_url: String,
    /// Console values under the names of the setting section `team`, as TOML would hold them: `{"send_delay":"3s"}`.
    #[serde(deserialize_with = "or_default")]
    pub team: Map<String, Value>,
    #[serde(deserialize_with = "or_default")]
    pub licence_keys: Vec<Hidden>,
    #[serde(deserialize_with = "or_default")]
    pub webhooks: Vec<Webhook>,
    #[serde(deserialize_with = "or_default")]
    pub callbacks: Callbacks,
}

/// The account that posts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bot {
    pub id: String,
    pub username: String,
    pub token: Hidden,
}

/// An outgoing webhook that the plugin registered, or why it could not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    pub licence: LicenceId,
    pub channel_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Hidden>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Whether the server may call itself: an outgoing webhook to its own address needs that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Callbacks {
    pub allowed: bool,
    #[serde(deserialize_with = "or_default")]
    pub detail: String,
}

/// What is said to a [`Configuration`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfigurationAnswer {
    pub state: State,
    #[serde(default, deserialize_with = "or_default")]
    pub problems: Vec<Problem>,
    #[serde(default, deserialize_with = "or_default")]
    pub wanted: Wanted,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<Tree>,
}

/// Whether any licence is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Unconnected,
    Connected,
}

/// A setting that does not work, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub key: String,
    pub detail: String,
    #[serde(default, deserialize_with = "or_default")]
    pub fix: String,
}

/// The complete state that the sidecar wants in the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    #[serde(deserialize_with = "or_default")]
    pub webhooks: Vec<WantedWebhook>,
    /// Where the bot must be a member. Only in an answer to a person who may decide that.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<WantedMember>,
    /// Mattermost refuses the bot's token: make another.
    #[serde(deserialize_with = "or_default")]
    pub token: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WantedWebhook {
    pub licence: LicenceId,
    pub team_id: String,
    pub channel_id: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WantedMember {
    pub team_id: String,
    pub channel_id: String,
}

/// `POST /v1/plugin/hints`: at most [`MOST_HINTS`] → `{}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hints {
    #[serde(deserialize_with = "or_default")]
    pub hints: Vec<Hint>,
    /// Some were lost: look everywhere.
    #[serde(deserialize_with = "or_default")]
    pub overflow: bool,
}

/// Something happened in a thread.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hint {
    pub kind: HintKind,
    pub post_id: String,
    /// Empty when the post is itself the first of its thread.
    #[serde(default, deserialize_with = "or_default")]
    pub root_id: String,
    pub channel_id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HintKind {
    Posted,
    Edited,
    Deleted,
}

/// `GET /v1/plugin/status`: the operator's status, and what the plugin acts on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "H: DeserializeOwned", serialize = "H: Serialize"))]
pub struct Status<H = Map<String, Value>> {
    /// False: no configuration has come since the sidecar's start.
    pub configured: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub wanted: Wanted,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<Tree>,
    /// What `GET /v1/status` answers, on the same level.
    #[serde(flatten)]
    pub health: H,
}

/// `null` is as good as absent.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_configuration_is_read_from_as_little_as_a_peer_sends() {
        let read: Configuration = serde_json::from_value(
            json!({"site_url": null, "bot": {"id": "b", "username": "i-reserve", "token": "t"}, "new": 1}),
        )
        .unwrap();
        assert_eq!(read.bot.unwrap().token, Hidden("t".into()));
        assert_eq!(read.callbacks, Callbacks::default());
    }

    #[test]
    fn secrets_do_not_show() {
        let configuration = Configuration {
            licence_keys: vec!["ir1.secret".into()],
            bot: Some(Bot {
                token: "token-secret".into(),
                ..Bot::default()
            }),
            ..Configuration::default()
        };
        let shown = format!("{configuration:?}");
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn wanted_members_stand_only_where_there_are_some() {
        let wanted = serde_json::to_value(Wanted::default()).unwrap();
        assert_eq!(wanted, json!({"webhooks": [], "token": false}));
    }

    #[test]
    fn a_status_keeps_what_it_shares_with_the_operators() {
        let said =
            json!({"state": "working", "uptime_seconds": 5, "configured": true, "wanted": null});
        let status: Status = serde_json::from_value(said).unwrap();
        assert!(status.configured);
        assert_eq!(status.health["state"], "working");
        assert_eq!(
            serde_json::to_value(&status).unwrap(),
            json!({"state": "working", "uptime_seconds": 5, "configured": true, "wanted": {"webhooks": [], "token": false}})
        );
    }

    #[test]
    fn hints_have_the_contracts_words() {
        let hints: Hints = serde_json::from_value(
            json!({"hints": [{"kind": "edited", "post_id": "p", "root_id": "", "channel_id": "c"}]}),
        )
        .unwrap();
        assert_eq!(hints.hints[0].kind, HintKind::Edited);
        assert!(!hints.overflow);
    }
}
