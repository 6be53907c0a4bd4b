//! The same event many times at once, over connections that break (T06, P3).

use std::time::Duration;

use serde_json::json;
use simulators::ireserve::event::message;
use simulators::random::Random;
use simulators::wire::Wire;

use crate::harness::Setting;
use crate::load;

const IDS: usize = 200;
const COPIES: usize = 20;
/// Ids under way at once; each with all its copies.
const AT_ONCE: usize = 10;

#[tokio::test]
async fn twenty_copies_at_once_of_each_event_are_one_event() {
    let setting = Setting::default().with("server.trusted_proxies", "[\"127.0.0.1\"]");
    let stage = load::simulated(setting).await;
    let target = stage
        .sidecar()
        .url()
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    let (line, random) = (Wire::to(target).await.unwrap(), Random::fresh());
    let sender = stage.teller.sender.towards(&line.url());

    let storm = async |number: usize| {
        let event = message(
            &format!("e{number}"),
            &format!("c{}", number % 25),
            "Sanne",
            &format!("message {number}"),
        );
        let copies = (0..COPIES).map(|_| sender.send(&event));
        let answers = futures_util::future::join_all(copies).await;
        // A promise or nothing at all: whoever was cut off asks again.
        for answer in answers.iter().flatten() {
            assert!(
                answer.status.is_success(),
                "{}: {}",
                answer.status,
                answer.text()
            );
        }
        let fresh = answers
            .iter()
            .flatten()
            .filter(|answer| answer.status == 202)
            .count();
        assert!(fresh <= 1, "event {number} was new {fresh} times");
        let last = stage.teller.tell(&event).await.json();
        assert!(
            ["duplicate", "accepted"]
                .map(|word| json!(word))
                .contains(&last["status"]),
            "{last}"
        );
    };
    let cuts = async {
        loop {
            tokio::time::sleep(
                random.within(&(Duration::from_millis(20)..Duration::from_millis(120))),
            )
            .await;
            line.cut();
        }
    };
    let storms = async {
        // Conversations repeat after 25 ids, so no two of one are under way at once and the ledger knows their order.
        for first in (0..IDS).step_by(AT_ONCE) {
            let all = (first..first + AT_ONCE).map(&storm);
            futures_util::future::join_all(all).await;
        }
    };
    tokio::select! {
        () = storms => {}
        () = cuts => {}
    }
    stage.finish().await;
}
