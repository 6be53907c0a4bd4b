//! What reaches us below `/plugins/nl.i-reserve.mattermost`.
//!
//! | path | what happens |
//! |---|---|
//! | `/v1/events`, `/v1/events/{id}`, `/v1/files/{token}`, `/v1/hooks/mattermost` | passed on to the sidecar, both bodies streaming: `through` |
//! | `/action`, `/dialog`, `/lookup/{list}` | Mattermost's own calls: a signed call of the acting person: `asked` |
//! | anything else | 404 |
//!
//! What is passed on has no more rights than a direct call of the sidecar would have.

mod asked;
pub(crate) mod command;
mod through;

use ::http::{Request, Response, StatusCode, header};
use mattermost_plugin::{Body, Error, ResponseWriter};

use crate::desk::Desk;

/// Seconds after which a caller may try again.
const RETRY_AFTER: &str = "5";

/// Who answers.
#[derive(Debug, PartialEq, Eq)]
enum Route<'a> {
    Through,
    Action,
    Dialog,
    LookUp(&'a str),
    Nobody,
}

impl<'a> Route<'a> {
    fn of(path: &'a str) -> Self {
        let one_segment = |rest: &str| !matches!(rest, "" | "." | "..") && !rest.contains('/');
        match path {
            "/v1/events" | "/v1/hooks/mattermost" => Self::Through,
            "/action" => Self::Action,
            "/dialog" => Self::Dialog,
            "/lookup" => Self::LookUp(""),
            path => {
                let passed = path
                    .strip_prefix("/v1/events/")
                    .or_else(|| path.strip_prefix("/v1/files/"));
                match (passed, path.strip_prefix("/lookup/")) {
                    (Some(rest), _) if one_segment(rest) => Self::Through,
                    (_, Some(list)) if one_segment(list) => Self::LookUp(list),
                    _ => Self::Nobody,
                }
            }
        }
    }
}

/// Answers one request.
pub(crate) async fn serve(
    desk: &Desk,
    request: Request<Body>,
    response: &mut ResponseWriter,
) -> Result<(), Error> {
    let path = request.uri().path().to_owned();
    let answer = match Route::of(&path) {
        Route::Through => return through::pass(desk, request, response).await,
        Route::Action => asked::action(desk, request).await,
        Route::Dialog => asked::dialog(desk, request).await,
        Route::LookUp(list) => asked::look_up(desk, request, list).await,
        Route::Nobody => plain(StatusCode::NOT_FOUND),
    };
    response.send(answer).await
}

/// There is nobody to pass it on to.
pub(crate) fn come_back() -> Response<Vec<u8>> {
    let mut answer = plain(StatusCode::SERVICE_UNAVAILABLE);
    let retry = ::http::HeaderValue::from_static(RETRY_AFTER);
    answer.headers_mut().insert(header::RETRY_AFTER, retry);
    answer
}

/// A status and its name, as `application/problem+json`.
fn plain(status: StatusCode) -> Response<Vec<u8>> {
    let title = status.canonical_reason().unwrap_or_default();
    let body =
        serde_json::json!({"type": "about:blank", "title": title, "status": status.as_u16()});
    let mut answer = Response::new(body.to_string().into_bytes());
    *answer.status_mut() = status;
    let kind = ::http::HeaderValue::from_static("application/problem+json");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_meant_for_others_goes_through() {
        for path in [
            "/v1/events",
            "/v1/events/evt_1",
            "/v1/files/abc.def",
            "/v1/hooks/mattermost",
        ] {
            assert_eq!(Route::of(path), Route::Through, "{path}");
        }
        for path in [
            "/",
            "/v1/plugin/commands",
            "/v1/events/",
            "/v1/events/..",
            "/v1/events/a/b",
            "/v1/hooks/other",
            "/healthz",
            "/v1/status",
            "/metrics",
            "/lookup/a/b",
            "/action/",
            "//v1/events",
        ] {
            assert_eq!(Route::of(path), Route::Nobody, "{path}");
        }
        assert_eq!(Route::of("/lookup/open"), Route::LookUp("open"));
    }
}
