//! Requests from the simulators and from tests: one function, bounded answers, one deadline, no redirects.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// The longest answer that is read, against an endless one; large enough for a file of the default limit.
const LONGEST_ANSWER: usize = 128 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The request could not be made of what was given.
    #[error("`{url}` and the given headers make no request")]
    Request {
        /// The address.
        url: String,
        /// The cause.
        source: http::Error,
    },
    /// No connection, or it ended before the answer did.
    #[error("{method} {url} got no answer")]
    Connection {
        /// The method.
        method: Method,
        /// The address.
        url: String,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The deadline passed; whether the request had an effect is not known.
    #[error("{method} {url} was not answered within {} ms", within.as_millis())]
    Deadline {
        /// The method.
        method: Method,
        /// The address.
        url: String,
        /// The deadline.
        within: Duration,
    },
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answered {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answered {
    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// One header as text; empty when it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// A pool of connections to whoever is asked. Clones share it.
#[derive(Debug, Clone)]
pub struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    within: Duration,
}

impl Default for Client {
    fn default() -> Self {
        Self::with_deadline(Duration::from_secs(30))
    }
}

impl Client {
    /// A client whose calls end within `within`, body included.
    #[must_use]
    pub fn with_deadline(within: Duration) -> Self {
        let pool = Pool::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build_http();
        Self { pool, within }
    }

    /// Sends one request.
    ///
    /// # Errors
    /// See [`CallError`]; every status is an answer and no error.
    pub async fn call(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answered, CallError> {
        let mut request = Request::builder().method(method.clone()).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request =
            request
                .body(Full::new(body.into()))
                .map_err(|source| CallError::Request {
                    url: url.to_owned(),
                    source,
                })?;
        let exchange = async {
            let failed = |source| CallError::Connection {
                method: method.clone(),
                url: url.to_owned(),
                source,
            };
            let (head, body) = self
                .pool
                .request(request)
                .await
                .map_err(|error| failed(error.into()))?
                .into_parts();
            let body = Limited::new(body, LONGEST_ANSWER)
                .collect()
                .await
                .map_err(failed)?
                .to_bytes();
            Ok(Answered {
                status: head.status,
                headers: head.headers,
                body,
            })
        };
        tokio::time::timeout(self.within, exchange)
            .await
            .unwrap_or_else(|_| {
                Err(CallError::Deadline {
                    method: method.clone(),
                    url: url.to_owned(),
                    within: self.within,
                })
            })
    }
}
