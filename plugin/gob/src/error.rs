//! What can go wrong, one variant for each thing a caller may do about it.
//!
//! No error carries a value from the stream, only kinds, names of types and fields, and places: values are what people wrote.

use std::fmt;

/// Why a value could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The bytes end inside a value. Nothing is lost: feed at least `needed` more and ask again.
    Incomplete {
        /// The least number of bytes that can make a difference.
        needed: usize,
    },
    /// A whole value, but not one of the type asked for. It is consumed; the next value can be read.
    Mismatch(Mismatch),
    /// The peer sent more than [`Limits`](crate::Limits) allow. The stream cannot be read on: close it.
    Limit {
        /// Bytes from the beginning of the stream.
        offset: u64,
        /// The name of the limit, as the field of [`Limits`](crate::Limits).
        limit: &'static str,
        /// What it allows.
        allowed: usize,
    },
    /// This is not gob. The stream cannot be read on: close it.
    Invalid {
        /// Bytes from the beginning of the stream.
        offset: u64,
        /// What is wrong there.
        reason: &'static str,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete { needed } => write!(
                f,
                "the value is incomplete, bytes missing at least: {needed}"
            ),
            Self::Mismatch(mismatch) => mismatch.fmt(f),
            Self::Limit {
                offset,
                limit,
                allowed,
            } => {
                write!(
                    f,
                    "more than `{limit}` allows at byte {offset}, which is {allowed}"
                )
            }
            Self::Invalid { offset, reason } => write!(f, "no gob at byte {offset}: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

/// How a value differs from the type that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Type and field, as in `Post.Props`; empty when the whole value is meant.
    pub at: String,
    /// What is there and what was wanted.
    pub what: String,
}

impl Mismatch {
    /// The sender declared `found` where `wanted` was expected.
    pub(crate) fn kind(found: &'static str, wanted: &'static str) -> Error {
        Error::mismatch(format!("wrong type `{found}`, wanted `{wanted}`"))
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at.as_str() {
            "" => f.write_str(&self.what),
            at => write!(f, "field `{at}`: {}", self.what),
        }
    }
}

impl Error {
    /// A mismatch, for implementations of [`Gob`](crate::Gob). `what` must not contain what people wrote.
    #[must_use]
    pub fn mismatch(what: impl Into<String>) -> Self {
        Self::Mismatch(Mismatch {
            at: String::new(),
            what: what.into(),
        })
    }

    /// Names the field in which a mismatch was found. The innermost name stays.
    #[must_use]
    pub fn in_field(mut self, record: &str, field: &str) -> Self {
        if let Self::Mismatch(mismatch) = &mut self
            && mismatch.at.is_empty()
        {
            mismatch.at = format!("{record}.{field}");
        }
        self
    }
}

/// Why a value could not be written. Neither the buffer nor the encoder has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EncodeError {
    /// Nil where gob has no word for it: in a list, as a map's value, or as the whole value. Leave the element out.
    Nil,
    /// A [`Value`](crate::Value) under a name whose Go type is not known here. Describe it with `record!` and `interface!`.
    Undescribed {
        /// The registered name, or the kind of the value when it has none.
        name: String,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil cannot be written outside a field or an interface"),
            Self::Undescribed { name } => write!(
                f,
                "no type is described for the value under the name `{name}`"
            ),
        }
    }
}

impl std::error::Error for EncodeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_names_the_innermost_field_and_both_kinds() {
        let error = Mismatch::kind("string", "int")
            .in_field("Post", "CreateAt")
            .in_field("Args", "B");
        assert_eq!(
            error.to_string(),
            "field `Post.CreateAt`: wrong type `string`, wanted `int`"
        );
    }

    #[test]
    fn every_text_is_one_lower_case_fact_with_its_place() {
        let table = [
            (
                Error::Incomplete { needed: 7 },
                "the value is incomplete, bytes missing at least: 7",
            ),
            (
                Error::Limit {
                    offset: 9,
                    limit: "depth",
                    allowed: 3,
                },
                "more than `depth` allows at byte 9, which is 3",
            ),
            (
                Error::Invalid {
                    offset: 9,
                    reason: "type ids start at 1",
                },
                "no gob at byte 9: type ids start at 1",
            ),
        ];
        for (error, text) in table {
            assert_eq!(error.to_string(), text);
        }
    }
}
