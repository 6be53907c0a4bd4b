//! Requests to us: the only room that names hyper and multer, and the only one that knows a status code.
//!
//! | file | subject |
//! |---|---|
//! | `server` | the accept loop, and how a listener comes to rest |
//! | `wire`, `guard` | one connection's bytes; what hyper accepts in them and we do not |
//! | `crowd`, `limits` | who may connect, how much of everything |
//! | `head` | what every head must look like |
//! | `router` | which call |
//! | `body` | bodies within a size and a time |
//! | `problem` | every refusal, in one form |
//! | `routes` | the calls |
//!
//! Not here: TLS (Mattermost's own address or a proxy does it), HTTP/2, CORS, compression.

use http_body_util::BodyExt as _;

mod body;
mod crowd;
mod guard;
mod head;
mod limits;
mod multipart;
mod prefer;
mod problem;
mod router;
mod routes;
mod server;
mod wire;

pub use body::Budget;
pub use limits::Limits;
pub use router::Router;
pub use routes::{
    event::{Events, Wiring},
    file::{FileWiring, Files, WasSent},
    mattermost::{Hook, HookWiring},
    ops::{AdminDoor, Ops, Readiness},
    plugin::{HintSink, Plugin},
};
pub use server::{Listener, Server};

pub use crate::command::measure::{Heard, Listening, MattermostState};

/// Every answer but a file is in memory whole before its first byte leaves.
type Answer = http::Response<Leaving>;

/// What leaves. An error breaks the connection off, so that nobody takes half a file for a whole one.
type Leaving = http_body_util::combinators::UnsyncBoxBody<bytes::Bytes, std::io::Error>;

fn whole(bytes: impl Into<bytes::Bytes>) -> Leaving {
    let full = http_body_util::Full::new(bytes.into());
    full.map_err(|never| match never {}).boxed_unsync()
}
