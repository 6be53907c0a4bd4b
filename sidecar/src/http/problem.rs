//! Problems: every refusal as `application/problem+json` (RFC 9457).
//!
//! A problem has two texts. `detail` is for whoever asked: one fact, nothing of ours inside. The private text is for our log
//! and cannot get into the answer. Callers branch on status and `type`, never on a text.

use std::{borrow::Cow, fmt, time::Duration};

use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use shared::Pointed;

use super::{Answer, whole};

/// What kind of refusal, as far as a caller may act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    InvalidJson,
    InvalidEvent,
    UnknownDepartment,
    UnknownNotificationType,
    IdConflict,
    Unauthorised,
    TooLarge,
    MediaType,
    Rate,
    Backlog,
    Store,
    /// Nothing beyond what the status says.
    Blank,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::InvalidJson => "urn:ireserve:problem:invalid-json",
            Self::InvalidEvent => "urn:ireserve:problem:invalid-event",
            Self::UnknownDepartment => "urn:ireserve:problem:unknown-department",
            Self::UnknownNotificationType => "urn:ireserve:problem:unknown-notification-type",
            Self::IdConflict => "urn:ireserve:problem:id-conflict",
            Self::Unauthorised => "urn:ireserve:problem:unauthorised",
            Self::TooLarge => "urn:ireserve:problem:too-large",
            Self::MediaType => "urn:ireserve:problem:media-type",
            Self::Rate => "urn:ireserve:problem:rate",
            Self::Backlog => "urn:ireserve:problem:backlog",
            Self::Store => "urn:ireserve:problem:store",
            Self::Blank => "about:blank",
        }
    }

    fn title(self, status: StatusCode) -> &'static str {
        match self {
            Self::InvalidJson => "This is not JSON that can be read",
            Self::InvalidEvent => "The event does not have the agreed form",
            Self::UnknownDepartment => "The department is not known",
            Self::UnknownNotificationType => "The notification type has no channel",
            Self::IdConflict => "The id was used for other content",
            Self::Unauthorised => "The token is not accepted",
            Self::TooLarge => "The request is too large",
            Self::MediaType => "The content type is not taken here",
            Self::Rate => "Too many events at once",
            Self::Backlog => "Too much is waiting already",
            Self::Store => "Try again shortly",
            Self::Blank => status.canonical_reason().unwrap_or("Refused"),
        }
    }
}

/// One refusal.
#[derive(Debug)]
pub(super) struct Problem {
    kind: Kind,
    status: StatusCode,
    detail: Cow<'static, str>,
    errors: Vec<Pointed>,
    headers: Vec<(HeaderName, HeaderValue)>,
    private: Option<String>,
}

#[derive(Serialize)]
struct Written<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    errors: &'a [Pointed],
}

impl Problem {
    pub(super) fn new(
        kind: Kind,
        status: StatusCode,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            status,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
            private: None,
        }
    }

    pub(super) fn blank(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Blank, status, detail)
    }

    /// The one answer for every path that leads nowhere, and for what is not the caller's to see.
    pub(super) fn not_found() -> Self {
        Self::blank(StatusCode::NOT_FOUND, "there is nothing here")
    }

    pub(super) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::blank(StatusCode::BAD_REQUEST, detail)
    }

    /// `allow` lists the methods that this path takes.
    pub(super) fn method(allow: &'static str) -> Self {
        Self::blank(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("this path takes {allow}"),
        )
        .with(header::ALLOW, HeaderValue::from_static(allow))
    }

    pub(super) fn too_large(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::TooLarge, StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    pub(super) fn media_type(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::MediaType, StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    pub(super) fn unauthorised(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unauthorised, StatusCode::UNAUTHORIZED, detail)
            .with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// Something of ours failed; the caller repeats the request.
    pub(super) fn store(private: impl fmt::Display) -> Self {
        Self::new(
            Kind::Store,
            StatusCode::SERVICE_UNAVAILABLE,
            "the store cannot answer just now",
        )
        .retry_after(Duration::from_secs(1))
        .because(private)
    }

    /// The caller waits this long; a part of a second counts as a whole one.
    #[must_use]
    pub(super) fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.with(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    #[must_use]
    pub(super) fn pointing(mut self, errors: Vec<Pointed>) -> Self {
        self.errors = errors;
        self
    }

    /// Why, for the log alone.
    #[must_use]
    pub(super) fn because(mut self, private: impl fmt::Display) -> Self {
        self.private = Some(private.to_string());
        self
    }

    #[must_use]
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value));
        self
    }

    #[must_use]
    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }

    /// One place of an array's answer: the same facts, without what belongs to a whole answer.
    pub(super) fn in_array(&self, id: Option<&str>) -> serde_json::Value {
        serde_json::json!({
            "id": id, "code": self.status.as_u16(), "status": "refused",
            "title": self.kind.title(self.status), "detail": self.detail, "errors": self.errors,
        })
    }

    /// The answer. What only we may know goes to the log here, once.
    pub(super) fn into_answer(self) -> Answer {
        let (status, detail) = (self.status.as_u16(), &self.detail);
        match &self.private {
            Some(private) if self.status.is_server_error() => {
                tracing::warn!(http.status = status, error = %private, "a request was answered {status}: {detail}");
            }
            Some(private) => {
                tracing::debug!(http.status = status, error = %private, "a request was answered {status}: {detail}");
            }
            None => tracing::debug!(
                http.status = status,
                "a request was answered {status}: {detail}"
            ),
        }
        let written = Written {
            r#type: self.kind.name(),
            title: self.kind.title(self.status),
            status,
            detail,
            errors: &self.errors,
        };
        let body = serde_json::to_vec(&written).expect("a problem is plain data");
        let mut answer = Answer::new(whole(body));
        *answer.status_mut() = self.status;
        answer.headers_mut().extend(self.headers);
        answer.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        answer
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_problem_says_what_callers_branch_on_and_keeps_the_private_text() {
        let problem = Problem::store("no space left on /var/lib/secret").pointing(vec![Pointed {
            pointer: "/data/text".into(),
            detail: "is missing".into(),
        }]);
        let answer = problem.into_answer();
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert_eq!(answer.headers()["retry-after"], "1");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"type": "urn:ireserve:problem:store", "title": "Try again shortly", "status": 503,
                "detail": "the store cannot answer just now",
                "errors": [{"pointer": "/data/text", "detail": "is missing"}]})
        );
    }

    #[test]
    fn a_part_of_a_second_is_rounded_up() {
        for (millis, wanted) in [
            (0, "1"),
            (1, "1"),
            (1_000, "1"),
            (1_001, "2"),
            (30_000, "30"),
        ] {
            let answer = Problem::new(Kind::Rate, StatusCode::TOO_MANY_REQUESTS, "slow down")
                .retry_after(Duration::from_millis(millis))
                .into_answer();
            assert_eq!(answer.headers()["retry-after"], wanted, "{millis} ms");
        }
    }
}
