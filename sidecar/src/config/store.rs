//! `[store]`: where everything is kept.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::reader::Reader;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

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

/// `folder` is where a relative file name starts.
pub(super) fn read(settings: &mut Reader<'_>, folder: &Path) -> Store {
    let remember = settings.duration(
        "store.remember",
        7 * DAY,
        Duration::from_secs(1)..=365 * DAY,
        None,
    );
    if remember < DAY {
        settings.warn(
            "store.remember",
            "is less than a day: an event that i-Reserve repeats later than that is posted again",
        );
    }
    Store {
        location: location(settings, folder),
        remember,
        dangerous_accept_settings: settings.truth("store.dangerous_accept_settings", false),
    }
}

fn location(settings: &mut Reader<'_>, folder: &Path) -> Location {
    const KEY: &str = "store.url";
    let default = Location::Sqlite(folder.join("ireserve.db"));
    let Some(text) = settings.text(KEY) else {
        return default;
    };
    let (scheme, rest) = text.split_once(':').unwrap_or(("", &text));
    match scheme {
        "sqlite" => {
            let file = rest.strip_prefix("//").unwrap_or(rest);
            if file.is_empty() || file.starts_with(':') {
                let fix = "name a file, such as sqlite:ireserve.db or sqlite:/var/lib/ireserve/ireserve.db";
                settings.mistake(KEY, "names no file", fix);
                return default;
            }
            Location::Sqlite(folder.join(file))
        }
        "redis" | "rediss" => {
            let url = Url::parse(&text).ok();
            let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
            if host.is_empty() {
                let fix = "write redis://host:6379 or rediss://user:password@host:6379";
                settings.mistake(KEY, "names no host", fix);
                return default;
            }
            let stays_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
            if scheme == "redis" && !stays_here {
                let detail =
                    "is plain: password and messages cross the network readable; rediss:// is not";
                settings.warn(KEY, detail);
            }
            Location::Redis(text.into())
        }
        "redis+sentinel" | "rediss+sentinel" | "redis+cluster" | "rediss+cluster" => {
            settings.mistake(
                KEY,
                format!(
                    "begins with `{scheme}://`, and this build supports one standalone server only"
                ),
                "use redis:// or rediss://, or sqlite: with one process",
            );
            default
        }
        _ => {
            settings.mistake(
                KEY,
                "is no store that is known",
                "write sqlite:FILE, redis://… or rediss://…",
            );
            default
        }
    }
}
