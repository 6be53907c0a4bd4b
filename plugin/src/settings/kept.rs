//! What the plugin keeps in the key-value store, which survives upgrades and removal. Everything is JSON under one key each.
//!
//! The store is the server's database: what lies here is as safe as the server's own tokens are.

use mattermost_plugin::{Api, Error, model::KvSetOptions};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shared::{LicenceId, pairing::Hidden};

/// Why something kept cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptError {
    #[error(transparent)]
    Server(#[from] Error),
    #[error("no random bytes")]
    Random(#[from] getrandom::Error),
}

/// The bot, once it has been made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct KeptBot {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) token: Hidden,
    pub(crate) token_id: String,
    /// The first name belonged to somebody else, and is never asked for again.
    pub(crate) first_name_taken: bool,
    /// Which picture it got.
    pub(crate) picture: u32,
}

/// An outgoing webhook of ours. Without an id it was about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptWebhook {
    pub(crate) licence: LicenceId,
    pub(crate) team_id: String,
    pub(crate) channel_id: String,
    pub(crate) hook_id: Option<String>,
    pub(crate) token: Hidden,
}

/// A right that the bot has only for a moment, noted before it is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lent {
    pub(crate) team_id: String,
    pub(crate) roles_before: String,
}

/// The secret of an external sidecar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptSecret {
    pub(crate) secret: Hidden,
    pub(crate) shown: bool,
}

pub(crate) const BOT: &str = "bot";
pub(crate) const WEBHOOKS: &str = "webhooks";
pub(crate) const LENT: &str = "lent";
pub(crate) const SECRET: &str = "pairing";
pub(crate) const WEBHOOK_LEASE: &str = "lease-webhooks";
pub(crate) const BOT_LEASE: &str = "lease-bot";
pub(crate) const TOLD_STOPPED: &str = "told-stopped";

/// What lies under a key; `None` also when it cannot be read, which then counts as lost.
pub(crate) async fn get<T: DeserializeOwned>(api: &Api, key: &str) -> Result<Option<T>, Error> {
    let bytes = api.kv_get(key).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    Ok(serde_json::from_slice(&bytes)
        .map_err(|_| tracing::warn!(key, "what was kept cannot be read"))
        .ok())
}

pub(crate) async fn set<T: Serialize>(api: &Api, key: &str, value: &T) -> Result<(), Error> {
    let bytes = serde_json::to_vec(value).expect("texts, numbers and lists are JSON");
    api.kv_set(key, bytes).await
}

/// Takes a mark that nobody else has, for at most so long. False: somebody has it.
pub(crate) async fn take(api: &Api, key: &str, seconds: i64) -> Result<bool, Error> {
    let options = KvSetOptions {
        atomic: true,
        old_value: Vec::new(),
        expire_in_seconds: seconds,
    };
    api.kv_set_with_options(key, b"1".to_vec(), options).await
}

/// The external sidecar's secret, made when there is none. Two nodes that make one at once agree on the first.
pub(crate) async fn secret(api: &Api) -> Result<KeptSecret, KeptError> {
    if let Some(kept) = get(api, SECRET).await? {
        return Ok(kept);
    }
    let made = KeptSecret {
        secret: crate::sidecar::new_secret()?,
        shown: false,
    };
    let bytes = serde_json::to_vec(&made).expect("texts are JSON");
    let only_if_none = KvSetOptions {
        atomic: true,
        ..KvSetOptions::default()
    };
    if api.kv_set_with_options(SECRET, bytes, only_if_none).await? {
        return Ok(made);
    }
    Ok(get(api, SECRET).await?.unwrap_or(made))
}
