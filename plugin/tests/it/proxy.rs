//! Requests from outside, and Mattermost's own calls.

use http::{Method, Request, Response};
use mattermost_plugin::host::Host;
use serde_json::{Value, json};

use crate::{
    peer::{self, Peer},
    server::{self, ADMIN, ALICE, CHANNEL, TEAM, activate},
};

fn ask(method: Method, path: &str, body: impl Into<Vec<u8>>) -> Request<Vec<u8>> {
    Request::builder()
        .method(method)
        .uri(path)
        .body(body.into())
        .unwrap()
}

fn by(user: &str, method: Method, path: &str, body: &Value) -> Request<Vec<u8>> {
    let mut request = ask(method, path, body.to_string());
    request
        .headers_mut()
        .insert("mattermost-user-id", user.parse().unwrap());
    request
}

async fn with(sidecar: &Peer) -> (Host, server::Shared) {
    let state = server::with_external(&sidecar.url());
    (activate(&state).await, state)
}

#[tokio::test]
async fn an_event_goes_through_with_its_body_and_the_headers_that_may_pass() {
    let sidecar = Peer::start(|seen| {
        Response::builder()
            .status(202)
            .header("x-answer", "yes")
            .body([b"seen ", &seen.body[..]].concat())
            .unwrap()
    })
    .await;
    let (host, _) = with(&sidecar).await;
    let body = vec![b'x'; 700_000];
    let mut request = ask(Method::POST, "/v1/events?dry=1", body.clone());
    for (name, value) in [
        ("authorization", "Bearer theirs"),
        ("content-type", "multipart/form-data; boundary=x"),
        ("content-length", "700000"),
        ("prefer", "wait=5"),
        ("cookie", "MMAUTHTOKEN=secret"),
        ("mattermost-user-id", ADMIN),
        ("x-forwarded-for", "1.2.3.4"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let answer = host.request(request).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["x-answer"]),
        (202, &"yes".parse().unwrap())
    );
    assert!(
        *answer.body() == [b"seen ", &body[..]].concat(),
        "the body changed on the way"
    );
    let seen = sidecar
        .until("the event", |seen| seen.path == "/v1/events?dry=1")
        .await;
    let mut names: Vec<&str> = seen.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "authorization",
            "content-length",
            "content-type",
            "host",
            "prefer"
        ]
    );
    assert_eq!(seen.headers["authorization"], "Bearer theirs");
}

#[tokio::test]
async fn a_body_without_a_length_and_the_other_header_pass_too() {
    let sidecar = peer::sidecar(|seen| Some(json!({"bytes": seen.body.len()}))).await;
    let (host, _) = with(&sidecar).await;
    let mut request = ask(Method::POST, "/v1/events", vec![b'x'; 5_000]);
    request
        .headers_mut()
        .insert("x-ireserve-authorization", "Bearer theirs".parse().unwrap());
    let answer = host.request(request).await.unwrap();
    assert_eq!(answer.body(), br#"{"bytes":5000}"#);
    let seen = sidecar
        .until("the event", |seen| seen.path == "/v1/events")
        .await;
    assert_eq!(seen.headers["x-ireserve-authorization"], "Bearer theirs");
}

#[tokio::test]
async fn a_large_file_streams_back() {
    let sidecar = Peer::start(|_| Response::new(vec![7; 3_000_000])).await;
    let (host, _) = with(&sidecar).await;
    let answer = host
        .request(ask(Method::GET, "/v1/files/abc", ""))
        .await
        .unwrap();
    assert!(*answer.body() == vec![7; 3_000_000]);
}

#[tokio::test]
async fn with_nobody_listening_the_caller_is_told_to_come_back() {
    let state = server::with_external("http://127.0.0.1:1");
    let host = activate(&state).await;
    let answer = host
        .request(ask(Method::POST, "/v1/events", "{}"))
        .await
        .unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (503, &"5".parse().unwrap())
    );
}

#[tokio::test]
async fn a_sidecar_that_does_not_answer_costs_ten_seconds_and_no_more() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let state = server::with_external(&format!("http://{}", listener.local_addr().unwrap()));
    let host = activate(&state).await;
    let asked = tokio::time::Instant::now();
    let answer = host
        .request(ask(Method::GET, "/v1/events/evt_1", ""))
        .await
        .unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (503, &"5".parse().unwrap())
    );
    let waited = asked.elapsed().as_secs();
    assert!((9..15).contains(&waited), "{waited} s");
}

#[tokio::test]
async fn everything_else_is_nobodys_and_unsigned() {
    let sidecar = peer::sidecar(|_| None).await;
    let (host, _) = with(&sidecar).await;
    for path in [
        "/",
        "/v1/plugin/commands",
        "/v1/plugin/configuration",
        "/metrics",
        "/v1/events/a/b",
    ] {
        let answer = host
            .request(by(ADMIN, Method::POST, path, &json!({})))
            .await
            .unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
    assert!(
        !sidecar
            .seen()
            .iter()
            .any(|seen| seen.path == "/v1/plugin/commands")
    );
}

#[tokio::test]
async fn a_click_becomes_a_signed_call_and_is_answered_in_one_write() {
    let sidecar = peer::sidecar(|seen| {
        (seen.path == "/v1/plugin/actions")
            .then(|| json!({"update": {"message": "taken", "props": {"a": 1}}, "ephemeral_text": "yours"}))
    })
    .await;
    let (host, _) = with(&sidecar).await;
    let click = json!({"user_id": "somebody else", "channel_id": CHANNEL, "team_id": TEAM, "post_id": "p", "trigger_id": "t",
        "context": {"mac": "m", "selected_option": "two"}});
    let nobody = host
        .request_from_server(ask(Method::POST, "/action", click.to_string()))
        .await
        .unwrap();
    assert_eq!(nobody.status(), 401);
    let answer = host
        .request_from_server(by(ALICE, Method::POST, "/action", &click))
        .await
        .unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(answer.body()).unwrap(),
        json!({"update": {"message": "taken", "props": {"a": 1}}, "ephemeral_text": "yours"})
    );
    let asked = sidecar
        .until("the click", |seen| seen.path == "/v1/plugin/actions")
        .await;
    assert_eq!(asked.claims()["sub"], ALICE);
    let said = asked.json();
    assert_eq!(said["context"], json!({"mac": "m"}));
    assert_eq!(said["selected_option"], "two");
    assert_eq!(
        said["where"]["rights"],
        json!({"admin": false, "manage_channel": false, "member": true})
    );
    assert_eq!(said["where"]["locale"], "nl");
}

#[tokio::test]
async fn a_button_that_was_forged_stays_forbidden_and_a_missing_sidecar_is_said() {
    let sidecar = Peer::start(|seen| match seen.path.as_str() {
        "/v1/plugin/actions" => peer::answer(403, &json!({})),
        _ => peer::answer(200, &json!({"configured": true, "state": "unconnected"})),
    })
    .await;
    let (host, state) = with(&sidecar).await;
    let click = json!({"post_id": "p", "context": {}});
    let forged = host
        .request_from_server(by(ALICE, Method::POST, "/action", &click))
        .await
        .unwrap();
    assert_eq!(forged.status(), 403);
    drop(host);
    state.lock().unwrap().console = json!({"sidecar_mode": "external"});
    let host = activate(&state).await;
    let alone = host
        .request_from_server(by(ALICE, Method::POST, "/action", &click))
        .await
        .unwrap();
    let said: Value = serde_json::from_slice(alone.body()).unwrap();
    assert!(
        said["ephemeral_text"]
            .as_str()
            .unwrap()
            .starts_with("i-Reserve draait"),
        "{said}"
    );
}

#[tokio::test]
async fn a_dialog_shows_its_errors_and_its_text_is_whispered() {
    let sidecar = peer::sidecar(|seen| {
        (seen.path == "/v1/plugin/dialogs").then(|| {
            match seen.json()["submission"]["key"].as_str() {
                Some("good") => json!({"text": "connected"}),
                _ => json!({"errors": {"key": "no key"}}),
            }
        })
    })
    .await;
    let (host, state) = with(&sidecar).await;
    let send = async |key: &str| {
        let sent = json!({"callback_id": "key", "state": "s", "channel_id": CHANNEL, "team_id": TEAM, "submission": {"key": key}, "cancelled": false});
        let answer = host
            .request_from_server(by(ADMIN, Method::POST, "/dialog", &sent))
            .await
            .unwrap();
        serde_json::from_slice::<Value>(answer.body()).unwrap()
    };
    assert_eq!(send("bad").await["errors"], json!({"key": "no key"}));
    assert_eq!(send("good").await, json!({"errors": {}, "error": ""}));
    assert_eq!(state.lock().unwrap().whispered[0].message, "connected");
}

#[tokio::test]
async fn a_look_up_is_answered_in_the_servers_spelling() {
    let sidecar = peer::sidecar(|seen| {
        (seen.path == "/v1/plugin/autocomplete")
            .then(|| json!([{"item": "#7", "hint": "h", "help_text": "t"}]))
    })
    .await;
    let (host, _) = with(&sidecar).await;
    let path = format!("/lookup/open?user_input=%2Fireserve+take&channel_id={CHANNEL}&root_id=r");
    let answer = host
        .request_from_server(by(ALICE, Method::GET, &path, &json!({})))
        .await
        .unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(answer.body()).unwrap(),
        json!([{"Item": "#7", "Hint": "h", "HelpText": "t"}])
    );
    let asked = sidecar
        .until("the look-up", |seen| seen.path == "/v1/plugin/autocomplete")
        .await
        .json();
    assert_eq!(
        (&asked["list"], &asked["user_input"], &asked["root_id"]),
        (&json!("open"), &json!("/ireserve take"), &json!("r"))
    );
}
