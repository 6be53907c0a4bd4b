//! i-Reserve judges, remembers, follows links and pushes.

use std::time::Duration;

use http::Method;
use serde_json::json;
use simulators::When;
use simulators::client::{CallError, Client};
use simulators::ireserve::{
    IReserve, Says, Sender, Served, Verdict, event, verified_jwt_hs256, webhook_key,
    webhook_signature,
};

/// A message as the sidecar would sign it.
struct Message {
    id: String,
    body: String,
    secrets: Vec<String>,
    ago: i64,
}

impl Message {
    fn reply(ireserve: &IReserve, n: u32, text: &str) -> Self {
        let data = json!({ "conversation_id": "conv", "reply_id": format!("p{n}"), "text": text, "attachments": [] });
        let body =
            json!({ "type": "reply.created", "timestamp": "2026-11-22T10:00:00Z", "data": data })
                .to_string();
        Self {
            id: format!("reply:p{n}:0"),
            body,
            secrets: vec![ireserve.secret()],
            ago: 0,
        }
    }

    async fn send(&self, ireserve: &IReserve) -> Result<u16, CallError> {
        let now = std::time::UNIX_EPOCH
            .elapsed()
            .unwrap()
            .as_secs()
            .cast_signed()
            - self.ago;
        let sign = |secret: &String| {
            webhook_signature(
                &webhook_key(secret).unwrap(),
                &self.id,
                &now.to_string(),
                self.body.as_bytes(),
            )
        };
        let signatures: Vec<_> = self.secrets.iter().map(sign).collect();
        let headers = [
            ("webhook-id", &*self.id),
            ("webhook-timestamp", &now.to_string()),
            ("webhook-signature", &signatures.join(" ")),
        ];
        let client = Client::with_deadline(Duration::from_millis(500));
        client
            .call(
                Method::POST,
                &ireserve.webhook_url(),
                &headers,
                self.body.clone(),
            )
            .await
            .map(|answer| answer.status.as_u16())
    }
}

#[tokio::test]
async fn a_message_counts_once_however_often_it_comes() {
    let ireserve = IReserve::start().await.unwrap();
    let message = Message::reply(&ireserve, 1, "hello");
    assert_eq!(message.send(&ireserve).await.unwrap(), 200);
    assert_eq!(message.send(&ireserve).await.unwrap(), 200);
    assert_eq!(
        Message::reply(&ireserve, 2, "again")
            .send(&ireserve)
            .await
            .unwrap(),
        200
    );

    assert_eq!(ireserve.texts("conv"), ["hello", "again"]);
    assert_eq!(ireserve.look(|inbox| inbox.deliveries().len()), 3);
}

#[tokio::test]
async fn a_signature_counts_when_one_of_several_fits_and_only_within_five_minutes() {
    let ireserve = IReserve::start().await.unwrap();
    let old = ireserve.secret();
    ireserve.expect_secrets(&["whsec_bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXcgbmV3IG5ldyE="]);
    let mut message = Message::reply(&ireserve, 1, "x");
    message.secrets = vec![old.clone()];
    assert_eq!(message.send(&ireserve).await.unwrap(), 401);
    message.secrets.push(ireserve.secret());
    message.ago = 320;
    assert_eq!(message.send(&ireserve).await.unwrap(), 401);
    message.ago = 280;
    assert_eq!(message.send(&ireserve).await.unwrap(), 200);
    message.ago = -320;
    assert_eq!(message.send(&ireserve).await.unwrap(), 401);

    let verdicts = ireserve.look(|inbox| {
        inbox
            .deliveries()
            .iter()
            .map(|delivery| delivery.verdict.clone())
            .collect::<Vec<_>>()
    });
    assert_eq!(
        verdicts,
        [
            Verdict::WrongSignature,
            Verdict::Stale,
            Verdict::Valid,
            Verdict::Stale
        ]
    );
}

#[tokio::test]
async fn what_it_says_can_be_asked_for() {
    let ireserve = IReserve::start().await.unwrap();
    ireserve.says(When::Cycle { hits: 2, of: 3 }, Says::Later(503, "1".into()));
    let message = Message::reply(&ireserve, 1, "x");
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(message.send(&ireserve).await.unwrap());
    }
    assert_eq!(statuses, [503, 503, 200]);
    ireserve.heal();

    for (says, taken) in [
        (Says::TakenThenCut, true),
        (Says::TakenEndlessly, true),
        (Says::RefusedEndlessly(500), false),
        (Says::Hang, false),
        (Says::Cut, false),
        (Says::Reset, false),
    ] {
        let message = Message::reply(&ireserve, 100 + u32::from(taken), "y");
        let before = ireserve.look(|inbox| inbox.taken().len());
        ireserve.says(When::Next(1), says.clone());
        let mut message = message;
        message.id = format!(
            "reply:{}:0",
            ireserve.look(|inbox| inbox.deliveries().len())
        );
        assert!(message.send(&ireserve).await.is_err(), "{says:?}");
        assert_eq!(
            ireserve.look(|inbox| inbox.taken().len()) - before,
            usize::from(taken),
            "{says:?}"
        );
    }
}

#[tokio::test]
async fn an_edit_and_a_deletion_change_what_a_visitor_sees() {
    let ireserve = IReserve::start().await.unwrap();
    for (id, kind, data) in [
        (
            "reply:a:0",
            "reply.created",
            json!({ "conversation_id": "c", "reply_id": "a", "text": "one" }),
        ),
        (
            "reply:b:0",
            "reply.created",
            json!({ "conversation_id": "c", "reply_id": "b", "text": "two" }),
        ),
        (
            "reply:a:5",
            "reply.updated",
            json!({ "conversation_id": "c", "reply_id": "a", "text": "1" }),
        ),
        (
            "reply:b:deleted",
            "reply.deleted",
            json!({ "conversation_id": "c", "reply_id": "b" }),
        ),
    ] {
        let mut message = Message::reply(&ireserve, 0, "");
        message.id = id.into();
        message.body =
            json!({ "type": kind, "timestamp": "2026-11-22T10:00:00Z", "data": data }).to_string();
        assert_eq!(message.send(&ireserve).await.unwrap(), 200);
    }
    assert_eq!(ireserve.texts("c"), ["1"]);
}

#[tokio::test]
async fn links_of_replies_are_followed() {
    let ireserve = IReserve::start().await.unwrap();
    let url = ireserve.serves(
        "a.png",
        Served::Slow {
            bytes: "abcdef".into(),
            piece: 2,
            pause: Duration::from_millis(5),
        },
    );
    let mut message = Message::reply(&ireserve, 1, "see");
    message.body = message
        .body
        .replace("[]", &json!([{ "name": "a.png", "url": url }]).to_string());
    message.send(&ireserve).await.unwrap();

    let fetched = ireserve
        .until("the link was followed", |inbox| {
            inbox.fetched().first().cloned()
        })
        .await;
    assert_eq!(
        (fetched.status, &fetched.bytes[..]),
        (Some(200), &b"abcdef"[..])
    );
}

#[tokio::test]
async fn an_event_is_pushed_signed_and_repeated_until_it_is_taken() {
    // Any server will do as a sidecar here; this one records what it was asked.
    let sidecar = IReserve::start().await.unwrap();
    let sender = Sender::new(&sidecar.url(), "acme", "a secret");
    assert_eq!(
        verified_jwt_hs256(b"a secret", &sender.token()).unwrap()["sub"],
        "acme"
    );

    let event = event::message(&sender.id("evt"), "conv", "Eva", "hi");
    let begun = tokio::time::Instant::now();
    let answer = sender
        .deliver(&event, Duration::from_millis(450))
        .await
        .unwrap();
    assert_eq!(
        answer.status, 404,
        "a 404 that is no problem+json is repeated until patience ends"
    );
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_ne!(sender.id("evt"), sender.id("evt"));
}
