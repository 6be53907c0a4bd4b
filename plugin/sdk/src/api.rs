//! Calls to the server: those that plugins of this project use, typed; all others by name with [`Api::call`].
//!
//! A call waits for at most 30 s. At most 256 are under way at once, more wait. A call that is dropped half-way is still made.
//! There is no call for webhooks: they are made over REST.

mod calls;

use gob::Gob;
use yamux::Stream;

use crate::error::{AppError, Error, Failure};
use crate::rpc::client::Client;
use crate::rpc::letters::{One, Two};

/// The server, as a plugin may call it. Clones share one stream.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
}

impl Api {
    pub(crate) fn new(stream: Stream) -> Self {
        Self {
            client: Client::new(stream),
        }
    }

    /// Calls any method by its Go name. Arguments and results are structs with fields `A`, `B`, `C`: [`One`], [`Two`],
    /// [`Three`](crate::Three), or `()` for none. `Option` stands for a pointer, `Option<AppError>` and `Option<Failure>` for
    /// errors.
    ///
    /// # Errors
    ///
    /// See [`Error`]. Errors *inside* the result are the caller's to look at.
    pub async fn call<A: Gob, R: Gob + Send>(&self, name: &str, arguments: &A) -> Result<R, Error> {
        self.client.call(&format!("Plugin.{name}"), arguments).await
    }

    /// A call whose results are a pointer and an `*AppError`.
    async fn find<A: Gob, R: Gob + Default + Send>(
        &self,
        name: &str,
        arguments: &A,
    ) -> Result<R, Error> {
        let Two { a, b }: Two<Option<R>, Option<AppError>> = self.call(name, arguments).await?;
        refused(b)?;
        a.ok_or_else(|| Error::Empty(name.to_owned()))
    }

    /// A call whose results are a value, for which absent is zero, and an `*AppError`.
    async fn value<A: Gob, R: Gob + Default + Send>(
        &self,
        name: &str,
        arguments: &A,
    ) -> Result<R, Error> {
        let Two { a, b }: Two<R, Option<AppError>> = self.call(name, arguments).await?;
        refused(b)?;
        Ok(a)
    }

    /// A call that succeeds or has an `*AppError`.
    async fn act<A: Gob>(&self, name: &str, arguments: &A) -> Result<(), Error> {
        let One { a }: One<Option<AppError>> = self.call(name, arguments).await?;
        refused(a)
    }

    /// A call that succeeds or has an `error`.
    async fn attempt<A: Gob>(&self, name: &str, arguments: &A) -> Result<(), Error> {
        let One { a }: One<Option<Failure>> = self.call(name, arguments).await?;
        failed(a)
    }
}

fn refused(error: Option<AppError>) -> Result<(), Error> {
    error.map_or(Ok(()), |error| Err(Error::App(error)))
}

fn failed(failure: Option<Failure>) -> Result<(), Error> {
    match failure {
        None => Ok(()),
        Some(Failure::App(error)) => Err(Error::App(error)),
        Some(failure) => Err(Error::Failed(failure)),
    }
}
