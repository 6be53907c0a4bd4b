//! The sidecar: hands and memory of i-Reserve for Mattermost.

pub mod record;
pub mod render;
