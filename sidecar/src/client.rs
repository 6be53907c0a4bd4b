//! Requests from us: HTTP with a deadline over the whole exchange and a bound on every answer.
//!
//! | word | meaning |
//! |---|---|
//! | exchange | one request and its whole answer, the body included; it has one deadline |
//! | not sent | no byte of the request can have reached the peer |
//! | in doubt | the request may have been carried out, and nobody told us |
//! | unreadable | there was an answer, but its body is too large, broken or late |
//!
//! Guarantees: nothing is repeated, no redirect is followed, no proxy and no cookie is used, nothing is decompressed, no
//! answer is kept beyond its limit, and no error names a query, a header or a body.
//!
//! What an answer means is not decided here, only what is certain about the exchange. Addresses that somebody else names go
//! through [`vet`] and the client in there.

pub mod date;
mod error;
pub mod vet;

use std::{fmt, io, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use shared::Timestamp;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout_at},
};
use url::Url;

pub use error::{CallError, Cause, Unread};

/// How long a connection may take to stand, name look-up and TLS included. Below every deadline, so that a peer that is not
/// there is always *not sent*, never in doubt.
const CONNECT: Duration = Duration::from_secs(3);

/// Mattermost closes idle connections after 60 s, and a POST must not meet that moment.
const POOL_IDLE: Duration = Duration::from_secs(40);

/// No pause that a peer asks for is longer.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Who we are, in every request.
pub const USER_AGENT: &str = concat!("ireserve-sidecar/", env!("CARGO_PKG_VERSION"));

/// Bytes that arrive or leave piece by piece.
pub type Chunks = BoxStream<'static, io::Result<Bytes>>;

/// A connection that has left HTTP behind.
pub type Line = Box<dyn Duplex>;

/// Both directions of a connection.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// One request.
#[derive(Debug)]
pub struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Body,
}

/// What a request carries.
pub enum Body {
    Empty,
    Whole(Bytes),
    /// Sent as it comes. With a length the request carries `Content-Length`, and fewer bytes break the exchange off; without
    /// one it is chunked.
    Stream {
        length: Option<u64>,
        chunks: Chunks,
    },
}

/// One answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// How long the peer asks us to stay away; in seconds or as a date.
    pub retry_after: Option<Duration>,
    pub body: Bytes,
}

/// An answer whose body has still to be read.
#[derive(Debug)]
pub struct Streamed {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// How long the peer asks us to stay away; in seconds or as a date.
    pub retry_after: Option<Duration>,
    host: String,
    deadline: Instant,
    response: reqwest::Response,
}

/// The wall clock, as far as a date in `Retry-After` without a `Date` beside it needs one.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The client for peers that the settings name. Cheap to clone; one pool.
#[derive(Clone)]
pub struct Client {
    inner: reqwest::Client,
    now: Now,
}

/// The client could not be built: no usable TLS roots, or no resources.
#[derive(Debug, thiserror::Error)]
#[error("the http client cannot be built")]
pub struct BuildError(#[source] reqwest::Error);

impl Client {
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(now: Now) -> Result<Self, BuildError> {
        let inner = builder().build().map_err(BuildError)?;
        Ok(Self { inner, now })
    }

    /// The whole exchange within `deadline`, with an answer of at most `limit` bytes.
    ///
    /// # Errors
    /// Says what is certain; see [`CallError`].
    pub async fn exchange(
        &self,
        request: Request,
        deadline: Duration,
        limit: usize,
    ) -> Result<Answer, CallError> {
        self.open(request, deadline).await?.whole(limit).await
    }

    /// The head of the answer; the body follows piece by piece until the same deadline.
    ///
    /// # Errors
    /// Says what is certain; see [`CallError`].
    pub async fn open(&self, request: Request, deadline: Duration) -> Result<Streamed, CallError> {
        open(&self.inner, request, deadline, &self.now).await
    }
}

/// Every client of ours is built alike.
fn builder() -> reqwest::ClientBuilder {
    // Whoever came first has installed the same one; without any, building a client panics.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .http1_only()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(POOL_IDLE)
        .tcp_nodelay(true)
}

async fn open(
    client: &reqwest::Client,
    request: Request,
    deadline: Duration,
    now: &Now,
) -> Result<Streamed, CallError> {
    let host = host_of(&request.url);
    let ends = Instant::now() + deadline;
    let sending = client.execute(request.into_reqwest());
    let response = match timeout_at(ends, sending).await {
        Err(_) => {
            return Err(CallError::TimedOut {
                host,
                waited: deadline,
            });
        }
        Ok(Err(error)) => return Err(failed(host, error)),
        Ok(Ok(response)) => response,
    };
    Ok(Streamed {
        status: response.status(),
        headers: response.headers().clone(),
        retry_after: retry_after(response.headers(), now()),
        host,
        deadline: ends,
        response,
    })
}

/// What is certain when no head of an answer came. Addresses stay out of it: their queries may carry anything.
fn failed(host: String, error: reqwest::Error) -> CallError {
    let is_unsent = error.is_connect() || error.is_builder();
    let source = error.without_url().into();
    if is_unsent {
        CallError::NotSent { host, source }
    } else {
        CallError::Broken { host, source }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl Request {
    #[must_use]
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::Empty,
        }
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// # Panics
    /// Never: only plain data is written.
    #[must_use]
    pub fn json(self, body: &impl serde::Serialize) -> Self {
        let bytes = serde_json::to_vec(body).expect("plain data with text keys becomes JSON");
        self.header(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )
        .body(Body::Whole(bytes.into()))
    }

    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    fn into_reqwest(self) -> reqwest::Request {
        let mut request = reqwest::Request::new(self.method, self.url);
        *request.headers_mut() = self.headers;
        match self.body {
            Body::Empty => {}
            Body::Whole(bytes) => *request.body_mut() = Some(bytes.into()),
            Body::Stream { length, chunks } => {
                if let Some(length) = length {
                    request
                        .headers_mut()
                        .insert(header::CONTENT_LENGTH, length.into());
                }
                *request.body_mut() = Some(reqwest::Body::wrap_stream(chunks));
            }
        }
        request
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Self::Stream { length, .. } => write!(f, "Stream({length:?})"),
        }
    }
}

impl Streamed {
    /// The bytes that the peer announced.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.headers
            .get(header::CONTENT_LENGTH)?
            .to_str()
            .ok()?
            .parse()
            .ok()
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// When the connection breaks or the deadline of the exchange is over.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, CallError> {
        let unread = match timeout_at(self.deadline, self.response.chunk()).await {
            Ok(Ok(chunk)) => return Ok(chunk),
            Ok(Err(_)) => Unread::Broken,
            Err(_) => Unread::Late,
        };
        Err(self.unreadable(unread))
    }

    /// The whole body, read as it comes and given up as soon as it is larger than `limit`.
    ///
    /// # Errors
    /// When it is too large, broken or late.
    pub async fn whole(mut self, limit: usize) -> Result<Answer, CallError> {
        if self
            .content_length()
            .is_some_and(|length| length > limit as u64)
        {
            return Err(self.unreadable(Unread::TooLarge { limit }));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if body.len() + chunk.len() > limit {
                return Err(self.unreadable(Unread::TooLarge { limit }));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: self.status,
            headers: self.headers,
            retry_after: self.retry_after,
            body: body.freeze(),
        })
    }

    /// The connection itself, after a 101.
    ///
    /// # Errors
    /// When the peer did not agree to anything.
    pub async fn line(self) -> Result<Line, CallError> {
        let (host, status) = (self.host.clone(), self.status.as_u16());
        match self.response.upgrade().await {
            Ok(line) => Ok(Box::new(line)),
            Err(_) => Err(CallError::Unreadable {
                host,
                status,
                unread: Unread::Strange,
            }),
        }
    }

    /// As a stream, for passing on. The deadline of the exchange holds.
    #[must_use]
    pub fn chunks(self) -> Chunks {
        let pieces = futures_util::stream::try_unfold(self, |mut streamed| async move {
            let chunk = streamed.chunk().await.map_err(io::Error::other)?;
            Ok(chunk.map(|chunk| (chunk, streamed)))
        });
        Box::pin(pieces)
    }

    fn unreadable(&self, unread: Unread) -> CallError {
        CallError::Unreadable {
            host: self.host.clone(),
            status: self.status.as_u16(),
            unread,
        }
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), at most [`LONGEST_PAUSE`]. Unreadable or negative is absent.
///
/// A date is compared with the answer's own `Date`, so that our clock plays no part; `now` stands in where there is none.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let mut values = headers.get_all(header::RETRY_AFTER).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let value = value.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are still a number, and it is beyond the longest pause.
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(LONGEST_PAUSE));
    }
    let until = date::parse(value)?;
    let date = headers
        .get(header::DATE)
        .and_then(|date| date.to_str().ok())
        .and_then(date::parse);
    let from = date.unwrap_or(now);
    (until >= from).then(|| until.since(from).min(LONGEST_PAUSE))
}

/// For errors and logs: the host alone, since paths carry ids and queries may carry anything.
fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => String::new(),
    }
}

#[cfg(test)]
mod tests;
