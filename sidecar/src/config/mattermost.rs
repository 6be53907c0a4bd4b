//! `[mattermost]`: the server whose threads we write, and the bot we are there.

use std::{num::NonZeroU32, time::Duration};

use secrecy::SecretString;
use url::Url;

use super::reader::Reader;
use crate::licence::is_loopback;

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

/// Without a plugin both address and token are needed; with one either may still come.
pub(super) fn read(settings: &mut Reader<'_>, plugin: bool) -> Option<Mattermost> {
    const MINUTE: Duration = Duration::from_secs(60);
    let url = settings.address("mattermost.url");
    if let Some(url) = &url
        && url.scheme() == "http"
        && !is_loopback(url)
    {
        let detail =
            "is plain http to another machine: the bot's token crosses the network readable";
        settings.warn("mattermost.url", detail);
    }
    let token = settings.secret("mattermost.token", 1);
    let poll_interval = settings.duration(
        "mattermost.poll_interval",
        Duration::from_secs(30),
        Duration::from_secs(1)..=60 * MINUTE,
        Some("to rely on hints alone"),
    );
    if poll_interval.is_zero() {
        let detail =
            "is 0: a reply whose hint is lost stays unseen until the next one in its thread";
        settings.warn("mattermost.poll_interval", detail);
    }
    let thread_limit = settings.whole(
        "mattermost.thread_limit",
        500,
        2..=100_000,
        "use 2 to 100000, or 0 for no limit",
    );
    let websocket = settings.truth("mattermost.websocket", true);
    if !plugin {
        for (key, fix) in [
            (
                "mattermost.url",
                "write Mattermost's address, or set `plugin.pairing_secret` and let the plugin tell it",
            ),
            (
                "mattermost.token",
                "give the bot's access token, best in a file named by `mattermost.token_file`",
            ),
        ] {
            if !settings.is_given(key) {
                settings.missing(key, fix);
            }
        }
    }
    Some(Mattermost {
        url: url?,
        token: token?,
        poll_interval: (!poll_interval.is_zero()).then_some(poll_interval),
        websocket,
        thread_limit: NonZeroU32::new(thread_limit),
    })
}
