//! SIGTERM and a new start, again and again under load (T28, P13).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use simulators::ireserve::event::{message, started};

use crate::harness::{Setting, Teller};
use crate::load;

const RESTARTS: usize = 5;

#[tokio::test]
async fn five_restarts_in_a_row_are_seen_by_callers_as_nothing_but_try_again() {
    let mut stage = load::simulated(Setting::default()).await;
    let teller = stage.teller.clone();
    let over = AtomicBool::new(false);
    let all = (0..20).map(|number| insists(&teller, number, &over));
    let restarts = async {
        for _ in 0..RESTARTS {
            tokio::time::sleep(Duration::from_millis(700)).await;
            let took = stage.stop_and_start_again().await;
            assert!(took < Duration::from_secs(15), "the end took {took:?}");
        }
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(futures_util::future::join_all(all), restarts);
    stage.finish().await;
}

/// Says one thing after the other, each as often as it takes, and takes offence at any answer that does not mean "again".
async fn insists(teller: &Teller, number: usize, over: &AtomicBool) {
    let conversation = format!("c{number}");
    teller
        .tell(&started(
            &format!("{conversation}-e0"),
            &conversation,
            "Sanne",
        ))
        .await;
    let mut at = 0;
    while !over.load(Ordering::Relaxed) {
        at += 1;
        let id = format!("{conversation}-e{at}");
        let event = message(
            &id,
            &conversation,
            "Sanne",
            &load::kibibyte(&format!("message {at}")),
        );
        loop {
            match teller.tell_once(&event).await {
                Ok(answer) if answer.status.is_success() => break,
                Ok(answer) => {
                    assert_eq!(answer.status, 503, "{}", answer.text());
                    assert!(!answer.header("retry-after").is_empty());
                }
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
