//! Answers that are lost, wrong or refused: nothing doubles, nothing is lost.

use serde_json::json;
use simulators::mattermost::{Ending, Fault, RateLimit, Refusal, When};

use super::desk::{Desk, said, started};
use crate::record::State;

#[tokio::test]
async fn a_post_whose_answer_was_lost_is_found_and_not_made_again() {
    let desk = Desk::new().await;
    desk.brings("e1", "conversation.started", started()).await;
    for (id, ending) in [
        ("e2", Ending::Cut),
        ("e3", Ending::Reset),
        ("e4", Ending::Garbage),
    ] {
        desk.server
            .faults()
            .add("POST /posts", When::Next(1), Fault::commit_then(ending));
        desk.says(id, id).await;
    }
    assert_eq!(
        desk.texts(),
        ["**Sanne:** e2", "**Sanne:** e3", "**Sanne:** e4"]
    );
    assert_eq!(desk.server.look(|state| state.count("POST /posts")), 4);
}

#[tokio::test]
async fn a_root_and_a_notification_whose_answers_were_lost_are_found_in_their_channels() {
    let desk = Desk::new().await;
    desk.server
        .faults()
        .add("POST /posts", When::Next(1), Fault::commit_then_drop());
    desk.says("e1", "Hoi").await;
    assert_eq!((desk.roots().len(), desk.texts().len()), (1, 1));
    desk.server
        .faults()
        .add("POST /posts", When::Next(1), Fault::commit_then_drop());
    desk.brings(
        "n1",
        "notification",
        json!({"notification_type": "x", "text": "y"}),
    )
    .await;
    let posts = desk.server.look(|state| state.roots(&desk.cast.bookings));
    assert_eq!(
        posts
            .iter()
            .filter(|post| post.marker("event_id") == Some("n1"))
            .count(),
        1
    );
}

#[tokio::test]
async fn a_request_that_never_arrived_is_made_again_once() {
    let desk = Desk::new().await;
    desk.brings("e1", "conversation.started", started()).await;
    desk.server
        .faults()
        .add("POST /posts", When::Next(1), Fault::cut());
    desk.says("e2", "Hoi").await;
    assert_eq!(desk.texts(), ["**Sanne:** Hoi"]);
}

#[tokio::test]
async fn somebody_who_copies_a_mark_is_not_taken_for_the_post() {
    let desk = Desk::new().await;
    desk.brings("e1", "conversation.started", started()).await;
    desk.says("e2", "Hoi").await;
    let root = desk.roots()[0].clone();
    let lane = crate::record::LaneKey::Conversation("conv_93".parse().unwrap());
    let mark = crate::record::Mark::of(
        &desk.licence.id,
        &lane,
        &"e3".parse().unwrap(),
        crate::record::Step::Part(0),
    );
    let forged = json!({"ireserve": {"mark": mark, "event_id": "e3"}});
    desk.server
        .post_with_props(
            &desk.cast.jan.id,
            &desk.cast.webchat,
            Some(&root.id),
            "forged",
            &forged,
        )
        .unwrap();
    desk.server
        .faults()
        .add("POST /posts", When::Next(1), Fault::cut());
    desk.says("e3", "the real one").await;
    assert!(
        desk.texts().contains(&"**Sanne:** the real one".to_owned()),
        "{:?}",
        desk.texts()
    );
}

#[tokio::test]
async fn while_the_limiter_asks_for_rest_nothing_is_asked_and_nothing_is_lost() {
    let desk = Desk::new().await;
    desk.server.faults().rate_limit(Some(RateLimit {
        per_second: 20.0,
        burst: 5,
    }));
    let mut events = Vec::new();
    for at in 0..20 {
        let id = format!("e{at}");
        events.push(desk.accepts(&id, "message.created", said(&id, &id)).await);
    }
    for event in &events {
        assert_eq!(desk.settles(event).await.status, State::Delivered);
    }
    let wanted: Vec<String> = (0..20).map(|at| format!("**Sanne:** e{at}")).collect();
    assert_eq!(desk.texts(), wanted);
    let refused = desk.server.look(|state| {
        state
            .requests()
            .filter(|request| request.status == Some(429))
            .count()
    });
    assert!(refused <= 2, "{refused} requests met the limiter");
}

#[tokio::test]
async fn an_outage_in_the_middle_loses_doubles_and_swaps_nothing() {
    let desk = Desk::new().await;
    desk.server
        .faults()
        .add("POST /posts", When::Chance(0.3), Fault::commit_then_drop());
    desk.server
        .faults()
        .add("POST /posts", When::Chance(0.3), Fault::cut());
    let mut events = Vec::new();
    for at in 0..15 {
        let id = format!("e{at}");
        events.push(desk.accepts(&id, "message.created", said(&id, &id)).await);
    }
    desk.server
        .until("some stand", |state| {
            (state.posts(&desk.cast.webchat).len() > 6).then_some(())
        })
        .await;
    desk.server.restart().await.unwrap();
    desk.server.faults().clear();
    for event in &events {
        desk.settles(event).await;
    }
    let wanted: Vec<String> = (0..15).map(|at| format!("**Sanne:** e{at}")).collect();
    assert_eq!(desk.texts(), wanted);
    assert_eq!(desk.roots().len(), 1);
}

#[tokio::test]
async fn a_refused_token_and_a_proxy_that_speaks_pause_the_queue_and_count_nothing() {
    let desk = Desk::new().await;
    desk.server.revoke(&desk.cast.bot.token);
    let event = desk.accepts("e1", "conversation.started", started()).await;
    let reason = desk.waits_because(&event).await;
    assert!(reason.contains("401"), "{reason}");

    let desk = Desk::new().await;
    desk.brings("e1", "conversation.started", started()).await;
    let page = Refusal::new(404, "");
    desk.server.faults().refuse_next(1, "POST /posts", page);
    let event = desk
        .accepts("e2", "message.created", said("e2", "Hoi"))
        .await;
    let reason = desk.waits_because(&event).await;
    assert!(
        reason.contains("without mattermost's error body"),
        "{reason}"
    );
    desk.settles(&event).await;
    assert_eq!(desk.texts(), ["**Sanne:** Hoi"]);
}
