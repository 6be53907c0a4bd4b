//! yamux from outside: two sessions with each other, one with an unforgiving peer, and recordings of the real thing.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, too, stop at what must not happen"
)]

mod corpus;
mod golden;
mod pair;
mod peer;
mod slow;
mod strict;
