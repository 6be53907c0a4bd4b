//! `ireserve-sidecar serve` with settings in its environment, in a folder of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::{Launch, Program, ProgramError};
use crate::ireserve::{IReserve, Sender};

/// How long a start may take: a predecessor on the same store may hold its lock for twenty seconds more.
const LONGEST_START: Duration = Duration::from_secs(40);

/// Dotted settings, as in the configuration file: `mattermost.url`, `licence.0.id`. Values that are no plain text are written as
/// TOML.
#[derive(Debug, Clone, Default)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// The HS256 secret of the licence that [`Settings::for_licence`] sets up.
    pub const SECRET: &str = "a secret of forty characters for a test!";

    /// Both addresses on free ports, an embedded store in the working directory, and one licence between a channel and an
    /// i-Reserve. Its key has the secret [`Settings::SECRET`] and no wishes about algorithms.
    #[must_use]
    pub fn for_licence(
        licence: &str,
        mattermost_url: &str,
        bot_token: &str,
        team: &str,
        channel: &str,
        ireserve: &IReserve,
    ) -> Self {
        Self::default()
            .set("server.listen", "127.0.0.1:0")
            .set("server.admin_listen", "127.0.0.1:0")
            .set("store.url", "sqlite:ireserve.db")
            .set("mattermost.url", mattermost_url)
            .set("mattermost.token", bot_token)
            .set("licence.0.id", licence)
            .set("licence.0.team", team)
            .set("licence.0.channel", channel)
            .set(
                "licence.0.keys",
                format!(
                    "[{{ kid = \"test\", alg = \"HS256\", secret = \"{}\" }}]",
                    Self::SECRET
                ),
            )
            .set("licence.0.ireserve.webhook_url", ireserve.webhook_url())
            .set("licence.0.ireserve.users_url", ireserve.users_url())
            .set(
                "licence.0.ireserve.secrets",
                format!("[\"{}\"]", ireserve.secret()),
            )
    }

    /// With one more, or another value for one.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<String>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Without one.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.0.remove(key);
        self
    }

    /// As environment variables: `IRESERVE__MATTERMOST__URL`.
    pub fn environment(&self) -> impl Iterator<Item = (String, String)> {
        self.0.iter().map(|(key, value)| {
            (
                format!("IRESERVE__{}", key.to_uppercase().replace('.', "__")),
                value.clone(),
            )
        })
    }
}

/// A running sidecar. Its folder outlives its lives, and is removed with the handle.
#[derive(Debug)]
pub struct Sidecar {
    path: PathBuf,
    settings: Settings,
    folder: Arc<TempDir>,
    program: Program,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Sidecar {
    /// Starts the executable at `path` and waits until it accepts.
    ///
    /// # Errors
    /// When it does not start, or says nothing of listening.
    pub async fn start(path: impl Into<PathBuf>, settings: Settings) -> Result<Self, ProgramError> {
        let path = path.into();
        let folder = tempfile::tempdir().map_err(|source| ProgramError::Start {
            path: path.clone(),
            source,
        })?;
        Self::start_in(path, settings, Arc::new(folder)).await
    }

    /// Starts a further replica: the same executable with other settings, in a folder of its own.
    ///
    /// # Errors
    /// As [`Sidecar::start`].
    pub async fn another(&self, settings: Settings) -> Result<Self, ProgramError> {
        Self::start(self.path.clone(), settings).await
    }

    async fn start_in(
        path: PathBuf,
        settings: Settings,
        folder: Arc<TempDir>,
    ) -> Result<Self, ProgramError> {
        let (program, address, admin) = launch(&path, &settings, folder.path()).await?;
        Ok(Self {
            path,
            settings,
            folder,
            program,
            address,
            admin,
        })
    }

    /// `http://…` of the public address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `http://…` of the admin address.
    #[must_use]
    pub fn admin_url(&self) -> String {
        format!("http://{}", self.admin)
    }

    /// Where Mattermost's outgoing webhook calls.
    #[must_use]
    pub fn hook_url(&self) -> String {
        format!("{}/v1/hooks/mattermost", self.url())
    }

    /// i-Reserve's way in for the licence of [`Settings::for_licence`].
    #[must_use]
    pub fn sender(&self, licence: &str) -> Sender {
        Sender::new(&self.url(), licence, Settings::SECRET).with_kid("test")
    }

    /// Its working directory, where the embedded store lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
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

    /// SIGTERM, and waits for its end.
    ///
    /// # Errors
    /// [`ProgramError::End`], also when it takes longer.
    pub async fn stop(
        &mut self,
        within: Duration,
    ) -> Result<std::process::ExitStatus, ProgramError> {
        self.program.terminate(within).await
    }

    /// Starts it again, on the same ports and the same store, with the same settings.
    ///
    /// # Errors
    /// As [`Sidecar::start`].
    pub async fn start_again(&mut self) -> Result<(), ProgramError> {
        let (address, admin) = (self.address.to_string(), self.admin.to_string());
        self.settings = self
            .settings
            .clone()
            .set("server.listen", address)
            .set("server.admin_listen", admin);
        let (program, address, admin) =
            launch(&self.path, &self.settings, self.folder.path()).await?;
        (self.program, self.address, self.admin) = (program, address, admin);
        Ok(())
    }

    /// The same with other settings from now on.
    ///
    /// # Errors
    /// As [`Sidecar::start`].
    pub async fn start_again_with(
        &mut self,
        change: impl FnOnce(Settings) -> Settings,
    ) -> Result<(), ProgramError> {
        self.settings = change(std::mem::take(&mut self.settings));
        self.start_again().await
    }
}

async fn launch(
    path: &Path,
    settings: &Settings,
    folder: &Path,
) -> Result<(Program, SocketAddr, SocketAddr), ProgramError> {
    let mut launch = Launch::of(path).arguments(["serve"]).within(folder);
    for (name, value) in settings.environment() {
        launch = launch.with(name, value);
    }
    let program = launch.start()?;
    let (address, admin) = program
        .until_line_within(LONGEST_START, "it listens", listening)
        .await?;
    Ok((program, address, admin))
}

/// Both addresses from the line `listening on ADDRESS (admin ADDRESS)`, in text or inside JSON.
#[must_use]
pub fn listening(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let (_, rest) = line.split_once("listening on ")?;
    let (address, rest) = rest.split_once(" (admin ")?;
    let (admin, _) = rest.split_once(')')?;
    Some((address.parse().ok()?, admin.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_addresses_are_read_from_text_and_from_json() {
        for line in [
            "INFO listening on 127.0.0.1:8070 (admin 127.0.0.1:8071)",
            r#"{"message":"listening on 127.0.0.1:8070 (admin 127.0.0.1:8071)"}"#,
        ] {
            let (address, admin) = listening(line).unwrap();
            assert_eq!((address.port(), admin.port()), (8070, 8071), "{line}");
        }
        assert!(listening("listening on nothing").is_none());
    }

    #[test]
    fn settings_become_variables() {
        let settings = Settings::default().set("licence.0.ireserve.webhook_url", "http://x");
        let variables: Vec<_> = settings.environment().collect();
        assert_eq!(
            variables,
            [(
                "IRESERVE__LICENCE__0__IRESERVE__WEBHOOK_URL".to_owned(),
                "http://x".to_owned()
            )]
        );
    }
}
