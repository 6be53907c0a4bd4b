//! Passing on: method, query, a few headers and both bodies, piece by piece. Nothing is kept and nothing is read.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use ::http::{HeaderMap, HeaderName, Method, Request, Response, header};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use mattermost_plugin::{Body, Error, ResponseWriter};
use tokio::{sync::oneshot, time::sleep, time::timeout};

use super::come_back;
use crate::{
    desk::Desk,
    http::{Connection, HttpError, chain},
};

/// How long the sidecar may think after the last byte of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// What `Prefer: wait=N` may add, s; the sidecar itself waits no longer.
const MOST_WAIT: u64 = 30;
/// Between two pieces of an answer that has begun.
const IDLE: Duration = Duration::from_secs(60);
/// An answer of known length up to this is sent in one write.
const SMALL: u64 = 64 * 1024;

/// Of a caller's headers these pass, and no others: neither cookies nor who the server says it is.
const PASSED: [HeaderName; 6] = [
    header::AUTHORIZATION,
    HeaderName::from_static("x-ireserve-authorization"),
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    HeaderName::from_static("prefer"),
    header::RANGE,
];
/// What belongs to one connection (RFC 9110, 7.6.1) and not to the answer.
const OF_THE_CONNECTION: [HeaderName; 6] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
];

type Sent = UnsyncBoxBody<Bytes, io::Error>;

pub(super) async fn pass(
    desk: &Desk,
    request: Request<Body>,
    response: &mut ResponseWriter,
) -> Result<(), Error> {
    let (Ok(_place), Ok(paired)) = (desk.requests.try_acquire(), desk.sidecar.base()) else {
        return response.send(come_back()).await;
    };
    let patience = PATIENCE + wished(request.headers());
    let (request, read) = outgoing(request);
    let answer = tokio::select! {
        answer = desk.sidecar.http().send(&paired.base, request) => answer,
        () = async { let _ = read.await; sleep(patience).await } => Err(HttpError::Silent(patience)),
    };
    match answer {
        Ok((answer, connection)) => give(answer, connection, response).await,
        Err(error) => {
            tracing::warn!("a request could not be passed on: {}", chain(&error));
            response.send(come_back()).await
        }
    }
}

/// The request for the sidecar, and what ends when its last byte has been read.
fn outgoing(request: Request<Body>) -> (Request<Sent>, oneshot::Receiver<Infallible>) {
    let (parts, body) = request.into_parts();
    let (reading, read) = oneshot::channel();
    let length = parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let bodiless = matches!(parts.method, Method::GET | Method::HEAD) && length.is_none();
    let body = if bodiless || length == Some(0) {
        Full::default()
            .map_err(|never| match never {})
            .boxed_unsync()
    } else {
        let pieces = stream::unfold((body, reading), async |(mut body, reading)| {
            let piece = body.next().await.transpose()?;
            let frame = piece.map(|piece| Frame::data(Bytes::from(piece)));
            Some((frame, (body, reading)))
        });
        Sized {
            body: StreamBody::new(pieces.boxed()),
            length,
        }
        .boxed_unsync()
    };
    let mut onward = Request::new(body);
    *onward.method_mut() = parts.method;
    *onward.uri_mut() = parts.uri;
    for name in PASSED {
        for value in parts.headers.get_all(&name) {
            onward.headers_mut().append(&name, value.clone());
        }
    }
    (onward, read)
}

/// A body whose length was announced.
struct Sized<B> {
    body: B,
    length: Option<u64>,
}

impl<B: http_body::Body + Unpin> http_body::Body for Sized<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn size_hint(&self) -> SizeHint {
        self.length
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// The N of `Prefer: wait=N` (RFC 7240).
fn wished(headers: &HeaderMap) -> Duration {
    let wait: Option<u64> = headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']))
        .find_map(|one| {
            one.trim()
                .strip_prefix("wait=")?
                .trim_matches('"')
                .parse()
                .ok()
        });
    Duration::from_secs(wait.unwrap_or_default().min(MOST_WAIT))
}

/// Gives the answer to whoever asked.
async fn give(
    answer: Response<Incoming>,
    _connection: Connection,
    response: &mut ResponseWriter,
) -> Result<(), Error> {
    let (mut parts, mut body) = answer.into_parts();
    for name in OF_THE_CONNECTION {
        parts.headers.remove(name);
    }
    let size = http_body::Body::size_hint(&body);
    if size.exact().is_some_and(|length| length <= SMALL) {
        return match timeout(IDLE, body.collect()).await {
            Ok(Ok(whole)) => {
                let whole = whole.to_bytes();
                response.send(Response::from_parts(parts, whole)).await
            }
            _ => response.send(come_back()).await,
        };
    }
    let mut writer = response.start(&Response::from_parts(parts, ())).await?;
    loop {
        match timeout(IDLE, body.frame()).await {
            Ok(None) => return writer.flush().await,
            Ok(Some(Ok(frame))) => {
                if let Ok(piece) = frame.into_data() {
                    writer.write(&piece).await?;
                }
            }
            // The status is out; only a broken end can say that something is missing.
            Ok(Some(Err(error))) => return Err(io::Error::other(error).into()),
            Err(_) => return Err(io::Error::from(io::ErrorKind::TimedOut).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_to_wait_is_added_and_has_a_limit() {
        let seconds = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", value.parse().unwrap());
            wished(&headers).as_secs()
        };
        assert_eq!(seconds("wait=5"), 5);
        assert_eq!(seconds("respond-async, wait=7"), 7);
        assert_eq!(seconds("wait=9999"), MOST_WAIT);
        assert_eq!(seconds("wait=-1"), 0);
        assert_eq!(wished(&HeaderMap::new()), Duration::ZERO);
    }
}
