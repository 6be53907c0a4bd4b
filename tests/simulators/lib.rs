//! The world around the sidecar, in one process: a Mattermost, an i-Reserve, a bad line, and our executables.
//!
//! Tests, the demo and the benches use these in process; any number of each can run side by side, each on a port of its own.
//! Nothing is kept in statics, and dropping a simulator ends everything it started. Waiting is done with `until`, which looks at
//! the state after every change and fails with a picture of it; nothing here is awaited by sleeping.
//!
//! A simulator is as unkind as the real thing: threads come unsorted, files vanish silently, `pending_post_id` is forgotten after
//! thirty seconds. What it is not: complete. It has the endpoints that the product and its tests call.

pub mod api;
pub mod client;
pub mod clock;
pub mod demo;
pub mod ireserve;
pub mod mattermost;
pub mod program;
pub mod random;
pub mod real;
pub mod screen;
pub mod wire;
pub mod world;

mod answer;
mod rules;
mod server;
mod watched;

pub use rules::When;
pub use server::Door;
pub use watched::{Late, PATIENCE};
