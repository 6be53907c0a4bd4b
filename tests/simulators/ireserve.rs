//! i-Reserve as the sidecar knows it, both halves of it.
//!
//! [`IReserve`] receives: it checks every signature with code of its own, remembers each `webhook-id`, keeps what it took in order,
//! looks people up by e-mail, serves files and follows the links in replies. What it answers can be changed while it runs
//! ([`IReserve::says`]). [`Sender`] pushes events: it signs its own tokens, repeats what has to be repeated and tells what was
//! answered. [`event`] builds what it sends.
//!
//! Absent: i-Reserve's own screens, and its opinion on what a reply means.

pub mod event;
mod files;
mod inbox;
mod key;
mod receiver;
mod says;
mod sender;
mod serving;
mod sign;

pub use crate::rules::When;
pub use files::Served;
pub use inbox::{Delivery, Fetched, Inbox, LookedUp, Reply, Taken, Verdict};
pub use key::LicenceKey;
pub use receiver::IReserve;
pub use says::Says;
pub use sender::{FilePart, Sender};
pub use sign::{Claims, Mac, jwt_hs256, verified_jwt_hs256, webhook_key, webhook_signature};
