//! A real Mattermost server on loopback, furnished like the simulated one, for the journeys that must hold in both worlds.
//!
//! The folder named by `MATTERMOST_HOME` holds the server: the executable `mattermost` or `bin/mattermost` beside `i18n`,
//! `templates` and `fonts`. The database is PostgreSQL of the machine's own packages. Everything else is made fresh in a temporary
//! folder and removed at the end. A start takes some ten to thirty seconds, mostly for the server's migrations.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::client::{Answered, CallError};
use crate::mattermost::{Cast, Refusal};
use crate::program::{Launch, Program, ProgramError, free_port};

mod furnish;
mod postgres;

pub use furnish::Furniture;
use furnish::furnish;
use postgres::Postgres;

/// How long the server may take to listen: its migrations run on a machine that others use too.
const LONGEST_START: Duration = Duration::from_secs(180);

/// Why there is no real server, or why it did not do as it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RealError {
    /// The folder holds no server.
    #[error("there is no `mattermost` or `bin/mattermost` in `{}`", home.display())]
    NoServer {
        /// The folder.
        home: PathBuf,
    },
    /// The machine has no PostgreSQL.
    #[error("there is no PostgreSQL below `/usr/lib/postgresql`")]
    NoDatabase,
    /// The temporary folder could not be furnished.
    #[error("the server's folder could not be made")]
    Folder(#[from] std::io::Error),
    /// A process did not start or end as wanted.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// There was no answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The answer was a refusal.
    #[error("{what} was refused with {status} `{id}`", status = refusal.status, id = refusal.id)]
    Refused {
        /// What was asked for.
        what: String,
        /// Status and id.
        refusal: Refusal,
    },
}

/// A running real server with its database.
#[derive(Debug)]
pub struct RealMattermost {
    // Dropped in this order: the server, its database, their folder.
    program: Program,
    postgres: Postgres,
    launch: Launch,
    url: String,
    cast: Cast,
    folder: TempDir,
}

impl RealMattermost {
    /// Starts the server of `MATTERMOST_HOME`; none without that variable.
    ///
    /// # Errors
    /// See [`RealError`].
    pub async fn of_environment() -> Result<Option<Self>, RealError> {
        match std::env::var_os("MATTERMOST_HOME") {
            Some(home) => Self::start(Path::new(&home), &[], Furniture::WithBot)
                .await
                .map(Some),
            None => Ok(None),
        }
    }

    /// Starts the server in `home`, with settings by their environment names (`MM_RATELIMITSETTINGS_ENABLE`).
    ///
    /// # Errors
    /// See [`RealError`].
    pub async fn start(
        home: &Path,
        settings: &[(&str, &str)],
        furniture: Furniture,
    ) -> Result<Self, RealError> {
        let found = [home.join("mattermost"), home.join("bin").join("mattermost")]
            .into_iter()
            .find(|path| path.is_file());
        let executable = found.ok_or_else(|| RealError::NoServer {
            home: home.to_owned(),
        })?;
        let folder = tempfile::Builder::new().prefix("mattermost-").tempdir()?;
        let postgres = Postgres::start(folder.path()).await?;
        let run = furnish_folder(folder.path(), home)?;
        let url = format!("http://127.0.0.1:{}", free_port()?);
        let launch = launch(&executable, &run, &url, &postgres.url(), settings);
        let program = ready(&launch).await?;
        let cast = furnish(&url, furniture).await?;
        Ok(Self {
            program,
            postgres,
            launch,
            url,
            cast,
            folder,
        })
    }

    /// `http://127.0.0.1:{port}`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The same people and channels as in the simulated server.
    #[must_use]
    pub const fn cast(&self) -> &Cast {
        &self.cast
    }

    /// Where its data lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its process.
    #[must_use]
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// An orderly restart on the same port.
    ///
    /// # Errors
    /// [`RealError::Program`].
    pub async fn restart(&mut self) -> Result<(), RealError> {
        self.program.terminate(Duration::from_secs(60)).await?;
        self.start_again().await
    }

    /// kill -9.
    ///
    /// # Errors
    /// [`RealError::Program`].
    pub async fn kill(&mut self) -> Result<(), RealError> {
        Ok(self.program.kill().await?)
    }

    /// Starts it again after [`RealMattermost::kill`].
    ///
    /// # Errors
    /// [`RealError::Program`].
    pub async fn start_again(&mut self) -> Result<(), RealError> {
        self.program = ready(&self.launch).await?;
        Ok(())
    }

    /// Ends the server and its database in order.
    ///
    /// # Errors
    /// [`RealError::Program`].
    pub async fn close(mut self) -> Result<(), RealError> {
        self.program.terminate(Duration::from_secs(60)).await?;
        Ok(self.postgres.stop().await?)
    }
}

async fn ready(launch: &Launch) -> Result<Program, RealError> {
    let program = launch.start()?;
    program
        .until_line_within(LONGEST_START, "the server listens", |line| {
            line.contains("Server is listening on").then_some(())
        })
        .await?;
    Ok(program)
}

/// The folder the server runs in: its own texts linked, everything it writes fresh.
fn furnish_folder(folder: &Path, home: &Path) -> Result<PathBuf, RealError> {
    let run = folder.join("run");
    for made in ["config", "client/plugins", "plugins", "data", "logs"] {
        std::fs::create_dir_all(run.join(made))?;
    }
    for linked in ["i18n", "templates", "fonts"] {
        std::os::unix::fs::symlink(home.canonicalize()?.join(linked), run.join(linked))?;
    }
    // Without its web client's first page the server does not start.
    std::fs::write(run.join("client").join("root.html"), "<html></html>")?;
    Ok(run)
}

fn launch(
    executable: &Path,
    run: &Path,
    url: &str,
    database: &str,
    settings: &[(&str, &str)],
) -> Launch {
    let folder = |name: &str| run.join(name).display().to_string();
    let mut launch = Launch::of(executable)
        .arguments(["server"])
        .within(run)
        .with("HOME", run.display().to_string());
    for (section, name, value) in [
        ("SERVICE", "SITEURL", url),
        (
            "SERVICE",
            "LISTENADDRESS",
            url.trim_start_matches("http://"),
        ),
        ("SERVICE", "ENABLELOCALMODE", "false"),
        ("SERVICE", "ENABLEOUTGOINGWEBHOOKS", "true"),
        ("SERVICE", "ENABLEBOTACCOUNTCREATION", "true"),
        ("SERVICE", "ENABLEUSERACCESSTOKENS", "true"),
        ("SERVICE", "ENABLELINKPREVIEWS", "false"),
        ("SERVICE", "ENABLESECURITYFIXALERT", "false"),
        (
            "SERVICE",
            "ALLOWEDUNTRUSTEDINTERNALCONNECTIONS",
            "127.0.0.1 localhost",
        ),
        ("SQL", "DRIVERNAME", "postgres"),
        ("SQL", "DATASOURCE", database),
        ("FILE", "DIRECTORY", &format!("{}/", folder("data"))),
        ("LOG", "FILELOCATION", &folder("logs")),
        ("LOG", "ENABLECONSOLE", "true"),
        ("LOG", "ENABLEDIAGNOSTICS", "false"),
        ("PLUGIN", "ENABLEUPLOADS", "true"),
        ("PLUGIN", "DIRECTORY", &folder("plugins")),
        ("PLUGIN", "CLIENTDIRECTORY", &folder("client/plugins")),
        ("PLUGIN", "AUTOMATICPREPACKAGEDPLUGINS", "false"),
        ("PLUGIN", "ENABLEREMOTEMARKETPLACE", "false"),
        ("ANNOUNCEMENT", "ADMINNOTICESENABLED", "false"),
        ("ANNOUNCEMENT", "USERNOTICESENABLED", "false"),
        ("EMAIL", "SENDPUSHNOTIFICATIONS", "false"),
        ("EMAIL", "SENDEMAILNOTIFICATIONS", "false"),
        ("TEAM", "ENABLEOPENSERVER", "true"),
        ("PASSWORD", "MINIMUMLENGTH", "8"),
    ] {
        launch = launch.with(format!("MM_{section}SETTINGS_{name}"), value);
    }
    settings
        .iter()
        .fold(launch, |launch, (name, value)| launch.with(*name, *value))
}

/// A 2xx, or the refusal it is.
pub(crate) fn answered(what: &str, answer: Answered) -> Result<Answered, RealError> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    let id = id_of(&answer.json(), "id");
    Err(RealError::Refused {
        what: what.to_owned(),
        refusal: Refusal::new(answer.status.as_u16(), &id),
    })
}

fn id_of(object: &Value, key: &str) -> String {
    object[key].as_str().unwrap_or_default().to_owned()
}
