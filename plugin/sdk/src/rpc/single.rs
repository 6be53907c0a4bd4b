//! The calling end of a stream, for one call after the other and without tasks of its own.

use std::time::Duration;

use gob::{Encoder, Gob};
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::timeout;

use super::{Request, Response, SMALL, Source};
use crate::broker::Dialled;
use crate::error::Error;

#[derive(Debug)]
pub(crate) struct Single {
    source: Source<ReadHalf<Dialled>>,
    write: WriteHalf<Dialled>,
    encoder: Encoder,
    bytes: Vec<u8>,
    seq: u64,
    patience: Duration,
    /// A call was dropped half-way: what the stream carries next is not known.
    out_of_step: bool,
}

impl Single {
    /// `patience` is how long one answer may take.
    pub(crate) fn new(stream: Dialled, patience: Duration) -> Self {
        let (read, write) = tokio::io::split(stream);
        Self {
            source: Source::new(read, SMALL),
            write,
            encoder: Encoder::new(),
            bytes: Vec::new(),
            seq: 0,
            patience,
            out_of_step: false,
        }
    }

    /// Makes one call. Dropped half-way, the stream cannot be used any more.
    pub(crate) async fn call<A: Gob, R: Gob>(
        &mut self,
        method: &str,
        argument: &A,
    ) -> Result<R, Error> {
        if std::mem::replace(&mut self.out_of_step, true) {
            return Err(Error::Gone(None));
        }
        let waited = self.patience;
        let result = timeout(waited, self.exchange(method, argument)).await;
        let Ok(result) = result else {
            return Err(Error::Silent {
                what: method.to_owned(),
                waited,
            });
        };
        self.out_of_step = matches!(result, Err(Error::Gone(_)));
        result
    }

    async fn exchange<A: Gob, R: Gob>(&mut self, method: &str, argument: &A) -> Result<R, Error> {
        let header = Request {
            method: method.to_owned(),
            seq: self.seq,
        };
        self.seq += 1;
        self.encoder
            .encode_pair(&header, argument, &mut self.bytes)
            .map_err(Error::Argument)?;
        self.write.write_all(&self.bytes).await?;
        self.bytes.clear();
        let response: Response = self.source.next(gob::Decoder::decode).await?;
        if response.seq != header.seq {
            return Err(Error::Gone(None));
        }
        if response.error.is_empty() {
            return self.source.next(gob::Decoder::decode).await;
        }
        self.source.next(gob::Decoder::skip).await?;
        Err(Error::refused(method, response.error))
    }

    /// Ends our half: the other end's RPC server stops.
    pub(crate) async fn finish(mut self) -> Result<(), Error> {
        Ok(self.write.shutdown().await?)
    }
}
