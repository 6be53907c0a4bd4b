//! The simulators, seen from outside.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as tests do"
)]

mod answers;
mod faults;
mod hints;
mod ireserve;
mod posting;
mod program;
mod wire;
mod world;
