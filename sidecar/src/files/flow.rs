//! A stream of bytes that keeps its promises: not too many, and the digest that was announced.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};

use super::Trouble;
use crate::client::Chunks;

/// Why a stream broke off. Whoever passes the stream on sees only that it did, so the reason travels beside it.
#[derive(Debug, Clone, Default)]
pub struct Fate(Arc<Mutex<Option<Trouble>>>);

impl Fate {
    /// Nothing while all is well.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seal(&self, trouble: Trouble) -> io::Error {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble);
        io::Error::other(trouble)
    }
}

struct Flow {
    source: Chunks,
    left: u64,
    limit: u64,
    /// Only where a digest was announced.
    hash: Option<(Sha256, String)>,
    /// One piece is held back, so that a file of another digest never gets its last bytes out.
    held: Option<Bytes>,
    fate: Fate,
}

/// The same bytes, broken off at the first one beyond `limit`, and before the last piece when the digest is not `wanted`
/// (lower-case hex).
pub(super) fn checked(source: Chunks, limit: u64, wanted: Option<String>, fate: Fate) -> Chunks {
    let flow = Flow {
        source,
        left: limit,
        limit,
        hash: wanted.map(|wanted| (Sha256::new(), wanted)),
        held: None,
        fate,
    };
    Box::pin(stream::try_unfold(flow, |mut flow| async move {
        let piece = flow.next().await?;
        Ok(piece.map(|piece| (piece, flow)))
    }))
}

impl Flow {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let Some(piece) = self.source.next().await else {
                return self.end();
            };
            let piece = piece.map_err(|_| self.fate.seal(Trouble::Unreachable))?;
            if piece.is_empty() {
                continue;
            }
            self.left = self
                .left
                .checked_sub(piece.len() as u64)
                .ok_or_else(|| self.fate.seal(Trouble::TooBig(self.limit)))?;
            if let Some((hash, _)) = &mut self.hash {
                hash.update(&piece);
            }
            if let Some(earlier) = self.held.replace(piece) {
                return Ok(Some(earlier));
            }
        }
    }

    fn end(&mut self) -> io::Result<Option<Bytes>> {
        if let Some((hash, wanted)) = self.hash.take()
            && hex(&hash.finalize()) != wanted
        {
            return Err(self.fate.seal(Trouble::Changed));
        }
        Ok(self.held.take())
    }
}

/// SHA-256 in lower-case hex, as attachments announce it.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(pieces: &'static [&'static str]) -> Chunks {
        Box::pin(stream::iter(
            pieces
                .iter()
                .map(|piece| Ok(Bytes::from_static(piece.as_bytes()))),
        ))
    }

    async fn read(mut chunks: Chunks) -> (String, bool) {
        let mut text = String::new();
        while let Some(chunk) = chunks.next().await {
            match chunk {
                Ok(chunk) => text.push_str(std::str::from_utf8(&chunk).unwrap()),
                Err(_) => return (text, false),
            }
        }
        (text, true)
    }

    #[tokio::test]
    async fn the_announced_bytes_pass_whole() {
        for pieces in [&["one ", "", "two"][..], &["one two"], &[]] {
            let fate = Fate::default();
            let text: String = pieces.concat();
            let chunks = checked(
                source(pieces),
                text.len() as u64,
                Some(digest_of(text.as_bytes())),
                fate.clone(),
            );
            assert_eq!(read(chunks).await, (text, true));
            assert_eq!(fate.trouble(), None);
        }
    }

    #[tokio::test]
    async fn a_file_of_another_digest_never_gets_its_last_bytes_out() {
        let fate = Fate::default();
        let chunks = checked(
            source(&["one ", "two"]),
            100,
            Some(digest_of(b"one tvo")),
            fate.clone(),
        );
        assert_eq!(read(chunks).await, ("one ".to_owned(), false));
        assert_eq!(fate.trouble(), Some(Trouble::Changed));
    }

    #[tokio::test]
    async fn a_file_that_grows_beyond_its_limit_breaks_off() {
        let fate = Fate::default();
        let chunks = checked(source(&["12345", "6"]), 5, None, fate.clone());
        assert!(!read(chunks).await.1);
        assert_eq!(fate.trouble(), Some(Trouble::TooBig(5)));
    }

    #[tokio::test]
    async fn a_broken_source_is_unreachable() {
        let fate = Fate::default();
        let broken: Chunks = Box::pin(stream::iter([
            Ok(Bytes::from_static(b"1")),
            Err(io::Error::other("reset")),
        ]));
        assert!(!read(checked(broken, 5, None, fate.clone())).await.1);
        assert_eq!(fate.trouble(), Some(Trouble::Unreachable));
    }
}
