//! Our executables and the servers they need, as processes: started with settings, watched through their log, ended by their own
//! process id.
//!
//! A child inherits nothing but the search path and what a test names, and is killed when its handle is dropped. What it writes is
//! kept; a test that fails shows the end of it.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin};
use tokio_util::task::TaskTracker;

use crate::watched::{Late, PATIENCE, Watched};

mod launch;
mod redis;
mod sidecar;

pub use launch::Launch;
pub use redis::Redis;
pub(crate) use redis::free_port;
pub use sidecar::{Settings, Sidecar, listening};

/// How many lines of a program's output are kept, against a test that runs for hours.
const KEPT_LINES: usize = 20_000;

/// How many of them a failing test shows.
const SHOWN_LINES: usize = 60;

/// Why a program is not as wanted.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It could not be started at all.
    #[error("`{}` does not start", path.display())]
    Start {
        /// Its path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It ended early, or did not say what was waited for.
    #[error("`{}` is not as wanted: {source}", path.display())]
    Silent {
        /// Its path.
        path: PathBuf,
        /// What it said instead.
        source: Late,
    },
    /// It could not be signalled or waited for.
    #[error("process {pid} could not be ended")]
    End {
        /// Its process id.
        pid: u32,
        /// The cause.
        source: io::Error,
    },
    /// No such executable was built.
    #[error("there is no executable `{name}` near `{}`, build it first", near.display())]
    Missing {
        /// Its name.
        name: String,
        /// Where it was looked for.
        near: PathBuf,
    },
}

/// The executable `name` that was built into the same target folder as the running test.
///
/// # Errors
/// [`ProgramError::Missing`].
pub fn built(name: &str) -> Result<PathBuf, ProgramError> {
    let own = std::env::current_exe().unwrap_or_default();
    let found = own
        .ancestors()
        .skip(1)
        .take(3)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    found.ok_or_else(|| ProgramError::Missing {
        name: name.to_owned(),
        near: own,
    })
}

/// What a program wrote, both streams together.
#[derive(Debug, Default)]
struct Output {
    lines: VecDeque<String>,
    open_streams: u8,
}

impl Output {
    fn end(&self) -> String {
        let skipped = self.lines.len().saturating_sub(SHOWN_LINES);
        self.lines
            .iter()
            .skip(skipped)
            .map(|line| format!("  | {line}\n"))
            .collect()
    }
}

async fn listen(stream: impl AsyncRead + Unpin, output: Arc<Watched<Output>>) {
    let mut lines = BufReader::new(stream).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        output.change(|output| {
            output.lines.push_back(line);
            if output.lines.len() > KEPT_LINES {
                output.lines.pop_front();
            }
        });
    }
    output.change(|output| output.open_streams = output.open_streams.saturating_sub(1));
}

/// A running program.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    child: Child,
    stdin: Option<ChildStdin>,
    pid: u32,
    output: Arc<Watched<Output>>,
    readers: TaskTracker,
}

impl Program {
    /// Its process id.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for a line in which `find` finds something; lines that were written before count.
    ///
    /// # Errors
    /// [`ProgramError::Silent`] when it ends first, or after [`PATIENCE`].
    pub async fn until_line<T>(
        &self,
        what: &str,
        find: impl FnMut(&str) -> Option<T>,
    ) -> Result<T, ProgramError> {
        self.until_line_within(PATIENCE, what, find).await
    }

    /// The same with patience of choice.
    ///
    /// # Errors
    /// [`ProgramError::Silent`] when it ends first, or after that time.
    pub async fn until_line_within<T>(
        &self,
        patience: Duration,
        what: &str,
        mut find: impl FnMut(&str) -> Option<T>,
    ) -> Result<T, ProgramError> {
        let look = |output: &Output| {
            let found = output.lines.iter().find_map(|line| find(line));
            (found.is_some() || output.open_streams == 0).then_some(found)
        };
        let found = self.output.until(what, patience, look, Output::end).await;
        let silent = |source| ProgramError::Silent {
            path: self.path.clone(),
            source,
        };
        found.map_err(silent)?.ok_or_else(|| {
            silent(Late {
                what: format!("{what}, but it ended"),
                waited: Duration::ZERO,
                seen: self.output.look(Output::end),
            })
        })
    }

    /// Everything it wrote, both streams, as far as it is kept.
    #[must_use]
    pub fn output(&self) -> String {
        self.output.look(|output| {
            output
                .lines
                .iter()
                .map(|line| format!("{line}\n"))
                .collect()
        })
    }

    /// Writes a line to its standard input.
    ///
    /// # Errors
    /// When it has none, or does not read it.
    pub async fn write_line(&mut self, line: &str) -> io::Result<()> {
        let stdin = self.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        stdin.write_all(format!("{line}\n").as_bytes()).await?;
        stdin.flush().await
    }

    /// Ends its standard input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// kill -9, and waits until it is gone.
    ///
    /// # Errors
    /// [`ProgramError::End`].
    pub async fn kill(&mut self) -> Result<(), ProgramError> {
        self.child
            .kill()
            .await
            .map_err(|source| ProgramError::End {
                pid: self.pid,
                source,
            })?;
        self.readers.wait().await;
        Ok(())
    }

    /// SIGTERM, and waits for its end.
    ///
    /// # Errors
    /// [`ProgramError::End`], also when it is not gone in time; it is killed then.
    pub async fn terminate(&mut self, within: Duration) -> Result<ExitStatus, ProgramError> {
        self.signal(Signal::TERM)?;
        self.wait(within).await
    }

    /// SIGSTOP: it stands still, but what is sent to it is kept for it by the kernel.
    ///
    /// # Errors
    /// [`ProgramError::End`] when it is gone.
    pub fn freeze(&self) -> Result<(), ProgramError> {
        self.signal(Signal::STOP)
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// [`ProgramError::End`] when it is gone.
    pub fn thaw(&self) -> Result<(), ProgramError> {
        self.signal(Signal::CONT)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`ProgramError::End`] when it has not come in time; the program is killed then.
    pub async fn wait(&mut self, within: Duration) -> Result<ExitStatus, ProgramError> {
        let pid = self.pid;
        let ended = |source| ProgramError::End { pid, source };
        let Ok(status) = tokio::time::timeout(within, self.child.wait()).await else {
            self.kill().await?;
            return Err(ended(io::ErrorKind::TimedOut.into()));
        };
        self.readers.wait().await;
        status.map_err(ended)
    }

    /// The most memory it ever had resident, in bytes; none once it is gone.
    #[must_use]
    pub fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<u64>()
            .ok()
            .map(|kib| kib * 1024)
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// [`ProgramError::End`] when it is gone.
    pub fn signal(&self, signal: Signal) -> Result<(), ProgramError> {
        let ended = |source| ProgramError::End {
            pid: self.pid,
            source,
        };
        // `id` is none once it was waited for: its number may be somebody else's by then.
        let pid = self
            .child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(Pid::from_raw);
        kill_process(
            pid.ok_or_else(|| ended(io::ErrorKind::NotFound.into()))?,
            signal,
        )
        .map_err(|errno| ended(errno.into()))
    }
}

impl Drop for Program {
    #[expect(
        clippy::print_stderr,
        reason = "a failing test shows what its programs said"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "`{}` (process {}) said last:\n{}",
                self.path.display(),
                self.pid,
                self.output.look(Output::end)
            );
        }
    }
}
