//! i-Reserve's endpoints: what a team member said is posted there, signed, and who he is there is asked.
//!
//! | word | meaning |
//! |---|---|
//! | call | one signed POST to a licence's `webhook_url`, as Standard Webhooks 1.0 has it: [`call`] |
//! | answered | what its answer means for whoever has to decide: [`call::Answered`] |
//! | colleague | the i-Reserve user with a team member's e-mail address: [`users`] |
//! | introduction | what i-Reserve says of itself when we tell it that we are there: [`connect`] |
//!
//! Guarantees: nothing leaves unsigned; a call is made once, within 15 s, and its answer is read up to 64 KiB; no redirect is followed;
//! repeating is always safe, because the `webhook-id` stays the same and i-Reserve remembers it. No text, address or secret stands in
//! an error.
//!
//! Not here: when to try again (`delivery`), what may leave the team (`flow`).

mod absence;
mod body;
mod call;
pub mod connect;
mod gate;
pub mod outlet;
pub mod refusals;
pub mod users;

use std::sync::Arc;

use tokio::sync::watch;
use url::Url;

use self::refusals::Refusals;
use crate::{
    auth::link::LinkKey,
    client::{Client, Now},
    licence::Current,
};

/// What everything in here needs. Cheap to clone.
#[derive(Clone)]
pub struct Parts {
    pub client: Client,
    /// Wall time, for signatures and links.
    pub now: Now,
    pub licences: Current,
    /// Signs the links to files of replies.
    pub links: Arc<LinkKey>,
    pub addresses: watch::Receiver<Addresses>,
    pub refusals: Refusals,
}

/// Where Mattermost and the sidecar are reached from outside, as far as is known now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// As people open Mattermost: for links to replies, and to know which addresses in a reply are inner ones. Unknown before a
    /// Mattermost is.
    pub site: Option<Url>,
    /// `server.public_url`: how i-Reserve reaches events and files.
    pub public: Url,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}
