//! One run of the sidecar.

use std::{
    io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::Path,
    process::{ExitStatus, Stdio},
};

use shared::pairing::Hidden;
use tokio::{
    fs,
    io::{AsyncWriteExt as _, BufReader},
    process::{Child, ChildStderr, ChildStdin, Command},
};

use super::{Managed, log};
use crate::{http::Base, sidecar::Why};

/// The process, its leash and its log.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    leash: Option<ChildStdin>,
    log: log::Reader<BufReader<ChildStderr>>,
    /// What it said last, as a reason when it ends before it listens.
    last_words: Option<String>,
    listens: bool,
}

/// What happened next.
#[derive(Debug)]
pub(super) enum Heard {
    Listening(Base),
    Ended(String),
}

impl Running {
    pub(super) async fn start(managed: &Managed, secret: &Hidden) -> Result<Self, Why> {
        own_directory(&managed.directory).await.map_err(|error| {
            Why::NoDirectory(format!("{}: {error}", managed.directory.display()))
        })?;
        let mut child = Command::new(&managed.program)
            .args(["serve", "--managed"])
            .env_clear()
            .current_dir(&managed.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Why::Stopped(format!("{}: {error}", managed.program.display())))?;
        let mut leash = child.stdin.take().expect("standard input was asked for");
        let stderr = child.stderr.take().expect("standard error was asked for");
        let settings =
            serde_json::json!({"store.url": managed.store_url, "plugin.pairing_secret": secret});
        // A program that ended at once is heard of below, with its reason.
        let _ = leash.write_all(format!("{settings}\n").as_bytes()).await;
        Ok(Self {
            child,
            leash: Some(leash),
            log: log::Reader::new(BufReader::new(stderr)),
            last_words: None,
            listens: false,
        })
    }

    /// What happens next. Dropped half-way, nothing is lost.
    pub(super) async fn next(&mut self) -> Heard {
        loop {
            match self.log.next().await {
                Ok(Some(line)) => {
                    let line = log::Line::read(&line);
                    line.say(self.listens);
                    if let Some(base) = line.listening() {
                        self.listens = true;
                        return Heard::Listening(base);
                    }
                    if let Some(words) = line.as_reason() {
                        self.last_words = Some(words);
                    }
                }
                // The stream is at its end, or as good as.
                Ok(None) | Err(_) => {
                    let ended = self.child.wait().await;
                    return Heard::Ended(self.reason(ended));
                }
            }
        }
    }

    fn reason(&mut self, ended: io::Result<ExitStatus>) -> String {
        let status = match ended {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        match self.last_words.take() {
            Some(words) if !self.listens => format!("{words} ({status})"),
            _ => status,
        }
    }

    pub(super) fn let_go(&mut self) {
        self.leash = None;
    }

    pub(super) async fn kill(&mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!("the sidecar cannot be killed: {error}");
        }
    }
}

/// Makes the folder, for nobody but us.
async fn own_directory(path: &Path) -> io::Result<()> {
    let made = path.to_path_buf();
    // A folder on a sick network may hang; only this task then waits.
    tokio::task::spawn_blocking(move || {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(made)
    })
    .await
    .map_err(io::Error::other)??;
    let mut permissions = fs::metadata(path).await?.permissions();
    if permissions.mode() & 0o077 != 0 {
        permissions.set_mode(0o700);
        fs::set_permissions(path, permissions).await?;
    }
    Ok(())
}
