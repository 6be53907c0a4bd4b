//! The ledger: what i-Reserve told and was promised, and what has to stand for it.
//!
//! What an event leaves follows from the event, by the rules of the contract written down here once more; a test that knows better
//! says so. Only words without any markup are foretold exactly.

use std::collections::BTreeMap;

use serde_json::Value;

/// What a post must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Words {
    /// This, blanks at the end aside.
    Exactly(String),
    /// This somewhere in what people read of it.
    Holding(String),
    Anything,
}

impl Words {
    pub(crate) fn exactly(text: impl Into<String>) -> Self {
        Self::Exactly(text.into())
    }

    pub(crate) fn holding(text: impl Into<String>) -> Self {
        Self::Holding(text.into())
    }
}

/// Where an event's posts stand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// Under the card of this conversation.
    Thread(String),
    /// On their own in a channel, by its name.
    Alone(String),
    /// Nowhere, ever.
    Nowhere,
}

/// How an event ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Delivered,
    Parked,
    Dropped,
    /// Answered, but not stored: `GET /v1/events/{id}` knows nothing.
    Unknown,
}

impl End {
    /// As the sidecar says it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Parked => "parked",
            Self::Dropped => "dropped",
            Self::Unknown => "unknown",
        }
    }
}

/// One event that was answered 2xx.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) place: Place,
    pub(crate) end: End,
    /// In order, one for each post.
    pub(crate) leaves: Vec<Words>,
    /// What stood for it went with a deleted card.
    pub(crate) is_gone: bool,
    message_id: Option<String>,
    /// `**Anna:** `, where it is foretold.
    head: String,
    has_files: bool,
    opens: bool,
}

impl Entry {
    /// Whether it opens a thread where there is none.
    pub(crate) const fn opens(&self) -> bool {
        self.opens
    }

    pub(crate) const fn is_alone(&self) -> bool {
        matches!(self.place, Place::Alone(_))
    }

    /// Whether something must stand for it.
    pub(crate) const fn stands(&self) -> bool {
        !self.leaves.is_empty()
    }
}

/// All of them, in order of their answers.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) entries: Vec<Entry>,
    /// Cards that replace a lost or full one, by conversation.
    pub(crate) further_cards: BTreeMap<String, u32>,
    /// Generations whose cards were deleted, by conversation.
    pub(crate) lost_cards: BTreeMap<String, Vec<u64>>,
    /// Events that were never answered, or with 503: they may stand, once.
    pub(crate) unsure: Vec<String>,
    /// Channels by notification type; `*` is all others.
    pub(crate) channels: BTreeMap<String, String>,
}

impl Ledger {
    /// Notes an event that was promised. The second time changes nothing.
    pub(crate) fn note(&mut self, event: &Value) {
        let id = text(&event["id"]);
        if self.entries.iter().any(|entry| entry.id == id) {
            return;
        }
        self.unsure.retain(|unsure| *unsure != id);
        let entry = self.foretold(id, event);
        self.entries.push(entry);
    }

    /// Notes an event of which nobody knows whether it was taken.
    pub(crate) fn note_unsure(&mut self, event: &Value) {
        let id = text(&event["id"]);
        if !self.entries.iter().any(|entry| entry.id == id) {
            self.unsure.push(id);
        }
    }

    /// The test knows better what an event leaves.
    pub(crate) fn leaves(&mut self, id: &str, leaves: Vec<Words>) {
        self.entry(id).leaves = leaves;
    }

    /// The event ends like this; in place of a parked one stands a line that says so.
    pub(crate) fn ends(&mut self, id: &str, end: End) {
        let entry = self.entry(id);
        entry.end = end;
        if end == End::Parked && entry.message_id.is_some() {
            entry.leaves = vec![Words::holding("can't be shown here")];
        }
    }

    /// A card was deleted with what stood under it, and the next event gets a new one.
    pub(crate) fn lost_a_card(&mut self, conversation: &str, generation: u64, under_it: &[&str]) {
        self.goes_on_elsewhere(conversation);
        let lost = self.lost_cards.entry(conversation.to_owned()).or_default();
        lost.push(generation);
        for entry in &mut self.entries {
            entry.is_gone |= under_it.contains(&&*entry.id);
        }
    }

    /// The conversation gets one more card.
    pub(crate) fn goes_on_elsewhere(&mut self, conversation: &str) {
        *self
            .further_cards
            .entry(conversation.to_owned())
            .or_default() += 1;
    }

    fn entry(&mut self, id: &str) -> &mut Entry {
        let found = self.entries.iter_mut().find(|entry| entry.id == id);
        found.unwrap_or_else(|| panic!("event {id} was never promised"))
    }

    fn foretold(&mut self, id: String, event: &Value) -> Entry {
        let data = &event["data"];
        let conversation = data["conversation_id"].as_str().unwrap_or_default();
        let mut entry = Entry {
            id,
            place: Place::Thread(conversation.to_owned()),
            end: End::Delivered,
            leaves: Vec::new(),
            is_gone: false,
            message_id: None,
            head: String::new(),
            has_files: false,
            opens: false,
        };
        match event["type"].as_str().unwrap_or_default() {
            "conversation.started" => entry.opens = true,
            "message.created" if data["origin"]["system"] == "mattermost" => {}
            "message.created" => {
                entry.opens = true;
                entry.message_id = data["message_id"].as_str().map(str::to_owned);
                entry.has_files = data["attachments"]
                    .as_array()
                    .is_some_and(|all| !all.is_empty());
                entry.head = head(&data["sender"]);
                entry.leaves = vec![said(&entry.head, &data["text"])];
            }
            "message.updated" => self.edited(&entry.place, data),
            "message.deleted" => entry.leaves = self.taken_back(&entry.place, data),
            "conversation.closed" => self.line(&mut entry, "resolved this conversation"),
            "conversation.reopened" => self.line(&mut entry, "reopened this conversation"),
            "conversation.assigned" => self.line(&mut entry, "this conversation"),
            "conversation.updated" => {}
            "notification" => {
                let kind = text(&data["notification_type"]);
                let channel = self.channels.get(&kind).or_else(|| self.channels.get("*"));
                entry.place = Place::Alone(channel.cloned().unwrap_or_default());
                entry.leaves = vec![Words::holding(text(&data["title"]))];
            }
            _ => {
                entry.place = Place::Nowhere;
                entry.end = End::Unknown;
            }
        }
        entry
    }

    /// What happens to a conversation without a thread is told to nobody.
    fn line(&self, entry: &mut Entry, words: &str) {
        let has_thread = self
            .entries
            .iter()
            .any(|known| known.place == entry.place && known.opens);
        if has_thread {
            entry.leaves = vec![Words::holding(words)];
        }
    }

    fn target<'a>(entries: &'a mut [Entry], place: &Place, data: &Value) -> Option<&'a mut Entry> {
        let id = data["message_id"].as_str()?;
        entries.iter_mut().find(|entry| {
            entry.place == *place && entry.message_id.as_deref() == Some(id) && !entry.is_gone
        })
    }

    fn edited(&mut self, place: &Place, data: &Value) {
        if let Some(target) = Self::target(&mut self.entries, place, data) {
            target.leaves = vec![said(&target.head, &data["text"])];
        }
    }

    fn taken_back(&mut self, place: &Place, data: &Value) -> Vec<Words> {
        let line = Words::holding("withdrew this message");
        match Self::target(&mut self.entries, place, data) {
            Some(target) if target.has_files => {
                target.leaves.clear();
                vec![line]
            }
            Some(target) => {
                target.leaves.fill(line);
                Vec::new()
            }
            None => Vec::new(),
        }
    }
}

fn head(sender: &Value) -> String {
    let name = sender["name"].as_str().unwrap_or_default();
    match sender["type"].as_str() {
        Some("agent") => format!("**{name} (i-Reserve):** "),
        _ => format!("**{name}:** "),
    }
}

fn said(head: &str, words: &Value) -> Words {
    let words = words.as_str().unwrap_or_default();
    // Anything else is somebody's markup, and a test of its own.
    let is_plain = words
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, ' ' | ',' | '?' | '!'));
    if is_plain {
        Words::Exactly(format!("{head}{words}"))
    } else {
        Words::Anything
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
