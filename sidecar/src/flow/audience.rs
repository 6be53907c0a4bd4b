//! For whom: does this reply go to the visitor, or does it stay in the team? Pure.
//!
//! When in doubt it stays: a note that reaches a visitor cannot be taken back, a reply that stays inside can be sent again. Whose
//! post it is, the user id alone decides; props can be forged.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization as _;

use crate::licence::Mode;

/// Both languages everywhere: a Dutch team member in an English channel writes `notitie:` all the same.
const PREFIXES: [&str; 10] = [
    "note:",
    "notitie:",
    "internal:",
    "intern:",
    "private:",
    "privé:",
    "//",
    ";;",
    "🔒",
    ":lock:",
];
/// Whoever calls the channel talks to colleagues.
const CALLS: [&str; 3] = ["@channel", "@all", "@here"];
/// In ask-first channels this sends, and is not sent itself.
const SENDS: &str = ">>";

/// Where one reply goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// This text leaves.
    Visitor(String),
    /// It stays inside.
    Team(Why),
}

/// Why a reply stays inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// By a bot account, or through a webhook.
    Machine,
    /// This channel only shows conversations.
    ShowOnly,
    /// This channel sends what is marked, and this was not.
    AskFirst,
    /// There is nothing in it.
    Empty,
    /// It begins with a word that says so.
    Prefix,
    /// It begins with the name of a colleague.
    Mention,
    /// It calls the whole channel.
    Call,
    /// It looks like a command.
    Command,
}

/// What has to be known of a reply.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    pub text: &'a str,
    pub has_files: bool,
    /// By the user record, never by props.
    pub by_bot: bool,
    /// Believed although it can be forged: whoever forges it only keeps his own words inside.
    pub from_webhook: bool,
}

/// The user names of [`leading_names`] that exist decide about mentions, so they are looked up before.
#[must_use]
pub fn audience(
    said: Said<'_>,
    mode: Mode,
    extra_prefixes: &[String],
    existing: &HashSet<String>,
) -> Audience {
    if said.by_bot || said.from_webhook {
        return Audience::Team(Why::Machine);
    }
    let text = match mode {
        Mode::Alerts => return Audience::Team(Why::ShowOnly),
        Mode::AskFirst => match said.text.trim_start().strip_prefix(SENDS) {
            Some(text) => text.trim_start(),
            None => return Audience::Team(Why::AskFirst),
        },
        Mode::TwoWay => said.text,
    };
    match note(text, extra_prefixes, existing) {
        Some(why) => Audience::Team(why),
        // A post of blanks alone says nothing to anybody.
        None if text.trim().is_empty() && !said.has_files => Audience::Team(Why::Empty),
        None => Audience::Visitor(text.to_owned()),
    }
}

fn note(text: &str, extra: &[String], existing: &HashSet<String>) -> Option<Why> {
    let plain = plain(text);
    let begins = |prefix: &str| !prefix.is_empty() && plain.starts_with(prefix);
    if PREFIXES.iter().any(|prefix| begins(&folded(prefix)))
        || extra.iter().any(|prefix| begins(&folded(prefix.trim())))
    {
        return Some(Why::Prefix);
    }
    if plain.starts_with('/') {
        return Some(Why::Command);
    }
    if candidates(&plain)
        .iter()
        .any(|name| existing.contains(name))
    {
        return Some(Why::Mention);
    }
    CALLS
        .iter()
        .any(|call| plain.contains(call))
        .then_some(Why::Call)
}

/// The user names that this text may begin with, longest first: they are to be looked up.
#[must_use]
pub fn leading_names(text: &str) -> Vec<String> {
    candidates(&plain(
        text.trim_start().strip_prefix(SENDS).unwrap_or(text),
    ))
}

/// `@lotte.` may be `lotte.` or `lotte`: Mattermost drops trailing marks until a name matches.
fn candidates(plain: &str) -> Vec<String> {
    let Some(rest) = plain.strip_prefix('@') else {
        return Vec::new();
    };
    let name: String = rest
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'))
        // Names have at most 64 characters; a longer one is an attempt to make us ask for thousands.
        .take(64)
        .collect();
    let mut names = vec![name.clone()];
    let mut shorter = name.as_str();
    while let Some(next) = shorter.strip_suffix(['.', '-', '_', ':']) {
        names.push(next.to_owned());
        shorter = next;
    }
    names.retain(|name| !name.is_empty());
    names
}

/// As a reader takes it in: compatibility forms folded, nothing invisible, no emphasis or quote marks in front, lower case.
fn plain(text: &str) -> String {
    let visible: String = text.nfkc().filter(|c| !is_invisible(*c)).collect();
    let trimmed = visible
        .trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_' | '~' | '>'));
    trimmed.to_lowercase()
}

fn folded(prefix: &str) -> String {
    prefix.nfkc().collect::<String>().to_lowercase()
}

const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{fe0e}' | '\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str, mode: Mode) -> Audience {
        let said = Said {
            text,
            has_files: false,
            by_bot: false,
            from_webhook: false,
        };
        audience(
            said,
            mode,
            &["vertrouwelijk".to_owned()],
            &["lotte".to_owned(), "jan.de".to_owned()].into(),
        )
    }

    fn leaves(text: &str) -> bool {
        matches!(judged(text, Mode::TwoWay), Audience::Visitor(sent) if sent == text)
    }

    #[test]
    fn ordinary_replies_leave_as_they_are_written() {
        for text in [
            "Ja, dat kan!",
            "Please note: we close at six",
            "note that this is fine",
            "@nobody-here is not a colleague",
            "mail lotte@example.org",
            "  indented",
            "1/2 is a half",
            "> quoted\n\nanswer",
        ] {
            assert!(leaves(text), "{text:?}");
        }
    }

    #[test]
    fn notes_stay_however_they_are_dressed() {
        for text in [
            "note: he was rude",
            "NOTE: x",
            "Notitie: x",
            "**note:** x",
            "> note: x",
            "_~ intern: x",
            "n\u{200b}ote: x",
            "\u{2060}private: x",
            "ｎｏｔｅ: fullwidth",
            "PRIVÉ: x",
            "prive\u{301}: decomposed",
            "// x",
            ";; x",
            "🔒 x",
            ":lock: x",
            "Vertrouwelijk x",
        ] {
            assert_eq!(
                judged(text, Mode::TwoWay),
                Audience::Team(Why::Prefix),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_colleagues_name_in_front_keeps_it_inside_and_a_strangers_does_not() {
        for text in [
            "@lotte can you help?",
            "@Lotte. hi",
            "**@lotte** hi",
            "@lotte:-_ hi",
            "@jan.de hi",
        ] {
            assert_eq!(
                judged(text, Mode::TwoWay),
                Audience::Team(Why::Mention),
                "{text:?}"
            );
        }
        assert_eq!(leading_names("@Lotte.: hi"), ["lotte.:", "lotte.", "lotte"]);
        assert!(leaves("hello @lotte"), "only in front");
    }

    #[test]
    fn calls_and_commands_stay() {
        assert_eq!(
            judged("look at this @HERE", Mode::TwoWay),
            Audience::Team(Why::Call)
        );
        assert_eq!(
            judged(" /ireserve take", Mode::TwoWay),
            Audience::Team(Why::Command)
        );
    }

    #[test]
    fn ask_first_sends_what_is_marked_without_its_mark_and_never_a_note() {
        assert_eq!(
            judged(">> Ja!", Mode::AskFirst),
            Audience::Visitor("Ja!".into())
        );
        assert_eq!(judged("Ja!", Mode::AskFirst), Audience::Team(Why::AskFirst));
        assert_eq!(
            judged(">> note: x", Mode::AskFirst),
            Audience::Team(Why::Prefix)
        );
        assert_eq!(leading_names(">> @lotte x"), ["lotte"]);
        assert_eq!(
            judged(">> Ja!", Mode::Alerts),
            Audience::Team(Why::ShowOnly)
        );
    }

    #[test]
    fn machines_stay_inside_and_silence_is_not_sent() {
        let said = Said {
            text: "Hi",
            has_files: false,
            by_bot: true,
            from_webhook: false,
        };
        assert_eq!(
            audience(said, Mode::TwoWay, &[], &HashSet::new()),
            Audience::Team(Why::Machine)
        );
        assert!(matches!(judged(" \n ", Mode::TwoWay), Audience::Team(_)));
        let picture = Said {
            text: "",
            has_files: true,
            by_bot: false,
            from_webhook: false,
        };
        assert_eq!(
            audience(picture, Mode::TwoWay, &[], &HashSet::new()),
            Audience::Visitor(String::new())
        );
    }
}
