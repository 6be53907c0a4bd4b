//! What can go wrong in a call to the server, and what a hook may answer when it cannot do its work.

use std::fmt;
use std::time::Duration;

use gob::Value;

gob::record! {
    /// Go's `*model.AppError`: the error that Mattermost shows to people and answers over REST.
    #[derive(Clone, Default, PartialEq)]
    pub struct AppError as "AppError" {
        /// A name for the kind of failure, such as `app.user.get.app_error`.
        pub id: String as "Id",
        /// What a person reads.
        pub message: String as "Message",
        /// For the log of the server.
        pub detailed_error: String as "DetailedError",
        /// The HTTP status. Outside of 100..=999 the server makes a 500 of it.
        pub status: i64 as "StatusCode",
        /// The function that failed.
        pub place: String as "Where",
    }
}

impl AppError {
    /// An error that a person will read, with the HTTP status of its answer.
    #[must_use]
    pub fn new(id: impl Into<String>, message: impl Into<String>, status: u16) -> Self {
        Self {
            id: id.into(),
            message: message.into(),
            status: status.into(),
            ..Self::default()
        }
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` with status {}", self.id, self.status)
    }
}

/// Without the texts: they may repeat what a person wrote.
impl fmt::Debug for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppError")
            .field("id", &self.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for AppError {}

gob::record! {
    /// Go's `*plugin.ErrorString`: any error that is no [`AppError`].
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct ErrorString as "ErrorString" {
        /// 0, or the number of an error that Go programs compare with, such as 1 for `io.EOF`. Mattermost 11 and newer.
        pub code: i64 as "Code",
        /// The text.
        pub text: String as "Err",
    }
}

gob::interface! {
    /// What Go calls `error`, in either direction.
    #[derive(Debug, Clone, PartialEq)]
    pub enum Failure {
        /// A text.
        Plain(ErrorString) as "*plugin.ErrorString",
        /// An error with an id and a status.
        App(AppError) as "*model.AppError",
        ..Other
    }
}

impl Failure {
    /// A failure with this text. An administrator reads it when an activation fails.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self::Plain(ErrorString {
            code: 0,
            text: text.into(),
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(error) => f.write_str(&error.text),
            Self::App(error) => error.fmt(f),
            Self::Other(value) => write!(
                f,
                "an error of type `{}`",
                Value::name(value).unwrap_or("unknown")
            ),
        }
    }
}

impl std::error::Error for Failure {}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        Self::App(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::App(error) => Self::App(error),
            Error::Failed(failure) => failure,
            other => Self::new(other.to_string()),
        }
    }
}

/// Why a call to the server has no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused, with an id and a status. What to do depends on those.
    #[error("the server refused: {0}")]
    App(AppError),
    /// The server failed, with a text.
    #[error("the server failed: {0}")]
    Failed(Failure),
    /// This server has no such method. It is too old, or too new.
    #[error("the server has no method `{0}`")]
    NoSuchMethod(String),
    /// The call itself was refused, for instance because an argument has the wrong type.
    #[error("the server refused the call of `{method}`: {reason}")]
    Refused { method: String, reason: String },
    /// The server answered neither a result nor an error.
    #[error("the answer to `{0}` is empty")]
    Empty(String),
    /// The answer or the call is not what its type says. The connection goes on.
    #[error("a value is not what was expected")]
    Unexpected(#[source] gob::Error),
    /// An argument cannot be written as gob.
    #[error("an argument cannot be sent")]
    Argument(#[source] gob::EncodeError),
    /// The server did not answer in time. Whether it did what was asked is not known.
    #[error("no answer to `{what}` within {} s", waited.as_secs())]
    Silent { what: String, waited: Duration },
    /// The connection to the server is over; the process is about to end.
    #[error("the connection to the server is over")]
    Gone(#[source] Option<std::io::Error>),
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Gone(Some(error))
    }
}

impl From<yamux::OpenError> for Error {
    fn from(error: yamux::OpenError) -> Self {
        Self::Gone(Some(std::io::Error::other(error)))
    }
}

impl Error {
    /// What the text of an RPC error means. Go's `net/rpc` knows only texts.
    pub(crate) fn refused(method: &str, reason: String) -> Self {
        if reason.starts_with("rpc: can't find") {
            return Self::NoSuchMethod(method.to_owned());
        }
        Self::Refused {
            method: method.to_owned(),
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn every_error_with_a_cause_keeps_it() {
        assert!(
            Error::Gone(Some(std::io::ErrorKind::BrokenPipe.into()))
                .source()
                .is_some()
        );
        assert!(Error::Argument(gob::EncodeError::Nil).source().is_some());
        assert!(
            Error::Unexpected(gob::Error::Incomplete { needed: 1 })
                .source()
                .is_some()
        );
    }

    #[test]
    fn the_texts_of_an_app_error_stay_out_of_what_is_logged() {
        let error = AppError {
            detailed_error: "canary".into(),
            ..AppError::new("app.post.error", "canary", 400)
        };
        let logged = format!(
            "{error} {error:?} {} {:?}",
            Error::App(error.clone()),
            Failure::App(error.clone())
        );
        assert!(!logged.contains("canary"), "{logged}");
        assert!(logged.contains("app.post.error"), "{logged}");
    }

    #[test]
    fn a_missing_method_is_told_apart_from_a_refused_call() {
        let missing = Error::refused("Plugin.New", "rpc: can't find method Plugin.New".into());
        assert!(matches!(missing, Error::NoSuchMethod(_)));
        let refused = Error::refused(
            "Plugin.Old",
            "gob: wrong type (string) for received field A".into(),
        );
        assert!(matches!(refused, Error::Refused { .. }));
    }
}
