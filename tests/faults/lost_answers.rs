//! Mattermost did it, and nobody heard (T07 in small, P2).

use std::time::Duration;

use simulators::ireserve::event::message;
use simulators::mattermost::{Ending, Fault, When};

use crate::harness::Setting;
use crate::load;

#[tokio::test]
async fn lost_and_late_answers_and_a_restart_in_between_double_nothing() {
    let stage = load::simulated(Setting::default()).await;
    let mattermost = load::mattermost(&stage);
    let seed = simulators::random::Random::fresh().bits();
    eprintln!("seed {seed}");
    mattermost.faults().seed(seed);
    let lost = |chance, ending| {
        mattermost.faults().add(
            "POST /posts",
            When::Chance(chance),
            Fault::commit_then(ending),
        );
    };
    // Longer than any deadline of ours: it stands, and the answer comes to nobody.
    mattermost.faults().add(
        "POST /posts",
        When::Next(2),
        Fault::answer_after(Duration::from_secs(12)),
    );
    lost(0.2, Ending::Cut);
    lost(0.1, Ending::Reset);
    lost(0.05, Ending::Garbage);

    let talk = async |conversation: usize| {
        for at in 0..10 {
            let (id, name) = (format!("c{conversation}-e{at}"), format!("c{conversation}"));
            stage
                .teller
                .tell(&message(
                    &id,
                    &name,
                    "Sanne",
                    &load::kibibyte(&id.replace('-', " ")),
                ))
                .await;
        }
    };
    let all = async { futures_util::future::join_all((0..20).map(talk)).await };
    let restart = async {
        stage.teller.until_it_is("c3-e1", "delivered").await;
        mattermost.restart().await.unwrap();
    };
    tokio::join!(all, restart);
    stage.teller.until_nothing_is_owed().await;
    mattermost.faults().clear();
    stage.finish().await;
}
