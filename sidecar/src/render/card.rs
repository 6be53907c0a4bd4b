//! The card: the root post of a conversation, drawn from what the store knows.
//!
//! ```text
//! 💬 **Sanne de Vries**: "Hoi, kan ik voor zaterdag nog een baan boeken?"  #ireserve-1042     (message)
//! ┃ 🟡 **Wacht sinds 14:01** · niemand                                                        (one attachment)
//! ┃ [Bowling reserveren](https://…) · Receptie · [Openen in i-Reserve](https://…)
//! ┃ conv_93 · begonnen om 14:01 · Websitechat                                                 (its footer)
//! ```
//!
//! The message is what a phone pushes and a search finds; it changes only with the name, or when the quoted text is withdrawn.
//! Its later lines are [`Continued`] and [`continues`], and stay as they stand. Texts are not stored, so the quote is read
//! back from the standing message. Whoever is assigned stands there without `@`: a mention would stay yellow for ever.

use serde_json::{Value as Json, json};
use shared::{ConversationId, Format, Timestamp};

use super::{
    Contact, Draft, Neutral, Voice,
    address::Address,
    catalogue::{Key, Value},
    html,
    ink::unescaped,
    message::visitor_name,
    plain, split,
};
use crate::record::{Card, CardState};

/// What a quote shows, in characters as people count them.
const QUOTE: usize = 120;

/// Whether the conversation had a card before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Continued<'a> {
    #[default]
    None,
    /// The thread is full, or stands in an archived channel.
    From { number: u64, permalink: &'a str },
    /// The former card is gone.
    Deleted,
}

/// The card as it is posted. `quote` is the first message, of which the first line is shown.
#[must_use]
pub fn root(
    card: &Card,
    conversation: &ConversationId,
    quote: Option<(&str, Format)>,
    continued: Continued<'_>,
    voice: &Voice,
) -> Draft {
    let quote = quote
        .map(|(text, format)| quote_of(text, format))
        .filter(|quote| !quote.is_empty() && !card.quote_withdrawn);
    let mut message = first_line(card, conversation, quote.as_ref(), voice);
    if let Some(line) = continued_line(continued, voice) {
        message.push('\n');
        message.push_str(&line);
    }
    Draft {
        message,
        attachments: vec![attachment(card, conversation, voice)],
    }
}

/// The card as it is shown after a change. `standing` is its message as it is now.
#[must_use]
pub fn card_again(
    standing: &str,
    card: &Card,
    conversation: &ConversationId,
    voice: &Voice,
) -> Draft {
    let (first, later) = match standing.split_once('\n') {
        Some((first, later)) => (first, Some(later)),
        None => (standing, None),
    };
    let quote = standing_quote(first, card.number).filter(|_| !card.quote_withdrawn);
    let mut message = first_line(card, conversation, quote.as_ref(), voice);
    if let Some(later) = later {
        message.push('\n');
        message.push_str(later);
    }
    Draft {
        message,
        attachments: vec![attachment(card, conversation, voice)],
    }
}

/// The message of a card whose conversation goes on in a new thread. Adding the line twice changes nothing.
#[must_use]
pub fn continues(standing: &str, permalink: &str, voice: &Voice) -> String {
    let Some(link) = Address::parse(permalink) else {
        return standing.to_owned();
    };
    let line = voice.say(Key::Continues, &[("link", Value::Ours(link.as_str()))]);
    if standing.lines().any(|standing| standing == line) {
        return standing.to_owned();
    }
    format!("{standing}\n{line}")
}

fn first_line(
    card: &Card,
    conversation: &ConversationId,
    quote: Option<&Neutral>,
    voice: &Voice,
) -> String {
    let test = if card.test { "**TEST** " } else { "" };
    let name = named(card, conversation, voice);
    let quote = quote
        .map(|quote| format!(": \"{quote}\""))
        .unwrap_or_default();
    format!("{test}💬 **{name}**{quote}{}", hashtag(card.number))
}

fn named(card: &Card, conversation: &ConversationId, voice: &Voice) -> Neutral {
    let name = card.visitor.as_ref().map_or("", |visitor| &visitor.name);
    visitor_name(conversation, name, voice)
}

/// Searching for it finds the card: words of an attachment are not found.
fn hashtag(number: u64) -> String {
    format!("  #ireserve-{number}")
}

fn quote_of(text: &str, format: Format) -> Neutral {
    let plain = match format {
        Format::Plain => text.to_owned(),
        Format::Markdown => plain::write(&html::from_markdown(text)),
        Format::Html => plain::write(&html::from_html(text)),
    };
    let line = plain
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    Neutral::line(&split::shorten(line.trim(), QUOTE))
}

/// The quote in the first line of a standing card: behind the name, before our hashtag.
fn standing_quote(first: &str, number: u64) -> Option<Neutral> {
    let (_, named) = first.split_once("💬 **")?;
    let after = &named[unescaped(named, "**")? + 2..];
    let quote = after
        .strip_prefix(": \"")?
        .strip_suffix(&hashtag(number))?
        .strip_suffix('"')?;
    Some(Neutral::standing(quote))
}

fn continued_line(continued: Continued<'_>, voice: &Voice) -> Option<String> {
    match continued {
        Continued::None => None,
        Continued::Deleted => Some(voice.say(Key::ContinuedDeleted, &[])),
        Continued::From { number, permalink } => {
            let link = Address::parse(permalink)?;
            let number = number.to_string();
            let values = [
                ("number", Value::Ours(number.as_str())),
                ("link", Value::Ours(link.as_str())),
            ];
            Some(voice.say(Key::Continued, &values))
        }
    }
}

fn attachment(card: &Card, conversation: &ConversationId, voice: &Voice) -> Json {
    let (sign, colour, state) = state(card, voice);
    let nobody = || voice.say(Key::Nobody, &[]);
    let assigned = |name: fn(&str) -> Neutral| {
        card.assigned
            .as_ref()
            .map(|person| name(&person.name))
            .filter(|name| !name.is_empty())
            .map_or_else(nobody, |name| name.to_string())
    };
    let mut lines = vec![format!("{sign} **{state}** · {}", assigned(Neutral::line))];
    let second = [
        page(card),
        department(card),
        open(card.url.as_deref(), voice),
    ];
    let third = contact(card, voice);
    for line in [second.into_iter().flatten().collect(), third] {
        if !line.is_empty() {
            lines.push(line.join(" · "));
        }
    }
    let started = card.started_at.clock(&voice.zone);
    let footer = [
        Neutral::bare(conversation.as_str()).to_string(),
        voice.say(Key::StartedAt, &[("time", Value::Ours(&started))]),
        voice.say(Key::WebsiteChat, &[]),
    ];
    json!({
        "color": colour,
        "fallback": format!("{state} · {}", assigned(Neutral::bare)),
        "text": lines.join("\n"),
        "footer": footer.join(" · "),
    })
}

/// Word, sign and colour: whoever cannot see one has the others.
fn state(card: &Card, voice: &Voice) -> (&'static str, &'static str, String) {
    if card.undelivered {
        return ("⚠️", "#D24B4E", voice.say(Key::StateUndelivered, &[]));
    }
    let (sign, colour, key, since) = match card.state {
        CardState::Waiting(since) => ("🟡", "#F5A623", Key::StateWaiting, since),
        CardState::Answered(since) => ("🟢", "#3DB887", Key::StateAnswered, since),
        CardState::Resolved(since) => ("⚪", "#8E8E93", Key::StateResolved, since),
    };
    let time = time(since, card.started_at, voice);
    (
        sign,
        colour,
        voice.say(key, &[("time", Value::Ours(&time))]),
    )
}

/// A clock says enough on the day the conversation began, which Mattermost shows beside the post.
fn time(moment: Timestamp, started_at: Timestamp, voice: &Voice) -> String {
    if moment.same_day(started_at, &voice.zone) {
        moment.clock(&voice.zone)
    } else {
        moment.date(&voice.zone, voice.language)
    }
}

fn page(card: &Card) -> Option<String> {
    let page = card.page.as_ref()?;
    let title = Neutral::line(page.title.as_deref().unwrap_or_default());
    match Address::parse(&page.url) {
        Some(address) if !title.is_empty() => Some(Neutral::labelled(&title, &address).to_string()),
        Some(_) => Neutral::address(&page.url).map(|address| address.to_string()),
        None => [title, Neutral::line(&page.url)]
            .into_iter()
            .find(|text| !text.is_empty())
            .map(|text| text.to_string()),
    }
}

fn department(card: &Card) -> Option<String> {
    let department = Neutral::line(card.department.as_deref()?);
    (!department.is_empty()).then(|| department.to_string())
}

/// `[Open in i-Reserve](…)`: a label that makes sense when a screen reader says it alone.
pub(super) fn open(url: Option<&str>, voice: &Voice) -> Option<String> {
    let address = Address::parse(url?)?;
    let label = voice.say(Key::OpenInIreserve, &[]);
    Some(format!("[{label}]({})", address.as_str()))
}

fn contact(card: &Card, voice: &Voice) -> Vec<String> {
    let Some(visitor) = card
        .visitor
        .as_ref()
        .filter(|_| voice.contact == Contact::All)
    else {
        return Vec::new();
    };
    [(Key::Email, &visitor.email), (Key::Phone, &visitor.phone)]
        .into_iter()
        .filter_map(|(key, value)| Some((key, Neutral::line(value.as_deref()?))))
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| format!("{}: {value}", voice.say(key, &[])))
        .collect()
}
