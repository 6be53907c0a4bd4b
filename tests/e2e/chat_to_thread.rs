//! A conversation in i-Reserve becomes a thread in Mattermost, a notification a post of its own.

use serde_json::{Value, json};
use simulators::ireserve::event::{
    self, assigned, closed, message, message_by, notification, reopened, started,
};

use crate::harness::{Setting, Stage, Words};

#[tokio::test]
async fn a_conversation_is_one_card_and_everything_said_stands_under_it_in_order() {
    let stage = Stage::set().await;
    let teller = &stage.teller;
    teller.tell(&started("e1", "c1", "Sanne de Vries")).await;
    for (id, kind, name, text) in [
        (
            "e2",
            "visitor",
            "Sanne de Vries",
            "Hello, may I book a lane?",
        ),
        ("e3", "bot", "Botje", "One moment please"),
        ("e4", "agent", "Anna", "For how many people?"),
        ("e5", "system", "Planning", "The lane was held"),
        ("e6", "visitor", "Sanne de Vries", "Six"),
    ] {
        teller.tell(&message_by(id, "c1", kind, name, text)).await;
    }
    teller
        .tell(&assigned("e7", "c1", Some("Lotte Jansen")))
        .await;
    teller.tell(&closed("e8", "c1", "Anna")).await;
    teller.tell(&reopened("e9", "c1", "Anna")).await;
    teller.tell(&assigned("e10", "c1", None)).await;
    teller
        .tell(&message("e11", "c1", "Sanne de Vries", "Thank you"))
        .await;
    teller.leaves(
        "e7",
        [Words::holding("Lotte Jansen got this conversation from")],
    );
    teller.leaves("e8", [Words::exactly("Anna resolved this conversation.")]);
    teller.leaves("e9", [Words::exactly("Anna reopened this conversation.")]);
    teller.leaves("e10", [Words::exactly("Nobody has this conversation now.")]);

    stage.proven().await;
    let card = stage.card("c1").await;
    assert_eq!(card.channel_id, stage.world().cast().webchat);
    let read = card.readable();
    for seen in [
        "Sanne de Vries",
        "c1",
        "[Rooms](https://www.example.com/rooms)",
        "#ireserve-1",
    ] {
        assert!(read.contains(seen), "{seen} is not on the card:\n{read}");
    }
    let ours = card.ireserve().unwrap();
    assert_eq!(
        (
            &ours["licence"],
            &ours["event_id"],
            &ours["part"],
            &ours["generation"]
        ),
        (&json!("acme"), &json!("e1"), &json!(0), &json!(1))
    );
    stage.finish().await;
}

#[tokio::test]
async fn the_card_shows_how_the_conversation_stands_and_who_the_visitor_is() {
    let stage = Setting::default()
        .with("team.contact_details", "all")
        .set()
        .await;
    let teller = &stage.teller;
    teller.tell(&started("e1", "c1", "Sanne")).await;
    teller.tell(&message("e2", "c1", "Sanne", "Hello")).await;
    stage
        .card_that("c1", "waiting", |card| {
            card.readable().contains("Waiting since")
        })
        .await;

    teller
        .tell(&message_by("e3", "c1", "agent", "Anna", "Hello Sanne"))
        .await;
    teller.tell(&assigned("e4", "c1", Some("Anna"))).await;
    stage
        .card_that("c1", "answered, and Anna has it", |card| {
            let read = card.readable();
            read.contains("Answered at") && read.contains("Anna")
        })
        .await;

    let now_known = json!({ "conversation_id": "c1", "url": "https://acme.example.com/conversations/1",
        "visitor": { "name": "Sanne de Vries", "email": "sanne@example.com", "phone": "0612345678" },
        "page": { "url": "https://www.example.com/pay", "title": "Pay" } });
    teller
        .tell(&event::event("e5", "conversation.updated", now_known))
        .await;
    teller.tell(&closed("e6", "c1", "Anna")).await;
    let card = stage
        .card_that("c1", "resolved, with the visitor's new name", |card| {
            let read = card.readable();
            read.contains("Resolved at") && read.contains("Sanne de Vries")
        })
        .await;
    let read = card.readable();
    for seen in [
        "[Pay](https://www.example.com/pay)",
        "sanne@example.com",
        "0612345678",
        "[Open in i-Reserve](https://acme.example.com/conversations/1)",
    ] {
        assert!(read.contains(seen), "{seen} is not on the card:\n{read}");
    }
    let mark = card.marker("mark").map(str::to_owned);
    assert_eq!(mark.map(|mark| mark.len()), Some(26), "edits keep the mark");
    stage.finish().await;
}

#[tokio::test]
async fn a_message_that_comes_before_its_conversation_opens_the_thread_itself() {
    let stage = Stage::set().await;
    let teller = &stage.teller;
    teller.tell(&closed("e0", "c1", "Anna")).await;
    teller
        .tell(&message("e1", "c1", "Sanne", "Is anybody there?"))
        .await;
    teller.tell(&started("e2", "c1", "Sanne de Vries")).await;
    teller
        .tell(&message("e3", "c1", "Sanne de Vries", "Hello?"))
        .await;
    let card = stage
        .card_that("c1", "complete", |card| {
            card.readable()
                .contains("[Rooms](https://www.example.com/rooms)")
        })
        .await;
    assert_eq!(card.marker("event_id"), Some("e1"));
    assert!(
        card.message.contains("Is anybody there?"),
        "{}",
        card.message
    );
    stage.finish().await;
}

#[tokio::test]
async fn every_conversation_goes_to_the_channel_of_its_department() {
    let stage = Stage::set().await;
    let teller = &stage.teller;
    let to_vip = event::with(started("e1", "c1", "Sanne"), "department", "vip");
    teller.tell(&to_vip).await;
    teller.tell(&message("e2", "c1", "Sanne", "Hello")).await;
    teller.tell(&started("e3", "c2", "Piet")).await;
    let nowhere = event::with(started("e4", "c3", "Kim"), "department", "unknown");
    let refused = teller.tell_once(&nowhere).await.unwrap();
    assert_eq!(refused.status, 422);
    assert_eq!(
        refused.json()["type"],
        "urn:ireserve:problem:unknown-department"
    );
    assert_eq!(stage.card("c1").await.channel_id, stage.world().cast().vip);
    assert_eq!(
        stage.card("c2").await.channel_id,
        stage.world().cast().webchat
    );
    stage.finish().await;
}

#[tokio::test]
async fn a_notification_is_a_post_of_its_own_in_the_channel_of_its_type() {
    let stage = Stage::set().await;
    let teller = &stage.teller;
    let booking = json!({ "notification_type": "booking.confirmed", "title": "Booking 55321", "text": "Sanne, six people",
        "severity": "success", "subject_id": "BWZ-55321", "url": "https://acme.example.com/b/55321",
        "fields": [{ "title": "Place", "value": "Zwolle", "short": true }, { "title": "Price", "value": "142,50 @all" }] });
    teller
        .tell(&event::event("n1", "notification", booking))
        .await;
    teller
        .tell(&notification("n2", "review.written", "Five stars"))
        .await;
    stage.proven().await;

    let posts = stage
        .world()
        .channel_posts(&stage.world().cast().bookings)
        .await
        .unwrap();
    let post = posts
        .iter()
        .find(|post| post.marker("event_id") == Some("n1"))
        .unwrap();
    assert!(post.root_id.is_empty() && post.marker("conversation_id").is_none());
    let read = post.readable();
    for seen in [
        "Booking 55321",
        "Sanne, six people",
        "Place: Zwolle",
        "Price: 142,50 @\u{2060}all",
        "BWZ-55321",
    ] {
        assert!(read.contains(seen), "{seen} is not in the post:\n{read}");
    }
    let attachment = &post.props["attachments"][0];
    assert_eq!(attachment["color"], "#3DB887");
    assert_eq!(attachment["fields"][0]["short"], json!(true));
    stage.finish().await;
}

#[tokio::test]
async fn who_prefers_to_wait_is_told_where_it_stands() {
    let stage = Stage::set().await;
    let teller = &stage.teller;
    let start = teller
        .tell_and_wait(&started("e1", "c1", "Sanne"), 30)
        .await;
    assert_eq!(
        (start.status.as_u16(), &start.json()["status"]),
        (200, &json!("delivered"))
    );
    let card = stage.card("c1").await;
    assert_eq!(start.json()["post_id"], json!(card.id));

    let several = json!([
        message("e2", "c1", "Sanne", "One"),
        message("e3", "c1", "Sanne", "Two"),
        message("e2", "c1", "Sanne", "One"),
        event::event("e4", "visitor.sneezed", json!({})),
        event::ping("e5"),
        notification("e6", "review.written", "Five stars"),
        event::event("e7", "message.created", json!({ "conversation_id": "c1" })),
    ]);
    let answer = teller.tell_and_wait(&several, 30).await;
    assert_eq!(answer.status, 207);
    let results = answer.json()["results"].clone();
    let seen: Vec<_> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            (
                result["code"].as_u64().unwrap(),
                result["status"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (200, "delivered"),
            (200, "delivered"),
            (200, "duplicate"),
            (202, "ignored"),
            (200, "delivered"),
            (200, "delivered"),
            (422, "refused"),
        ],
        "{results}"
    );
    let posts = stage.thread("c1").await;
    let ids: Vec<_> = posts.iter().map(|post| json!(post.id)).collect();
    assert_eq!(
        [&results[0]["post_id"], &results[1]["post_id"]],
        [&ids[0], &ids[1]]
    );
    assert_eq!(results[0]["root_id"], json!(card.id));
    assert_eq!(
        (&results[4]["post_id"], &results[2]["state"]),
        (&Value::Null, &json!("delivered"))
    );
    stage.finish().await;
}

#[tokio::test]
async fn the_same_id_is_the_same_event_and_other_content_is_refused() {
    let mut stage = Stage::set().await;
    let first = message("e1", "c1", "Sanne", "Hello");
    let other = message("e1", "c1", "Sanne", "Something else");
    for _ in 0..3 {
        stage.teller.tell(&first).await;
    }
    let refused = stage.teller.tell_once(&other).await.unwrap();
    assert_eq!(refused.status, 409);
    assert_eq!(refused.json()["type"], "urn:ireserve:problem:id-conflict");
    stage.proven().await;

    stage.stop_and_start_again().await;
    let again = stage.teller.tell(&first).await.json();
    assert_eq!(
        (&again["status"], &again["state"]),
        (&json!("duplicate"), &json!("delivered"))
    );
    assert_eq!(stage.teller.tell_once(&other).await.unwrap().status, 409);
    // Other order of keys, another time: still the same event.
    let reordered = r#"{"type":"message.created","timestamp":"2026-11-22T10:00:00Z","data":{"text":"Hello","sender":{"name":"Sanne","type":"visitor"},"message_id":"m-e1","conversation_id":"c1"},"id":"e1"}"#;
    let answer = stage
        .teller
        .sender
        .post("application/json", reordered.into(), &[])
        .await
        .unwrap();
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["status"]),
        (200, &json!("duplicate"))
    );
    stage.finish().await;
}

#[tokio::test]
async fn the_echo_of_a_reply_from_mattermost_is_not_said_again() {
    let stage = Stage::set().await;
    let teller = &stage.teller;
    teller.tell(&started("e1", "c1", "Sanne")).await;
    let origin = json!({ "system": "mattermost", "reply_id": "reply-1" });
    let echo = event::with(
        message_by("e2", "c1", "agent", "Lotte", "Hello Sanne"),
        "origin",
        origin,
    );
    teller.tell(&echo).await;
    teller
        .tell(&message("e3", "c1", "Sanne", "Hello Lotte"))
        .await;
    teller.until_it_is("e2", "delivered").await;
    stage.finish().await;
}
