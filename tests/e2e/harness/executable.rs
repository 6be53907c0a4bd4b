//! Finding the sidecar's executable, or making it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

use simulators::program::built;

const NAME: &str = "ireserve-sidecar";

/// The executable to test.
///
/// # Panics
/// When it has to be built and cannot be.
pub(crate) fn sidecar() -> PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(find).clone()
}

fn find() -> PathBuf {
    if let Some(named) = std::env::var_os("IRESERVE_SIDECAR") {
        return named.into();
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let is_fresh = |path: &PathBuf| {
        let made = modified(path);
        ["sidecar", "shared", "Cargo.lock"]
            .iter()
            .all(|source| newest(&workspace.join(source)) <= made)
    };
    if let Some(found) = built(NAME).ok().filter(is_fresh) {
        return found;
    }
    build(workspace);
    built(NAME).unwrap()
}

/// Into the folder that holds the running test, so that no second target folder is filled.
fn build(workspace: &Path) {
    let own = std::env::current_exe().unwrap();
    let profile = own.ancestors().nth(2).unwrap();
    let mut cargo = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    cargo
        .args(["build", "--quiet", "-p", "sidecar", "--target-dir"])
        .arg(profile.parent().unwrap())
        .current_dir(workspace);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().unwrap();
    assert!(status.success(), "the sidecar cannot be built: {status}");
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|known| known.modified()).ok()
}

/// The newest change below a path, folders themselves left out.
fn newest(path: &Path) -> Option<SystemTime> {
    match path.read_dir() {
        Ok(entries) => entries
            .flatten()
            .filter_map(|entry| newest(&entry.path()))
            .max(),
        Err(_) => modified(path),
    }
}
