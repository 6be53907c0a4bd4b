//! Ears and door: what Mattermost hears goes to the sidecar as hints, what people ask and what comes from outside goes through to it.
//! Nothing is decided in here that the sidecar could decide.
//!
//! | question | place |
//! |---|---|
//! | which calls of the server concern us, and who answers | `bridge` |
//! | what is running while the plugin is active | `desk` |
//! | console values, the server's configuration, what is kept in the key-value store | `settings` |
//! | bot, command, outgoing webhooks | `register` |
//! | posts that were written, edited, deleted | `hints` |
//! | requests from outside; buttons, dialogs, look-ups | `proxy` |
//! | where somebody acts and what that person may | `place` |
//! | what one person alone is told | `whisper` |
//! | the sidecar as seen from here; the one HTTP client | `sidecar`, `http` |
//! | the sidecar's process | `supervisor` |
//! | keeping sidecar and server agreed | `keeper` |
//! | sentences said when no sidecar can say them | `text` |
//!
//! No hook waits for longer than its deadline; a sidecar that is away costs a sentence, never the server's time.

mod bridge;
mod desk;
mod hints;
mod http;
mod keeper;
mod objects;
mod pairing;
mod place;
mod proxy;
mod register;
mod settings;
mod sidecar;
mod supervisor;
mod text;
mod whisper;

pub use bridge::Bridge;
pub use desk::Options;
