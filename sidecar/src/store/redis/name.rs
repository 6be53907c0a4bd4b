//! The name of a process: its host and a lock file that it holds.
//!
//! Coming back under its name a process takes its lanes at once: whoever held the lock before is dead. The name has a random part
//! that is kept in the file, so that two machines with one host name are never taken for each other.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use super::keys;

/// So many processes of one machine can share a folder; more mean that something starts them in a loop.
const MOST: usize = 64;
/// How long a name that is held is waited for in all: a predecessor that is ending, or a child of it that was just forked, lets go of
/// it within moments, and under another name its lanes would rest for fifteen seconds.
const PATIENCE: u32 = 10;
const MOMENT: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Name {
    /// The same after a restart.
    pub(super) owner: String,
    /// Another one after each.
    pub(super) incarnation: String,
    /// Held as long as the name is ours.
    _lock: File,
}

/// Why a process has no name.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    #[error("the folder {} of its lock file cannot be used", .0.display())]
    Folder(PathBuf, #[source] io::Error),
    #[error("the folder {} holds the names of {MOST} running processes already", .0.display())]
    Full(PathBuf),
}

impl Name {
    /// Takes the first free name of the folder.
    pub(super) async fn take(folder: &Path) -> Result<Self, NameError> {
        let failed = |error| NameError::Folder(folder.to_owned(), error);
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
        let mut patience = PATIENCE;
        for number in 0..MOST {
            let path = folder.join(format!("replica-{number}.lock"));
            let mut held = hold(&path).map_err(failed)?;
            while held.is_none() && patience > 0 {
                patience -= 1;
                tokio::time::sleep(MOMENT).await;
                held = hold(&path).map_err(failed)?;
            }
            if let Some((lock, id)) = held {
                return Ok(Self {
                    owner: format!("{}/{id}", host()),
                    incarnation: random().map_err(failed)?,
                    _lock: lock,
                });
            }
        }
        Err(NameError::Full(folder.to_owned()))
    }
}

/// The lock and the id in it; nothing where somebody else holds it.
fn hold(path: &Path) -> io::Result<Option<(File, String)>> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let mut id = String::new();
    // More than an id is none of ours.
    (&mut file).take(64).read_to_string(&mut id)?;
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        id = random()?;
        file.set_len(0)?;
        io::Seek::rewind(&mut file)?;
        file.write_all(id.as_bytes())?;
        file.sync_all()?;
    }
    Ok(Some((file, id)))
}

fn random() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(keys::hex(&bytes))
}

/// For people who look into the store; the random part alone would do.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "host".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_process_comes_back_under_its_name_and_another_has_another() {
        let folder = tempfile::tempdir().unwrap();
        let first = Name::take(folder.path()).await.unwrap();
        let second = Name::take(folder.path()).await.unwrap();
        assert_ne!(first.owner, second.owner);
        let (owner, incarnation) = (first.owner.clone(), first.incarnation.clone());
        drop(first);
        let back = Name::take(folder.path()).await.unwrap();
        assert_eq!(back.owner, owner);
        assert_ne!(back.incarnation, incarnation);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_file_with_nonsense_gets_an_id() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("replica-0.lock"), "nonsense").unwrap();
        let owner = Name::take(folder.path()).await.unwrap().owner;
        assert_eq!(Name::take(folder.path()).await.unwrap().owner, owner);
    }
}
