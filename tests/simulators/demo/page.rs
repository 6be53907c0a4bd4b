//! The page: three columns that follow the story live, and buttons for everything that people can do.
//!
//! | path | answers |
//! |---|---|
//! | `/`, `/page.css`, `/page.js` | the page itself, nothing from elsewhere |
//! | `/feed?lang=nl` | Server-Sent Events: the whole picture, again after each change |
//! | `/act` | `POST`, JSON: one act |
//! | `/files/{id}`, `/sent/{event}` | a file as it stands in Mattermost, and as the visitor sent it |
//!
//! It listens on the loopback and answers only to its own name, so that no other page in the same browser can read it or act.

mod act;
mod feed;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use hyper::body::Incoming;
use shared::Language;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::form_urlencoded;

use super::stage::Stage;
use super::story::What;
use crate::answer::{self, Answer};
use crate::server::{Cut, Server};

const PAGE: &str = include_str!("../../demo/page.html");
const STYLE: &str = include_str!("../../demo/page.css");
const SCRIPT: &str = include_str!("../../demo/page.js");

/// Nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page of one stage, open until it is closed.
#[derive(Debug)]
pub(super) struct Page {
    inner: Arc<Inner>,
    server: Server,
}

#[derive(Debug)]
struct Inner {
    stage: Stage,
    tasks: TaskTracker,
    end: CancellationToken,
}

impl Page {
    /// On this port of the loopback; 0: a free one.
    pub(super) async fn open(stage: Stage, port: u16) -> io::Result<Self> {
        let inner = Arc::new(Inner {
            stage,
            tasks: TaskTracker::new(),
            end: CancellationToken::new(),
        });
        let serving = Arc::clone(&inner);
        let server = Server::start_on(
            port,
            Arc::new(move |request: Request<Incoming>| -> BoxFuture<'static, _> {
                Box::pin(serve(Arc::clone(&serving), request))
            }),
        )
        .await?;
        Ok(Self { inner, server })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Ends every connection, what was begun, and the stage.
    pub(super) async fn close(self) {
        self.inner.end.cancel();
        self.server.close().await;
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        self.inner.stage.close().await;
    }
}

async fn serve(inner: Arc<Inner>, request: Request<Incoming>) -> Result<Answer, Cut> {
    let mut answer = if is_at_home(request.headers()) {
        route(inner, request).await
    } else {
        answer::text(403, "this page answers to its own address alone\n")
    };
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(answer)
}

/// The name in `Host` is a loopback's, against pages that let their own name point here; and where a browser says which page
/// asks, it is this one.
fn is_at_home(headers: &HeaderMap) -> bool {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let Some(host) = text(header::HOST) else {
        return false;
    };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let ours = matches!(name, "127.0.0.1" | "localhost");
    let origin = text(header::ORIGIN).is_none_or(|origin| origin == format!("http://{host}"));
    ours && origin
}

async fn route(inner: Arc<Inner>, request: Request<Incoming>) -> Answer {
    let path = request.uri().path().to_owned();
    match (request.method(), path.as_str()) {
        (&Method::POST, "/act") => act::act(&inner, request).await,
        (&Method::GET, "/") => answer::bytes(200, "text/html; charset=utf-8", PAGE),
        (&Method::GET, "/page.css") => answer::bytes(200, "text/css; charset=utf-8", STYLE),
        (&Method::GET, "/page.js") => answer::bytes(200, "text/javascript; charset=utf-8", SCRIPT),
        (&Method::GET, "/favicon.ico") => answer::bytes(204, "image/x-icon", ""),
        (&Method::GET, "/feed") => feed::feed(inner, language(request.uri().query())),
        (&Method::GET, path) => match path
            .split_once('/')
            .and_then(|(_, path)| path.split_once('/'))
        {
            Some(("files", id)) => picture(inner.stage.file(id)),
            Some(("sent", event)) => picture(sent(&inner.stage, event)),
            _ => answer::text(404, "there is nothing here\n"),
        },
        _ => answer::text(405, "this is not a way to ask\n"),
    }
}

fn language(query: Option<&str>) -> Language {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut languages = pairs.filter(|(key, _)| key == "lang");
    let asked = languages
        .next()
        .and_then(|(_, code)| Language::from_code(&code));
    asked.unwrap_or_default()
}

/// The file that the visitor sent with this event.
fn sent(stage: &Stage, event: &str) -> Option<(String, bytes::Bytes)> {
    stage.story(|story| match &story.event(event)?.what {
        What::Message {
            file: Some(file), ..
        } => Some((file.name.clone(), file.bytes.clone())),
        _ => None,
    })
}

/// Pictures are shown, everything else is only offered to be kept.
fn picture(file: Option<(String, bytes::Bytes)>) -> Answer {
    let Some((name, bytes)) = file else {
        return answer::text(404, "there is no such file\n");
    };
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let kind = match extension.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        _ => "application/octet-stream",
    };
    let mut answer = answer::bytes(200, kind, bytes);
    if kind == "application/octet-stream" {
        let disposition = HeaderValue::from_static("attachment");
        answer
            .headers_mut()
            .insert(header::CONTENT_DISPOSITION, disposition);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_page_itself_is_answered() {
        for (host, origin, answered) in [
            (Some("127.0.0.1:8000"), None, true),
            (Some("localhost:8000"), Some("http://localhost:8000"), true),
            (Some("127.0.0.1:8000"), Some("http://evil.example"), false),
            (Some("127.0.0.1:8000"), Some("null"), false),
            (Some("127.0.0.1:8000"), Some("http://127.0.0.1:9000"), false),
            (Some("evil.example:8000"), None, false),
            (None, None, false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [(header::HOST, host), (header::ORIGIN, origin)] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            assert_eq!(is_at_home(&headers), answered, "{host:?} {origin:?}");
        }
    }

    #[test]
    fn the_page_names_nothing_from_elsewhere_and_nothing_inline() {
        for (name, text) in [("html", PAGE), ("css", STYLE), ("js", SCRIPT)] {
            for elsewhere in ["\"//", "(//", "'//"] {
                assert!(!text.contains(elsewhere), "{name} names another place");
            }
            assert!(
                !text.contains("http:") && !text.contains("https:"),
                "{name} names another place"
            );
        }
        assert!(!PAGE.contains(" style=") && !PAGE.contains(" onclick="));
        assert!(!PAGE.contains("<script>") && !PAGE.contains("<style>"));
    }
}
