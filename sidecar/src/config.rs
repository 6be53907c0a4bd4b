//! Settings: file, environment, plugin and what people decided in Mattermost, as one map with origins, read once into types that are
//! right.
//!
//! | step | where |
//! |---|---|
//! | a source becomes a tree of raw values, each with its place | `value` |
//! | the tree is sorted into the known keys; `…_file` is read | `layer`, by the table in `keys` |
//! | of each key the first source counts; licences merge by id | `settings`, `licence` |
//! | raw values become right ones, or mistakes | `reader`, and one file for each section |
//!
//! Every mistake is reported, not only the first, with its key, its place and what to do. A [`Config`] exists only when there is none.
//! No error repeats a secret, and TOML's own errors are not shown at all, because they repeat what stands in the line.
//!
//! **To add a setting**: a row in `keys`, a line in its section's file, in `config.example.toml` and in `docs/configuration.md`. A test
//! compares the three.

mod keys;
mod layer;
mod licence;
mod log;
mod mattermost;
mod mistake;
mod plugin;
mod reader;
mod report;
mod server;
mod settings;
mod show;
mod store;
mod team;
#[cfg(test)]
mod tests;
mod units;
mod value;

use crate::licence::{Licence, Team};

pub use log::{Format, Level, Log};
pub use mattermost::Mattermost;
pub use mistake::{Mistake, Mistakes, Origin, Warning};
pub use plugin::Plugin;
pub use report::Effective;
pub use server::Server;
pub use settings::{Resolved, Settings};
pub use store::{Location, Store};
pub(crate) use units::duration;

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
