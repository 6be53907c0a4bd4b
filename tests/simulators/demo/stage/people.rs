//! What people on i-Reserve's side do: a visitor who writes, edits and withdraws, a colleague in i-Reserve, and the booking system.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use shared::Language;

use super::super::story::{By, Fate, File, Said, What};
use super::Stage;
use super::outbox::Parcel;
use crate::ireserve::{FilePart, event};

/// Who visits.
pub(in super::super) const VISITOR: &str = "Sanne de Vries";
/// Who answers inside i-Reserve.
pub(in super::super) const AGENT: &str = "Anna";

/// The conversation that is going on, and numbers for whatever is said.
#[derive(Debug, Default)]
pub(super) struct People(Mutex<Numbers>); // a std mutex: a few fields, never across an await

#[derive(Debug, Default)]
struct Numbers {
    events: u32,
    conversations: u32,
    talk: Talk,
}

/// The conversation that is going on.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Talk {
    /// None: the next message opens one.
    pub(in super::super) id: Option<String>,
    pub(in super::super) language: Language,
    pub(in super::super) is_closed: bool,
}

impl People {
    pub(super) fn conversation(&self) -> Option<String> {
        self.turn(|numbers| numbers.talk.id.clone())
    }

    fn turn<T>(&self, turn: impl FnOnce(&mut Numbers) -> T) -> T {
        turn(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn event(&self) -> String {
        self.turn(|numbers| {
            numbers.events += 1;
            format!("evt_{}", numbers.events)
        })
    }
}

impl Stage {
    /// The conversation that is going on.
    pub(in super::super) fn talk(&self) -> Talk {
        self.people.turn(|numbers| numbers.talk.clone())
    }

    /// The next message opens a new conversation.
    pub(in super::super) fn turn_the_page(&self) {
        self.people.turn(|numbers| numbers.talk = Talk::default());
        // Whoever looks on is to see an empty chat.
        self.story.change(|_| ());
    }

    /// The visitor writes; without a conversation this opens one in this language.
    pub(in super::super) fn write(&self, language: Language, text: &str, file: Option<File>) {
        self.message(language, By::Visitor, VISITOR, text, file);
    }

    /// A colleague answers inside i-Reserve.
    pub(in super::super) fn answer(&self, language: Language, text: &str) {
        self.message(language, By::Agent, AGENT, text, None);
    }

    /// A booking is made.
    pub(in super::super) fn book(&self, language: Language) {
        let id = self.people.event();
        let (title, text, people) = match language {
            Language::En => (
                "New booking",
                "Sanne de Vries, Sat 12 Dec 19:00, 6 people",
                "Price",
            ),
            Language::Nl => (
                "Nieuwe boeking",
                "Sanne de Vries, za 12 dec 19:00, 6 personen",
                "Bedrag",
            ),
        };
        let data = json!({ "notification_type": "booking.created", "title": title, "text": text, "severity": "success",
            "subject_id": "BWZ-55321", "url": "https://acme.i-reserve.example/bookings/55321",
            "fields": [{ "title": location(language), "value": "Zwolle", "short": true },
                { "title": people, "value": "€ 142,50", "short": true }] });
        let what = What::Notification {
            title: title.to_owned(),
            text: text.to_owned(),
        };
        let said = Said::new(id.clone(), None, what);
        self.push(
            language,
            vec![(said, event::event(&id, "notification", data))],
            None,
        );
    }

    /// The conversation is closed, or opened again. False when there is none.
    pub(in super::super) fn close_or_reopen(&self) -> bool {
        let Some((conversation, language, was_closed)) = self.going_on() else {
            return false;
        };
        self.people
            .turn(|numbers| numbers.talk.is_closed = !was_closed);
        let (id, by) = (self.people.event(), AGENT.to_owned());
        let (what, event) = if was_closed {
            (
                What::Reopened { by },
                event::reopened(&id, &conversation, AGENT),
            )
        } else {
            (
                What::Closed { by },
                event::closed(&id, &conversation, AGENT),
            )
        };
        let said = Said::new(id, Some(conversation), what);
        self.push(language, vec![(said, event)], None);
        true
    }

    /// The visitor changes the last message. False when there is none.
    pub(in super::super) fn edit_last(&self, text: &str) -> bool {
        self.change_last(|id, conversation, of| {
            let what = What::Edited {
                of: of.to_owned(),
                text: text.to_owned(),
            };
            (
                what,
                event::updated(id, conversation, &message_id(of), text),
            )
        })
    }

    /// The visitor takes the last message back. False when there is none.
    pub(in super::super) fn withdraw_last(&self) -> bool {
        self.change_last(|id, conversation, of| {
            let what = What::Withdrawn { of: of.to_owned() };
            (what, event::deleted(id, conversation, &message_id(of)))
        })
    }

    fn change_last(&self, change: impl FnOnce(&str, &str, &str) -> (What, Value)) -> bool {
        let Some((conversation, language, _)) = self.going_on() else {
            return false;
        };
        let Some(of) = self.last_message(&conversation) else {
            return false;
        };
        let id = self.people.event();
        let (what, event) = change(&id, &conversation, &of);
        let said = Said::new(id, Some(conversation), what);
        self.push(language, vec![(said, event)], None);
        true
    }

    /// The event of the visitor's last message that stands.
    fn last_message(&self, conversation: &str) -> Option<String> {
        self.story(|story| {
            let withdrawn = |id: &str| {
                let what = story.said.iter().map(|said| &said.what);
                what.clone()
                    .any(|what| matches!(what, What::Withdrawn { of } if of == id))
            };
            let mut theirs = story.said.iter().rev().filter(|said| {
                said.conversation.as_deref() == Some(conversation)
                    && said.fate != Fate::Refused
                    && matches!(
                        said.what,
                        What::Message {
                            by: By::Visitor,
                            ..
                        }
                    )
            });
            theirs
                .find(|said| !withdrawn(&said.id))
                .map(|said| said.id.clone())
        })
    }

    fn message(&self, language: Language, by: By, name: &str, text: &str, file: Option<File>) {
        let mut events = Vec::new();
        let (conversation, language) = match self.going_on() {
            Some((conversation, language, _)) => (conversation, language),
            None => {
                let conversation = self.begin(language);
                events.push(self.started(&conversation, language));
                (conversation, language)
            }
        };
        let id = self.people.event();
        let sender = match by {
            By::Visitor => "visitor",
            By::Agent => "agent",
        };
        let mut event = event::message_by(&id, &conversation, sender, name, text);
        if let Some(file) = &file {
            let attachment =
                json!([{ "name": file.name, "content_type": file.content_type, "part": PART }]);
            event = event::with(event, "attachments", attachment);
        }
        let what = What::Message {
            by,
            name: name.to_owned(),
            text: text.to_owned(),
            file: file.clone(),
        };
        events.push((Said::new(id, Some(conversation), what), event));
        self.push(language, events, file);
    }

    /// The conversation that is going on, its language, and whether it is closed.
    fn going_on(&self) -> Option<(String, Language, bool)> {
        let talk = self.talk();
        Some((talk.id?, talk.language, talk.is_closed))
    }

    fn begin(&self, language: Language) -> String {
        self.people.turn(|numbers| {
            numbers.conversations += 1;
            let id = format!("conv_{}", numbers.conversations);
            numbers.talk = Talk {
                id: Some(id.clone()),
                language,
                is_closed: false,
            };
            id
        })
    }

    fn started(&self, conversation: &str, language: Language) -> (Said, Value) {
        let id = self.people.event();
        let title = match language {
            Language::En => "Book a bowling lane",
            Language::Nl => "Bowling reserveren",
        };
        let data = json!({ "conversation_id": conversation, "visitor": { "name": VISITOR, "language": language.code() },
            "page": { "url": "https://www.example.com/bowling", "title": title },
            "url": format!("https://acme.i-reserve.example/conversations/{conversation}") });
        let event = event::event(&id, "conversation.started", data);
        let what = What::Started {
            visitor: VISITOR.to_owned(),
        };
        (Said::new(id, Some(conversation.to_owned()), what), event)
    }

    fn push(&self, language: Language, events: Vec<(Said, Value)>, file: Option<File>) {
        let (said, events) = events.into_iter().unzip();
        let file = file.map(|file| FilePart {
            part: PART.to_owned(),
            name: file.name,
            content_type: file.content_type,
            bytes: file.bytes,
        });
        let files = file.into_iter().collect();
        self.say(
            language,
            Parcel {
                said,
                events,
                files,
            },
        );
    }
}

/// By this name an attachment means its file in the same request.
const PART: &str = "file";

/// As [`event::message_by`] makes it.
fn message_id(event: &str) -> String {
    format!("m-{event}")
}

const fn location(language: Language) -> &'static str {
    match language {
        Language::En => "Location",
        Language::Nl => "Locatie",
    }
}
