//! A PostgreSQL server of one's own: throw-away data, no syncs, loopback only.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::RealError;
use crate::program::{Launch, Program, ProgramError, Signal, free_port};

/// A running PostgreSQL with one database `mm` that its superuser `mm` owns.
#[derive(Debug)]
pub(super) struct Postgres {
    program: Program,
    port: u16,
}

impl Postgres {
    /// Starts one with its data below `folder`. The server refuses to run as root, so root runs it as the user `postgres`.
    pub(super) async fn start(folder: &Path) -> Result<Self, RealError> {
        let tools = newest_tools().ok_or(RealError::NoDatabase)?;
        let data = folder.join("postgres");
        std::fs::create_dir(&data)?;
        std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755))?;
        std::fs::set_permissions(&data, PermissionsExt::from_mode(0o700))?;
        let user = if std::fs::metadata(&data)?.uid() == 0 {
            Some(ids_of_postgres().await?)
        } else {
            None
        };
        if let Some((user, group)) = user {
            chown(&data, Some(user), Some(group))?;
        }
        let run = |tool: &str| {
            let launch = Launch::of(tools.join(tool)).within(&data);
            match user {
                Some((user, group)) => launch.as_user(user, group),
                None => launch,
            }
        };
        let place = data.display().to_string();
        finished(run("initdb").arguments(["-D", &*place, "-A", "trust", "-U", "mm", "--no-sync"]))
            .await?;
        let port = free_port()?;
        let server = run("postgres")
            .arguments([
                "-D",
                &*place,
                "-p",
                &port.to_string(),
                "-c",
                "listen_addresses=127.0.0.1",
            ])
            .arguments([
                "-c",
                &format!("unix_socket_directories={place}"),
                "-c",
                "fsync=off",
                "-c",
                "max_connections=200",
            ]);
        let program = server.start()?;
        program
            .until_line("the database is ready", |line| {
                line.contains("ready to accept connections").then_some(())
            })
            .await?;
        finished(run("createdb").arguments([
            "-h",
            "127.0.0.1",
            "-p",
            &port.to_string(),
            "-U",
            "mm",
            "mm",
        ]))
        .await?;
        Ok(Self { program, port })
    }

    /// As Mattermost's `SqlSettings.DataSource` wants it.
    pub(super) fn url(&self) -> String {
        format!("postgres://mm@127.0.0.1:{}/mm?sslmode=disable", self.port)
    }

    /// Ends it at once, but with its shared memory given back.
    pub(super) async fn stop(&mut self) -> Result<(), ProgramError> {
        self.program.signal(Signal::QUIT)?;
        self.program.wait(Duration::from_secs(20)).await.map(|_| ())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Gone already is as well. Its handle kills what is left.
        let _ = self.program.signal(Signal::QUIT);
    }
}

fn newest_tools() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let tools = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").is_file());
    tools.max()
}

/// The numbers of the user `postgres` and its group.
async fn ids_of_postgres() -> Result<(u32, u32), ProgramError> {
    let mut numbers = [0; 2];
    for (number, what) in numbers.iter_mut().zip(["-u", "-g"]) {
        let id = Launch::of("id").arguments([what, "postgres"]).start()?;
        *number = id
            .until_line("the user postgres is known", |line| {
                line.trim().parse().ok()
            })
            .await?;
    }
    Ok((numbers[0], numbers[1]))
}

async fn finished(launch: Launch) -> Result<(), RealError> {
    let mut program = launch.start()?;
    let status = program.wait(Duration::from_secs(120)).await?;
    if status.success() {
        return Ok(());
    }
    let said = std::io::Error::other(program.output());
    Err(ProgramError::End {
        pid: program.pid(),
        source: said,
    }
    .into())
}
