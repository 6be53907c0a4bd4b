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
        let mut starts = Vec::new();
        for kill in 0..KILLS {
            // Closer kills hit the same head again and again, which is another test's business.
            let life = random.within(&(Duration::from_millis(300)..Duration::from_millis(900)));
            tokio::time::sleep(life).await;
            let begun = Instant::now();
            stage.kill_and_start_again().await;
            let probe = message(&format!("probe-{kill}"), "probe", "Sanne", "accepted");
            stage.teller.tell(&probe).await;
            starts.push(begun.elapsed());
        }
        over.store(true, Ordering::Relaxed);
        starts.sort();
        starts
    };
    let (said, starts) = tokio::join!(load, kills);
    // Two cores that others use too may stretch one start, and not most of them.
    let usual = starts[KILLS / 2];
    assert!(
        usual < Duration::from_secs(2),
        "after a kill it accepted again after {usual:?}; all of them: {starts:?}"
    );
    assert!(said > 500, "only {said} messages were promised meanwhile");
    stage.finish().await;
}
