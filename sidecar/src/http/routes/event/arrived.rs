//! Files that came with events, written while they come.

use crate::{
    flow::chat_to_thread::Parts as Files,
    http::{multipart::Part, problem::Problem},
    store::{FileBytes, Store},
};

/// Dropped before they were handed on, because the request was refused or its caller left, none of them remains.
#[derive(Debug, Default)]
pub(super) struct Arrived(Files);

impl Arrived {
    /// Takes one file to its end.
    pub(super) async fn receive(
        &mut self,
        mut part: Part<'_, '_>,
        store: &Store,
    ) -> Result<(), Problem> {
        let mut file = store.receive().await.map_err(Problem::store)?;
        while let Some(piece) = part.chunk().await? {
            file.push(&piece).await.map_err(Problem::store)?;
        }
        let file = file.finish().await.map_err(Problem::store)?;
        self.0.insert(part.name().to_owned(), file);
        Ok(())
    }

    pub(super) fn hand_on(mut self) -> Files {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Arrived {
    fn drop(&mut self) {
        for file in self.0.values() {
            if let FileBytes::Disk(path) = &file.bytes
                && let Err(error) = std::fs::remove_file(path)
            {
                tracing::debug!(%error, "a file of a refused request stays until the next sweep");
            }
        }
    }
}
