//! Ids: opaque strings, one type for each thing they name.
//!
//! An id is checked where it is made, so that inside nobody has to. What i-Reserve chooses is limited by the contract; what
//! Mattermost chooses is 26 characters of lower-case base32.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a string is not the id it claims to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be {rule}")]
pub struct IdError {
    pub rule: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// What every such id looks like, as an error says it.
            pub const RULE: &'static str = $rule;

            /// # Errors
            /// When the text breaks [`Self::RULE`].
            pub fn new(text: impl Into<Box<str>>) -> Result<Self, IdError> {
                let text = text.into();
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err(IdError { rule: $rule }) }
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }
    };
}

id!(
    /// One customer of i-Reserve: the tenant. First part of every key, index and mark.
    LicenceId,
    "1 to 64 characters of A-Z a-z 0-9 _ -",
    |text| (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
);
id!(
    /// An event's idempotency key, unique in its licence.
    EventId,
    "1 to 128 characters of A-Z a-z 0-9 _ . : -",
    |text| (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-".contains(&b))
);
id!(
    /// A web chat, as i-Reserve names it.
    ConversationId,
    "1 to 200 bytes without control characters",
    foreign
);
id!(
    /// A message of a web chat, as i-Reserve names it.
    MessageId,
    "1 to 200 bytes without control characters",
    foreign
);
id!(
    /// A post of Mattermost.
    PostId,
    "26 characters of a-z 0-9",
    mattermost
);
id!(
    /// A channel of Mattermost.
    ChannelId,
    "26 characters of a-z 0-9",
    mattermost
);
id!(
    /// A person or bot of Mattermost.
    UserId,
    "26 characters of a-z 0-9",
    mattermost
);

/// Whether this may name something of i-Reserve's other than an event.
#[must_use]
pub fn foreign(text: &str) -> bool {
    (1..=200).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Whether this can be an id of Mattermost: 26 characters, lower-case letters and digits.
#[must_use]
pub fn mattermost(text: &str) -> bool {
    text.len() == 26
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_keeps_to_its_alphabet_and_length() {
        assert!(EventId::new("evt_01JD8Q.a:b-c").is_ok());
        for bad in ["", "with space", "slash/", "é", &"x".repeat(129)] {
            assert_eq!(
                EventId::new(bad),
                Err(IdError {
                    rule: EventId::RULE
                }),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn ids_of_i_reserve_are_bytes_without_controls() {
        assert!(ConversationId::new("gesprek ë #7").is_ok());
        assert!(ConversationId::new("a\u{85}b").is_err());
        assert!(ConversationId::new("ë".repeat(101)).is_err(), "202 bytes");
    }

    #[test]
    fn json_cannot_smuggle_a_wrong_id_in() {
        assert!(serde_json::from_str::<PostId>("\"../../etc/passwd\"").is_err());
    }
}
