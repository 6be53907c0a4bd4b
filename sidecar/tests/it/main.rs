//! Component tests: whole rooms of the sidecar with real sockets where there are sockets, and doubles behind them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests too"
)]

mod cli;
mod http;
mod plugin;
mod receiving;
