//! The one HTTP client: plain HTTP/1.1 to an address nearby, one connection for each request, everything with a deadline.
//!
//! No TLS: the sidecar's address is loopback or a private network, and the server's own is loopback. Connections are not kept, so that
//! none is found dead when it is needed; to loopback that costs some ten microseconds.

use std::{fmt, io, time::Duration};

use ::http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::AbortHandle, time::timeout};
use tokio_util::task::TaskTracker;

/// How long a connection to an address nearby may take.
const CONNECT: Duration = Duration::from_secs(3);
/// A whole answer that is kept in memory. More is a peer that does not end.
const MOST_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Where somebody listens: `http://host[:port][/path]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base {
    host: String,
    port: u16,
    /// Without a slash at its end.
    prefix: String,
}

impl Base {
    pub(crate) fn parse(address: &str) -> Option<Self> {
        let uri: Uri = address.trim().parse().ok()?;
        if uri.scheme_str() != Some("http") || uri.query().is_some() {
            return None;
        }
        Some(Self {
            host: uri.host()?.to_owned(),
            port: uri.port_u16().unwrap_or(80),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}{}", self.host, self.port, self.prefix)
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    /// Nobody took the connection.
    #[error("nobody listens at {0}")]
    Nobody(String, #[source] io::Error),
    #[error("no answer within {} s", .0.as_secs())]
    Silent(Duration),
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    #[error("the answer is broken, or longer than {MOST_ANSWER_BYTES} bytes")]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the request cannot be made")]
    Request(#[source] ::http::Error),
}

/// Makes requests. Clones share the tasks that carry the connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct Http {
    tasks: TaskTracker,
}

/// A connection that lives as long as this does.
#[derive(Debug)]
pub(crate) struct Connection(AbortHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Http {
    /// Connects, sends, and returns when the head of the answer is there; for how long to wait is the caller's to say. The connection is
    /// to be kept until the answer has been read.
    pub(crate) async fn send<B>(
        &self,
        base: &Base,
        mut request: Request<B>,
    ) -> Result<(Response<Incoming>, Connection), HttpError>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let nobody = |error| HttpError::Nobody(base.to_string(), error);
        let host = base.host.trim_start_matches('[').trim_end_matches(']');
        let stream = timeout(CONNECT, TcpStream::connect((host, base.port)))
            .await
            .map_err(|_| nobody(io::ErrorKind::TimedOut.into()))?
            .map_err(nobody)?;
        // A body's last piece shall not wait for an acknowledgement; without it everything is merely slower.
        let _ = stream.set_nodelay(true);
        let path = request.uri().path_and_query().map_or("/", |at| at.as_str());
        *request.uri_mut() = format!("{}{path}", base.prefix)
            .parse()
            .map_err(|error: ::http::uri::InvalidUri| HttpError::Request(error.into()))?;
        let name = HeaderValue::from_str(&format!("{}:{}", base.host, base.port))
            .map_err(|error| HttpError::Request(error.into()))?;
        request.headers_mut().insert(header::HOST, name);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(HttpError::Broken)?;
        // How the connection ended is what the request under way reports.
        let task = self.tasks.spawn(async { drop(connection.await) });
        let connection = Connection(task.abort_handle());
        let response = sender
            .send_request(request)
            .await
            .map_err(HttpError::Broken)?;
        Ok((response, connection))
    }

    /// Sends a whole body and reads a whole answer, all of it within `deadline`.
    pub(crate) async fn exchange(
        &self,
        base: &Base,
        request: Request<Vec<u8>>,
        deadline: Duration,
    ) -> Result<(StatusCode, Bytes), HttpError> {
        let exchange = async {
            let request = request.map(|body| Full::new(Bytes::from(body)));
            let (response, _connection) = self.send(base, request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MOST_ANSWER_BYTES);
            let body = body.collect().await.map_err(HttpError::Answer)?;
            Ok((status, body.to_bytes()))
        };
        timeout(deadline, exchange)
            .await
            .map_err(|_| HttpError::Silent(deadline))?
    }
}

/// An error with its causes, as one text.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_plain_http_with_a_host() {
        let base = Base::parse(" http://127.0.0.1:8065/mm/ ").unwrap();
        assert_eq!(base.to_string(), "http://127.0.0.1:8065/mm");
        assert_eq!(
            Base::parse("http://[::1]").unwrap().to_string(),
            "http://[::1]:80"
        );
        for bad in [
            "https://example.com",
            "127.0.0.1:80",
            "",
            "http://",
            "http://a/?x",
        ] {
            assert!(Base::parse(bad).is_none(), "{bad}");
        }
    }
}
