//! Logs: one line for each thing that happened, on standard error.
//!
//! | where it goes | form |
//! |---|---|
//! | a terminal | text |
//! | anything else | one JSON object per line: `timestamp`, `level`, `message`, and the event's dotted fields beside them (`licence.id`) |
//!
//! Fields are ids, counts, times, outcomes and host names. Never a secret and never a text that a person wrote: that is the duty of whoever
//! logs, and a marked secret runs through the tests to see that it is kept.

mod json;

use std::{
    error::Error,
    fmt,
    io::{self, IsTerminal},
    sync::Arc,
};

use shared::Timestamp;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer, Registry, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// The wall clock, for the time of a JSON line.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text on a terminal, else JSON.
    Auto,
    Text,
    Json,
}

/// The process already has a subscriber.
#[derive(Debug, thiserror::Error)]
#[error("logging is already set up")]
pub struct TelemetryError(#[from] tracing_subscriber::util::TryInitError);

/// Sends everything that is logged from here on to standard error.
///
/// # Errors
/// When it was called before.
pub fn init(level: LevelFilter, form: Form, now: Now) -> Result<(), TelemetryError> {
    let json = match form {
        Form::Auto => !io::stderr().is_terminal(),
        Form::Text => false,
        Form::Json => true,
    };
    let layer: Box<dyn Layer<Registry> + Send + Sync> = if json {
        json::Lines::new(io::stderr, now).boxed()
    } else {
        tracing_subscriber::fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal())
            .boxed()
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(filter(level)))
        .try_init()?;
    Ok(())
}

/// Our own lines from this level on. Of the libraries below us only warnings: their detail holds addresses and headers.
fn filter(level: LevelFilter) -> Targets {
    let ours = ["sidecar", "ireserve_sidecar", "simulators"];
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(ours.map(|target| (target, level)))
}

/// An error and what caused it, as one text: `Display` of an error does not repeat its source.
///
/// `tracing::warn!(error = %chain(&error), …)`
#[must_use]
pub const fn chain<'a>(error: &'a (dyn Error + 'a)) -> Chain<'a> {
    Chain(error)
}

/// Prints an error and its causes, separated by colons.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a>(&'a (dyn Error + 'a));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the post was not sent")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("the peer hung up")]
    struct Inner(#[source] io::Error);

    #[test]
    fn a_chain_prints_every_cause_once() {
        let error = Outer(Inner(io::Error::other("reset")));
        let chain = chain(&error).to_string();
        assert_eq!(chain, "the post was not sent: the peer hung up: reset");
    }
}
