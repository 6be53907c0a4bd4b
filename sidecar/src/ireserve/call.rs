//! One call: signed, posted once, and what its answer means.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use shared::Timestamp;
use url::Url;

use crate::{
    auth::signature::{self, SigningError},
    client::{Body, CallError, Client, Request, Streamed},
    delivery::outlet::{Outcome, Reason},
    licence::Licence,
    record::Presence,
};

/// The whole exchange. i-Reserve may fetch files before it answers, but not for longer.
const DEADLINE: Duration = Duration::from_secs(15);
/// An answer is a few words; a peer that sends without end must not fill our memory.
const ANSWER: usize = 64 * 1024;

/// What came back. One variant for each thing that follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answered {
    /// A 2xx, with its body as far as it could be read.
    Taken(Bytes),
    /// 410: the conversation exists no more.
    Gone(Reason),
    /// 401, 403: our key or signature is not accepted, whatever we send.
    NotAccepted(Reason),
    /// A redirect or any other 4xx: this is not wanted.
    Refused(Reason),
    /// It cannot take it now. With how long to stay away, where it said so.
    Later {
        wait: Option<Duration>,
        reason: Reason,
    },
    /// No connection stood.
    NotSent(Reason),
    /// The request left and nothing certain came back.
    Unanswered(Reason),
}

/// Where calls of this licence go.
///
/// # Errors
/// Why there can be none: people have to complete the settings.
pub(super) fn target(licence: &Licence) -> Result<&Url, Reason> {
    let missing = |key: &str| {
        Reason::new(format!(
            "licence {} has no `ireserve.{key}`: replies wait until it is set",
            licence.id
        ))
    };
    if licence.ireserve.secrets.is_empty() {
        return Err(missing("secrets"));
    }
    let url = licence.ireserve.webhook_url.as_ref();
    url.ok_or_else(|| missing("webhook_url"))
}

/// Posts these bytes once, signed for this moment.
///
/// # Errors
/// When they cannot be signed: a mistake of ours in the id.
pub(super) async fn post(
    client: &Client,
    licence: &Licence,
    url: &Url,
    id: &str,
    body: Bytes,
    now: Timestamp,
) -> Result<Answered, SigningError> {
    let signed = signature::sign(&licence.ireserve.secrets, id, now, &body)?;
    let mut request = Request::new(Method::POST, url.clone()).header(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    for (name, value) in [
        ("webhook-id", &signed.id),
        ("webhook-timestamp", &signed.timestamp),
        ("webhook-signature", &signed.signature),
    ] {
        let value = HeaderValue::from_str(value)
            .expect("ids are graphic ASCII, the rest is digits and base64");
        request = request.header(HeaderName::from_static(name), value);
    }
    let answer = client.open(request.body(Body::Whole(body)), DEADLINE).await;
    Ok(match answer {
        Err(error) => unanswered(&error),
        Ok(streamed) if streamed.status.is_success() => taken(streamed).await,
        // What a refusal says in its body is for nobody here.
        Ok(streamed) => meaning(streamed.status, streamed.retry_after),
    })
}

/// A 2xx counts whatever becomes of its body.
async fn taken(streamed: Streamed) -> Answered {
    match streamed.whole(ANSWER).await {
        Ok(answer) => Answered::Taken(answer.body),
        Err(error) => {
            tracing::debug!(error = %error, "i-reserve took a call and did not finish its answer");
            Answered::Taken(Bytes::new())
        }
    }
}

fn unanswered(error: &CallError) -> Answered {
    let reason = Reason {
        text: error.to_string(),
        status: error.status(),
    };
    if error.is_unsent() {
        Answered::NotSent(reason)
    } else {
        Answered::Unanswered(reason)
    }
}

fn meaning(status: StatusCode, wait: Option<Duration>) -> Answered {
    let code = status.as_u16();
    let says = |more: &str| Reason::answered(code, format!("i-reserve answered {code}{more}"));
    match code {
        410 => Answered::Gone(says(": the conversation is gone there")),
        401 | 403 => Answered::NotAccepted(says(
            ": it does not accept our signature; compare the licence key or `ireserve.secrets` with its side",
        )),
        408 | 425 | 429 | 500.. => Answered::Later {
            wait,
            reason: says(""),
        },
        300..=399 => Answered::Refused(says(
            ": a redirect, which is not followed; set `ireserve.webhook_url` to where it leads",
        )),
        _ => Answered::Refused(says("")),
    }
}

impl Answered {
    /// As the engine counts it. Nothing here is ever in doubt for long: what is repeated has the same id.
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Taken(_) => Outcome::Delivered { post: None },
            Self::Gone(reason) => Outcome::Gone(reason),
            Self::NotAccepted(reason) => Outcome::Blocked {
                channel: None,
                reason,
            },
            Self::Refused(reason) => Outcome::Refused(reason),
            // Less than a second is no wish to be left alone: the usual back-off asks for more.
            Self::Later {
                wait: Some(wait),
                reason,
            } if wait >= Duration::from_secs(1) => Outcome::Pause { wait, reason },
            Self::Later { reason, .. } => Outcome::InDoubt {
                open: false,
                reason,
            },
            Self::NotSent(reason) => Outcome::NotSent(reason),
            Self::Unanswered(reason) => Outcome::InDoubt { open: true, reason },
        }
    }

    /// What the answer says of the visitor, where it says something that we know.
    pub(super) fn visitor(&self) -> Option<Presence> {
        #[derive(Deserialize)]
        struct Said {
            visitor: Presence,
        }
        match self {
            Self::Taken(body) => serde_json::from_slice(body)
                .ok()
                .map(|said: Said| said.visitor),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, wait: Option<u64>) -> String {
        let status = StatusCode::from_u16(status).unwrap();
        let outcome = meaning(status, wait.map(Duration::from_secs)).outcome();
        let text = format!("{outcome:?}");
        text.split(['(', ' ']).next().unwrap().to_owned()
    }

    #[test]
    fn every_status_has_its_one_meaning() {
        for (status, wait, wanted) in [
            (410, None, "Gone"),
            (401, None, "Blocked"),
            (403, Some(5), "Blocked"),
            (301, None, "Refused"),
            (307, Some(5), "Refused"),
            (400, None, "Refused"),
            (404, None, "Refused"),
            (409, None, "Refused"),
            (413, None, "Refused"),
            (422, Some(5), "Refused"),
            (408, None, "InDoubt"),
            (425, None, "InDoubt"),
            (429, None, "InDoubt"),
            (429, Some(30), "Pause"),
            (429, Some(0), "InDoubt"),
            (500, None, "InDoubt"),
            (503, Some(1), "Pause"),
            (599, None, "InDoubt"),
        ] {
            assert_eq!(outcome(status, wait), wanted, "{status} {wait:?}");
        }
    }

    #[test]
    fn an_answer_may_say_where_the_visitor_is_and_anything_else_is_no_word_of_him() {
        for (body, wanted) in [
            (r#"{"visitor":"offline"}"#, Some(Presence::Offline)),
            (r#"{"visitor":"closed","more":[1]}"#, Some(Presence::Closed)),
            (r#"{"visitor":"delivered"}"#, Some(Presence::Delivered)),
            (r#"{"visitor":"Offline"}"#, None),
            (r#"{"visitor":7}"#, None),
            ("{}", None),
            ("", None),
            ("<html>", None),
        ] {
            let answered = Answered::Taken(Bytes::copy_from_slice(body.as_bytes()));
            assert_eq!(answered.visitor(), wanted, "{body}");
        }
        let refused = Answered::Refused(Reason::new(r#"{"visitor":"offline"}"#));
        assert_eq!(refused.visitor(), None);
    }
}
