//! Plugins from outside: a scripted server in memory, and what it sees of them.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, too, stop at what must not happen"
)]

mod calls;
mod life;
mod plugin;
mod process;
mod requests;
