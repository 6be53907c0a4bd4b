//! Messages: what was said in the chat, as posts under the card.
//!
//! Every part begins with its sender line, so that nobody's text can pass for another's. An edit does not name its sender; the
//! line is read back from the post that stands.

use shared::{ConversationId, Format, Message, Sender, SenderType};

use super::{
    Contact, Neutral, Voice,
    catalogue::{Key, Value},
    split::split,
};
use crate::record::ContentHash;

/// Room for ` (99/99)` and a line break.
const MARK_ROOM: usize = 16;

/// The posts of one message, at least one: files alone still need a post that names their sender.
#[must_use]
pub fn message(
    conversation: &ConversationId,
    message: &Message,
    voice: &Voice,
    limit: usize,
) -> Vec<String> {
    let head = sender_line(conversation, &message.sender, voice);
    parts(&head, &message.text, message.format, limit)
}

/// The same posts for an edited text. `standing` is the message of its first post as it is now.
#[must_use]
pub fn edited(
    standing: &str,
    text: &str,
    format: Format,
    voice: &Voice,
    limit: usize,
) -> Vec<String> {
    let head = sender_line_of(standing)
        .map_or_else(|| line_of(&voice.say(Key::VisitorUnknown, &[])), line_of);
    parts(&head, text, format, limit)
}

/// The sender's name in the post of a message, with what stands around it (`Anna (i-Reserve)`). Nothing when the post does
/// not begin with a sender line.
#[must_use]
pub fn sender_name_of(standing: &str) -> Option<Neutral> {
    sender_line_of(standing).map(Neutral::standing)
}

/// The name between the stars of a sender line. Stars of a name are escaped, so the first bare pair ends it.
#[must_use]
pub fn sender_line_of(standing: &str) -> Option<&str> {
    let named = standing.strip_prefix("**")?;
    let end = super::ink::unescaped(named, "**")?;
    let name = named[..end].strip_suffix(':')?;
    (!name.is_empty() && !name.contains('\n')).then_some(name)
}

/// What a visitor is called: the name, or `Visitor 7f3a`, where the code follows from the conversation.
#[must_use]
pub fn visitor_name(conversation: &ConversationId, name: &str, voice: &Voice) -> Neutral {
    let name = Neutral::line(&unpretending(name));
    if !name.is_empty() && voice.contact != Contact::None {
        return name;
    }
    let ContentHash(hash) = ContentHash::of_bytes(conversation.as_str().as_bytes());
    let code = format!("{:02x}{:02x}", hash[0], hash[1]);
    Neutral::line(&voice.say(Key::VisitorNumbered, &[("code", Value::Ours(&code))]))
}

fn sender_line(conversation: &ConversationId, sender: &Sender, voice: &Voice) -> String {
    let named = |key, sign: &str| {
        let name = Neutral::line(&sender.name);
        if name.is_empty() {
            format!("{sign}{}", voice.say(key, &[]))
        } else {
            name.to_string()
        }
    };
    match sender.kind {
        SenderType::Visitor => line_of(visitor_name(conversation, &sender.name, voice).as_str()),
        SenderType::Agent => {
            let name = Neutral::line(&sender.name);
            if name.is_empty() {
                line_of("i-Reserve")
            } else {
                line_of(&format!("{name} (i-Reserve)"))
            }
        }
        SenderType::Bot => line_of(&named(Key::Assistant, "🤖 ")),
        SenderType::System => line_of(&named(Key::System, "")),
    }
}

fn line_of(name: &str) -> String {
    format!("**{name}:** ")
}

/// A visitor may call himself what he likes, but not the way our own lines mark a colleague or the assistant.
fn unpretending(name: &str) -> String {
    let mut name = name.replace('🤖', "");
    while let Some(at) = name.to_ascii_lowercase().find("(i-reserve)") {
        name.replace_range(at..at + "(i-reserve)".len(), "");
    }
    name
}

fn parts(head: &str, text: &str, format: Format, limit: usize) -> Vec<String> {
    let body = Neutral::text(text, format);
    let room = limit.saturating_sub(head.chars().count() + MARK_ROOM);
    let parts = split(body.trimmed(), room);
    let count = parts.len();
    match count {
        0 => vec![head.to_owned()],
        1 => vec![joined(head, &parts[0])],
        _ => parts
            .iter()
            .enumerate()
            .map(|(at, part)| joined(&format!("{head}({}/{count}) ", at + 1), part))
            .collect(),
    }
}

/// A list or a block of code begins on a line of its own.
pub(super) fn joined(head: &str, part: &str) -> String {
    let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let block = part.starts_with("* ")
        || part.starts_with("```")
        || digits > 0 && part[digits..].starts_with(". ");
    let gap = if block { "\n" } else { "" };
    format!("{head}{gap}{part}")
}
