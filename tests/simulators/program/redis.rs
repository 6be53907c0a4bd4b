//! A real `redis-server` of one's own, set up for keeping.

use std::net::TcpListener;

use tempfile::TempDir;

use super::{Launch, Program, ProgramError};

/// A running `redis-server` with a folder and a port of its own: append-only log, synced at each write, no snapshots.
#[derive(Debug)]
pub struct Redis {
    program: Program,
    launch: Launch,
    port: u16,
    folder: TempDir,
}

impl Redis {
    /// Starts one.
    ///
    /// # Errors
    /// [`ProgramError::Start`] when there is no `redis-server` on the search path.
    pub async fn start() -> Result<Self, ProgramError> {
        Self::start_with(&[]).await
    }

    /// Starts one with further settings, such as `["--maxmemory-policy", "allkeys-lru"]`; they win over the usual ones.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub async fn start_with(settings: &[&str]) -> Result<Self, ProgramError> {
        let folder = tempfile::tempdir().map_err(|source| ProgramError::Start {
            path: "redis-server".into(),
            source,
        })?;
        let port = free_port().map_err(|source| ProgramError::Start {
            path: "redis-server".into(),
            source,
        })?;
        let launch = Launch::of("redis-server")
            .arguments([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--dir",
                &folder.path().display().to_string(),
            ])
            .arguments([
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
                "--maxmemory-policy",
                "noeviction",
            ])
            .arguments(settings.iter().copied());
        let program = ready(&launch).await?;
        Ok(Self {
            program,
            launch,
            port,
            folder,
        })
    }

    /// `redis://127.0.0.1:{port}`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port on loopback.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where its log lies.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Its process, to freeze or to look at.
    #[must_use]
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// kill -9.
    ///
    /// # Errors
    /// [`ProgramError::End`].
    pub async fn kill(&mut self) -> Result<(), ProgramError> {
        self.program.kill().await
    }

    /// Starts it again on the same port with what it kept.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub async fn start_again(&mut self) -> Result<(), ProgramError> {
        self.program = ready(&self.launch).await?;
        Ok(())
    }
}

async fn ready(launch: &Launch) -> Result<Program, ProgramError> {
    let program = launch.start()?;
    program
        .until_line("it is ready", |line| {
            line.contains("Ready to accept connections").then_some(())
        })
        .await?;
    Ok(program)
}

/// A port that was free a moment ago. Redis cannot be asked for port 0 (it means none).
pub(crate) fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
