//! Before the first byte of the protocol: the cookie, the socket, and the one line on standard output.
//!
//! The server waits 3 s for the line, so nothing else happens before it. Afterwards standard output leads nowhere: nobody would
//! read it, and a pipe that fills up would stop whoever writes.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the server puts into our environment, so that a person who starts a plugin by hand is told what it is.
pub(crate) const COOKIE: (&str, &str) = ("MATTERMOST_PLUGIN", "Securely message teams, anywhere.");

/// Set when the server wants TLS, which Mattermost never does.
const CLIENT_CERTIFICATE: &str = "PLUGIN_CLIENT_CERT";

/// How long the server may take to connect. It does so as soon as it has read the line.
const CONNECT: Duration = Duration::from_secs(10);

/// Core protocol 1, plugin protocol 1, unix socket, path, net/rpc, no certificate.
fn line(socket: &Path) -> String {
    format!("1|1|unix|{}|netrpc|\n", socket.display())
}

/// Why the process cannot be a plugin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("this is a Mattermost plugin; it is started by the Mattermost server and not by hand")]
    NotAPlugin,
    #[error("the server wants TLS (`PLUGIN_CLIENT_CERT` is set), which this plugin does not speak")]
    Tls,
    #[error("no socket could be made in `{}`", folder.display())]
    Socket { folder: PathBuf, source: io::Error },
    #[error("the line with the address could not be written")]
    Announce(#[source] io::Error),
    #[error("the server did not connect")]
    Connect(#[source] io::Error),
}

/// Goes through the handshake and returns the connection to the server.
pub(crate) fn shake() -> Result<UnixStream, HandshakeError> {
    let variable = |name: &str| {
        std::env::vars_os()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    };
    if variable(COOKIE.0).is_none_or(|cookie| cookie != COOKIE.1) {
        return Err(HandshakeError::NotAPlugin);
    }
    if variable(CLIENT_CERTIFICATE).is_some() {
        return Err(HandshakeError::Tls);
    }
    let folder = std::env::temp_dir();
    let socket =
        Socket::bind(&folder).map_err(|source| HandshakeError::Socket { folder, source })?;
    announce(&line(&socket.path)).map_err(HandshakeError::Announce)?;
    socket.accept().map_err(HandshakeError::Connect)
}

fn announce(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.flush()?;
    let nowhere = OpenOptions::new().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&nowhere)?;
    Ok(())
}

/// A listening socket in a folder of its own, which only this user may enter. Both are removed with it.
struct Socket {
    listener: UnixListener,
    folder: PathBuf,
    path: PathBuf,
}

impl Socket {
    /// The folder is made, never taken over, so nobody can have prepared it; names in use are passed over.
    fn bind(below: &Path) -> io::Result<Self> {
        let process = std::process::id();
        let mut attempt = 0;
        let folder = loop {
            let folder = below.join(format!("mmplugin-{process}-{attempt}"));
            match DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => break folder,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1000 => {
                    attempt += 1
                }
                Err(error) => return Err(error),
            }
        };
        let path = folder.join("socket");
        match UnixListener::bind(&path) {
            Ok(listener) => Ok(Self {
                listener,
                folder,
                path,
            }),
            Err(error) => {
                // The first error is the one to report.
                let _ = std::fs::remove_dir(&folder);
                Err(error)
            }
        }
    }

    /// Takes the one connection that is expected.
    fn accept(self) -> io::Result<UnixStream> {
        use rustix::event::{PollFd, PollFlags, poll};
        let patience = rustix::event::Timespec {
            tv_sec: CONNECT.as_secs().cast_signed(),
            tv_nsec: 0,
        };
        let ready = poll(
            &mut [PollFd::new(&self.listener, PollFlags::IN)],
            Some(&patience),
        )?;
        if ready == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let (connection, _) = self.listener.accept()?;
        Ok(connection)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let ours =
            std::fs::symlink_metadata(&self.path).is_ok_and(|file| file.file_type().is_socket());
        if ours {
            // Left behind, it is an empty folder for the system to sweep.
            let _ = std::fs::remove_file(&self.path);
            let _ = std::fs::remove_dir(&self.folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_line_is_the_one_that_every_version_of_the_server_understands() {
        assert_eq!(
            line(Path::new("/tmp/x/socket")),
            "1|1|unix|/tmp/x/socket|netrpc|\n"
        );
    }

    #[test]
    fn the_socket_is_ours_alone_and_gone_once_it_was_used() {
        let below = std::env::temp_dir();
        let first = Socket::bind(&below).unwrap();
        let second = Socket::bind(&below).unwrap();
        assert_ne!(first.path, second.path);
        let mode = std::fs::metadata(&first.folder)
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
        let (folder, path) = (first.folder.clone(), first.path.clone());
        let _client = UnixStream::connect(&path).unwrap();
        first.accept().unwrap();
        assert!(!folder.exists());
    }
}
