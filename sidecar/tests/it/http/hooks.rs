//! Mattermost's outgoing webhook: a hint at best, and `{}` whatever comes.

use serde_json::json;
use sidecar::{
    http::Limits,
    licence::TokenDigest,
    puller::hints::{Happened, Work},
};
use std::time::Duration;

use super::{
    desk::{Desk, Wish, licence},
    raw::Said,
};

const TOKEN: &str = "twenty-six-characters-long";
const NEWER: &str = "twenty-six-characters-anew";
const PATH: &str = "/v1/hooks/mattermost";
const JSON: &str = "Content-Type: application/json\r\n";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

fn wish() -> Wish {
    let mut licence = licence("acme");
    licence.webhook_tokens = [TOKEN, NEWER]
        .map(|token| TokenDigest::new(token).unwrap())
        .to_vec();
    Wish {
        licence,
        ..Wish::default()
    }
}

fn id(letter: char) -> String {
    letter.to_string().repeat(26)
}

/// As Mattermost writes it.
fn call(token: &str, post: &str) -> String {
    json!({ "token": token, "team_id": id('t'), "team_domain": "support", "channel_id": id('c'), "channel_name": "webchat",
        "timestamp": 1_795_332_318_020_i64, "user_id": id('u'), "user_name": "anna", "post_id": post, "text": "hi",
        "trigger_word": "", "file_ids": "" })
    .to_string()
}

fn form(token: &str, post: &str) -> String {
    format!(
        "token={token}&team_id={}&channel_id={}&timestamp=1795332318&user_id={}&user_name=anna&post_id={post}&text=a+%26+b&file_ids=",
        id('t'),
        id('c'),
        id('u')
    )
}

async fn says(desk: &Desk, fields: &str, body: &str) -> Said {
    desk.public.ask("POST", PATH, fields, body.as_bytes()).await
}

fn is_empty(said: &Said, status: u16, name: &str) {
    assert_eq!(said.status, status, "{name}");
    assert_eq!(said.body, b"{}", "{name}");
    assert_eq!(
        said.field("content-type"),
        Some("application/json"),
        "{name}"
    );
    assert_eq!(said.field("location"), None, "{name}");
}

#[tokio::test]
async fn a_call_in_either_form_and_with_either_token_is_a_hint_and_a_repeat_is_none_more() {
    let desk = Desk::with(wish()).await;
    is_empty(
        &says(&desk, JSON, &call(TOKEN, &id('a'))).await,
        200,
        "json",
    );
    is_empty(
        &says(&desk, FORM, &form(NEWER, &id('b'))).await,
        200,
        "form",
    );
    for _ in 0..3 {
        is_empty(
            &says(&desk, JSON, &call(NEWER, &id('a'))).await,
            200,
            "again",
        );
    }
    let Work::Resolve(loose) = desk.hints.next().await else {
        panic!("a webhook names no thread")
    };
    let mut posts: Vec<&str> = loose
        .posts()
        .iter()
        .map(|hint| hint.post.as_str())
        .collect();
    posts.sort_unstable();
    assert_eq!(posts, [id('a'), id('b')]);
    assert!(
        loose
            .posts()
            .iter()
            .all(|hint| hint.what == Happened::Posted && hint.root.is_none())
    );
    loose.resolved();
    let metrics = desk.admin.get("/metrics").await;
    let text = String::from_utf8(metrics.body).unwrap();
    assert!(
        text.contains(r#"ireserve_hints_total{source="webhook"} 5"#),
        "{text}"
    );
}

#[tokio::test]
async fn whoever_has_no_token_of_ours_gets_nothing_posted_and_nothing_looked_at() {
    let desk = Desk::with(wish()).await;
    let post = id('a');
    for (name, fields, body, status) in [
        (
            "unknown",
            JSON,
            call("another-token-altogether-x", &post),
            401,
        ),
        ("empty", JSON, call("", &post), 401),
        ("blank", FORM, form("%20", &post), 401),
        ("missing", JSON, json!({ "post_id": post }).to_string(), 401),
        ("other case", JSON, call(&TOKEN.to_uppercase(), &post), 401),
        (
            "no string",
            JSON,
            json!({ "token": [TOKEN], "post_id": post }).to_string(),
            401,
        ),
        (
            "twice",
            FORM,
            format!("token=x&{}", form(TOKEN, &post)),
            401,
        ),
        ("garbage", JSON, "<html>".to_owned(), 401),
        ("a form said to be json", JSON, form(TOKEN, &post), 401),
        ("no type", "", call(TOKEN, &post), 415),
        (
            "another type",
            "Content-Type: text/plain\r\n",
            call(TOKEN, &post),
            415,
        ),
        (
            "parts",
            "Content-Type: multipart/form-data; boundary=x\r\n",
            call(TOKEN, &post),
            415,
        ),
    ] {
        is_empty(&says(&desk, fields, &body).await, status, name);
    }
    assert_eq!(desk.hints.waiting(), 0);
    let said = desk.public.get(PATH).await;
    assert_eq!((said.status, said.field("allow")), (405, Some("POST")));
    assert!(said.json().get("text").is_none());
}

#[tokio::test]
async fn a_valid_token_with_a_forged_body_is_answered_and_changes_nothing() {
    let desk = Desk::with(wish()).await;
    let of = |post: serde_json::Value| json!({ "token": TOKEN, "post_id": post }).to_string();
    for body in [
        of(json!("")),
        of(json!("../../../../etc/passwd/aaa")),
        of(json!(id('A'))),
        of(json!(7)),
        of(json!({ "id": id('a') })),
        json!({ "token": TOKEN }).to_string(),
    ] {
        is_empty(&says(&desk, JSON, &body).await, 200, &body);
    }
    assert_eq!(desk.hints.waiting(), 0);
}

#[tokio::test]
async fn what_our_own_bot_posted_is_no_hint() {
    let desk = Desk::with(wish()).await;
    desk.bot.send_replace(Some(id('u').parse().unwrap()));
    is_empty(
        &says(&desk, JSON, &call(TOKEN, &id('a'))).await,
        200,
        "ours",
    );
    assert_eq!(desk.hints.waiting(), 0);
    desk.bot.send_replace(Some(id('v').parse().unwrap()));
    is_empty(
        &says(&desk, FORM, &form(TOKEN, &id('a'))).await,
        200,
        "another's",
    );
    assert_eq!(desk.hints.waiting(), 1);
}

#[tokio::test]
async fn a_body_beyond_half_a_mebibyte_or_too_slow_is_given_up() {
    let mut wish = wish();
    wish.limits = Limits {
        body: Duration::from_millis(300),
        linger: Duration::from_millis(100),
        ..Limits::default()
    };
    let desk = Desk::with(wish).await;
    let fits = call(TOKEN, &id('a'));
    let fits = format!("{}{fits}", " ".repeat(512 * 1024 - fits.len()));
    is_empty(&says(&desk, JSON, &fits).await, 200, "just fits");
    is_empty(
        &says(&desk, JSON, &format!(" {fits}")).await,
        413,
        "one byte more",
    );

    let mut wire = desk.public.connect().await;
    wire.write(format!(
        "POST {PATH} HTTP/1.1\r\nHost: localhost\r\n{JSON}Content-Length: 100\r\n\r\n{{"
    ))
    .await;
    is_empty(&wire.answers().await.remove(0), 408, "dribbled");
}

#[tokio::test]
async fn while_the_plugin_is_awaited_an_unknown_token_may_still_come() {
    let desk = Desk::with(Wish {
        waiting_for_the_plugin: true,
        ..wish()
    })
    .await;
    let said = says(&desk, JSON, &call("another-token-altogether-x", &id('a'))).await;
    is_empty(&said, 503, "not yet");
    assert_eq!(said.field("retry-after"), Some("5"));
    is_empty(
        &says(&desk, JSON, &call(TOKEN, &id('a'))).await,
        200,
        "known already",
    );
}

#[tokio::test]
async fn the_status_says_when_the_webhook_called_last_where_there_is_one() {
    let desk = Desk::with(wish()).await;
    let webhook =
        async || desk.admin.get("/v1/status").await.json()["licences"][0]["webhook"].clone();
    assert_eq!(
        webhook().await,
        json!({ "last_call_at": null, "last_call_seconds": null })
    );
    is_empty(
        &says(&desk, JSON, &call("a token of nobody's", &id('p'))).await,
        401,
        "a stranger",
    );
    assert_eq!(webhook().await["last_call_at"], json!(null));
    is_empty(
        &says(&desk, JSON, &call(TOKEN, &id('p'))).await,
        200,
        "the webhook",
    );
    let called = webhook().await;
    assert!(
        called["last_call_at"].is_string() && called["last_call_seconds"].is_u64(),
        "{called}"
    );

    let without = Desk::open().await;
    let status = without.admin.get("/v1/status").await.json();
    assert_eq!(status["licences"][0]["webhook"], json!(null));
    assert_eq!(status["websocket"]["unread_frames"], json!(0));
}
