//! Reading what Mattermost writes: numbers for moments, empty text for nothing.

use serde::{Deserialize, Deserializer, de::Error as _};
use shared::Timestamp;

/// Milliseconds since 1970.
pub(super) fn millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    i64::deserialize(deserializer).map(Timestamp::from_millis)
}

/// An id, or the empty text where there is none.
pub(super) fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<String>,
    T::Error: std::fmt::Display,
{
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    T::try_from(text).map(Some).map_err(D::Error::custom)
}

/// Go writes an empty list or map as `null`.
pub(super) fn or_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
