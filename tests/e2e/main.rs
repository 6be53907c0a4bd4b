//! Journeys: the real sidecar between i-Reserve and a Mattermost, from the first event to what people see.
//!
//! Every journey runs in the simulated world, and unchanged in the real one when `MATTERMOST_HOME` names an unpacked server. What
//! holds in one and not in the other is a fault of the simulator. One oracle judges them all: see [`harness`]. The plugin's own
//! journey ([`managed`]) is the exception: only a real server runs plugins.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as tests do"
)]

mod chat_to_thread;
mod edits;
mod files;
#[allow(
    dead_code,
    unused_imports,
    reason = "the fault tests use the rest of it"
)]
#[path = "harness.rs"]
mod harness;
mod hostile;
mod managed;
mod order;
mod outage;
mod restart;
mod thread_to_chat;
