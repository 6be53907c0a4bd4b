//! Lines of our own in a thread: what happened to a message, a file, the conversation or a reply.
//!
//! Names come in as [`Neutral`] where they are read back from a post, as plain text where an event names them.

use shared::{LicenceId, Timestamp};

use super::{
    Neutral, Reason, Voice, card,
    catalogue::{Key, Value},
};

/// Somebody in a line: mentioned, so that he follows the thread from then on, or only named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who<'a> {
    /// A user name of Mattermost, without `@`.
    Mention(&'a str),
    Name(&'a str),
}

/// A plain notice to a member of the team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice<'a> {
    VisitorOffline {
        visitor: &'a Neutral,
    },
    VisitorClosed {
        visitor: &'a Neutral,
    },
    /// `author` is the user name of whoever wrote the reply.
    Undelivered {
        author: &'a str,
        visitor: &'a Neutral,
        reason: Reason,
    },
    FirstNote {
        prefix: &'a str,
    },
    FirstMention,
    FirstSent {
        visitor: &'a Neutral,
    },
    FirstInside,
    /// `who` are the user names of those who may.
    NotAllowed {
        who: &'a [&'a str],
    },
    LinkRemoved,
}

/// What stands for a message that was taken back.
#[must_use]
pub fn withdrawn(sender: &Neutral, at: Timestamp, voice: &Voice) -> String {
    let time = at.clock(&voice.zone);
    voice.say(
        Key::Withdrawn,
        &[
            ("visitor", Value::Neutral(sender)),
            ("time", Value::Ours(&time)),
        ],
    )
}

/// What stands for a file that could not be had. `url` is the conversation in i-Reserve.
#[must_use]
pub fn file_failed(name: &str, reason: Reason, url: Option<&str>, voice: &Voice) -> String {
    let file = Neutral::line(name);
    let reason = reason.words(voice);
    let line = voice.say(
        Key::FileFailed,
        &[
            ("file", Value::Neutral(&file)),
            ("reason", Value::Ours(&reason)),
        ],
    );
    match card::open(url, voice) {
        Some(open) => format!("{line} {open}"),
        None => line,
    }
}

/// A file that is shown as its address instead of being copied.
#[must_use]
pub fn file_link(name: &str, address: &str) -> String {
    let name = Neutral::line(name);
    match Neutral::address(address) {
        Some(address) => format!("📎 {name} {address}"),
        None => format!("📎 {name}"),
    }
}

/// What stands in the place of an event that was parked. `visitor` wrote it, or nobody did; `reason` is a [`Reason`] as text.
#[must_use]
pub fn parked(visitor: &str, at: Timestamp, reason: &str, voice: &Voice) -> String {
    let visitor = Neutral::line(visitor);
    let time = at.date(&voice.zone, voice.language);
    let reason = Reason::from_key(reason).words(voice);
    let values = [
        ("time", Value::Ours(time.as_str())),
        ("reason", Value::Ours(reason.as_str())),
        ("visitor", Value::Neutral(&visitor)),
    ];
    if visitor.is_empty() {
        voice.say(Key::ParkedNobody, &values[..2])
    } else {
        voice.say(Key::Parked, &values)
    }
}

/// `by` is the name of whoever decided it; i-Reserve itself when nobody is named.
#[must_use]
pub fn line_assigned(user: Who<'_>, by: Option<&str>, voice: &Voice) -> String {
    let user = user.neutral();
    let by = author(by);
    voice.say(
        Key::LineAssigned,
        &[("user", Value::Ours(&user)), ("by", Value::Neutral(&by))],
    )
}

#[must_use]
pub fn line_unassigned(voice: &Voice) -> String {
    voice.say(Key::LineUnassigned, &[])
}

#[must_use]
pub fn line_closed(by: Option<&str>, voice: &Voice) -> String {
    voice.say(Key::LineClosed, &[("by", Value::Neutral(&author(by)))])
}

#[must_use]
pub fn line_reopened(by: Option<&str>, voice: &Voice) -> String {
    voice.say(Key::LineReopened, &[("by", Value::Neutral(&author(by)))])
}

/// For whoever administers the server.
#[must_use]
pub fn key_refused(
    licence: &LicenceId,
    since: Timestamp,
    has_plugin: bool,
    voice: &Voice,
) -> String {
    let key = if has_plugin {
        Key::Refused
    } else {
        Key::RefusedAlone
    };
    let time = since.clock(&voice.zone);
    let values = [
        ("licence", Value::Ours(licence.as_str())),
        ("time", Value::Ours(&time)),
    ];
    voice.say(key, &values)
}

#[must_use]
pub fn notice(notice: Notice<'_>, voice: &Voice) -> String {
    let about = |key, visitor| voice.say(key, &[("visitor", Value::Neutral(visitor))]);
    match notice {
        Notice::VisitorOffline { visitor } => about(Key::VisitorOffline, visitor),
        Notice::VisitorClosed { visitor } => about(Key::VisitorClosed, visitor),
        Notice::FirstSent { visitor } => about(Key::FirstSent, visitor),
        Notice::Undelivered {
            author,
            visitor,
            reason,
        } => {
            let user = user_name(author);
            let reason = reason.words(voice);
            let values = [
                ("user", Value::Ours(user.as_str())),
                ("visitor", Value::Neutral(visitor)),
                ("reason", Value::Ours(reason.as_str())),
            ];
            voice.say(Key::Undelivered, &values)
        }
        Notice::FirstNote { prefix } => {
            // It stands between backticks, which it must not end.
            let prefix = Neutral::bare(&prefix.replace('`', ""));
            voice.say(Key::FirstNote, &[("prefix", Value::Neutral(&prefix))])
        }
        Notice::FirstMention => voice.say(Key::FirstMention, &[]),
        Notice::FirstInside => voice.say(Key::FirstInside, &[]),
        Notice::NotAllowed { who } => {
            let names: Vec<String> = who
                .iter()
                .map(|name| format!("@{}", user_name(name)))
                .collect();
            voice.say(Key::NotAllowed, &[("who", Value::Ours(&names.join(", ")))])
        }
        Notice::LinkRemoved => voice.say(Key::LinkRemoved, &[]),
    }
}

impl Who<'_> {
    fn neutral(self) -> String {
        match self {
            Self::Mention(name) => format!("@{}", user_name(name)),
            Self::Name(name) => author(Some(name)).to_string(),
        }
    }
}

fn author(name: Option<&str>) -> Neutral {
    let name = Neutral::line(name.unwrap_or_default());
    if name.is_empty() {
        Neutral::line("i-Reserve")
    } else {
        name
    }
}

/// A user name as Mattermost allows it, which needs no escape; nothing else can become a mention.
fn user_name(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::tests::{dutch, english};

    #[test]
    fn lines_say_in_both_languages_what_happened() {
        let sanne = Neutral::line("Sanne");
        let at: Timestamp = "2026-12-12T18:00:00Z".parse().unwrap();
        let (en, nl) = (english(), dutch());
        for (said, wanted) in [
            (
                withdrawn(&sanne, at, &en),
                "*Sanne withdrew this message (18:00).*",
            ),
            (
                withdrawn(&sanne, at, &nl),
                "*Sanne heeft dit bericht ingetrokken (19:00).*",
            ),
            (
                file_failed(
                    "a_b.png",
                    Reason::FileAnswered(404),
                    Some("https://i.nl/c/1"),
                    &en,
                ),
                "📎 a\\_b.png could not be copied: its server answered 404. [Open in i-Reserve](https://i.nl/c/1)",
            ),
            (
                file_failed("a.png", Reason::FileTooBig(100_000_000), None, &nl),
                "📎 a.png kon niet worden gekopieerd: het bestand is te groot (maximaal 100 MB).",
            ),
            (
                file_link("@all.png", "https://i.nl/a.png"),
                "📎 @\u{2060}all.png [https://i.nl/a.png](https://i.nl/a.png)",
            ),
            (
                parked("Sanne", at, "refused", &nl),
                "⚠️ Een bericht van Sanne (za 12 dec 19:00) kan hier niet worden getoond: Mattermost neemt het niet aan.",
            ),
            (
                parked("", at, "of-a-later-build", &en),
                "⚠️ Something that happened at Sat 12 Dec 18:00 can't be shown here: something went wrong.",
            ),
            (
                line_assigned(Who::Mention("anna.b"), Some("Piet @all"), &en),
                "@anna.b got this conversation from Piet @\u{2060}all.",
            ),
            (
                line_assigned(Who::Name("@anna"), None, &nl),
                "@\u{2060}anna heeft dit gesprek gekregen van i-Reserve.",
            ),
            (line_unassigned(&nl), "Niemand heeft dit gesprek nu."),
            (
                line_closed(Some(""), &en),
                "i-Reserve resolved this conversation.",
            ),
            (
                line_reopened(Some("Anna"), &nl),
                "Anna heeft dit gesprek heropend.",
            ),
        ] {
            assert_eq!(said, wanted);
        }
    }

    #[test]
    fn notices_are_plain_and_mention_only_whom_they_must() {
        let sanne = Neutral::line("Sanne");
        let undelivered = Notice::Undelivered {
            author: "anna",
            visitor: &sanne,
            reason: Reason::Gone,
        };
        for (given, wanted) in [
            (
                undelivered,
                "⚠️ @anna, your reply was not delivered to Sanne: the conversation no longer exists in i-Reserve. Your text is kept.",
            ),
            (
                Notice::VisitorOffline { visitor: &sanne },
                "Sanne is not on the page right now and sees your reply later.",
            ),
            (
                Notice::VisitorClosed { visitor: &sanne },
                "Sanne closed the chat. Your reply is in the conversation.",
            ),
            (
                Notice::FirstNote { prefix: "n`ote:" },
                "🔒 This stays inside the team because it starts with `note:`.",
            ),
            (
                Notice::FirstMention,
                "🔒 This stays inside the team because it starts with an @\u{2060}mention.",
            ),
            (
                Notice::NotAllowed {
                    who: &["anna", "piet all"],
                },
                "Your reply was not sent: only @anna, @pietall can answer visitors here.",
            ),
            (
                Notice::LinkRemoved,
                "I left out a link that only your team can open.",
            ),
        ] {
            assert_eq!(notice(given, &english()), wanted);
        }
        assert!(
            notice(Notice::FirstSent { visitor: &sanne }, &dutch())
                .starts_with("✅ Verzonden naar Sanne.")
        );
        assert!(notice(Notice::FirstInside, &dutch()).contains("`/ireserve reply`"));
    }
}
