//! Threads that are full, whose card is deleted, under kills (T44, P19).

use std::time::Duration;

use simulators::ireserve::event::{message, started};
use simulators::random::Random;

use crate::harness::{Setting, Stage};
use crate::load;

const LIMIT: usize = 20;

#[tokio::test]
async fn a_long_conversation_goes_on_from_card_to_card_through_kills_and_a_deletion() {
    let setting = Setting::default().with("mattermost.thread_limit", LIMIT.to_string());
    let mut stage = load::simulated(setting).await;
    stage.teller.tell(&started("e0", "c1", "Sanne")).await;
    talk(&mut stage, 1..=50, 3).await;
    for _ in 0..2 {
        stage.teller.ledger(|ledger| ledger.goes_on_elsewhere("c1"));
    }
    stage.proven().await;

    // Ten replies stand under the third card; the fourth and those after it begin with an empty thread.
    stage.delete_card("c1").await;
    talk(&mut stage, 51..=100, 3).await;
    for _ in 0..2 {
        stage.teller.ledger(|ledger| ledger.goes_on_elsewhere("c1"));
    }
    stage.proven().await;

    let cards = stage
        .world()
        .roots(&stage.world().cast().webchat)
        .await
        .unwrap();
    let links = |from: usize, to: usize| {
        cards[from]
            .readable()
            .contains(&format!("/pl/{}", cards[to].id))
    };
    assert_eq!(cards.len(), 5);
    assert!(links(1, 0) && links(3, 2) && links(4, 3));
    assert!(
        cards[2]
            .readable()
            .contains("The former thread of this conversation was deleted.")
    );
    stage.finish().await;
}

async fn talk(stage: &mut Stage, messages: std::ops::RangeInclusive<usize>, kills: usize) {
    let teller = stage.teller.clone();
    let random = Random::fresh();
    let talk = async {
        for at in messages {
            teller
                .tell(&message(
                    &format!("e{at}"),
                    "c1",
                    "Sanne",
                    &format!("message {at}"),
                ))
                .await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let kills = async {
        for _ in 0..kills {
            tokio::time::sleep(
                random.within(&(Duration::from_millis(300)..Duration::from_millis(600))),
            )
            .await;
            stage.kill_and_start_again().await;
        }
    };
    tokio::join!(talk, kills);
}
