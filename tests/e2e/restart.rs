//! The sidecar ends, in order or not, and nothing is lost, doubled or out of order.

use std::time::Duration;

use serde_json::json;
use simulators::ireserve::event::{message, started};
use simulators::random::Random;
use simulators::wire::Line;
use tokio::time::Instant;

use crate::harness::{Setting, Stage, Teller};

/// One conversation that goes on until all is said; each message waits for its promise.
async fn talks(teller: &Teller, conversation: &str, messages: usize) {
    let id = |at: usize| format!("{conversation}-e{at}");
    teller.tell(&started(&id(0), conversation, "Sanne")).await;
    for at in 1..=messages {
        let text = format!("message {at} of {conversation}");
        teller
            .tell(&message(&id(at), conversation, "Sanne", &text))
            .await;
    }
}

#[tokio::test]
async fn a_sidecar_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    let mut stage = Stage::set().await;
    let teller = stage.teller.clone();
    let random = Random::fresh();
    let all = async {
        tokio::join!(
            talks(&teller, "c1", 60),
            talks(&teller, "c2", 60),
            talks(&teller, "c3", 60),
            talks(&teller, "c4", 60),
        )
    };
    let kills = async {
        for _ in 0..4 {
            let life = random.within(&(Duration::from_millis(300)..Duration::from_millis(900)));
            tokio::time::sleep(life).await;
            stage.kill_and_start_again().await;
        }
    };
    tokio::join!(all, kills);
    stage.finish().await;
}

#[tokio::test]
async fn a_sidecar_that_is_told_to_stop_ends_in_time_and_goes_on_where_it_stood() {
    let mut stage = Stage::set().await;
    let teller = stage.teller.clone();
    let talk = async { tokio::join!(talks(&teller, "c1", 40), talks(&teller, "c2", 40)) };
    let stops = async {
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(400)).await;
            let took = stage.stop_and_start_again().await;
            assert!(took < Duration::from_secs(15), "the end took {took:?}");
        }
    };
    tokio::join!(talk, stops);
    stage.finish().await;
}

#[tokio::test]
async fn what_waited_while_nobody_worked_is_delivered_after_the_start() {
    let mut stage = Stage::set().await;
    let mut events: Vec<_> = vec![started("e0", "c1", "Sanne")];
    events.extend(
        (1..100).map(|at| message(&format!("e{at}"), "c1", "Sanne", &format!("message {at}"))),
    );
    let answer = stage.teller.tell(&json!(events)).await;
    assert_eq!(answer.status, 207);
    stage.kill_and_start_again().await;
    let begun = Instant::now();
    stage.teller.until_it_is("e0", "delivered").await;
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "it took {:?}",
        begun.elapsed()
    );
    stage.finish().await;
}

#[tokio::test]
async fn who_waits_for_an_outcome_is_answered_when_the_sidecar_stops() {
    let mut stage = Setting::default().with_a_wire().set().await;
    stage.wire().set(Line::Closed);
    stage.wire().cut();
    let teller = stage.teller.clone();
    let event = message("e1", "c1", "Sanne", "Is anybody there?");
    let (answer, ()) = tokio::join!(teller.tell_and_wait(&event, 30), async {
        teller.until_it_is("e1", "retrying").await;
        stage.stop().await;
    });
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["status"]),
        (202, &json!("retrying"))
    );
    stage.wire().set(Line::Good);
    stage.sidecar_mut().start_again().await.unwrap();
    stage.finish().await;
}
