//! One event that Mattermost never takes, among a hundred lanes that are well (T13, P6, P15).

use std::time::Duration;

use serde_json::json;
use simulators::ireserve::event::message;
use tokio::time::Instant;

use crate::harness::{End, Setting, Stage, Teller};
use crate::load;

/// What the other plugin does not like.
const POISON: &str = "poison";

#[tokio::test]
async fn an_event_that_is_never_taken_is_parked_alone_and_the_others_do_not_feel_it() {
    let stage = load::simulated(Setting::default()).await;
    let teller = &stage.teller;
    load::mattermost(&stage).set(|settings| settings.plugin_refuses = vec![POISON.to_owned()]);
    // Opens all threads, which later messages need not.
    delays(teller, 0).await;
    let before = delays(teller, 1).await;

    let begun = Instant::now();
    teller.tell(&message("p1", "ill", "Sanne", "before")).await;
    teller.tell(&message("p2", "ill", "Sanne", POISON)).await;
    teller.tell(&message("p3", "ill", "Sanne", "after")).await;
    teller.until_it_is("p2", "retrying").await;
    let meanwhile = delays(teller, 2).await;
    let said = teller.until_it_is("p2", "parked").await;
    let took = begun.elapsed();
    assert!(took <= Duration::from_secs(60), "parked after {took:?}");
    assert!(
        said["last_error"].is_string() && said["attempts"] == json!(3),
        "{said}"
    );
    teller.ledger(|ledger| ledger.ends("p2", End::Parked));
    teller.until_it_is("p3", "delivered").await;

    // Two cores and a debug build: a tenth, as promised, is for a quiet machine.
    let (before, meanwhile) = (before[94], meanwhile[94]);
    let bound = before * 2 + Duration::from_millis(50);
    assert!(
        meanwhile <= bound,
        "p95 went from {before:?} to {meanwhile:?}"
    );
    assert_eq!(parked(&stage).await, ["p2"]);
    stage.finish().await;
}

/// How long each of a hundred healthy lanes takes for a message, shortest first.
async fn delays(teller: &Teller, turn: usize) -> Vec<Duration> {
    let talk = async |lane: usize| {
        tokio::time::sleep(Duration::from_millis(10) * u32::try_from(lane).unwrap()).await;
        let begun = Instant::now();
        let event = message(
            &format!("h{lane}-{turn}"),
            &format!("well-{lane}"),
            "Piet",
            &format!("message {turn}"),
        );
        teller.tell_and_wait(&event, 30).await;
        begun.elapsed()
    };
    let mut delays = futures_util::future::join_all((0..100).map(talk)).await;
    delays.sort();
    delays
}

/// The events that the operator sees as failed.
async fn parked(stage: &Stage) -> Vec<String> {
    let client = simulators::client::Client::default();
    let url = format!("{}/v1/failed", stage.sidecar().admin_url());
    let answer = client.call(http::Method::GET, &url, &[], "").await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let items = answer.json()["items"].as_array().cloned().unwrap();
    items
        .iter()
        .map(|item| item["event_id"].as_str().unwrap().to_owned())
        .collect()
}
