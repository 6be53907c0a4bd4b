//! The codec against Go, against two recorded hosts, against itself, and against peers that mean harm.

#![allow(
    clippy::unwrap_used,
    reason = "a fixture that cannot be read is a failed test"
)]

mod cases;
mod fixtures;
mod golden;
mod hostile;
mod mattermost;
mod model;
mod recorded;
mod roundtrip;
