//! Rendering: events to post drafts, posts to plain words. Pure: no I/O, no clock, everything is an argument.
//!
//! | word | meaning |
//! |---|---|
//! | [`Voice`] | what channel texts speak: language, time zone, which details of visitors they name |
//! | [`Neutral`] | text from outside that can do nothing but be read; the only way for such text into a draft |
//! | [`Draft`] | a post to be: its message and its attachments; identity and props are added by whoever posts it |
//! | sender line | `**Sanne:** `, with which every part of a message begins, so that no text can pretend to be another's |
//!
//! Nothing in here knows Mattermost's API, decides what is shown, or keeps anything.

mod address;
mod card;
mod catalogue;
mod clean;
mod file_name;
mod html;
mod ink;
mod line;
mod message;
mod neutral;
mod notification;
mod plain;
mod reason;
mod reply;
mod rich;
mod split;

use std::sync::Arc;

use shared::{Language, Zone};

pub use card::{Continued, card_again, continues, root};
pub use catalogue::Catalogue;
pub(crate) use catalogue::{Key, Value};
pub use file_name::file_name;
pub use line::{
    Notice, Who, file_failed, file_link, key_refused, line_assigned, line_closed, line_reopened,
    line_unassigned, notice, parked, withdrawn,
};
pub use message::{edited, message, sender_line_of, sender_name_of, visitor_name};
pub use neutral::Neutral;
pub use notification::notification;
pub use reason::Reason;
pub use reply::{Directory, Reply, names, reply};
pub use split::{PART, SMALLEST, shorten, split};

/// What channel texts speak.
#[derive(Debug, Clone)]
pub struct Voice {
    pub language: Language,
    pub zone: Zone,
    pub contact: Contact,
    words: Arc<Catalogue>,
}

/// Which details of visitors are shown in Mattermost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Contact {
    /// Not even the name: `Visitor 7f3a`.
    None,
    #[default]
    Name,
    /// E-mail address and phone number too.
    All,
}

/// A post to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// Markdown, at most as long as the limit that was asked for.
    pub message: String,
    /// Mattermost's message attachments.
    pub attachments: Vec<serde_json::Value>,
}

impl Voice {
    #[must_use]
    pub fn new(words: Arc<Catalogue>, language: Language, zone: Zone) -> Self {
        Self {
            language,
            zone,
            contact: Contact::default(),
            words,
        }
    }

    /// The same with these details of visitors.
    #[must_use]
    pub fn showing(self, contact: Contact) -> Self {
        Self { contact, ..self }
    }

    fn say(&self, key: Key, values: &[(&'static str, Value<'_>)]) -> String {
        self.words.say(self.language, key, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn english() -> Voice {
        Voice::new(Arc::new(Catalogue::new()), Language::En, Zone::default())
    }

    pub(super) fn dutch() -> Voice {
        let zone = "Europe/Amsterdam".parse().unwrap();
        Voice::new(Arc::new(Catalogue::new()), Language::Nl, zone)
    }
}
