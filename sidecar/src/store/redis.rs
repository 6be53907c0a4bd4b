//! The Redis store: for several processes, of which one works the lanes and the others accept, answer and stand by.
//!
//! Redis 7.0 or newer, or Valkey, standalone, set up for keeping: everything it says yes to is in its log on the disk. 64 partitions
//! with a hash tag each, so that every script touches one slot. Each operation is one script, or several of which each may be
//! repeated. Scripts of a worker compare its fence first.
//!
//! What is not here: clusters, sentinels, replicas and the confirmation of a write by them.

mod accepting;
mod claiming;
mod ending;
mod files;
mod hints;
mod keys;
mod leasing;
mod link;
mod name;
mod parking;
mod pulled;
mod reading;
mod reply;
mod script;
#[cfg(test)]
pub(super) mod server;
mod setting;
#[cfg(test)]
mod tests;
mod threads;
mod wake;

pub use name::NameError;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Duration,
};

use redis::RedisError;
use secrecy::{ExposeSecret as _, SecretString};

use self::{hints::Hints, link::Link, name::Name, reading::Counts, wake::Ears};

/// How the Redis store is opened.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// `redis://` or `rediss://`, with user, password and database. For `rediss` the process has installed its TLS provider.
    pub url: SecretString,
    /// How long event ids are remembered once they are settled.
    pub remember: Duration,
    /// Start on a server that would lose what it promised, or hides whether it would.
    pub dangerous_accept_settings: bool,
    /// A local folder where this process keeps its name, so that it takes its own lanes back at once after a crash.
    pub name_folder: PathBuf,
}

/// Redis, for several processes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Redis(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    link: Link,
    name: Name,
    remember: Duration,
    /// Which partitions may have something to do.
    hints: Hints,
    /// What waits, as it was a moment ago. A plain mutex: held for one look, never across an await.
    counts: Mutex<Option<Counts>>,
    /// An answer with claims was lost: nobody works those lanes, so the next lease is a take-over.
    lost_claims: AtomicBool,
    /// The fence with which all partitions are ours; 0 while they are not.
    taken: AtomicU64,
    ears: tokio::sync::Mutex<Option<Ears>>,
}

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum RedisOpenError {
    /// The address is no `redis://` or `rediss://`. Sentinel and cluster addresses come with a later build.
    #[error("the address of Redis cannot be used (standalone servers only: redis:// or rediss://)")]
    Url(#[source] RedisError),
    #[error("Redis cannot be reached")]
    Connect(#[source] RedisError),
    #[error("Redis does not answer what it is asked at the start: {0}")]
    Ask(&'static str, #[source] crate::store::StoreError),
    #[error("Redis {0} is older than 7.0")]
    Version(String),
    #[error("Redis runs as a cluster, which this build cannot use: use a standalone server")]
    Cluster,
    /// It would lose what it promised.
    #[error(
        "Redis has `{name} {says}`, which can lose what was accepted: set `{name} {wanted}`, or start all the same with `store.dangerous_accept_settings = true`"
    )]
    Setting {
        name: &'static str,
        wanted: &'static str,
        says: String,
    },
    /// CONFIG is forbidden, as hosted offerings do.
    #[error(
        "Redis hides its setting `{name}`, so nobody knows whether it keeps what was accepted: allow CONFIG GET, or start all the same with `store.dangerous_accept_settings = true`"
    )]
    Hidden {
        name: &'static str,
        #[source]
        source: crate::store::StoreError,
    },
    #[error(
        "the store in Redis was written by a later build (schema {found}, this build knows {known}): install that build again"
    )]
    Newer { found: u64, known: u64 },
    #[error("the store in Redis has {found} partitions, this build works with {known}")]
    Partitions { found: u64, known: u64 },
    #[error("this process cannot keep a name")]
    Name(#[from] NameError),
}

impl Redis {
    /// Connects, asserts the server's settings, and makes or checks the store's shape.
    ///
    /// # Errors
    /// [`RedisOpenError`], each with what to do.
    pub async fn open(settings: &RedisSettings) -> Result<Self, RedisOpenError> {
        let name = Name::take(&settings.name_folder).await?;
        let client = client(&settings.url).map_err(RedisOpenError::Url)?;
        let link = Link::open(client).await.map_err(RedisOpenError::Connect)?;
        setting::check(&link, settings.dangerous_accept_settings).await?;
        setting::check_shape(&link).await?;
        Ok(Self(Arc::new(Inner {
            link,
            name,
            remember: settings.remember,
            hints: Hints::default(),
            counts: Mutex::default(),
            lost_claims: AtomicBool::new(false),
            taken: AtomicU64::new(0),
            ears: tokio::sync::Mutex::default(),
        })))
    }

    fn remember_ms(&self) -> u64 {
        u64::try_from(self.0.remember.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Small commands leave at once: without that the system waits for the answer of one before it sends the next.
fn client(url: &SecretString) -> redis::RedisResult<redis::Client> {
    let info = redis::IntoConnectionInfo::into_connection_info(url.expose_secret())?;
    let tcp = redis::io::tcp::TcpSettings::default().set_nodelay(true);
    redis::Client::open(info.set_tcp_settings(tcp))
}
