//! The settings that a demonstration gives its sidecar: one licence for each language, so that channel texts come in both.

use std::net::SocketAddr;
use std::path::Path;

use shared::Language;

use crate::mattermost::Cast;

/// The zone of all times that people read, on cards and on the page.
pub(super) const TIME_ZONE: &str = "Europe/Amsterdam";

/// The licence whose channel texts have this language.
pub(super) const fn licence(language: Language) -> &'static str {
    match language {
        Language::En => "demo-en",
        Language::Nl => "demo-nl",
    }
}

/// The licence's HS256 secret. It guards an address of the loopback for as long as somebody looks at the page.
pub(super) const fn secret(language: Language) -> &'static str {
    match language {
        Language::En => "the English half of a demonstration, 40 bytes",
        Language::Nl => "the Dutch half of a demonstration, 40 bytes",
    }
}

/// What a sidecar has to know of the world around it.
#[derive(Debug)]
pub(super) struct Wiring<'a> {
    pub(super) folder: &'a Path,
    pub(super) mattermost: &'a str,
    pub(super) cast: &'a Cast,
    pub(super) webhook: &'a str,
    pub(super) users: &'a str,
    pub(super) secret: &'a str,
}

impl Wiring<'_> {
    /// As TOML. `listen` has port 0 in the first life, and the same port in the later ones.
    pub(super) fn toml(&self, listen: SocketAddr) -> String {
        let store = format!("sqlite:{}", self.folder.join("ireserve.db").display());
        let mut toml = format!(
            "[server]\nlisten = {}\nadmin_listen = \"127.0.0.1:0\"\n[store]\nurl = {}\n[mattermost]\nurl = {}\ntoken = {}\n",
            text(&listen.to_string()),
            text(&store),
            text(self.mattermost),
            text(&self.cast.bot.token),
        );
        for language in Language::ALL {
            toml += &self.licence(language);
        }
        toml
    }

    fn licence(&self, language: Language) -> String {
        format!(
            "[[licence]]\nid = {}\nlanguage = {}\ntime_zone = {}\nteam = {}\nchannel = \"webchat\"\n\
             keys = [{{ kid = \"demo\", alg = \"HS256\", secret = {} }}]\n\
             [licence.ireserve]\nwebhook_url = {}\nusers_url = {}\nsecrets = [{}]\n\
             [licence.notifications]\n\"*\" = \"bookings\"\n",
            text(licence(language)),
            text(language.code()),
            text(TIME_ZONE),
            text(&self.cast.team),
            text(secret(language)),
            text(self.webhook),
            text(self.users),
            text(self.secret),
        )
    }
}

/// A basic string of TOML: JSON's escapes are among its own.
fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
