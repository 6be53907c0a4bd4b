//! Sizes that both sides of a process boundary enforce, each with its reason.

use std::time::Duration;

/// One request of events, JSON alone. More is a way to fill memory before the token is checked.
pub const REQUEST_BYTES: usize = 1024 * 1024;
/// Events in one array: what is judged and answered in one go.
pub const EVENTS_PER_REQUEST: usize = 100;
/// Nesting of JSON: deeper is a way to exhaust the stack of whoever reads it.
pub const JSON_DEPTH: usize = 32;
/// Keys of one event, all levels together: more is a way to burn time in maps.
pub const JSON_KEYS: usize = 1_000;

/// Names, titles and file names, in characters: what a card can show.
pub const NAME_CHARS: usize = 256;
/// Addresses, in characters: what browsers agree on.
pub const ADDRESS_CHARS: usize = 2_048;
/// Fields of a notification, and the characters of each value.
pub const FIELDS: usize = 50;
pub const FIELD_VALUE_CHARS: usize = 2_000;
/// Attachments of one message.
pub const ATTACHMENTS: usize = 50;

/// An ephemeral event (typing, read) older than this is of no use to anybody.
pub const EPHEMERAL_AGE: Duration = Duration::from_secs(10);
