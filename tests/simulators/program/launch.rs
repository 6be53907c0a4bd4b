//! How a program is started.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use tokio::process::Command;
use tokio_util::task::TaskTracker;

use super::{Output, Program, ProgramError, listen};
use crate::watched::Watched;

/// How to start a program.
#[derive(Debug, Clone)]
pub struct Launch {
    path: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    directory: Option<PathBuf>,
    keeps_stdin: bool,
    user: Option<(u32, u32)>,
}

impl Launch {
    /// The program at this path, or of this name on the search path.
    #[must_use]
    pub fn of(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: None,
            keeps_stdin: false,
            user: None,
        }
    }

    /// With further arguments.
    #[must_use]
    pub fn arguments<T: Into<String>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// With a variable in its environment.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// In this working directory.
    #[must_use]
    pub fn within(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    /// With a standard input that stays open until [`Program::close_stdin`].
    #[must_use]
    pub const fn with_stdin(mut self) -> Self {
        self.keeps_stdin = true;
        self
    }

    /// As this user and group, by their numbers.
    #[must_use]
    pub const fn as_user(mut self, user: u32, group: u32) -> Self {
        self.user = Some((user, group));
        self
    }

    /// Starts it. Both its output streams are read from now on.
    ///
    /// # Errors
    /// [`ProgramError::Start`].
    pub fn start(&self) -> Result<Program, ProgramError> {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).env_clear();
        for inherited in ["PATH", "TMPDIR", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(inherited) {
                command.env(inherited, value);
            }
        }
        command.envs(self.environment.iter().cloned());
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        let stdin = if self.keeps_stdin {
            Stdio::piped()
        } else {
            Stdio::null()
        };
        command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|source| ProgramError::Start {
            path: self.path.clone(),
            source,
        })?;

        let output = Arc::new(Watched::new(Output {
            open_streams: 2,
            ..Output::default()
        }));
        let readers = TaskTracker::new();
        if let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) {
            readers.spawn(listen(out, Arc::clone(&output)));
            readers.spawn(listen(err, Arc::clone(&output)));
        }
        readers.close();
        let (stdin, pid) = (child.stdin.take(), child.id().unwrap_or_default());
        Ok(Program {
            path: self.path.clone(),
            child,
            stdin,
            pid,
            output,
            readers,
        })
    }
}
