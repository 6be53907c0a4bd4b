//! Mattermost is away, answers are lost, or somebody has to repair something there: what was promised waits and goes on by itself.

use std::time::Duration;

use serde_json::json;
use simulators::ireserve::event::{message, started, with};
use simulators::wire::Line;

use crate::harness::{Setting, Stage, Words};

#[tokio::test]
async fn mattermost_restarts_in_the_middle_of_three_conversations() {
    let mut stage = Stage::set().await;
    let teller = stage.teller.clone();
    let talk = async |conversation: &str| {
        teller
            .tell(&started(
                &format!("{conversation}-e0"),
                conversation,
                "Sanne",
            ))
            .await;
        for at in 1..10 {
            let text = format!("message {at} of {conversation}");
            teller
                .tell(&message(
                    &format!("{conversation}-e{at}"),
                    conversation,
                    "Sanne",
                    &text,
                ))
                .await;
        }
    };
    let restart = async {
        teller.until_it_is("c1-e0", "delivered").await;
        stage.world_mut().restart().await.unwrap();
    };
    tokio::join!(talk("c1"), talk("c2"), talk("c3"), restart);
    // Nothing is held against an event for an outage.
    stage.finish().await;
}

#[tokio::test]
async fn answers_that_were_lost_on_the_way_double_nothing() {
    let stage = Setting::default().with_a_wire().set().await;
    let teller = &stage.teller;
    teller
        .tell_and_wait(&started("e0", "c1", "Sanne"), 30)
        .await;
    for at in 1..=5 {
        // What is asked arrives, and what is answered does not; then the connection breaks.
        stage.wire().set(Line::OnlyThere);
        let id = format!("e{at}");
        teller
            .tell(&message(&id, "c1", "Sanne", &format!("message {at}")))
            .await;
        let card = stage.card("c1").await;
        stage
            .world()
            .until_thread(&card.id, "the message stands", |posts| {
                posts
                    .iter()
                    .any(|post| post.marker("event_id") == Some(&id))
                    .then_some(())
            })
            .await;
        stage.wire().set(Line::Good);
        stage.wire().cut();
        teller.until_it_is(&id, "delivered").await;
    }
    stage.finish().await;
}

#[tokio::test]
async fn a_line_that_swallows_everything_is_waited_for() {
    let stage = Setting::default().with_a_wire().set().await;
    let teller = &stage.teller;
    teller
        .tell_and_wait(&started("e0", "c1", "Sanne"), 30)
        .await;
    stage.wire().set(Line::Closed);
    stage.wire().cut();
    for at in 1..=5 {
        teller
            .tell(&message(
                &format!("e{at}"),
                "c1",
                "Sanne",
                &format!("message {at}"),
            ))
            .await;
    }
    let said = teller.until_it_is("e1", "retrying").await;
    assert!(said["last_error"].is_string(), "{said}");
    stage.wire().set(Line::Good);
    stage.finish().await;
}

#[tokio::test]
async fn a_deleted_card_is_replaced_once_and_the_conversation_goes_on() {
    let stage = Stage::set().await;
    let teller = &stage.teller;
    teller.tell(&started("e1", "c1", "Sanne")).await;
    teller.tell(&message("e2", "c1", "Sanne", "Before")).await;
    teller
        .tell(&message("e3", "c2", "Piet", "Somewhere else"))
        .await;
    stage.proven().await;
    let first = stage.delete_card("c1").await;

    for at in 4..8 {
        teller
            .tell(&message(
                &format!("e{at}"),
                "c1",
                "Sanne",
                &format!("After {at}"),
            ))
            .await;
    }
    stage.proven().await;
    let second = stage.card("c1").await;
    assert_ne!(second.id, first.id);
    assert_eq!(second.ireserve().unwrap()["generation"], json!(2));
    let read = second.readable();
    assert!(
        read.contains("The former thread of this conversation was deleted."),
        "{read}"
    );
    assert!(
        read.contains("Sanne") && read.contains("#ireserve-1"),
        "{read}"
    );
    stage.finish().await;
}

#[tokio::test]
async fn what_somebody_has_to_repair_is_waited_for_and_goes_on_by_itself() {
    let stage = Stage::set().await;
    let (teller, world) = (&stage.teller, stage.world());
    let cast = world.cast().clone();
    let to_vip = with(started("v1", "c-vip", "Kim"), "department", "vip");
    teller.tell(&to_vip).await;
    teller.tell(&started("e1", "c1", "Sanne")).await;
    teller.tell(&started("b1", "c2", "Piet")).await;
    stage.proven().await;

    world.archive(&cast.webchat).await.unwrap();
    world.remove(&cast.vip, &cast.bot).await.unwrap();
    for (conversation, prefix, name) in [
        ("c1", "e", "Sanne"),
        ("c2", "b", "Piet"),
        ("c-vip", "v", "Kim"),
    ] {
        for at in 2..5 {
            let text = format!("message {at}");
            teller
                .tell(&message(
                    &format!("{prefix}{at}"),
                    conversation,
                    name,
                    &text,
                ))
                .await;
        }
    }
    for (id, reason) in [
        ("e2", "archived"),
        ("b2", "archived"),
        ("v2", "invite the bot"),
    ] {
        let said = teller
            .until_it_says(id, "waiting for a repair", |said| {
                said["status"] == "retrying" && said["last_error"].is_string()
            })
            .await;
        let why = said["last_error"].as_str().unwrap();
        assert!(why.contains(reason), "{id} waits because {why:?}");
    }
    world.restore(&cast.webchat).await.unwrap();
    world.invite(&cast.vip, &cast.bot).await.unwrap();
    stage.finish().await;
}

#[tokio::test]
async fn the_bot_joins_a_public_channel_by_itself() {
    let stage = Stage::set().await;
    let (teller, world) = (&stage.teller, stage.world());
    let cast = world.cast().clone();
    world.remove(&cast.webchat, &cast.bot).await.unwrap();
    teller.tell(&started("e1", "c1", "Sanne")).await;
    teller.tell(&message("e2", "c1", "Sanne", "Hello")).await;
    stage.proven().await;
    world.remove(&cast.webchat, &cast.bot).await.unwrap();
    teller
        .tell(&message("e3", "c1", "Sanne", "Hello again"))
        .await;
    stage.finish().await;
}

#[tokio::test]
async fn a_thread_that_is_full_goes_on_under_a_new_card_that_points_back() {
    let stage = Setting::default()
        .with("mattermost.thread_limit", "20")
        .set()
        .await;
    let teller = &stage.teller;
    teller.tell(&started("e0", "c1", "Sanne")).await;
    for at in 1..=45 {
        teller
            .tell(&message(
                &format!("e{at}"),
                "c1",
                "Sanne",
                &format!("message {at}"),
            ))
            .await;
    }
    for _ in 0..2 {
        teller.ledger(|ledger| ledger.goes_on_elsewhere("c1"));
    }
    stage.proven().await;
    let cards = stage
        .world()
        .roots(&stage.world().cast().webchat)
        .await
        .unwrap();
    assert_eq!(cards.len(), 3);
    for (at, old) in cards.iter().enumerate().take(2) {
        let back = format!("/pl/{}", old.id);
        assert!(
            cards[at + 1].readable().contains(&back),
            "{back} is not linked"
        );
        // The old card shows the way to where the conversation stands when it is drawn.
        let further: Vec<_> = cards[at + 1..]
            .iter()
            .map(|card| format!("/pl/{}", card.id))
            .collect();
        stage
            .world()
            .until_channel(&old.channel_id, "the old card points forward", |posts| {
                let card = posts.iter().find(|post| post.id == old.id)?;
                let lines = card.message.lines();
                let ways: Vec<_> = lines.filter(|line| line.contains("continues in")).collect();
                let is_right = |way: &&str| further.iter().any(|link| way.contains(link));
                (ways.len() == 1 && ways.iter().all(is_right)).then_some(())
            })
            .await;
    }
    stage.finish().await;
}

#[tokio::test]
async fn a_wait_for_what_cannot_be_delivered_ends_in_time() {
    let stage = Stage::set().await;
    let cast = stage.world().cast().clone();
    stage.world().archive(&cast.webchat).await.unwrap();
    let begun = tokio::time::Instant::now();
    let answer = stage
        .teller
        .tell_and_wait(&message("e1", "c1", "Sanne", "Hello"), 2)
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["status"]),
        (202, &json!("retrying"))
    );
    assert!(begun.elapsed() >= Duration::from_secs(2) && begun.elapsed() < Duration::from_secs(8));
    stage.teller.leaves("e1", [Words::Anything]);
    stage.end_owing().await;
}
