//! A bad line between two programs: a TCP proxy that delays, cuts, half-opens and swallows.
//!
//! Stopping a process does not part it from the world, because the kernel keeps what was sent to it; this does.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What the line does to bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Line {
    /// Passes them on.
    #[default]
    Good,
    /// Passes each piece on after a pause, both ways.
    Slow(Duration),
    /// Swallows everything both ways; connections stay open and new ones are taken.
    BlackHole,
    /// Passes on what the caller sends, swallows what comes back: it happened, and nobody hears of it.
    OnlyThere,
    /// Passes on what comes back, swallows what the caller sends.
    OnlyBack,
    /// Takes connections and closes them at once.
    Closed,
}

/// A proxy in front of one address.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    line: watch::Sender<Line>,
    cuts: watch::Sender<CancellationToken>,
    tasks: TaskTracker,
    end: CancellationToken,
}

impl Wire {
    /// Listens on a free loopback port and passes on to `target`.
    ///
    /// # Errors
    /// When no port is to be had.
    pub async fn to(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let end = CancellationToken::new();
        let wire = Self {
            address: listener.local_addr()?,
            line: watch::Sender::default(),
            cuts: watch::Sender::new(end.child_token()),
            tasks: TaskTracker::new(),
            end,
        };
        let (tasks, line, cuts) = (wire.tasks.clone(), wire.line.clone(), wire.cuts.clone());
        wire.tasks
            .spawn(wire.end.clone().run_until_cancelled_owned(async move {
                while let Ok((caller, _)) = listener.accept().await {
                    let cut = cuts.borrow().clone();
                    tasks.spawn(cut.run_until_cancelled_owned(join(
                        caller,
                        target,
                        line.subscribe(),
                    )));
                }
            }));
        Ok(wire)
    }

    /// Where callers connect.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://…` of that address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes what the line does, for connections that exist as well.
    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// Ends every connection that exists; new ones are taken.
    pub fn cut(&self) {
        self.cuts.send_replace(self.end.child_token()).cancel();
    }

    /// Ends it and waits for its tasks.
    pub async fn close(self) {
        self.end.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

async fn join(caller: TcpStream, target: SocketAddr, line: watch::Receiver<Line>) {
    if *line.borrow() == Line::Closed {
        return;
    }
    let Ok(target) = TcpStream::connect(target).await else {
        return;
    };
    // Small answers would wait for each other otherwise.
    let _ = (caller.set_nodelay(true), target.set_nodelay(true));
    let (caller_reads, caller_writes) = caller.into_split();
    let (target_reads, target_writes) = target.into_split();
    tokio::join!(
        carry(caller_reads, target_writes, line.clone(), Line::OnlyBack),
        carry(target_reads, caller_writes, line, Line::OnlyThere)
    );
}

/// Carries one direction until it ends; `swallowed` is the state in which this direction is silent.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    line: watch::Receiver<Line>,
    swallowed: Line,
) {
    let mut piece = vec![0; 16 << 10];
    loop {
        let length = match from.read(&mut piece).await {
            Ok(0) | Err(_) => break,
            Ok(length) => length,
        };
        let now = *line.borrow();
        if let Line::Slow(pause) = now {
            tokio::time::sleep(pause).await;
        }
        if now == Line::BlackHole || now == swallowed {
            continue;
        }
        if to.write_all(&piece[..length]).await.is_err() {
            break;
        }
    }
    // A silent line does not tell that the other end hung up.
    let mut line = line;
    let silent = |now: &Line| *now == Line::BlackHole || *now == swallowed;
    if line.wait_for(|now| !silent(now)).await.is_ok() {
        let _ = to.shutdown().await;
    }
}
