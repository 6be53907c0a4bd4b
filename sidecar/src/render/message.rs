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

#[cfg(test)]
mod tests {
    use shared::MessageId;

    use super::*;
    use crate::render::{
        PART,
        tests::{dutch, english},
    };

    fn conversation() -> ConversationId {
        ConversationId::new("conv_93").unwrap()
    }

    fn said(kind: SenderType, name: &str, text: &str) -> Message {
        Message {
            message_id: MessageId::new("m1").unwrap(),
            sender: Sender {
                kind,
                name: name.into(),
                email: None,
            },
            text: text.into(),
            format: Format::Plain,
            attachments: Vec::new(),
            created_at: None,
        }
    }

    fn posts(message: &Message) -> Vec<String> {
        super::message(&conversation(), message, &dutch(), PART)
    }

    #[test]
    fn every_sender_is_told_apart_at_the_start_of_the_post() {
        for (kind, name, wanted) in [
            (SenderType::Visitor, "Sanne", "**Sanne:** Hoi"),
            (SenderType::Agent, "Anna", "**Anna (i-Reserve):** Hoi"),
            (SenderType::Agent, "", "**i-Reserve:** Hoi"),
            (SenderType::Bot, "Botje", "**Botje:** Hoi"),
            (SenderType::Bot, " ", "**🤖 Assistent:** Hoi"),
            (SenderType::System, "", "**Systeem:** Hoi"),
            (
                SenderType::Visitor,
                "@all *x*",
                "**@\u{2060}all \\*x\\*:** Hoi",
            ),
            (SenderType::Visitor, "Anna (i-Reserve)", "**Anna:** Hoi"),
            (SenderType::Visitor, "🤖 Assistent", "**Assistent:** Hoi"),
            (
                SenderType::Visitor,
                "x\n**Anna:** y",
                "**x \\*\\*Anna:\\*\\* y:** Hoi",
            ),
        ] {
            assert_eq!(
                posts(&said(kind, name, "Hoi")),
                [wanted],
                "{kind:?} {name:?}"
            );
        }
    }

    #[test]
    fn a_visitor_without_a_name_has_the_same_code_in_the_whole_conversation() {
        let nameless = posts(&said(SenderType::Visitor, "\u{202e}", "Hoi"));
        assert_eq!(nameless, posts(&said(SenderType::Visitor, "", "Hoi")));
        let name = sender_name_of(&nameless[0]).unwrap();
        let code = name.as_str().strip_prefix("Bezoeker ").unwrap();
        assert!(
            code.len() == 4 && code.bytes().all(|b| b.is_ascii_hexdigit()),
            "{code}"
        );
        let hidden = visitor_name(&conversation(), "Sanne", &english().showing(Contact::None));
        assert_eq!(hidden.as_str(), format!("Visitor {code}"));
    }

    #[test]
    fn a_long_text_is_numbered_parts_each_with_its_sender_and_nothing_is_lost() {
        let text = "Een zin die niet op mag houden. ".repeat(1_600);
        let parts = posts(&said(SenderType::Visitor, "Sanne", text.trim_end()));
        assert_eq!(parts.len(), 4);
        let mut joined = String::new();
        for (at, part) in parts.iter().enumerate() {
            assert!(part.chars().count() <= PART);
            joined += part
                .strip_prefix(&format!("**Sanne:** ({}/4) ", at + 1))
                .unwrap();
        }
        assert_eq!(joined, text.trim_end());
    }

    #[test]
    fn files_alone_still_name_their_sender() {
        assert_eq!(
            posts(&said(SenderType::Visitor, "Sanne", " \n")),
            ["**Sanne:** "]
        );
    }

    #[test]
    fn lists_and_code_begin_on_their_own_line() {
        let mut message = said(SenderType::Agent, "Anna", "- a\n- b");
        message.format = Format::Markdown;
        assert_eq!(posts(&message), ["**Anna (i-Reserve):** \n* a\n* b"]);
        message.text = "```\nx\n```".into();
        assert_eq!(posts(&message), ["**Anna (i-Reserve):** \n```\nx\n```"]);
        message.text = "**a**".into();
        assert_eq!(posts(&message), ["**Anna (i-Reserve):** **a**"]);
    }

    #[test]
    fn an_edit_keeps_the_sender_of_the_post_that_stands() {
        for (kind, name) in [
            (SenderType::Visitor, "Sanne"),
            (SenderType::Agent, "Anna"),
            (SenderType::Bot, ""),
            (SenderType::Visitor, "a**b: \\*c"),
            (SenderType::Visitor, ""),
            (SenderType::Visitor, "ends with a colon:"),
        ] {
            let standing = &posts(&said(kind, name, "old **text:** here"))[0];
            let new = edited(standing, "new", Format::Plain, &dutch(), PART);
            assert_eq!(new, posts(&said(kind, name, "new")), "{name:?}");
        }
        let files = &posts(&said(SenderType::Visitor, "Sanne", ""))[0];
        assert_eq!(
            sender_line_of(files.trim_end()),
            Some("Sanne"),
            "servers trim"
        );
        for foreign in ["no sender", "**unfinished", "**bold** only", "**:** x"] {
            assert_eq!(sender_line_of(foreign), None, "{foreign}");
        }
        assert_eq!(
            edited("gone", "new", Format::Plain, &english(), PART),
            ["**Visitor:** new"]
        );
    }
}
