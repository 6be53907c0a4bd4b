//! docs/receiving.md holds: its vectors, and its receiver with the public library of its language.

use std::{path::PathBuf, process::Stdio, time::Duration};

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use shared::Timestamp;
use sidecar::{
    auth::signature::{Signed, sign, verify},
    clock::Clock,
    licence::SigningSecret,
};
use simulators::client::Client;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

const PAGE: &str = include_str!("../../../docs/receiving.md");
const SECRET: &str = "whsec_y1Lx0oo3XBsU342ON9KPV8nvSeyXJmr3dtHuJOpA0jI=";
const OTHER: &str = "whsec_b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIgb3RoZXI=";

#[test]
fn the_published_vectors_are_what_we_send() {
    let vectors: Vec<&str> = PAGE
        .split("```vector\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(vectors.len(), 2);
    for vector in vectors {
        let all = |name: &str| -> Vec<&str> {
            let prefix = format!("{name}: ");
            vector
                .lines()
                .filter_map(|line| line.strip_prefix(&prefix))
                .collect()
        };
        let secrets: Vec<SigningSecret> = all("secret")
            .into_iter()
            .map(|secret| SigningSecret::parse(secret).unwrap())
            .collect();
        let (id, body) = (all("webhook-id")[0], all("body")[0].as_bytes());
        let at =
            Timestamp::from_millis(all("webhook-timestamp")[0].parse::<i64>().unwrap() * 1_000);
        let signed = sign(&secrets, id, at, body).unwrap();
        assert_eq!(signed.signature, all("webhook-signature")[0], "{id}");
        for secret in &secrets {
            verify(secret, &signed, body, at).unwrap();
        }
    }
}

/// The receiver of the documentation, running.
struct Receiver {
    url: String,
    shown: Lines<BufReader<ChildStdout>>,
    client: Client,
    _process: Child,
}

impl Receiver {
    async fn start(secrets: &str) -> Self {
        let mut process = Command::new(python())
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/receiver.py"))
            .arg("0")
            .env("WEBHOOK_SECRETS", secrets)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the Python of scripts/test starts");
        let mut shown = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = timeout(Duration::from_secs(20), shown.next_line()).await;
        let first = first
            .expect("it starts")
            .unwrap()
            .expect("it says where it listens");
        let port = first.strip_prefix("listening on ").unwrap();
        Self {
            url: format!("http://127.0.0.1:{port}/mattermost/events"),
            shown,
            client: Client::default(),
            _process: process,
        }
    }

    async fn post(&self, signed: &Signed, body: &Value) -> (u16, Value) {
        let headers = [
            ("webhook-id", signed.id.as_str()),
            ("webhook-timestamp", &signed.timestamp),
            ("webhook-signature", &signed.signature),
        ];
        let body = Bytes::from(body.to_string());
        let answer = self
            .client
            .call(Method::POST, &self.url, &headers, body)
            .await
            .unwrap();
        (answer.status.as_u16(), answer.json())
    }

    async fn shows(&mut self) -> Value {
        let line = timeout(Duration::from_secs(20), self.shown.next_line()).await;
        serde_json::from_str(&line.expect("something is shown").unwrap().unwrap()).unwrap()
    }
}

/// Where `scripts/test` puts a Python with the library.
fn python() -> PathBuf {
    let built = PathBuf::from(env!("CARGO_BIN_EXE_ireserve-sidecar"));
    let target = built.ancestors().nth(2).unwrap();
    target.join("receiver/bin/python")
}

fn secrets(texts: &[&str]) -> Vec<SigningSecret> {
    texts
        .iter()
        .map(|text| SigningSecret::parse(text).unwrap())
        .collect()
}

fn signed(with: &[&str], id: &str, ago: i64, body: &Value) -> Signed {
    let now = Clock::system().now().as_millis() - ago * 1_000;
    let body = body.to_string();
    sign(
        &secrets(with),
        id,
        Timestamp::from_millis(now),
        body.as_bytes(),
    )
    .unwrap()
}

fn reply(text: &str) -> Value {
    json!({ "type": "reply.created", "timestamp": "2026-11-22T10:00:01Z",
        "data": { "conversation_id": "conv_93", "reply_id": "p", "text": text } })
}

#[tokio::test]
#[ignore = "needs a Python with `standardwebhooks`; scripts/test installs it and runs this"]
async fn the_published_receiver_takes_what_we_sign_once_and_nothing_else() {
    let mut receiver = Receiver::start(SECRET).await;
    let body = reply("Tot zó 👋");
    let good = signed(&[SECRET], "reply:p:0", 0, &body);
    assert_eq!(
        receiver.post(&good, &body).await,
        (200, json!({ "visitor": "delivered" }))
    );
    assert_eq!(
        receiver.shows().await,
        json!(["reply.created", body["data"]])
    );
    let again = signed(&[SECRET], "reply:p:0", 1, &body);
    assert_eq!(
        receiver.post(&again, &body).await,
        (200, json!({})),
        "known"
    );

    for (name, signed, body) in [
        (
            "another secret",
            signed(&[OTHER], "reply:a:0", 0, &body),
            body.clone(),
        ),
        (
            "another body",
            signed(&[SECRET], "reply:a:0", 0, &body),
            reply("x"),
        ),
        (
            "too old",
            signed(&[SECRET], "reply:a:0", 310, &body),
            body.clone(),
        ),
        (
            "too new",
            signed(&[SECRET], "reply:a:0", -310, &body),
            body.clone(),
        ),
        (
            "another id",
            Signed {
                id: "reply:b:0".into(),
                ..good.clone()
            },
            body.clone(),
        ),
        (
            "no signature",
            Signed {
                signature: "v1".into(),
                ..good.clone()
            },
            body.clone(),
        ),
    ] {
        assert_eq!(receiver.post(&signed, &body).await.0, 401, "{name}");
    }

    let test = json!({ "type": "reply.created", "timestamp": "2026-11-22T10:00:01Z", "data": { "test": true } });
    let both = signed(&[OTHER, SECRET], "reply:t:0", 0, &test);
    assert_eq!(
        receiver.post(&both, &test).await.0,
        200,
        "one of two signatures is enough"
    );
    let last = reply("last");
    let signed = signed(&[SECRET], "reply:l:0", 290, &last);
    assert_eq!(receiver.post(&signed, &last).await.0, 200);
    assert_eq!(
        receiver.shows().await[1]["text"],
        "last",
        "nothing refused, known or of a test was shown"
    );
}

#[tokio::test]
#[ignore = "needs a Python with `standardwebhooks`; scripts/test installs it and runs this"]
async fn a_receiver_that_rotates_takes_either_secret() {
    let receiver = Receiver::start(&format!("{OTHER} {SECRET}")).await;
    for (n, with) in [[SECRET], [OTHER]].iter().enumerate() {
        let body = reply("x");
        let signed = signed(with, &format!("reply:{n}:0"), 0, &body);
        assert_eq!(receiver.post(&signed, &body).await.0, 200);
    }
}
