//! Against a peer that answers whatever it is told to, byte by byte.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tokio_util::task::TaskTracker;

use super::*;

/// What the peer does with its one connection once the whole head of a request is there.
enum Peer {
    Answers(&'static [u8]),
    /// The same, and stays silent with the connection open.
    AnswersAndStays(&'static [u8]),
    Leaves,
    Stays,
}

/// The peer's address, and what it read.
async fn peer(does: Peer) -> (Url, oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api?token=canary", listener.local_addr().unwrap());
    let (tell, told) = oneshot::channel();
    TaskTracker::new().spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let read = read(&mut socket).await;
        match does {
            Peer::Answers(answer) => socket.write_all(answer).await.unwrap(),
            Peer::AnswersAndStays(answer) => {
                socket.write_all(answer).await.unwrap();
                let _ = tell.send(read);
                return std::future::pending().await;
            }
            Peer::Leaves => {}
            Peer::Stays => return std::future::pending().await,
        }
        let _ = tell.send(read);
    });
    (url.parse().unwrap(), told)
}

/// Head and body, the body as long as the head says, or to the end of its chunks.
async fn read(socket: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let count = socket.read(&mut buffer).await.unwrap();
        text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map(|length| length.parse().unwrap());
        let is_whole = match length {
            Some(length) => body.len() >= length,
            None => !head.contains("chunked") || body.ends_with("0\r\n\r\n"),
        };
        if is_whole || count == 0 {
            return text;
        }
    }
}

fn client() -> Client {
    Client::new(Arc::new(Timestamp::default)).unwrap()
}

const SOON: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(10);

async fn get(url: Url, deadline: Duration) -> Result<Answer, CallError> {
    client()
        .exchange(Request::new(Method::GET, url), deadline, 10)
        .await
}

#[tokio::test]
async fn what_never_left_is_told_from_what_may_have_arrived() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let nobody = get(format!("http://{closed}/").parse().unwrap(), LONG)
        .await
        .unwrap_err();
    assert!(nobody.is_unsent(), "{nobody:?}");
    let unknown = get("http://no-such-host.invalid/".parse().unwrap(), LONG)
        .await
        .unwrap_err();
    assert!(unknown.is_unsent(), "{unknown:?}");
    let broken = get(peer(Peer::Leaves).await.0, LONG).await.unwrap_err();
    assert!(matches!(broken, CallError::Broken { .. }), "{broken:?}");
    let silent = get(peer(Peer::Stays).await.0, SOON).await.unwrap_err();
    assert!(matches!(silent, CallError::TimedOut { .. }), "{silent:?}");
    for error in [nobody, unknown, broken, silent] {
        assert!(
            !format!("{error} {error:?}").contains("canary"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_broken_or_late_is_unreadable_and_its_status_known() {
    for (does, wanted) in [
        (
            Peer::Answers(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"),
            Unread::TooLarge { limit: 10 },
        ),
        (
            Peer::Answers(b"HTTP/1.1 200 OK\r\n\r\n12345678901"),
            Unread::TooLarge { limit: 10 },
        ),
        (
            Peer::Answers(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123"),
            Unread::Broken,
        ),
        (
            Peer::AnswersAndStays(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123"),
            Unread::Late,
        ),
    ] {
        let error = get(peer(does).await.0, SOON).await.unwrap_err();
        assert_eq!(error.status(), Some(200));
        assert!(
            matches!(error, CallError::Unreadable { unread, .. } if unread == wanted),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn no_redirect_is_followed_and_nothing_is_unpacked() {
    let moved = peer(Peer::Answers(
        b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    ))
    .await
    .0;
    assert_eq!(get(moved, LONG).await.unwrap().status, 307);
    let (packed, read) = peer(Peer::Answers(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    ))
    .await;
    assert_eq!(get(packed, LONG).await.unwrap().body, "nope");
    let head = read.await.unwrap();
    assert!(!head.contains("accept-encoding"), "{head}");
    assert!(
        head.contains(&format!("user-agent: {USER_AGENT}")),
        "{head}"
    );
}

#[tokio::test]
async fn a_stream_of_known_length_is_announced_and_one_that_ends_early_breaks_off() {
    let chunks = || -> Chunks {
        Box::pin(stream::iter([
            Ok(Bytes::from_static(b"123")),
            Ok(Bytes::from_static(b"45")),
        ]))
    };
    let client = client();
    let send = |url, length| {
        let body = Body::Stream {
            length,
            chunks: chunks(),
        };
        client.open(Request::new(Method::POST, url).body(body), LONG)
    };

    let (url, read) = peer(Peer::Answers(
        b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
    ))
    .await;
    assert_eq!(send(url, Some(5)).await.unwrap().status, 201);
    let text = read.await.unwrap();
    assert!(
        text.contains("content-length: 5\r\n") && text.ends_with("\r\n\r\n12345"),
        "{text}"
    );

    let (url, read) = peer(Peer::Answers(
        b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
    ))
    .await;
    assert_eq!(send(url, None).await.unwrap().status, 201);
    assert!(
        read.await
            .unwrap()
            .contains("transfer-encoding: chunked\r\n")
    );

    let (url, _read) = peer(Peer::Stays).await;
    assert!(matches!(
        send(url, Some(6)).await.unwrap_err(),
        CallError::Broken { .. }
    ));
}

#[tokio::test]
async fn a_body_is_drawn_only_as_fast_as_the_peer_takes_it() {
    const PIECE: usize = 64 * 1024;
    let drawn = Arc::new(AtomicUsize::new(0));
    let counter = drawn.clone();
    let endless: Chunks = Box::pin(stream::repeat_with(move || {
        counter.fetch_add(PIECE, Ordering::SeqCst);
        Ok(Bytes::from_static(&[b'x'; PIECE]))
    }));
    let (url, _peer) = stalled().await;
    let body = Body::Stream {
        length: Some(200_000_000),
        chunks: endless,
    };
    let request = Request::new(Method::POST, url).body(body);
    let error = client().open(request, SOON).await.unwrap_err();
    assert!(matches!(error, CallError::TimedOut { .. }), "{error:?}");
    let held = drawn.load(Ordering::SeqCst);
    assert!(
        held > 0 && held < 24_000_000,
        "{held} bytes were drawn for a peer that takes none"
    );
}

/// A peer that accepts and reads nothing.
async fn stalled() -> (Url, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    (url.parse().unwrap(), listener)
}

#[tokio::test]
async fn a_pause_that_the_peer_asks_for_is_read() {
    let answer = peer(Peer::Answers(
        b"HTTP/1.1 429 Wait\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
    ))
    .await
    .0;
    assert_eq!(
        get(answer, LONG).await.unwrap().retry_after,
        Some(Duration::from_secs(7))
    );
}

fn asked(value: &str, date: Option<&str>) -> Option<u64> {
    let mut headers = HeaderMap::new();
    headers.insert(header::RETRY_AFTER, value.parse().unwrap());
    if let Some(date) = date {
        headers.insert(header::DATE, date.parse().unwrap());
    }
    let now = "1994-11-06T08:49:00Z".parse().unwrap();
    retry_after(&headers, now).map(|wait| wait.as_secs())
}

#[test]
fn retry_after_is_read_as_seconds_or_as_a_date_and_never_longer_than_an_hour() {
    let at = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (value, date, wanted) in [
        ("0", None, Some(0)),
        ("120", None, Some(120)),
        ("86400", None, Some(3600)),
        ("99999999999999999999999999", None, Some(3600)),
        ("-5", None, None),
        ("1.5", None, None),
        ("soon", None, None),
        ("", None, None),
        (at, None, Some(37)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", None, Some(37)),
        ("Sun Nov  6 08:49:37 1994", None, Some(37)),
        (at, Some("Sun, 06 Nov 1994 08:49:30 GMT"), Some(7)),
        (at, Some("Sun, 06 Nov 1994 08:50:30 GMT"), None),
        ("Sun, 06 Nov 1994 10:49:37 GMT", None, Some(3600)),
        ("Sun, 36 Nov 1994 10:49:37 GMT", None, None),
    ] {
        assert_eq!(asked(value, date), wanted, "{value:?} against {date:?}");
    }
}

#[test]
fn an_error_names_the_host_and_neither_path_nor_query() {
    let url = Url::parse("https://user:pw@example.org:8443/secret?token=canary").unwrap();
    assert_eq!(host_of(&url), "example.org:8443");
}
