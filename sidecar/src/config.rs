//! Settings: file, environment, plugin and what people decided in Mattermost, as one map with origins, read once into types that are
//! right.

mod log;
mod mattermost;
mod plugin;
mod server;
mod show;
mod store;

use crate::licence::{Licence, Team};

pub use log::{Format, Level, Log};
pub use mattermost::Mattermost;
pub use plugin::Plugin;
pub use server::Server;
pub use store::{Location, Store};

/// All settings of one sidecar. It exists only when nothing is wrong with them.
#[derive(Debug, Clone)]
pub struct Config {
    pub server: Server,
    pub store: Store,
    pub log: Log,
    /// Missing only while a plugin may still tell.
    pub mattermost: Option<Mattermost>,
    pub plugin: Option<Plugin>,
    pub team: Team,
    /// In the order they stand; no two with one id.
    pub licences: Vec<Licence>,
}
