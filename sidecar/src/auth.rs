//! Who says so. [`Verified`] can only be made in here, so forgetting to check does not compile.
//!
//! | caller | proves itself by | here |
//! |---|---|---|
//! | i-Reserve | a token signed with a key of its licence | [`token`] |
//! | Mattermost's outgoing webhook | a token in the body, good for a hint only | [`webhook`] |
//! | the plugin | a token signed with the pairing secret | [`pairing`] |
//! | the holder of a file link, a button of ours | a MAC over what it names | [`link`] |
//! | we, towards i-Reserve | a signature over the body | [`signature`] |
//!
//! The licence is taken from the credential and from nothing else. Time is an argument. No status code is chosen here, but every
//! refusal tells what may be said of it: until a signature is proved that is the same for every cause.

mod batch;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
pub mod link;
pub mod pairing;
pub mod signature;
mod slowing;
pub mod token;
pub mod webhook;

use shared::LicenceId;

pub use batch::{Batch, BatchError, Parsed};
pub use slowing::Slowing;

/// Something that a licence's credential vouches for. It can only be made in this room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T> {
    licence: LicenceId,
    inner: T,
}

impl<T> Verified<T> {
    const fn new(licence: LicenceId, inner: T) -> Self {
        Self { licence, inner }
    }

    /// From the credential, never from a body or a path.
    #[must_use]
    pub const fn licence(&self) -> &LicenceId {
        &self.licence
    }

    #[must_use]
    pub const fn get(&self) -> &T {
        &self.inner
    }

    /// The same licence vouches for what follows from this.
    #[must_use]
    pub fn map<U>(self, next: impl FnOnce(T) -> U) -> Verified<U> {
        Verified::new(self.licence, next(self.inner))
    }

    #[must_use]
    pub fn into_parts(self) -> (LicenceId, T) {
        (self.licence, self.inner)
    }
}

impl Verified<()> {
    /// What came in the request whose credential this is.
    #[must_use]
    pub fn with<T>(self, body: T) -> Verified<T> {
        self.map(|()| body)
    }
}

#[cfg(test)]
impl<T> Verified<T> {
    /// For tests of other rooms, which have no credential to show.
    pub(crate) const fn assumed(licence: LicenceId, inner: T) -> Self {
        Self::new(licence, inner)
    }
}
