//! One kept-alive connection and nothing around it: a client that costs as little as it can, because it shares the machine with what
//! is measured.

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;

use crate::Failure;

/// A connection to one server with one bearer token. It ends when dropped.
#[derive(Debug)]
pub(crate) struct Line {
    host: String,
    authorization: String,
    sender: SendRequest<Full<Bytes>>,
}

impl Line {
    /// To `http://HOST:PORT`.
    pub(crate) async fn to(url: &str, token: &str) -> Result<Self, Failure> {
        let host = url.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Its end is seen by whoever sends; the task ends with the sender.
        TaskTracker::new().spawn(connection);
        Ok(Self {
            host,
            authorization: format!("Bearer {token}"),
            sender,
        })
    }

    /// So many to the same server.
    pub(crate) async fn several(
        count: usize,
        url: &str,
        token: &str,
    ) -> Result<Vec<Self>, Failure> {
        let mut lines = Vec::with_capacity(count);
        for _ in 0..count {
            lines.push(Self::to(url, token).await?);
        }
        Ok(lines)
    }

    /// Posts JSON and reads the whole answer.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        body: String,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))?;
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        Ok((head.status, body.collect().await?.to_bytes()))
    }

    /// The same, where any other answer than `wanted` means that there is nothing to measure.
    pub(crate) async fn must(
        &mut self,
        path: &str,
        body: String,
        wanted: StatusCode,
    ) -> Result<Bytes, Failure> {
        let (status, answer) = self.post(path, body).await?;
        if status == wanted {
            return Ok(answer);
        }
        let said = String::from_utf8_lossy(&answer);
        Err(format!("POST {path} was answered {status}, not {wanted}: {said}").into())
    }
}
