//! The plugin against a scripted server and a scripted sidecar.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, too, stop at what must not happen"
)]

mod hooks;
mod peer;
mod proxy;
mod server;
mod supervise;
