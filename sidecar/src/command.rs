//! What people ask in Mattermost: a typed command, a pressed button and a sent dialog are one [`Command`], answered by one [`Desk`].
//!
//! | word | meaning |
//! |---|---|
//! | [`Asker`] | who asks, where, in which language, and what that person may do there, as the server said at that moment |
//! | [`Command`] | what is asked for, whichever way it came |
//! | [`Answer`] | what is said to that person alone, with buttons or a dialog, and what must now exist in the server |
//! | [`Keeper`] | who holds the settings and changes them while everything runs |
//!
//! Guarantees: rights are taken from [`Asker`] at each ask and from nothing else; every sentence is in the asker's language; nothing a
//! person typed is repeated but the one unknown word, to that person. Not here: how a button is signed and what JSON it becomes
//! (`http`), where settings come from (`app`).

mod help;
pub mod measure;
mod parse;
mod setup;
mod status;
mod tree;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use shared::{
    ChannelId, Language, LicenceId, UserId,
    pairing::{Configuration, Problem, Wanted, WantedMember, Where},
};

use crate::{
    licence::{Current, LicenceKey},
    render::{Catalogue, Key, Value},
    store::StoreError,
};
use measure::Measure;

pub use setup::KEY_FIELD;

/// Somebody who asks.
#[derive(Debug, Clone)]
pub struct Asker {
    pub user: UserId,
    pub place: Where,
}

impl Asker {
    /// Mattermost's locales begin with the language: `nl`, `en-AU`.
    #[must_use]
    pub fn language(&self) -> Language {
        language_of(&self.place.locale)
    }

    const fn is_admin(&self) -> bool {
        self.place.rights.admin
    }
}

/// The language of a locale; English where it is another's.
#[must_use]
pub fn language_of(locale: &str) -> Language {
    let code = locale.split(['-', '_']).next().unwrap_or_default();
    Language::from_code(&code.to_ascii_lowercase()).unwrap_or_default()
}

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Short help for this place; nothing was said after the command.
    Here,
    Help(Topic),
    About,
    Status,
    /// Ask for the licence key.
    Setup,
    /// The dialog for the licence key was sent: what stood in it, and the channel where it was asked for.
    Connect {
        typed: Typed,
        place: Box<Place>,
    },
    /// The dialog for the licence key was closed.
    Paused,
    /// No verb of ours, and the nearest one.
    Unknown {
        word: String,
        near: Option<&'static str>,
    },
}

/// Which help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    Replies,
    Notes,
    Commands,
    Setup,
}

/// What stood in a hidden field.
#[derive(Clone, PartialEq, Eq)]
pub struct Typed(pub String);

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(..)")
    }
}

/// A channel that people chose for a licence, as it was when they did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Place {
    pub team_id: String,
    /// As it stands in addresses.
    pub team: String,
    pub channel_id: ChannelId,
    /// As it stands in addresses.
    pub channel: String,
    /// Everybody in the team may read it, and Mattermost allows it an outgoing webhook.
    pub public: bool,
}

/// What is said to one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    pub buttons: Vec<Button>,
    pub dialog: Option<Dialog>,
    pub wanted: Option<Wanted>,
    /// Of a dialog that stays open: what is wrong, by field.
    pub errors: BTreeMap<&'static str, String>,
    /// Of a dialog that stays open: what is wrong with the whole.
    pub error: Option<String>,
}

/// A button below the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    pub label: String,
    /// Letters and digits only: Mattermost does nothing with others.
    pub action: &'static str,
}

/// A dialog of text fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    /// Comes back with what was typed.
    pub callback: &'static str,
    /// Comes back too; whoever sends it signs it first.
    pub state: String,
    pub title: String,
    pub fields: Vec<Field>,
    pub submit: String,
}

/// One line whose input is hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub label: String,
    pub help: String,
    /// Characters.
    pub longest: usize,
}

/// What counts now, beside the licences.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The plugin has put its configuration since the start.
    pub configured: bool,
    /// Started by the plugin.
    pub managed: bool,
    /// Of the server: what a command's description is written in.
    pub language: Language,
    /// What of the settings does not work.
    pub problems: Vec<Problem>,
    /// Without members: those are for people who may decide them.
    pub wanted: Wanted,
    pub members: Vec<WantedMember>,
    /// What people chose.
    pub places: BTreeMap<LicenceId, Place>,
    /// What the plugin said last, without its secrets.
    pub plugin: Told,
}

/// What the plugin said of itself and its server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    pub server_version: String,
    pub plugin_version: String,
    pub node: String,
    /// Channels whose outgoing webhook could not be made.
    pub without_webhook: Vec<String>,
    /// Whether the server may call its own address.
    pub callbacks: bool,
}

/// Why a licence could not be connected.
#[derive(Debug, thiserror::Error)]
pub enum NotConnected {
    /// File or environment say otherwise, and they come first.
    #[error("`{0}` is fixed by file or environment")]
    Fixed(String),
    #[error("the store does not answer")]
    Store(#[from] StoreError),
    /// With this the settings would no longer be right.
    #[error("the settings would be wrong: {0}")]
    Wrong(String),
    /// i-Reserve does not take what the key signs: another key is needed.
    #[error("i-reserve refused the key with {status}")]
    Refused { status: u16 },
    /// It answers, but not to this: to be tried again.
    #[error("i-reserve answered {status}")]
    Busy { status: u16 },
    /// It does not answer: somebody has to look at address, firewall or proxy.
    #[error("i-reserve cannot be reached: {0}")]
    Silent(String),
}

/// What came of connecting a licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeted {
    /// How long i-Reserve took to answer.
    pub answered: Duration,
    /// It has called us since, so it knows the way in.
    pub reaches_us: bool,
    /// Where it is to call.
    pub events_url: String,
}

/// Holds the settings, and changes what runs when they change.
pub trait Keeper: fmt::Debug + Send + Sync {
    /// The plugin's whole configuration, in place of the last one.
    ///
    /// # Errors
    /// When the store cannot say what people decided; nothing has changed then.
    fn configure(&self, configuration: Configuration) -> BoxFuture<'_, Result<(), StoreError>>;

    /// A person connects a licence with a channel. When this returns well, i-Reserve takes what the key signs, and it is kept, and
    /// counts.
    ///
    /// # Errors
    /// [`NotConnected`]; nothing has changed then.
    fn connect(
        &self,
        key: LicenceKey,
        place: Place,
    ) -> BoxFuture<'_, Result<Greeted, NotConnected>>;

    /// Takes over what another replica was told meanwhile.
    fn refresh(&self) -> BoxFuture<'_, ()>;

    fn standing(&self) -> Arc<Standing>;
}

/// Answers people.
#[derive(Debug, Clone)]
pub struct Desk {
    pub keeper: Arc<dyn Keeper>,
    pub licences: Current,
    pub measure: Measure,
    pub words: Arc<Catalogue>,
}

impl Desk {
    /// What somebody typed.
    pub async fn typed(&self, text: &str, asker: &Asker) -> Answer {
        self.answer(parse::typed(text), asker).await
    }

    /// A button of ours that somebody pressed; whether it is ours was seen before.
    pub async fn pressed(&self, action: &str, asker: &Asker) -> Answer {
        self.answer(parse::pressed(action), asker).await
    }

    /// A dialog of ours that somebody sent or closed. `None` when its `callback` or `state` is none of ours.
    pub async fn sent(
        &self,
        callback: &str,
        state: &str,
        typed: Option<String>,
        asker: &Asker,
    ) -> Option<Answer> {
        let command = parse::sent(callback, state, typed)?;
        Some(self.answer(command, asker).await)
    }

    /// What may follow, for a list that is looked up while typing.
    #[must_use]
    pub fn list(&self, list: &str, asker: &Asker) -> Vec<(&'static str, String)> {
        match list {
            "topics" => tree::topics(&self.words, asker.language()),
            _ => Vec::new(),
        }
    }

    /// The command's description, in the server's language.
    #[must_use]
    pub fn tree(&self) -> shared::pairing::Tree {
        let language = self.keeper.standing().language;
        tree::tree(&self.words, language, self.is_connected())
    }

    /// Whether any licence is connected.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        !self.licences.snapshot().is_empty()
    }

    async fn answer(&self, command: Command, asker: &Asker) -> Answer {
        match command {
            Command::Here => help::here(self, asker),
            Command::Help(topic) => help::topic(self, asker, topic),
            Command::About => help::about(self, asker),
            Command::Status => status::status(self, asker).await,
            Command::Setup => setup::ask(self, asker),
            Command::Connect { typed, place } => setup::connect(self, asker, &typed, *place).await,
            Command::Paused => self.text(asker, Key::SetupPaused, &[]),
            Command::Unknown { word, near } => help::unknown(self, asker, &word, near),
        }
    }

    fn say(&self, asker: &Asker, key: Key, values: &[(&'static str, Value<'_>)]) -> String {
        self.words.say(asker.language(), key, values)
    }

    fn text(&self, asker: &Asker, key: Key, values: &[(&'static str, Value<'_>)]) -> Answer {
        Answer {
            text: self.say(asker, key, values),
            ..Answer::default()
        }
    }

    /// What is said while nothing is connected: the next step, or who can take it.
    fn not_set_up(&self, asker: &Asker) -> Answer {
        if !asker.is_admin() {
            return self.text(asker, Key::NotSetUp, &[]);
        }
        Answer {
            buttons: vec![Button {
                label: self.say(asker, Key::ButtonSetUp, &[]),
                action: "setup",
            }],
            ..self.text(asker, Key::NotSetUpAdmin, &[])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_says_its_language_and_another_language_is_english() {
        for (locale, wanted) in [
            ("nl", Language::Nl),
            ("nl-BE", Language::Nl),
            ("en-AU", Language::En),
            ("de", Language::En),
            ("", Language::En),
        ] {
            assert_eq!(language_of(locale), wanted, "{locale}");
        }
    }
}
