//! A real `redis-server` for tests: on a free port, with a folder of its own, ended with its process id.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use secrecy::SecretString;

/// Ends with this value.
#[derive(Debug)]
pub(in crate::store) struct Server {
    child: Child,
    pub(super) port: u16,
    folder: tempfile::TempDir,
    settings: Vec<String>,
}

/// As a server must be set for keeping.
const KEEPING: [&str; 8] = [
    "--save",
    "",
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--maxmemory-policy",
    "noeviction",
];

impl Server {
    /// Nothing where none is installed, which is said loudly; with `CI` in the environment it is a failure.
    pub(in crate::store) async fn start() -> Option<Self> {
        Self::start_with(&KEEPING).await
    }

    pub(super) async fn start_with(settings: &[&str]) -> Option<Self> {
        let installed = Command::new("redis-server")
            .arg("--version")
            .stdout(Stdio::null())
            .status();
        if installed.is_err() {
            assert!(
                std::env::vars_os().all(|(name, _)| name != "CI"),
                "there is no redis-server, and CI must not skip this test"
            );
            eprintln!("SKIPPED: there is no redis-server on this machine");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let settings: Vec<String> = settings.iter().map(|one| (*one).to_owned()).collect();
        let child = launch(port, folder.path(), &settings);
        let server = Self {
            child,
            port,
            folder,
            settings,
        };
        server.ready().await;
        Some(server)
    }

    pub(in crate::store) fn url(&self, database: u32) -> SecretString {
        format!("redis://127.0.0.1:{}/{database}", self.port).into()
    }

    /// Ended from one moment to the next, as by a power cut.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its connections stay, and it answers nothing.
    pub(super) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(super) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// On the same port, with what its log holds.
    pub(super) async fn start_again(&mut self) {
        self.child = launch(self.port, self.folder.path(), &self.settings);
        self.ready().await;
    }

    /// One command over a connection of its own.
    pub(in crate::store) async fn ask(&self, command: &[&str]) -> redis::RedisResult<redis::Value> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port))?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let mut asked = redis::cmd(command[0]);
        asked.arg(&command[1..]);
        asked.query_async(&mut connection).await
    }

    async fn ready(&self) {
        for _ in 0..500 {
            if self.ask(&["PING"]).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("redis-server does not answer on port {}", self.port);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already is what we want.
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.child.wait();
    }
}

fn launch(port: u16, folder: &std::path::Path, settings: &[String]) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--databases", "1024", "--dir"])
        .arg(folder)
        .args(settings)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
