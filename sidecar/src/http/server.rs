//! The accept loop: who may connect, for how long, and how a listener comes to rest.
//!
//! hyper speaks HTTP/1 on each connection. Around it stand the walls it leaves to us: places per address, the framing guard,
//! deadlines in both directions, a catch for panics, and an end that the client can see.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use http::{HeaderValue, Request, StatusCode, header};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Answer,
    crowd::{Crowd, Place},
    head::{self, Doorway},
    limits::{HEAD_BYTES, HEAD_FIELDS, Limits},
    problem::Problem,
    router::Router,
    wire::{Doubtful, Wire},
};

/// A bound address that nobody serves yet. Whoever connects waits.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// # Errors
    /// When the address is taken, not ours or none at all.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// Where it listens: a real port also where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// What serves one listener.
#[derive(Debug)]
pub struct Server {
    router: Router,
    limits: Arc<Limits>,
    crowd: Crowd,
    public_url: String,
}

/// Everything that a connection needs, shared by all of a listener.
#[derive(Debug)]
struct Room {
    router: Router,
    limits: Arc<Limits>,
    doorway: Doorway,
}

impl Server {
    /// `public_url` is `server.public_url`: its host is accepted on a loopback listener. `trusted` are addresses whose
    /// connections are not counted one by one.
    #[must_use]
    pub fn new(
        router: Router,
        limits: Limits,
        public_url: &str,
        trusted: &[std::net::IpAddr],
    ) -> Self {
        Self {
            crowd: Crowd::new(&limits, trusted),
            router,
            limits: Arc::new(limits),
            public_url: public_url.to_owned(),
        }
    }

    /// Serves until `stop`, then takes no new connection, lets requests in flight end for [`Limits::drain`] and cuts the rest.
    /// When this returns, no task of it is left.
    pub async fn serve(self, listener: Listener, stop: CancellationToken) {
        let Listener { socket, address } = listener;
        let room = Arc::new(Room {
            doorway: Doorway::new(address, &self.public_url),
            router: self.router,
            limits: Arc::clone(&self.limits),
        });
        let (tasks, cut) = (TaskTracker::new(), CancellationToken::new());
        while let Some(accepted) = stop.run_until_cancelled(socket.accept()).await {
            match accepted {
                Ok((socket, peer)) => match self.crowd.enter(peer.ip()) {
                    Some(place) => {
                        let one = connection(Arc::clone(&room), socket, peer, place, stop.clone());
                        tasks.spawn(cut.clone().run_until_cancelled_owned(one));
                    }
                    None => turn_away(&socket),
                },
                Err(error) => pause_after(&error).await,
            }
        }
        drop(socket);
        tasks.close();
        if tokio::time::timeout(self.limits.drain, tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                http.connections = tasks.len(),
                "requests were still in flight {} ms after the order to stop, their connections are cut",
                self.limits.drain.as_millis()
            );
            cut.cancel();
            tasks.wait().await;
        }
        room.router.at_rest().await;
    }
}

/// Best effort and without waiting: whoever floods us is owed no more.
fn turn_away(socket: &TcpStream) {
    const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    if let Err(error) = socket.try_write(FULL) {
        tracing::debug!(%error, "a connection too many was closed without a word");
    }
}

/// A client that left before we took it is nothing; no descriptors left is something that passes.
async fn pause_after(error: &io::Error) {
    let left = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    );
    if !left {
        tracing::warn!(%error, "no connection could be accepted, trying again in 100 ms");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn connection(
    room: Arc<Room>,
    socket: TcpStream,
    peer: SocketAddr,
    _place: Place,
    stop: CancellationToken,
) {
    // Answers are small and written at once; waiting for more to send only delays them.
    let _ = socket.set_nodelay(true);
    let (doubtful, heads) = (Doubtful::new(OnceLock::new()), AtomicU64::new(0));
    let wire = Wire::new(socket, &room.limits, Arc::clone(&doubtful));
    let service = service_fn(|request| {
        let head = heads.fetch_add(1, Ordering::Relaxed);
        let doubt = doubtful.get().filter(|(doubted, _)| *doubted <= head);
        let refused = doubt.map(|(_, doubt)| Problem::bad_request(doubt.says()));
        let (room, stop) = (&room, &stop);
        async move { Ok::<_, Infallible>(exchange(room, request, peer, refused, stop).await) }
    });
    let mut served = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(room.limits.head)
            .max_headers(HEAD_FIELDS)
            .max_buf_size(HEAD_BYTES)
            // A client may say that it is done sending and still wait for the answer.
            .half_close(true)
            .serve_connection(TokioIo::new(wire), service)
    );
    let result = tokio::select! {
        result = served.as_mut() => result,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// One request and its answer. Ends the connection after whatever leaves a doubt where the next request begins.
async fn exchange(
    room: &Room,
    mut request: Request<Incoming>,
    peer: SocketAddr,
    refused: Option<Problem>,
    stop: &CancellationToken,
) -> Answer {
    let refused = refused.or_else(|| {
        let (method, uri) = (request.method(), request.uri());
        head::refusal(
            method,
            uri,
            request.version(),
            request.headers(),
            &room.doorway,
        )
    });
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let (mut answer, mut last) = match refused {
        Some(problem) => (room.router.refuse(problem), true),
        None => caught(room.router.answer(&mut request, peer.ip())).await,
    };
    last |= chunked || !request.body().is_end_stream() || stop.is_cancelled();
    if last {
        answer
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// A bug in the way of one request is that request's bad luck, not the end of the process. Says whether its connection ends.
async fn caught(answering: impl Future<Output = Answer>) -> (Answer, bool) {
    match AssertUnwindSafe(answering).catch_unwind().await {
        Ok(answer) => (answer, false),
        Err(_) => {
            tracing::error!(
                "the handling of a request panicked: this is a bug, please report it with the lines above"
            );
            let problem = Problem::blank(
                StatusCode::INTERNAL_SERVER_ERROR,
                "something went wrong here",
            );
            (problem.into_answer(), true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_500_that_ends_the_connection() {
        let broken = async { panic!("on purpose") };
        let (answer, last) = caught(broken).await;
        assert_eq!((answer.status().as_u16(), last), (500, true));
    }
}
