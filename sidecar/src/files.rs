//! What people attach: opened where it lies, judged by its bytes, and handed on piece by piece.
//!
//! | word | meaning |
//! |---|---|
//! | kept | a file that came inside a request; the store has it until its event is delivered |
//! | source | where an attachment's bytes are: an address to be fetched, or the store |
//! | incoming | a file that is open: its extension is known, its bytes still flow |
//! | trouble | why a file cannot be had, as people are told; the text goes out without it |
//!
//! Guarantees: no file is ever held whole, none is larger than its licence allows, and one whose digest differs from the
//! announced one breaks off before its last bytes, so that nobody ends up with it. The type comes from the bytes alone
//! ([`extension`]). Nothing is decoded.
//!
//! Not here: what a file is called in Mattermost and how its failure is worded (`render`), and uploading it (`mattermost`).

mod fetch;
mod flow;
mod kind;

use std::path::Path;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use shared::{Attachment, Source};
use tokio::time::Instant;
use tokio_util::io::ReaderStream;

use crate::{
    client::{Chunks, vet::FetchHosts},
    record::Lane,
    store::{FileBytes, Store, StoreError},
};

pub use fetch::Fetch;
pub use flow::{Fate, digest_of};
pub use kind::{extension, media_type};

/// Enough for every signature that is looked for.
const HEAD: usize = 8 * 1024;
/// Read from disk at a time.
const PIECE: usize = 64 * 1024;

/// Why a file cannot be had. What people are told, so no addresses and no error texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Trouble {
    #[error("the file is larger than {0} bytes")]
    TooBig(u64),
    /// No connection, a broken one, or not within the time.
    #[error("the file could not be reached")]
    Unreachable,
    #[error("the file's server answered {0}")]
    Answered(u16),
    /// Its address is none that may be fetched.
    #[error("the file's address may not be fetched")]
    Forbidden,
    /// Its digest is not the announced one.
    #[error("the file is not the one that was announced")]
    Changed,
    /// The store has it no more.
    #[error("the kept file is gone")]
    Lost,
}

/// What became of opening a file.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// For good.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// The store did not answer; the file is still there.
    #[error("the store did not open a kept file")]
    Later(#[source] StoreError),
}

/// What a licence allows.
#[derive(Debug, Clone)]
pub struct Rules {
    pub hosts: FetchHosts,
    /// Of one file.
    pub max_bytes: u64,
}

/// A file that is open.
pub struct Incoming {
    /// The extension its bytes ask for; none: the one it has is harmless.
    pub extension: Option<&'static str>,
    /// Where it is known beforehand.
    pub size: Option<u64>,
    pub chunks: Chunks,
    /// Filled in when the stream breaks off: why.
    pub fate: Fate,
}

/// The room's one door.
#[derive(Debug)]
pub struct Files {
    fetch: Fetch,
    store: Store,
}

impl Files {
    #[must_use]
    pub const fn new(fetch: Fetch, store: Store) -> Self {
        Self { fetch, store }
    }

    /// Opens one attachment of an event of this lane. What is fetched ends with `ends`, its last byte included.
    ///
    /// # Errors
    /// With what people are told, or because the store did not answer.
    pub async fn open(
        &self,
        attachment: &Attachment,
        lane: &Lane,
        rules: &Rules,
        ends: Instant,
    ) -> Result<Incoming, OpenError> {
        let wanted = attachment.sha256.as_deref().map(str::to_ascii_lowercase);
        let opened = match &attachment.source {
            Source::Url(address) => self.fetch.open(address, rules, ends).await?,
            Source::Kept(name) => self.kept(name, lane).await?,
            // What came inside a request is kept before its event is accepted, so these name nothing that is still there.
            Source::Part(_) | Source::Data(_) => return Err(Trouble::Lost.into()),
        };
        if opened.size.is_some_and(|size| size > rules.max_bytes) {
            return Err(Trouble::TooBig(rules.max_bytes).into());
        }
        let fate = Fate::default();
        let checked = flow::checked(opened.chunks, rules.max_bytes, wanted, fate.clone());
        let (head, chunks) = peek(checked, &fate).await?;
        Ok(Incoming {
            extension: extension(&head, &attachment.name),
            size: opened.size,
            chunks,
            fate,
        })
    }

    async fn kept(&self, name: &str, lane: &Lane) -> Result<Opened, OpenError> {
        match self.store.file(lane, name).await {
            Ok(FileBytes::Disk(path)) => Ok(from_disk(&path).await?),
            Ok(FileBytes::Memory(bytes)) => Ok(Opened {
                size: Some(bytes.len() as u64),
                chunks: Box::pin(stream::iter([Ok(bytes)])),
            }),
            Err(StoreError::Damaged(_)) => Err(Trouble::Lost.into()),
            Err(error) => Err(OpenError::Later(error)),
        }
    }
}

/// A source that is open and not judged yet.
struct Opened {
    size: Option<u64>,
    chunks: Chunks,
}

async fn from_disk(path: &Path) -> Result<Opened, Trouble> {
    let file = tokio::fs::File::open(path)
        .await
        .map_err(|_| Trouble::Lost)?;
    let size = file.metadata().await.map_err(|_| Trouble::Lost)?.len();
    Ok(Opened {
        size: Some(size),
        chunks: Box::pin(ReaderStream::with_capacity(file, PIECE)),
    })
}

/// The first bytes, and the whole stream again.
async fn peek(mut chunks: Chunks, fate: &Fate) -> Result<(Bytes, Chunks), Trouble> {
    let mut head = BytesMut::new();
    while head.len() < HEAD {
        match chunks.next().await {
            Some(Ok(chunk)) => head.extend_from_slice(&chunk),
            Some(Err(_)) => return Err(fate.trouble().unwrap_or(Trouble::Unreachable)),
            None => break,
        }
    }
    let head = head.freeze();
    let first = Some(head.clone()).filter(|head| !head.is_empty());
    let again: Chunks = Box::pin(stream::iter(first.map(Ok)).chain(chunks));
    Ok((head, again))
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Incoming({:?}, {:?} bytes)", self.extension, self.size)
    }
}
