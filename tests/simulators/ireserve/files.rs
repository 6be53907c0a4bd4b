//! What stands behind the addresses of attachments that visitors send.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

use super::says::endless;
use crate::answer::{self, Answer};

/// How one address answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Served {
    /// These bytes with this content type.
    File {
        /// As sent in the header.
        content_type: String,
        /// All of it.
        bytes: Bytes,
    },
    /// These bytes in pieces with a pause before each.
    Slow {
        /// All of it.
        bytes: Bytes,
        /// How long a piece is.
        piece: usize,
        /// How long each is waited for.
        pause: Duration,
    },
    /// A 200 that never ends.
    Endless,
    /// This status, without a body.
    Status(u16),
    /// 302 to somewhere else.
    Redirect(String),
    /// These bytes, said to be of this `Content-Encoding`: a bomb when they are one.
    Encoded {
        /// The encoding's name.
        encoding: &'static str,
        /// As they go over the line.
        bytes: Bytes,
    },
    /// Never answered.
    Hang,
}

impl Served {
    /// A file with a type that nobody should trust.
    #[must_use]
    pub fn file(bytes: impl Into<Bytes>) -> Self {
        Self::File {
            content_type: "application/octet-stream".to_owned(),
            bytes: bytes.into(),
        }
    }

    pub(super) async fn answer(self) -> Answer {
        let set = |mut answer: Answer, name, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                answer.headers_mut().insert(name, value);
            }
            answer
        };
        match self {
            Self::File {
                content_type,
                bytes,
            } => answer::bytes(200, &content_type, bytes),
            Self::Status(status) => answer::text(status, ""),
            Self::Redirect(location) => set(answer::text(302, ""), header::LOCATION, &location),
            Self::Encoded { encoding, bytes } => set(
                answer::bytes(200, "application/octet-stream", bytes),
                header::CONTENT_ENCODING,
                encoding,
            ),
            Self::Hang => std::future::pending().await,
            Self::Endless => {
                let mut answer = answer::bytes(200, "application/octet-stream", "");
                *answer.body_mut() = endless();
                answer
            }
            Self::Slow {
                bytes,
                piece,
                pause,
            } => {
                let length = bytes.len();
                let piece = piece.max(1);
                let pieces = stream::iter((0..length).step_by(piece)).then(move |at| {
                    let piece = bytes.slice(at..length.min(at + piece));
                    async move {
                        tokio::time::sleep(pause).await;
                        Ok(Frame::data(piece))
                    }
                });
                let mut answer = set(
                    answer::bytes(200, "application/octet-stream", ""),
                    header::CONTENT_LENGTH,
                    &length.to_string(),
                );
                *answer.body_mut() = StreamBody::new(pieces).boxed_unsync();
                answer
            }
        }
    }
}
