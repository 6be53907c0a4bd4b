//! What goes wrong on purpose goes wrong as asked.

use std::time::Duration;

use serde_json::json;
use simulators::Door;
use simulators::api::Api;
use simulators::client::{CallError, Client};
use simulators::mattermost::{Cast, Ending, Fault, Mattermost, Refusal, Version, When};

async fn furnished() -> (Mattermost, Cast, Api) {
    let mattermost = Mattermost::start().await.unwrap();
    let cast = mattermost.furnish();
    let api = Api::new(&mattermost.url(), &cast.bot.token);
    (mattermost, cast, api)
}

#[tokio::test]
async fn a_dropped_answer_leaves_the_post_behind() {
    let (mattermost, cast, api) = furnished().await;
    mattermost
        .faults()
        .add("POST /posts", When::Next(1), Fault::commit_then_drop());

    let answer = api
        .post(
            "/posts",
            &json!({ "channel_id": cast.webchat, "message": "hello" }),
        )
        .await;

    assert!(
        matches!(answer, Err(CallError::Connection { .. })),
        "{answer:?}"
    );
    assert_eq!(mattermost.roots(&cast.webchat)[0].message, "hello");
    assert_eq!(
        api.post(
            "/posts",
            &json!({ "channel_id": cast.webchat, "message": "again" })
        )
        .await
        .unwrap()
        .status,
        201
    );
}

#[tokio::test]
async fn a_late_post_is_made_after_its_caller_has_left() {
    let (mattermost, cast, api) = furnished().await;
    mattermost.faults().add(
        "POST /posts",
        When::Next(1),
        Fault::commit_after(Duration::from_millis(300)),
    );
    let hasty = api
        .clone()
        .with_client(Client::with_deadline(Duration::from_millis(50)));

    let answer = hasty
        .post(
            "/posts",
            &json!({ "channel_id": cast.webchat, "message": "late" }),
        )
        .await;

    assert!(matches!(answer, Err(CallError::Deadline { .. })));
    assert!(mattermost.roots(&cast.webchat).is_empty());
    mattermost
        .until("the late post stands", |state| {
            state.roots(&cast.webchat).pop()
        })
        .await;
}

#[tokio::test]
async fn a_post_can_appear_in_the_past() {
    let (mattermost, cast, api) = furnished().await;
    mattermost.faults().add(
        "POST /posts",
        When::Next(1),
        Fault::appear_in_the_past(Duration::from_millis(200)),
    );
    let slow = api
        .post(
            "/posts",
            &json!({ "channel_id": cast.webchat, "message": "slow" }),
        )
        .await
        .unwrap()
        .json();

    let age = mattermost.now() - slow["create_at"].as_i64().unwrap();
    assert!(age >= 200, "it appeared {age} ms after its create_at");
}

#[tokio::test]
async fn a_restart_loses_what_was_running_and_forgets_pending_ids() {
    let (mattermost, cast, api) = furnished().await;
    let post = json!({ "channel_id": cast.webchat, "message": "once", "pending_post_id": "ir:x" });
    mattermost.faults().add(
        "POST /posts",
        When::Next(1),
        Fault::commit_after(Duration::from_secs(60)),
    );
    let running = tokio::time::timeout(Duration::from_millis(100), api.post("/posts", &post)).await;
    assert!(running.is_err());
    assert_eq!(
        api.post("/posts", &post).await.unwrap().json()["id"],
        "api.post.deduplicate_create_post.pending"
    );

    mattermost.restart().await.unwrap();

    let first = api.post("/posts", &post).await.unwrap().json();
    assert_eq!(
        api.post("/posts", &post).await.unwrap().json()["id"],
        first["id"]
    );
    mattermost.restart().await.unwrap();
    assert_ne!(
        api.post("/posts", &post).await.unwrap().json()["id"],
        first["id"]
    );
}

#[tokio::test]
async fn every_door_is_shut_in_its_own_way_and_opens_on_the_same_port() {
    let (mattermost, _, api) = furnished().await;
    let hasty = api
        .clone()
        .with_client(Client::with_deadline(Duration::from_millis(200)));
    for door in [
        Door::Refusing,
        Door::Resetting,
        Door::Hanging,
        Door::Unavailable,
    ] {
        mattermost.door(door).await.unwrap();
        let answer = hasty.get("/system/ping").await;
        match door {
            Door::Unavailable => assert_eq!(answer.unwrap().status, 503),
            Door::Hanging => assert!(
                matches!(answer, Err(CallError::Deadline { .. })),
                "{door:?}"
            ),
            _ => assert!(
                matches!(answer, Err(CallError::Connection { .. })),
                "{door:?}"
            ),
        }
        mattermost.door(Door::Open).await.unwrap();
        assert_eq!(
            hasty.get("/system/ping").await.unwrap().status,
            200,
            "{door:?}"
        );
    }
}

#[tokio::test]
async fn every_row_of_the_table_can_be_asked_for() {
    let (mattermost, cast, api) = furnished().await;
    for refusal in Refusal::every_row_of_posting(Version::V11_6) {
        mattermost
            .faults()
            .refuse_next(1, "POST /posts", refusal.clone());
        let answer = api
            .post(
                "/posts",
                &json!({ "channel_id": cast.webchat, "message": "x" }),
            )
            .await
            .unwrap();
        assert_eq!(answer.status.as_u16(), refusal.status);
        match refusal.plain {
            Some(body) => assert_eq!(answer.text(), body),
            None => assert_eq!(answer.json()["id"], refusal.id),
        }
    }
    assert!(mattermost.roots(&cast.webchat).is_empty());
}

#[tokio::test]
async fn hardened_mode_hides_the_id_of_a_server_error() {
    let (mattermost, cast, api) = furnished().await;
    mattermost.faults().hardened(true);
    let nul = api
        .post(
            "/posts",
            &json!({ "channel_id": cast.webchat, "message": "a\0b" }),
        )
        .await
        .unwrap();
    assert_eq!(
        (nul.status.as_u16(), nul.json()["id"].as_str()),
        (500, Some(""))
    );
}

#[tokio::test]
async fn lagging_reads_miss_what_was_just_written() {
    let (mattermost, cast, api) = furnished().await;
    mattermost.advance(Duration::from_secs(60));
    let root = mattermost
        .post_as(&cast.lotte.id, &cast.webchat, None, "root", &[])
        .unwrap();
    mattermost
        .faults()
        .reads_behind(Duration::from_secs(10)..Duration::from_secs(11));

    assert_eq!(
        api.get(&format!("/posts/{}", root.id))
            .await
            .unwrap()
            .status,
        404
    );
    mattermost.advance(Duration::from_secs(12));
    assert_eq!(
        api.get(&format!("/posts/{}", root.id))
            .await
            .unwrap()
            .status,
        200
    );
}

#[tokio::test]
async fn a_reset_and_a_garbled_answer_are_told_apart_from_an_orderly_one() {
    let (mattermost, _, api) = furnished().await;
    mattermost.faults().add(
        "GET /users/me",
        When::Next(1),
        Fault::commit_then(Ending::Garbage),
    );
    assert!(api.get("/users/me").await.unwrap().json().is_null());
    mattermost.faults().add(
        "GET /users/me",
        When::Next(1),
        Fault::commit_then(Ending::Reset),
    );
    assert!(api.get("/users/me").await.is_err());
    assert_eq!(
        api.get("/users/me").await.unwrap().json()["username"],
        "i-reserve"
    );
}
