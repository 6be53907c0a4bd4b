//! Bodies at and beyond every limit (T25, P10): refused before they are held, and nothing of them kept.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use simulators::ireserve::event::{event, message, with};
use simulators::ireserve::{Claims, jwt_hs256};
use simulators::program::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Setting, Stage};
use crate::load;

const MIB: usize = 1 << 20;

/// A message whose body has exactly so many bytes, mostly in a field that nobody reads.
fn of_size(id: &str, bytes: usize) -> Value {
    let sized = |padding: usize| {
        with(
            message(id, "c1", "Sanne", "sized"),
            "ignored",
            "x".repeat(padding),
        )
    };
    let rest = bytes - sized(0).to_string().len();
    sized(rest)
}

/// JSON within JSON, so many levels in all.
fn nested(levels: usize) -> String {
    let (open, close) = ("[".repeat(levels - 2), "]".repeat(levels - 2));
    format!(
        r#"{{"id":"deep-{levels}","type":"integration.ping","data":{{"ignored":{open}{close}}}}}"#
    )
}

#[tokio::test]
async fn a_body_beyond_a_limit_is_refused_before_it_is_held() {
    let stage = load::simulated(Setting::default()).await;
    let sender = &stage.teller.sender;
    stage.teller.tell(&of_size("fits", MIB)).await;
    let before = stage.sidecar().program().peak_memory().unwrap();

    let post = async |body: Bytes| sender.post("application/json", body, &[]).await;
    let keys: Vec<_> = (0..90_000).map(|at| format!("\"k{at}\":0")).collect();
    let text = |written: &str| {
        format!(
            r#"{{"id":"text","type":"message.created","data":{{"conversation_id":"c1","message_id":"m","sender":{{"type":"visitor","name":"S"}},"text":"{written}"}}}}"#
        )
    };
    for (name, body, allowed) in [
        (
            "a byte too many",
            of_size("big", MIB + 1).to_string(),
            &[413][..],
        ),
        ("31 levels too many", nested(64), &[400]),
        ("a thousand levels", nested(1_000), &[400]),
        (
            "too many keys",
            format!(
                r#"{{"id":"keys","type":"integration.ping","data":{{{}}}}}"#,
                keys.join(",")
            ),
            &[400, 422],
        ),
        ("half a surrogate pair", text(r"\ud800"), &[400, 422]),
        ("not JSON", "{\"id\":".to_owned(), &[400]),
        ("an array without events", "[]".to_owned(), &[400, 422]),
        ("a number", "7".to_owned(), &[400, 422]),
        (
            "an id with NUL",
            text("x").replace("\"m\"", r#""m\u0000""#),
            &[422],
        ),
    ] {
        let answer = post(body.into()).await.unwrap();
        assert!(
            allowed.contains(&answer.status.as_u16()),
            "{name}: {} {}",
            answer.status,
            answer.text()
        );
        assert!(
            answer
                .header("content-type")
                .starts_with("application/problem+json"),
            "{name}"
        );
    }
    let answer = post(Bytes::from_static(b"{\"id\":\"\xff\xfe\"}"))
        .await
        .unwrap();
    assert_eq!(answer.status, 400, "bad UTF-8: {}", answer.text());
    assert_eq!(
        post(nested(32).into()).await.unwrap().status,
        200,
        "32 levels are taken"
    );

    assert_eq!(endless(&stage).await, 413);
    let grown = stage.sidecar().program().peak_memory().unwrap() - before;
    assert!(grown < 4 * MIB as u64, "memory grew by {grown} bytes");
    stage.finish().await;
}

#[tokio::test]
async fn what_cannot_be_stored_elsewhere_is_cleaned_and_stands() {
    let stage = load::simulated(Setting::default()).await;
    let text = "one\u{0}two \u{1b}[31m three \u{202e}four";
    stage
        .teller
        .tell(&message("e1", "c1", "Sa\u{0}nne", text))
        .await;
    let fields = json!({ "notification_type": "x", "title": "a\u{0}b", "text": "c\u{0}d",
        "fields": [{ "title": "e\u{0}f", "value": "g\u{0}h" }] });
    stage
        .teller
        .tell(&event("e2", "notification", fields))
        .await;
    stage.teller.leaves("e2", [crate::harness::Words::Anything]);
    stage.proven().await;
    for post in load::mattermost(&stage).posts(&stage.world().cast().webchat) {
        let read = post.readable();
        assert!(!read.contains(['\u{0}', '\u{1b}', '\u{202e}']), "{read:?}");
    }
    stage.finish().await;
}

/// 100 MiB in chunks without a length. Tells the status of the answer.
async fn endless(stage: &Stage) -> u16 {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let claims = Claims::of_licence("acme", i64::try_from(now).unwrap());
    let token = jwt_hs256(Settings::SECRET.as_bytes(), Some("test"), &claims);
    let address = stage
        .sidecar()
        .url()
        .trim_start_matches("http://")
        .to_owned();
    let mut line = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    line.write_all(head.as_bytes()).await.unwrap();
    let mut piece = format!("{:x}\r\n", 1 << 16).into_bytes();
    piece.resize(piece.len() + (1 << 16), b' ');
    piece.extend_from_slice(b"\r\n");
    let (mut answers, mut asks) = line.split();
    let floods = async {
        for _ in 0..1_600 {
            // The other side has heard enough.
            if asks.write_all(&piece).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let mut answer = [0; 12];
    let answered = tokio::time::timeout(Duration::from_secs(20), answers.read_exact(&mut answer));
    tokio::select! {
        () = floods => unreachable!("it waits for ever"),
        read = answered => { read.unwrap().unwrap(); }
    }
    std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap()
}
