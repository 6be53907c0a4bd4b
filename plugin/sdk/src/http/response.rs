//! The answer to a request, written through the server's response writer: headers, status, and the body call by call.

use std::time::Duration;

use http::{Response, StatusCode};

use super::{GoHeader, go_header};
use crate::broker::Dialled;
use crate::error::Error;
use crate::rpc::single::Single;

/// How long the server may take for one piece: it waits for its client, for at most 300 s with its own default.
const PATIENCE: Duration = Duration::from_secs(330);

/// Bytes given to the server at once by [`BodyWriter::write`]. Each piece costs one round trip and is copied twice.
const PIECE: usize = 256 * 1024;

/// Writes the answer to one request. Dropped unused, the server answers 200 without a body.
#[derive(Debug)]
pub struct ResponseWriter {
    line: Single,
    started: bool,
}

/// Writes the body of an answer that has begun.
#[derive(Debug)]
pub struct BodyWriter<'a> {
    line: &'a mut Single,
    /// The piece under way, in the shape in which a call takes it; one buffer for the whole body.
    piece: Vec<u8>,
}

impl ResponseWriter {
    pub(crate) fn new(stream: Dialled) -> Self {
        Self {
            line: Single::new(stream, PATIENCE),
            started: false,
        }
    }

    /// Answers with a body that is there, in **one** write. The only way to answer calls that the server itself makes (buttons,
    /// dialogs, look-ups): it keeps only the last write of those.
    ///
    /// # Errors
    ///
    /// Server or client are gone, or an answer has begun already.
    pub async fn send(&mut self, response: Response<impl Into<Vec<u8>>>) -> Result<(), Error> {
        let (parts, body) = response.into_parts();
        let body: Vec<u8> = body.into();
        // A first write implies 200, which saves a round trip.
        let implied = parts.status == StatusCode::OK && !body.is_empty();
        self.begin(&Response::from_parts(parts, ()), implied)
            .await?;
        if !body.is_empty() {
            self.line.call::<_, ()>("Plugin.Write", &body).await?;
        }
        Ok(())
    }

    /// Answers with a body that follows piece by piece.
    ///
    /// # Errors
    ///
    /// Server or client are gone, or an answer has begun already.
    pub async fn start(&mut self, response: &Response<()>) -> Result<BodyWriter<'_>, Error> {
        self.begin(response, false).await?;
        Ok(BodyWriter {
            line: &mut self.line,
            piece: Vec::new(),
        })
    }

    /// Whether an answer has begun; then the status can no longer be changed.
    #[must_use]
    pub const fn has_started(&self) -> bool {
        self.started
    }

    async fn begin(&mut self, response: &Response<()>, implied: bool) -> Result<(), Error> {
        if std::mem::replace(&mut self.started, true) {
            let reason = "the answer has begun already".into();
            return Err(Error::Refused {
                method: "Plugin.WriteHeader".into(),
                reason,
            });
        }
        let header: GoHeader = go_header(response.headers());
        if !header.is_empty() {
            self.line
                .call::<_, ()>("Plugin.SyncHeader", &header)
                .await?;
        }
        if !implied {
            let status = i64::from(response.status().as_u16());
            self.line
                .call::<_, ()>("Plugin.WriteHeader", &status)
                .await?;
        }
        Ok(())
    }

    pub(crate) async fn finish(self) -> Result<(), Error> {
        self.line.finish().await
    }
}

impl BodyWriter<'_> {
    /// Writes the next bytes; waits as long as the client needs to take them.
    ///
    /// # Errors
    ///
    /// Server or client are gone.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        for piece in bytes.chunks(PIECE) {
            self.piece.clear();
            self.piece.extend_from_slice(piece);
            self.line.call::<_, ()>("Plugin.Write", &self.piece).await?;
        }
        Ok(())
    }

    /// Gives what was written to the client without waiting for more. Servers before 9 have no such call; they are not asked to.
    ///
    /// # Errors
    ///
    /// Server or client are gone.
    pub async fn flush(&mut self) -> Result<(), Error> {
        match self.line.call::<_, ()>("Plugin.Flush", &()).await {
            Err(Error::NoSuchMethod(_)) => Ok(()),
            other => other,
        }
    }
}
