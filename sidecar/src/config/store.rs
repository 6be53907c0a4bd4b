//! `[store]`: where everything is kept.

use std::{fmt, path::PathBuf, time::Duration};

use secrecy::{ExposeSecret, SecretString};

/// The settings below `[store]`.
#[derive(Debug, Clone)]
pub struct Store {
    pub location: Location,
    /// How long event ids are remembered on Redis.
    pub remember: Duration,
    /// Start on a Redis whose persistence is weaker than asked for, or hidden.
    pub dangerous_accept_settings: bool,
}

/// Which store, and where it is.
#[derive(Clone)]
pub enum Location {
    /// A file of this process alone. Relative names were resolved.
    Sqlite(PathBuf),
    /// `redis://` or `rediss://`, with its password.
    Redis(SecretString),
}

impl Location {
    /// As it may be shown: without user and password.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Redis(url) => super::show::without_password(url.expose_secret()),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}
