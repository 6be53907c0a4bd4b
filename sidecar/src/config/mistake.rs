//! What is wrong with settings, said so that it can be repaired: the key, where it stands, what to write instead.

use std::fmt;

/// Where a setting stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `IRESERVE__…`, by its whole name.
    Environment(String),
    /// A line of the file, from 1.
    File(usize),
    /// The first line of standard input, or what `--managed` itself says.
    Managed,
    /// Decided by people in Mattermost, kept in the store.
    Mattermost,
    /// From the plugin's configuration.
    Plugin,
    Default,
}

impl Origin {
    /// Whether people in Mattermost may not change it.
    #[must_use]
    pub const fn is_fixed(&self) -> bool {
        matches!(self, Self::Environment(_) | Self::File(_) | Self::Managed)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::File(line) => write!(f, "file line {line}"),
            Self::Managed => f.write_str("standard input"),
            Self::Mattermost => f.write_str("decided in Mattermost"),
            Self::Plugin => f.write_str("plugin"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One mistake. Never repeats a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Dotted; a licence's keys begin `licence.` and its id, or its number where it has none.
    pub key: String,
    /// None when something is missing.
    pub origin: Option<Origin>,
    /// What is wrong, continuing a sentence that begins with the key.
    pub detail: String,
    /// What to do about it.
    pub fix: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.key, self.detail)?;
        if let Some(origin) = &self.origin {
            write!(f, " ({origin})")?;
        }
        write!(f, ": {}", self.fix)
    }
}

/// Everything that is wrong, in the order it was found. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct Mistakes(pub Vec<Mistake>);

fn lines(mistakes: &[Mistake]) -> String {
    let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Legal, and perhaps not what was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    pub key: String,
    pub origin: Option<Origin>,
    /// What will happen, continuing a sentence that begins with the key.
    pub detail: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.key, self.detail)?;
        match &self.origin {
            Some(origin) => write!(f, " ({origin})"),
            None => Ok(()),
        }
    }
}
