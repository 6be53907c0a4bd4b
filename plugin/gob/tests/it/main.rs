//! The codec against Go, against two recorded hosts, against itself, and against peers that mean harm.

#![allow(
    clippy::unwrap_used,
    reason = "a fixture that cannot be read is a failed test"
)]

mod fixtures;
mod golden;
mod model;
