//! Reasons: why something could not be shown or delivered, as the end of a sentence.

use std::fmt;

use super::{
    Voice,
    catalogue::{Key, Value},
};

/// Why not. As text a word, with its value behind a colon (`answered:422`): so it is kept with what stands for a parked event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The conversation no longer exists in i-Reserve.
    Gone,
    /// The conversation is closed in i-Reserve.
    Closed,
    /// The visitor is blocked.
    Blocked,
    /// More code points than this.
    TooLong(u64),
    /// More bytes than this.
    FileTooBig(u64),
    /// i-Reserve answered this status.
    Answered(u16),
    /// i-Reserve could not be reached for as long as we try.
    Unreachable,
    /// Mattermost does not accept it.
    Refused,
    /// It waited for as long as we keep trying.
    TooOld,
    /// It changes something that is parked.
    Behind,
    /// What was kept cannot be read.
    Unreadable,
    FileUnreachable,
    /// The file's server answered this status.
    FileAnswered(u16),
    /// The file's address is none that may be fetched.
    FileForbidden,
    /// Size or digest differ from what was announced.
    FileChanged,
    /// Files are not copied here, by choice.
    FileOff,
    Other,
}

impl Reason {
    /// What `to_string` wrote; anything else is [`Reason::Other`], for a later build may know more.
    #[must_use]
    pub fn from_key(text: &str) -> Self {
        let (word, value) = text.split_once(':').unwrap_or((text, ""));
        let status = value.parse::<u16>().unwrap_or_default();
        let number = value.parse::<u64>().unwrap_or_default();
        match word {
            "gone" => Self::Gone,
            "closed" => Self::Closed,
            "blocked" => Self::Blocked,
            "too-long" => Self::TooLong(number),
            "file-too-big" => Self::FileTooBig(number),
            "answered" => Self::Answered(status),
            "unreachable" => Self::Unreachable,
            "refused" => Self::Refused,
            "too-old" => Self::TooOld,
            "behind" => Self::Behind,
            "unreadable" => Self::Unreadable,
            "file-unreachable" => Self::FileUnreachable,
            "file-answered" => Self::FileAnswered(status),
            "file-forbidden" => Self::FileForbidden,
            "file-changed" => Self::FileChanged,
            "file-off" => Self::FileOff,
            _ => Self::Other,
        }
    }

    /// The end of a sentence in this language.
    #[must_use]
    pub fn words(self, voice: &Voice) -> String {
        let with = |key, name, value: String| voice.say(key, &[(name, Value::Ours(&value))]);
        let plain = |key| voice.say(key, &[]);
        match self {
            Self::Gone => plain(Key::ReasonGone),
            Self::Closed => plain(Key::ReasonClosed),
            Self::Blocked => plain(Key::ReasonBlocked),
            Self::TooLong(limit) => with(Key::ReasonTooLong, "limit", grouped(limit, voice)),
            Self::FileTooBig(bytes) => with(Key::ReasonFileTooBig, "size", size(bytes, voice)),
            Self::Answered(status) => with(Key::ReasonAnswered, "status", status.to_string()),
            Self::Unreachable => plain(Key::ReasonUnreachable),
            Self::Refused => plain(Key::ReasonRefused),
            Self::TooOld => plain(Key::ReasonTooOld),
            Self::Behind => plain(Key::ReasonBehind),
            Self::Unreadable => plain(Key::ReasonUnreadable),
            Self::FileUnreachable => plain(Key::ReasonFileUnreachable),
            Self::FileAnswered(status) => {
                with(Key::ReasonFileAnswered, "status", status.to_string())
            }
            Self::FileForbidden => plain(Key::ReasonFileForbidden),
            Self::FileChanged => plain(Key::ReasonFileChanged),
            Self::FileOff => plain(Key::ReasonFileOff),
            Self::Other => plain(Key::ReasonOther),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(limit) => write!(f, "too-long:{limit}"),
            Self::FileTooBig(bytes) => write!(f, "file-too-big:{bytes}"),
            Self::Answered(status) => write!(f, "answered:{status}"),
            Self::FileAnswered(status) => write!(f, "file-answered:{status}"),
            Self::Gone => f.write_str("gone"),
            Self::Closed => f.write_str("closed"),
            Self::Blocked => f.write_str("blocked"),
            Self::Unreachable => f.write_str("unreachable"),
            Self::Refused => f.write_str("refused"),
            Self::TooOld => f.write_str("too-old"),
            Self::Behind => f.write_str("behind"),
            Self::Unreadable => f.write_str("unreadable"),
            Self::FileUnreachable => f.write_str("file-unreachable"),
            Self::FileForbidden => f.write_str("file-forbidden"),
            Self::FileChanged => f.write_str("file-changed"),
            Self::FileOff => f.write_str("file-off"),
            Self::Other => f.write_str("other"),
        }
    }
}

/// `16,000` / `16.000`.
fn grouped(number: u64, voice: &Voice) -> String {
    let separator = match voice.language {
        shared::Language::En => ',',
        shared::Language::Nl => '.',
    };
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

/// In the unit people know; a limit is a round number there.
fn size(bytes: u64, voice: &Voice) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", grouped(bytes / 1_000, voice)),
        1_000_000..10_000_000_000 => format!("{} MB", grouped(bytes / 1_000_000, voice)),
        _ => format!("{} GB", grouped(bytes / 1_000_000_000, voice)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::tests::{dutch, english};

    #[test]
    fn a_reason_reads_back_as_it_was_kept_and_an_unknown_one_is_something() {
        for reason in [
            Reason::Gone,
            Reason::Closed,
            Reason::Blocked,
            Reason::TooLong(16_383),
            Reason::FileTooBig(100_000_000),
            Reason::Answered(422),
            Reason::Unreachable,
            Reason::Refused,
            Reason::TooOld,
            Reason::Behind,
            Reason::Unreadable,
            Reason::FileUnreachable,
            Reason::FileAnswered(404),
            Reason::FileForbidden,
            Reason::FileChanged,
            Reason::FileOff,
            Reason::Other,
        ] {
            assert_eq!(Reason::from_key(&reason.to_string()), reason);
            assert!(!reason.words(&english()).is_empty());
        }
        assert_eq!(Reason::from_key("of-a-later-build"), Reason::Other);
    }

    #[test]
    fn numbers_look_as_people_write_them() {
        assert_eq!(
            Reason::TooLong(16_383).words(&english()),
            "the text is too long (limit 16,383)"
        );
        assert_eq!(
            Reason::TooLong(16_383).words(&dutch()),
            "de tekst is te lang (maximaal 16.383)"
        );
        assert_eq!(
            Reason::FileTooBig(100_000_000).words(&english()),
            "the file is too big (limit 100 MB)"
        );
    }
}
