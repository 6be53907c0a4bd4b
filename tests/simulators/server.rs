//! A small HTTP/1.1 server on a loopback port of its own, whose front door can be shut in every way a real one fails.
//!
//! Every task belongs to the server and ends with it. A handler that answers [`Cut`] closes its connection without an answer.
//! What is not here: what is served, and whether a handler outlives its caller; see the servers themselves.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer::{self, Answer};

/// How a server stands towards the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Door {
    /// Requests are served.
    #[default]
    Open,
    /// Nobody listens on the port: connections are refused. The port stays ours.
    Refusing,
    /// Connections are taken, requests are read, nothing is ever answered.
    Hanging,
    /// Connections are taken and reset at once.
    Resetting,
    /// Every request is answered 503 in plain text, as by a proxy in front of a server that is down.
    Unavailable,
}

/// The connection is to be closed without an answer.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the connection is cut")]
pub(crate) struct Cut;

/// Makes a [`Cut`] a reset instead of an orderly end. Every request carries one in its extensions.
#[derive(Debug, Clone)]
pub(crate) struct Fuse(Arc<AtomicBool>);

impl Fuse {
    /// From now on the end of this connection is a reset.
    pub(crate) fn blow(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(crate) type Handler =
    Arc<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Result<Answer, Cut>> + Send + Sync>;

/// A running server. Dropping it ends everything it started.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    orders: mpsc::Sender<(Door, oneshot::Sender<io::Result<()>>)>,
    tasks: TaskTracker,
    end: CancellationToken,
}

impl Server {
    /// Listens on a free loopback port.
    pub(crate) async fn start(handler: Handler) -> io::Result<Self> {
        Self::start_on(0, handler).await
    }

    /// Listens on this loopback port; 0: a free one.
    pub(crate) async fn start_on(port: u16, handler: Handler) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let (orders, received) = mpsc::channel(8);
        let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
        let porter = Porter {
            address,
            handler,
            tasks: tasks.clone(),
            end: end.clone(),
            door: watch::Sender::new(Door::Open),
        };
        tasks.spawn(porter.stand(listener, received));
        Ok(Self {
            address,
            orders,
            tasks,
            end,
        })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the door; every connection that exists is cut. Returns when the new state holds.
    pub(crate) async fn door(&self, door: Door) -> io::Result<()> {
        let (done, is_done) = oneshot::channel();
        self.orders
            .send((door, done))
            .await
            .map_err(|_| io::ErrorKind::BrokenPipe)?;
        is_done.await.map_err(|_| io::ErrorKind::BrokenPipe)?
    }

    /// Ends everything and waits for it.
    pub(crate) async fn close(&self) {
        self.end.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// Who stands at the port and lets connections in, or not.
struct Porter {
    address: SocketAddr,
    handler: Handler,
    tasks: TaskTracker,
    end: CancellationToken,
    door: watch::Sender<Door>,
}

/// The port, listened on or merely kept.
enum Port {
    Listening(TcpListener),
    Kept(TcpSocket),
}

impl Porter {
    async fn stand(
        self,
        listener: TcpListener,
        mut orders: mpsc::Receiver<(Door, oneshot::Sender<io::Result<()>>)>,
    ) {
        let mut port = Some(Port::Listening(listener));
        let mut lines = self.end.child_token();
        loop {
            let arrival = async {
                match &port {
                    Some(Port::Listening(listener)) => listener.accept().await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.end.cancelled() => return,
                order = orders.recv() => {
                    let Some((door, done)) = order else { return };
                    lines.cancel();
                    lines = self.end.child_token();
                    self.door.send_replace(door);
                    let turned = turn(port.take(), door, self.address);
                    let result = turned.map(|turned| port = Some(turned));
                    // A test that no longer waits for the answer has gone on; nothing to tell anybody.
                    let _ = done.send(result);
                }
                Ok((stream, _)) = arrival => self.admit(stream, &lines),
            }
        }
    }

    fn admit(&self, stream: TcpStream, lines: &CancellationToken) {
        if *self.door.borrow() == Door::Resetting {
            let _ = stream.set_zero_linger();
            return;
        }
        let _ = stream.set_nodelay(true);
        let handler = Arc::clone(&self.handler);
        let door = self.door.subscribe();
        let cut = lines.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = cut.cancelled() => {}
                () = converse(stream, handler, door) => {}
            }
        });
    }
}

/// Serves one connection until it ends.
async fn converse(stream: TcpStream, handler: Handler, door: watch::Receiver<Door>) {
    let fuse = Fuse(Arc::default());
    let line = Line {
        stream,
        fuse: fuse.clone(),
    };
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(fuse.clone());
        let handler = Arc::clone(&handler);
        let now = *door.borrow();
        async move {
            match now {
                Door::Hanging => std::future::pending().await,
                Door::Unavailable => Ok(answer::text(503, "upstream is not available\n")),
                Door::Open | Door::Refusing | Door::Resetting => handler(request).await,
            }
        }
    });
    // Errors are the ends of connections, wanted or not; whoever wants to know looks at the request log.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(line), service)
        .with_upgrades()
        .await;
}

/// Between listening and merely keeping the port. A bound socket that does not listen refuses connections, and nobody else gets
/// the number meanwhile.
fn turn(port: Option<Port>, door: Door, address: SocketAddr) -> io::Result<Port> {
    match (port, door) {
        (Some(Port::Kept(socket)), Door::Refusing) => Ok(Port::Kept(socket)),
        (Some(Port::Kept(socket)), _) => Ok(Port::Listening(socket.listen(1024)?)),
        (Some(Port::Listening(listener)), Door::Refusing) => {
            drop(listener);
            Ok(Port::Kept(bound(address)?))
        }
        (Some(Port::Listening(listener)), _) => Ok(Port::Listening(listener)),
        (None, Door::Refusing) => Ok(Port::Kept(bound(address)?)),
        (None, _) => Ok(Port::Listening(bound(address)?.listen(1024)?)),
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// A connection that ends with a reset once its fuse is blown.
struct Line {
    stream: TcpStream,
    fuse: Fuse,
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.fuse.0.load(Ordering::Relaxed) {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // An orderly end first would make the reset a mere close.
        if self.fuse.0.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
