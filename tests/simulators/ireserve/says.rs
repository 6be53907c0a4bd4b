//! What i-Reserve answers to a webhook, in all the ways it may go wrong.

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use serde_json::{Value, json};

use crate::answer::{self, Answer, Body};

/// One way to answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Says {
    /// 200, taken.
    Taken,
    /// 200, taken, with a body: `{"visitor":"offline"}`.
    TakenWith(Value),
    /// Taken, but the connection ends without an answer.
    TakenThenCut,
    /// Taken, and the 200 has a body that never ends.
    TakenEndlessly,
    /// Taken, and the 200's body is no JSON.
    TakenGarbled,
    /// Not taken: this status.
    Status(u16),
    /// Not taken: this status, with a `Retry-After`.
    Later(u16, String),
    /// Not taken: 307 to this address.
    Redirect(String),
    /// Not taken: an error status whose body never ends.
    RefusedEndlessly(u16),
    /// Not taken: never answered.
    Hang,
    /// Not taken: the connection ends.
    Cut,
    /// Not taken: the connection is reset.
    Reset,
}

impl Says {
    pub(super) const fn takes(&self) -> bool {
        matches!(
            self,
            Self::Taken
                | Self::TakenWith(_)
                | Self::TakenThenCut
                | Self::TakenEndlessly
                | Self::TakenGarbled
        )
    }

    /// The answer, where there is one.
    pub(super) fn answer(&self) -> Option<Answer> {
        Some(match self {
            Self::Taken => answer::json(200, &json!({})),
            Self::TakenWith(body) => answer::json(200, body),
            Self::TakenGarbled => answer::bytes(200, "application/json", "<html>{\"visitor\":"),
            Self::TakenEndlessly => endless_answer(200),
            Self::RefusedEndlessly(status) => endless_answer(*status),
            Self::Status(status) => {
                answer::json(*status, &json!({ "error": "as the test asked for" }))
            }
            Self::Later(status, retry_after) => with_header(
                answer::json(*status, &json!({})),
                header::RETRY_AFTER,
                retry_after,
            ),
            Self::Redirect(location) => {
                with_header(answer::text(307, ""), header::LOCATION, location)
            }
            Self::TakenThenCut | Self::Hang | Self::Cut | Self::Reset => return None,
        })
    }
}

/// A body that goes on for as long as somebody reads.
pub(super) fn endless() -> Body {
    let piece = Bytes::from_static(&[b' '; 16 << 10]);
    StreamBody::new(stream::repeat_with(move || Ok(Frame::data(piece.clone())))).boxed_unsync()
}

fn endless_answer(status: u16) -> Answer {
    let mut answer = answer::bytes(status, "application/json", "");
    *answer.body_mut() = endless();
    answer
}

fn with_header(mut answer: Answer, name: header::HeaderName, value: &str) -> Answer {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
    answer
}
