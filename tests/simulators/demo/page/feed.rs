//! The feed: the whole picture as Server-Sent Events, whenever it has changed. Who connects again misses nothing.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use shared::Language;

use super::super::stage::Stage;
use super::super::view::view;
use super::Inner;
use crate::answer::{self, Answer};

/// Between two pictures; faster than eyes are.
const PAUSE: Duration = Duration::from_millis(60);
/// When nothing happens, a sign of life: a browser that is gone is noticed.
const QUIET: Duration = Duration::from_secs(15);

/// The feed in one language.
pub(super) fn feed(inner: Arc<Inner>, language: Language) -> Answer {
    let pieces = stream::unfold((inner, String::new()), move |(inner, last)| async move {
        if !last.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
        let piece = next(&inner.stage, language, &last).await;
        let (piece, last) = match piece {
            Some(picture) => (event(&picture), picture),
            None => (": still here\n\n".to_owned(), last),
        };
        Some((
            Ok::<_, io::Error>(Frame::data(Bytes::from(piece))),
            (inner, last),
        ))
    });
    let mut answer = answer::bytes(200, "text/event-stream; charset=utf-8", Bytes::new());
    *answer.body_mut() = StreamBody::new(pieces).boxed_unsync();
    answer
}

/// The next picture that differs from the last one; none when nothing changed for a while.
async fn next(stage: &Stage, language: Language, last: &str) -> Option<String> {
    let talk = || stage.talk();
    let changed = stage.until("the picture changes", QUIET, |story| {
        let picture = view(story, &talk(), language).to_string();
        (picture != last).then_some(picture)
    });
    changed.await.ok()
}

/// JSON has no line breaks of its own, so one `data` line holds it.
fn event(picture: &str) -> String {
    format!("event: picture\ndata: {picture}\n\n")
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use http::Method;
    use serde_json::{Value, json};
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::{mpsc, oneshot};

    use super::super::Page;
    use super::*;
    use crate::client::Client;
    use crate::demo::{Life, Start, StartError};

    /// A stage whose sidecar takes connections and never answers.
    async fn silent_stage() -> (Stage, TcpListener) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let start = Start::new(move |_| {
            Box::pin(async move {
                let (_, steps) = mpsc::channel(1);
                let (end, _) = oneshot::channel();
                let (_, ended) = oneshot::channel();
                Ok::<_, StartError>(Life {
                    address,
                    steps,
                    end,
                    ended,
                })
            })
        });
        (Stage::open(start).await.unwrap(), listener)
    }

    /// The next picture of a feed.
    async fn picture(feed: &mut BufReader<TcpStream>) -> Value {
        loop {
            let mut line = String::new();
            assert!(
                feed.read_line(&mut line).await.unwrap() > 0,
                "the feed has ended"
            );
            if let Some(data) = line.strip_prefix("data: ") {
                return serde_json::from_str(data).unwrap();
            }
        }
    }

    #[tokio::test]
    async fn the_feed_brings_the_whole_picture_and_again_what_changes_it() {
        let (stage, _listener) = silent_stage().await;
        let page = Page::open(stage, 0).await.unwrap();
        let address = page.address();
        let mut line = TcpStream::connect(address).await.unwrap();
        let request = format!("GET /feed?lang=nl HTTP/1.1\r\nhost: {address}\r\n\r\n");
        line.write_all(request.as_bytes()).await.unwrap();
        let mut feed = BufReader::new(line);

        let first = picture(&mut feed).await;
        assert_eq!(first["language"], "nl");
        assert_eq!(first["counters"]["said"], 0);
        assert_eq!(first["steps"][0]["text"], "de sidecar start");

        let act = json!({ "do": "write", "lang": "nl", "text": "<b>hoi</b>" }).to_string();
        let headers = [("content-type", "application/json")];
        let url = format!("http://{address}/act");
        let done = Client::default()
            .call(Method::POST, &url, &headers, act)
            .await;
        assert_eq!(done.unwrap().status, 204);
        let next = loop {
            let next = picture(&mut feed).await;
            if next["chat"] != json!([]) {
                break next;
            }
        };
        assert_eq!(next["chat"][0]["text"], "<b>hoi</b>");
        assert_eq!(next["chat"][0]["state"], "sending");
        assert_eq!(
            next["counters"]["said"], 2,
            "the conversation and its first message"
        );
        page.close().await;
    }

    #[tokio::test]
    async fn a_foreign_page_can_neither_read_nor_act() {
        let (stage, _listener) = silent_stage().await;
        let page = Page::open(stage, 0).await.unwrap();
        let url = |path: &str| format!("http://{}/{path}", page.address());
        let client = Client::default();
        let foreign = [
            ("origin", "http://evil.example"),
            ("content-type", "application/json"),
        ];
        for (method, path) in [(Method::GET, "feed"), (Method::POST, "act")] {
            let answer = client
                .call(method, &url(path), &foreign, "{}")
                .await
                .unwrap();
            assert_eq!(answer.status, 403, "{path}");
        }
        let form = [("content-type", "text/plain")];
        let act = r#"{"do":"book","lang":"en"}"#;
        let answer = client
            .call(Method::POST, &url("act"), &form, act)
            .await
            .unwrap();
        assert_eq!(answer.status, 415);
        let answer = client.call(Method::GET, &url(""), &[], "").await.unwrap();
        assert!(
            answer
                .header("content-security-policy")
                .contains("default-src 'none'")
        );
        page.close().await;
    }
}
