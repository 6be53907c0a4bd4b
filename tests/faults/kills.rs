//! kill -9 of the sidecar at random moments (T01, P1, P2, P4).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use simulators::ireserve::event::message;
use simulators::random::Random;
use tokio::time::Instant;

use crate::harness::Setting;
use crate::load;

const KILLS: usize = 15;

#[tokio::test]
async fn fifteen_kills_under_load_lose_nothing_and_double_nothing() {
    let mut stage = load::simulated(Setting::default()).await;
    let teller = stage.teller.clone();
    let (over, random) = (AtomicBool::new(false), Random::fresh());
    let load = load::conversations(&teller, 50, Duration::from_millis(250), || {
        over.load(Ordering::Relaxed)
    });
    let kills = async {
        for kill in 0..KILLS {
            // Closer kills hit the same head again and again, which is another test's business.
            let life = random.within(&(Duration::from_millis(300)..Duration::from_millis(900)));
            tokio::time::sleep(life).await;
            let begun = Instant::now();
            stage.kill_and_start_again().await;
            let probe = message(&format!("probe-{kill}"), "probe", "Sanne", "accepted");
            stage.teller.tell(&probe).await;
            let took = begun.elapsed();
            assert!(
                took < Duration::from_secs(2),
                "start {kill} accepted after {took:?}"
            );
        }
        over.store(true, Ordering::Relaxed);
    };
    let (said, ()) = tokio::join!(load, kills);
    assert!(said > 500, "only {said} messages were promised meanwhile");
    stage.finish().await;
}
