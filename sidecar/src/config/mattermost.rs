//! `[mattermost]`: the server whose threads we write, and the bot we are there.

use std::{num::NonZeroU32, time::Duration};

use secrecy::SecretString;
use url::Url;

/// The settings below `[mattermost]`.
#[derive(Debug, Clone)]
pub struct Mattermost {
    pub url: Url,
    /// The bot's access token.
    pub token: SecretString,
    /// The slow look for missed replies; none is hints alone.
    pub poll_interval: Option<Duration>,
    /// Listen as the bot.
    pub websocket: bool,
    /// Replies before a conversation continues under a new card; none is never.
    pub thread_limit: Option<NonZeroU32>,
}
