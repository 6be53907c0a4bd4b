//! Go's `net/rpc` on gob: a call is two values in a row, a header and its argument; so is an answer.
//!
//! Each direction of a stream has one encoder or decoder for its whole life, because types are declared once per direction.
//! A header without its body would make the other end read the next header as the body; both are therefore encoded together and
//! handed over in one piece ([`outbox`]).
//!
//! [`server`] answers many calls at once, [`client`] makes many at once, [`single`] one after the other.

pub(crate) mod client;
pub(crate) mod letters;
pub(crate) mod outbox;
pub(crate) mod server;
pub(crate) mod single;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::error::Error;

gob::record! {
    #[derive(Debug, Clone, Default, PartialEq)]
    pub(crate) struct Request as "Request" {
        pub(crate) method: String as "ServiceMethod",
        pub(crate) seq: u64 as "Seq",
    }
}

gob::record! {
    #[derive(Debug, Clone, Default, PartialEq)]
    pub(crate) struct Response as "Response" {
        pub(crate) method: String as "ServiceMethod",
        pub(crate) seq: u64 as "Seq",
        pub(crate) error: String as "Error",
    }
}

/// Bytes asked at once from a stream that carries anything.
pub(crate) const LARGE: usize = 16 * 1024;

/// Bytes asked at once from a stream that carries empty answers; there are hundreds of those at the same time.
pub(crate) const SMALL: usize = 256;

/// The reading half of an RPC stream.
#[derive(Debug)]
pub(crate) struct Source<R> {
    read: R,
    decoder: gob::Decoder,
    buffer: Box<[u8]>,
}

impl<R: AsyncRead + Unpin> Source<R> {
    pub(crate) fn new(read: R, size: usize) -> Self {
        Self {
            read,
            decoder: gob::Decoder::new(),
            buffer: vec![0; size].into_boxed_slice(),
        }
    }

    /// What `take` makes of the next values, once enough has arrived for it. `take` is asked again after each piece and must
    /// change nothing before it has succeeded. Dropped half-way, nothing is lost.
    ///
    /// # Errors
    ///
    /// [`Error::Unexpected`] leaves the stream usable if it is a mismatch; [`Error::Gone`] is the end, in order without a source.
    pub(crate) async fn next<T>(
        &mut self,
        mut take: impl FnMut(&mut gob::Decoder) -> Result<T, gob::Error>,
    ) -> Result<T, Error> {
        loop {
            match take(&mut self.decoder) {
                Err(gob::Error::Incomplete { .. }) => {}
                other => return other.map_err(Error::Unexpected),
            }
            let read = self.read.read(&mut self.buffer).await?;
            if read == 0 {
                return Err(Error::Gone(None));
            }
            self.decoder.feed(&self.buffer[..read]);
        }
    }
}
