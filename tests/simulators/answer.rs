//! What a simulated server says: a body type, and the few shapes its answers have.

use std::io;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde::Serialize;

/// Any body: ready bytes, or a stream that may fail.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A whole answer.
pub(crate) type Answer = Response<Body>;

/// An answer with bytes and a content type.
pub(crate) fn bytes(status: u16, content_type: &str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(full(body));
    *answer.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(value) = HeaderValue::from_str(content_type) {
        answer.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    answer
}

/// An answer in JSON.
pub(crate) fn json(status: u16, body: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(body).expect("our own values serialise");
    bytes(status, "application/json", body)
}

/// An answer in plain text.
pub(crate) fn text(status: u16, body: &'static str) -> Answer {
    bytes(status, "text/plain; charset=utf-8", body)
}

/// A body of ready bytes.
pub(crate) fn full(body: impl Into<Bytes>) -> Body {
    Full::new(body.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// Why a request's body is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is longer than allowed.
    TooLong,
    /// The caller left, or its framing was broken.
    Broken,
}

/// Reads a whole request body of at most `limit` bytes.
pub(crate) async fn read(body: Incoming, limit: usize) -> Result<Bytes, Unread> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Unread::TooLong),
        Err(_) => Err(Unread::Broken),
    }
}
