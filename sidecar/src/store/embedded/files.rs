//! Files that came inside requests: one each beside the database, under random names, so that a repeat or another licence
//! can never replace what waits.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use shared::Timestamp;

use super::Embedded;
use crate::{
    record::Lane,
    store::{FileBytes, Receiving, StoreError},
};

/// A file that no event names is removed after this.
const ORPHAN: Duration = Duration::from_secs(3600);

impl Embedded {
    /// A file on disk is moved in, bytes are written; either way file and folder are synced before its name is told.
    pub(in crate::store) async fn put_file(
        &self,
        _: &Lane,
        bytes: FileBytes,
    ) -> Result<String, StoreError> {
        let folder = self.folder.join(FOLDER);
        tokio::task::spawn_blocking(move || put(&folder, bytes))
            .await
            .map_err(unavailable)?
            .map_err(unavailable)
    }

    pub(in crate::store) async fn file(
        &self,
        _: &Lane,
        name: &str,
    ) -> Result<FileBytes, StoreError> {
        if !is_ours(name) {
            return Err(StoreError::Damaged(format!(
                "{name:?} is no name of a kept file"
            )));
        }
        Ok(FileBytes::Disk(self.folder.join(FOLDER).join(name)))
    }

    /// In the same folder, so that putting it is one rename.
    pub(in crate::store) async fn receive(&self) -> Result<Receiving, StoreError> {
        Receiving::on_disk(self.folder.join(FOLDER)).await
    }

    /// Removes what no event names any more and is old enough.
    pub(super) fn sweep_files(
        &self,
        named: &std::collections::HashSet<String>,
        now: Timestamp,
    ) -> io::Result<u64> {
        let mut removed = 0;
        for entry in std::fs::read_dir(self.folder.join(FOLDER))? {
            let entry = entry?;
            let written = entry
                .metadata()?
                .modified()?
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap_or_default();
            let age = now.since(Timestamp::from_millis(
                i64::try_from(written.as_millis()).unwrap_or_default(),
            ));
            if age > ORPHAN && !named.contains(entry.file_name().to_string_lossy().as_ref()) {
                std::fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

const FOLDER: &str = "files";

pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder.join(FOLDER))
}

/// Where the files of an event lie, by the names that it was accepted with.
pub(super) fn paths(folder: &Path, names: &str) -> impl Iterator<Item = PathBuf> {
    let names = names.lines().filter(|name| is_ours(name));
    names.map(|name| folder.join(FOLDER).join(name))
}

/// Removes the files of erased events. One that cannot be removed now is an orphan and goes with the next sweep.
pub(super) fn remove(paths: Vec<PathBuf>) {
    for path in paths {
        if let Err(error) = std::fs::remove_file(path) {
            tracing::debug!(error = %error, "a delivered file stays until the next sweep");
        }
    }
}

fn put(folder: &Path, bytes: FileBytes) -> io::Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = folder.join(&name);
    match bytes {
        FileBytes::Disk(from) => std::fs::rename(from, &path)?,
        FileBytes::Memory(bytes) => std::fs::write(&path, bytes)?,
    }
    File::open(&path)?.sync_all()?;
    File::open(folder)?.sync_all()?;
    Ok(name)
}

fn is_ours(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn unavailable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable {
        reason: format!("a file could not be kept: {error}"),
    }
}
