//! The sidecar: hands and memory of i-Reserve for Mattermost.

pub mod client;
pub mod delivery;
pub mod files;
pub mod mattermost;
pub mod record;
