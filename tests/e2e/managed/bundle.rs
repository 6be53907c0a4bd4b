//! The archive that administrators upload, and a later version of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// The plugin's id, which is also the archive's one folder.
pub(crate) const ID: &str = "nl.i-reserve.mattermost";

/// The archive that `IRESERVE_BUNDLE` names.
///
/// # Panics
/// Without one: only `scripts/bundle` knows how to make it.
pub(crate) fn built() -> PathBuf {
    let named = std::env::var_os("IRESERVE_BUNDLE").map(PathBuf::from);
    let archive = named.expect(
        "`scripts/test --real` makes the plugin's archive and names it in IRESERVE_BUNDLE; by hand: scripts/bundle --debug",
    );
    archive.canonicalize().unwrap()
}

/// The same programs as a later version.
#[derive(Debug)]
pub(crate) struct Later {
    folder: TempDir,
    pub(crate) version: &'static str,
}

impl Later {
    /// Unpacks the archive, gives it another version and packs it again.
    pub(crate) fn of(archive: &Path, version: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("inside");
        std::fs::create_dir(&inside).unwrap();
        run(Command::new("tar")
            .arg("-xzf")
            .arg(archive)
            .arg("-C")
            .arg(&inside));
        let manifest = inside.join(ID).join("plugin.json");
        let mut content: Value =
            serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
        content["version"] = version.into();
        std::fs::write(&manifest, content.to_string()).unwrap();
        let later = Self { folder, version };
        run(Command::new("tar")
            .arg("-czf")
            .arg(later.path())
            .arg("-C")
            .arg(&inside)
            .arg(ID));
        later
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("later.tar.gz")
    }
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?} ended with {status}");
}
