//! The sidecar: hands and memory of i-Reserve for Mattermost.

pub mod clock;
pub mod delivery;
pub mod record;
pub mod store;
