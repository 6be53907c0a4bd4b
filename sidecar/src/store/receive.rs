//! Receiving a file: piece by piece to where the store keeps files, with its size and digest.

use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::{FileBytes, StoreError};

/// A file while it comes. Dropped, nothing of it remains.
#[derive(Debug)]
pub struct Receiving {
    target: Target,
    hash: Sha256,
    size: u64,
}

#[derive(Debug)]
enum Target {
    Disk(tokio::fs::File, Unfinished),
    /// At most so many bytes, since all of it stays in memory.
    Memory(BytesMut, u64),
}

/// Removes what was not finished.
#[derive(Debug)]
struct Unfinished(Option<PathBuf>);

/// A file that came with a request, not durable yet.
#[derive(Debug)]
pub struct Received {
    pub bytes: FileBytes,
    pub size: u64,
    pub sha256: [u8; 32],
}

impl Receiving {
    pub(super) async fn on_disk(folder: PathBuf) -> Result<Self, StoreError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| failed(&error))?;
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = folder.join(name + ".part");
        let options = tokio::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .await;
        let file = options.map_err(|error| failed(&error))?;
        Ok(Self {
            target: Target::Disk(file, Unfinished(Some(path))),
            hash: Sha256::new(),
            size: 0,
        })
    }

    pub(super) fn in_memory(most: u64) -> Self {
        Self {
            target: Target::Memory(BytesMut::new(), most),
            hash: Sha256::new(),
            size: 0,
        }
    }

    /// # Errors
    /// When it cannot be written, or is more than this store takes.
    pub async fn push(&mut self, piece: &Bytes) -> Result<(), StoreError> {
        self.hash.update(piece);
        self.size += piece.len() as u64;
        match &mut self.target {
            Target::Disk(file, _) => file.write_all(piece).await.map_err(|error| failed(&error)),
            Target::Memory(bytes, most) if self.size <= *most => {
                bytes.extend_from_slice(piece);
                Ok(())
            }
            Target::Memory(_, most) => Err(StoreError::Unavailable {
                reason: format!("files above {most} bytes are sent by url"),
            }),
        }
    }

    /// # Errors
    /// When it cannot be written.
    pub async fn finish(self) -> Result<Received, StoreError> {
        let bytes = match self.target {
            Target::Disk(mut file, mut unfinished) => {
                file.flush().await.map_err(|error| failed(&error))?;
                FileBytes::Disk(unfinished.0.take().unwrap_or_default())
            }
            Target::Memory(bytes, _) => FileBytes::Memory(bytes.freeze()),
        };
        Ok(Received {
            bytes,
            size: self.size,
            sha256: self.hash.finalize().into(),
        })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = self.0.take()
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::debug!(error = %error, "an unfinished file stays until the next sweep");
        }
    }
}

fn failed(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unavailable {
        reason: format!("a file cannot be taken in: {error}"),
    }
}
