//! Hints leave Mattermost as webhooks and WebSocket events, and never reliably.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use simulators::api::Api;
use simulators::ireserve::IReserve;
use simulators::mattermost::{Cast, ChannelKind, HintFaults, Mattermost};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

async fn furnished() -> (Mattermost, Cast) {
    let mattermost = Mattermost::start().await.unwrap();
    let cast = mattermost.furnish();
    (mattermost, cast)
}

struct Ear(WebSocketStream<TcpStream>);

impl Ear {
    async fn open(mattermost: &Mattermost, token: Option<&str>) -> Self {
        let address = mattermost.url().trim_start_matches("http://").to_owned();
        let mut request = format!("ws://{address}/api/v4/websocket")
            .into_client_request()
            .unwrap();
        if let Some(token) = token {
            request
                .headers_mut()
                .insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        let line = TcpStream::connect(address).await.unwrap();
        Self(
            tokio_tungstenite::client_async(request, line)
                .await
                .unwrap()
                .0,
        )
    }

    async fn say(&mut self, frame: Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(_)) => {}
                end => panic!("the socket ended: {end:?}"),
            }
        }
    }
}

fn post_of(event: &Value) -> Value {
    serde_json::from_str(event["data"]["post"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_socket_hears_its_channels_alone_and_counts_what_it_hears() {
    let (mattermost, cast) = furnished().await;
    mattermost.remove(&cast.bookings, &cast.bot.id);
    let mut ear = Ear::open(&mattermost, Some(&cast.bot.token)).await;
    assert_eq!(ear.hear().await["event"], "hello");
    mattermost
        .until("the socket is open", |state| {
            (state.sockets() == 1).then_some(())
        })
        .await;

    mattermost
        .post_as(&cast.lotte.id, &cast.bookings, None, "not for the bot", &[])
        .unwrap();
    let root = mattermost
        .post_as(&cast.lotte.id, &cast.vip, None, "private", &[])
        .unwrap();
    mattermost
        .post_as(&cast.lotte.id, &cast.vip, Some(&root.id), "reply", &[])
        .unwrap();
    mattermost
        .edit_as(&cast.lotte.id, &root.id, "edited")
        .unwrap();
    mattermost.react_as(&cast.jan.id, &root.id, "eyes").unwrap();
    mattermost.delete_as(&cast.lotte.id, &root.id).unwrap();

    let mut heard = Vec::new();
    for seq in 1..=5 {
        let event = ear.hear().await;
        assert_eq!(event["seq"], json!(seq));
        assert_eq!(event["broadcast"]["channel_id"], json!(cast.vip));
        heard.push(event);
    }
    let names: Vec<_> = heard
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "posted",
            "posted",
            "post_edited",
            "reaction_added",
            "post_deleted"
        ]
    );
    assert_eq!(post_of(&heard[1])["root_id"], json!(root.id));
    assert_eq!(post_of(&heard[2])["message"], "edited");
}

#[tokio::test]
async fn a_socket_may_say_who_it_is_later() {
    let (mattermost, cast) = furnished().await;
    let mut ear = Ear::open(&mattermost, None).await;
    ear.say(json!({ "seq": 1, "action": "authentication_challenge", "data": { "token": cast.bot.token } })).await;
    let mut first = [ear.hear().await, ear.hear().await];
    first.sort_by_key(|frame| frame["event"].is_null());
    assert_eq!(
        (first[0]["event"].as_str(), first[1]["status"].as_str()),
        (Some("hello"), Some("OK"))
    );
    ear.say(json!({ "seq": 2, "action": "ping" })).await;
    assert_eq!(ear.hear().await["data"]["text"], "pong");
    ear.say(json!({ "seq": 3, "action": "dance" })).await;
    assert_eq!(ear.hear().await["status"], "FAIL");
}

#[tokio::test]
async fn a_restart_ends_every_socket() {
    let (mattermost, cast) = furnished().await;
    let mut ear = Ear::open(&mattermost, Some(&cast.bot.token)).await;
    ear.hear().await;
    mattermost.restart().await.unwrap();
    assert!(!matches!(ear.0.next().await, Some(Ok(Message::Text(_)))));
}

#[tokio::test]
async fn a_webhook_is_called_once_for_new_posts_of_public_channels() {
    let (mattermost, cast) = furnished().await;
    let receiver = IReserve::start().await.unwrap();
    let token = mattermost
        .register_outgoing_webhook(&cast.webchat, &receiver.webhook_url())
        .unwrap();
    assert_eq!(
        mattermost
            .register_outgoing_webhook(&cast.vip, "http://x")
            .unwrap_err()
            .id,
        "api.outgoing_webhook.disabled.app_error"
    );

    let root = mattermost
        .post_as(&cast.lotte.id, &cast.webchat, None, "root", &[])
        .unwrap();
    mattermost
        .post_as(
            &cast.lotte.id,
            &cast.webchat,
            Some(&root.id),
            "reply",
            &[("a.txt", b"x")],
        )
        .unwrap();
    mattermost
        .edit_as(&cast.lotte.id, &root.id, "edited")
        .unwrap();
    let calls = receiver
        .until("both calls came", |inbox| {
            (inbox.deliveries().len() == 2).then(|| inbox.deliveries().to_vec())
        })
        .await;
    let mut bodies: Vec<Value> = calls
        .iter()
        .map(|call| serde_json::from_slice(&call.body).unwrap())
        .collect();
    bodies.sort_by_key(|body| body["text"] != "root");
    assert_eq!(bodies[0].as_object().unwrap().len(), 12);
    assert_eq!(
        (&bodies[0]["token"], &bodies[0]["post_id"]),
        (&json!(token), &json!(root.id))
    );
    assert_eq!(bodies[1]["file_ids"].as_str().unwrap().len(), 26);

    mattermost.convert(&cast.webchat, ChannelKind::Private);
    mattermost
        .post_as(&cast.lotte.id, &cast.webchat, None, "hidden", &[])
        .unwrap();
    mattermost.convert(&cast.webchat, ChannelKind::Public);
    mattermost
        .post_as(&cast.lotte.id, &cast.webchat, None, "shown", &[])
        .unwrap();
    let third = receiver
        .until("the third call came", |inbox| {
            inbox.deliveries().get(2).cloned()
        })
        .await;
    assert!(String::from_utf8_lossy(&third.body).contains("shown"));
}

#[tokio::test]
async fn an_answer_with_a_text_is_posted_whatever_its_status_and_calls_nobody() {
    let (mattermost, cast) = furnished().await;
    let receiver = IReserve::start().await.unwrap();
    receiver.introduces_itself(json!({}));
    receiver.says(
        simulators::When::Always,
        simulators::ireserve::Says::TakenWith(json!({ "text": "loaded" })),
    );
    let _ = mattermost
        .register_outgoing_webhook(&cast.webchat, &receiver.webhook_url())
        .unwrap();

    mattermost
        .post_as(&cast.lotte.id, &cast.webchat, None, "root", &[])
        .unwrap();

    let posted = mattermost
        .until("the answer was posted", |state| {
            state
                .roots(&cast.webchat)
                .into_iter()
                .find(|post| post.message == "loaded")
        })
        .await;
    assert_eq!(
        (posted.user_id, posted.props["from_webhook"].as_str()),
        (cast.admin.id, Some("true"))
    );
    assert_eq!(receiver.look(|inbox| inbox.deliveries().len()), 1);
}

#[tokio::test]
async fn hints_are_lost_doubled_and_swapped_as_the_seed_has_it() {
    let (mattermost, cast) = furnished().await;
    let receiver = IReserve::start().await.unwrap();
    let _ = mattermost
        .register_outgoing_webhook(&cast.webchat, &receiver.webhook_url())
        .unwrap();
    mattermost.faults().seed(11);
    mattermost.faults().hints(HintFaults {
        lost: 0.3,
        doubled: 0.3,
        swapped: 1.0,
    });
    for n in 0..60 {
        mattermost
            .post_as(&cast.lotte.id, &cast.webchat, None, &n.to_string(), &[])
            .unwrap();
    }
    mattermost.faults().hints(HintFaults::default());
    mattermost
        .post_as(&cast.lotte.id, &cast.webchat, None, "last", &[])
        .unwrap();

    let texts = |inbox: &simulators::ireserve::Inbox| {
        inbox
            .deliveries()
            .iter()
            .map(|call| {
                serde_json::from_slice::<Value>(&call.body).unwrap()["text"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect::<Vec<_>>()
    };
    let heard = receiver
        .until("most hints came", |inbox| {
            Some(texts(inbox)).filter(|texts| texts.len() >= 45 && texts.contains(&"last".into()))
        })
        .await;
    let mut once = heard.clone();
    once.sort();
    once.dedup();
    assert!(once.len() < 61, "some are lost");
    assert!(heard.len() > once.len(), "some are doubled");
    let numbers: Vec<u32> = heard.iter().filter_map(|text| text.parse().ok()).collect();
    assert!(!numbers.is_sorted(), "some overtook others");
}

#[tokio::test]
async fn a_plain_bot_may_register_no_webhook() {
    let (mattermost, cast) = furnished().await;
    let api = Api::new(&mattermost.url(), &cast.bot.token);
    let body = json!({ "team_id": cast.team_id, "channel_id": cast.webchat, "callback_urls": ["http://127.0.0.1:1"] });
    assert_eq!(
        api.post("/hooks/outgoing", &body).await.unwrap().json()["id"],
        "api.context.permissions.app_error"
    );
}
