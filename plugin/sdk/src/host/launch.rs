//! A plugin that is a process of its own: started, connected and waited for as a server does it.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Host;
use crate::error::Error;
use crate::handshake::COOKIE;

/// How long the line may take.
const START: Duration = Duration::from_secs(3);

/// How long the process may live after the goodbye; then a server kills it.
const END: Duration = Duration::from_secs(2);

impl Host {
    /// Starts an executable and goes through the server's part of the start. It is killed if the host is dropped.
    ///
    /// # Errors
    ///
    /// It said something else than servers understand, or not in time.
    pub async fn launch(program: &Path) -> Result<Self, Error> {
        let mut command = Command::new(program);
        command
            .env(COOKIE.0, COOKIE.1)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut process = command.spawn()?;
        let stdout = process
            .stdout
            .take()
            .expect("standard output was asked for");
        let mut line = String::new();
        let mut stdout = BufReader::new(stdout);
        let read = timeout(START, stdout.read_line(&mut line)).await;
        read.map_err(|_| Error::Silent {
            what: "handshake".into(),
            waited: START,
        })??;
        let parts: Vec<&str> = line.trim_end_matches('\n').split('|').collect();
        let ["1", "1", "unix", socket, "netrpc", ""] = parts[..] else {
            return Err(Error::Refused {
                method: "handshake".into(),
                reason: line,
            });
        };
        let connection = UnixStream::connect(socket).await?;
        let mut host = Self::meet(connection, JoinSet::new()).await?;
        host.process = Some(Process {
            child: process,
            stdout,
        });
        Ok(host)
    }
}

/// A started plugin.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    stdout: BufReader<tokio::process::ChildStdout>,
}

impl Process {
    /// Waits for its end. Whatever it wrote to standard output after the line is a fault.
    pub(super) async fn end(mut self) -> Result<ExitStatus, Error> {
        let ended = timeout(END, self.child.wait()).await;
        let status = ended.map_err(|_| Error::Silent {
            what: "the process".into(),
            waited: END,
        })??;
        let mut more = String::new();
        if self.stdout.read_line(&mut more).await? > 0 {
            return Err(Error::Refused {
                method: "standard output".into(),
                reason: "it was written to".into(),
            });
        }
        Ok(status)
    }
}
