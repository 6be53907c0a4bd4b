//! i-Reserve as the sidecar knows it. [`Sender`] is the half that pushes events: it signs its own tokens, repeats what has to be
//! repeated and tells what was answered. [`event`] builds what it sends.

pub mod event;
mod sender;
mod sign;

pub use sender::{FilePart, Sender};
pub use sign::{Claims, Mac, jwt_hs256, webhook_key, webhook_signature};
