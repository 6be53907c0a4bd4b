//! The sidecar: hands and memory of i-Reserve for Mattermost.

pub mod app;
pub mod auth;
pub mod cli;
pub mod client;
pub mod clock;
pub mod command;
pub mod config;
pub mod delivery;
pub mod files;
pub mod flow;
pub mod http;
pub mod ireserve;
pub mod licence;
pub mod mattermost;
pub mod metrics;
pub mod puller;
pub mod record;
pub mod render;
pub mod store;
pub mod telemetry;
