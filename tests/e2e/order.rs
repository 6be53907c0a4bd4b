//! Many talk at once, and each conversation stays in its own order.

use serde_json::json;
use simulators::ireserve::event::{closed, deleted, message, notification, started, updated, with};

use crate::harness::Stage;

#[tokio::test]
async fn twenty_conversations_at_once_are_each_in_their_own_order() {
    let stage = Stage::set().await;
    let talk = async |conversation: String| {
        let id = |at: usize| format!("{conversation}-e{at}");
        stage
            .teller
            .tell(&started(&id(0), &conversation, "Sanne"))
            .await;
        for at in 1..=12 {
            let text = format!("message {at} of {conversation}");
            stage
                .teller
                .tell(&message(&id(at), &conversation, "Sanne", &text))
                .await;
        }
        stage
            .teller
            .tell(&closed(&id(13), &conversation, "Anna"))
            .await;
    };
    let all = (0..20).map(|at| talk(format!("c{at}")));
    futures_util::future::join_all(all).await;
    stage.finish().await;
}

#[tokio::test]
async fn an_array_is_taken_in_its_own_order() {
    let stage = Stage::set().await;
    let mut events = vec![started("e0", "c1", "Sanne")];
    for at in 1..=30 {
        events.push(message(
            &format!("e{at}"),
            "c1",
            "Sanne",
            &format!("message {at}"),
        ));
        if at % 5 == 0 {
            let last = format!("m-e{at}");
            events.push(updated(
                &format!("u{at}"),
                "c1",
                &last,
                &format!("message {at}, corrected"),
            ));
        }
        if at % 7 == 0 {
            events.push(deleted(&format!("d{at}"), "c1", &format!("m-e{at}")));
        }
    }
    stage.teller.tell(&json!(events)).await;
    stage.finish().await;
}

#[tokio::test]
async fn what_is_told_of_one_booking_stands_in_order() {
    let stage = Stage::set().await;
    for at in 0..15 {
        let kind = if at % 2 == 0 {
            "booking.confirmed"
        } else {
            "booking.cancelled"
        };
        let event = notification(&format!("n{at}"), kind, &format!("step {at}"));
        stage.teller.tell(&with(event, "subject_id", "BWZ-1")).await;
    }
    stage.proven().await;
    let posts = stage
        .world()
        .channel_posts(&stage.world().cast().bookings)
        .await
        .unwrap();
    let events: Vec<_> = posts
        .iter()
        .filter_map(|post| post.marker("event_id"))
        .collect();
    let wanted: Vec<_> = (0..15).map(|at| format!("n{at}")).collect();
    assert_eq!(events, wanted);
    stage.finish().await;
}
