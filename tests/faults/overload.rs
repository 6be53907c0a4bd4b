//! Ten times more than the limit (T15, P9): the rest is refused before it is accepted, and what is accepted stands.

use std::time::Duration;

use simulators::ireserve::event::message;
use tokio::time::{Instant, sleep_until};

use crate::harness::{Setting, Stage};
use crate::load;

/// Events per second that the licence may send.
const RATE: u32 = 20;
/// How long each part of a round lasts.
const PART: Duration = Duration::from_secs(3);
/// A neighbour that takes both cores for a moment spoils a round, and not for all of them.
const ROUNDS: usize = 3;

#[tokio::test]
async fn ten_times_too_much_is_refused_in_time_and_nothing_accepted_is_lost() {
    let setting = Setting::default()
        .with("licence.0.rate", RATE.to_string())
        .with("server.trusted_proxies", "[\"127.0.0.1\"]");
    let stage = load::simulated(setting).await;
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        // As many requests, of which few are events: what the machine itself makes of that is no fault of ours.
        let (quiet, ()) = tokio::join!(
            offered(&stage, format!("quiet-{round}"), RATE / 2),
            asked(&stage, RATE * 10)
        );
        assert_eq!(quiet.shed, 0, "below the limit nothing is refused");
        let before = stage.sidecar().program().peak_memory().unwrap();
        let storm = offered(&stage, format!("storm-{round}"), RATE * 10).await;
        let grown = stage.sidecar().program().peak_memory().unwrap() - before;

        let (accepted, fair) = (storm.delays.len(), RATE as usize * 3);
        assert!(
            (fair..=fair * 2).contains(&accepted),
            "{accepted} of {} were accepted",
            accepted + storm.shed
        );
        assert!(storm.shed > accepted, "{} were refused", storm.shed);
        assert!(grown < 64 << 20, "memory grew by {grown} bytes");
        rounds.push((quiet.p99(), storm.p99()));
        if storm.p99() <= quiet.p99() * 2 + Duration::from_millis(100) {
            stage.finish().await;
            return;
        }
    }
    panic!("in no round the p99 stayed what it was: {rounds:?}");
}

#[derive(Debug, Default)]
struct Offered {
    /// From the moment an accepted event was due to its answer, shortest first.
    delays: Vec<Duration>,
    shed: usize,
}

impl Offered {
    fn p99(&self) -> Duration {
        self.delays[self.delays.len() * 99 / 100]
    }
}

/// When each of an open loop's requests is due, whether or not earlier ones are answered.
fn turns(rate: u32) -> impl Iterator<Item = (u32, Instant)> {
    let begun = Instant::now();
    let count = rate * u32::try_from(PART.as_secs()).unwrap();
    (0..count).map(move |at| (at, begun + Duration::from_secs(1) * at / rate))
}

async fn offered(stage: &Stage, name: String, rate: u32) -> Offered {
    let one = async |(at, due): (u32, Instant)| {
        sleep_until(due).await;
        let id = format!("{name}-{at}");
        let event = message(&id, &id, "Sanne", &load::kibibyte("offered"));
        let answer = stage.teller.tell_once(&event).await.unwrap();
        if answer.status == 202 {
            return Some(due.elapsed());
        }
        assert!(
            [429, 503].contains(&answer.status.as_u16()),
            "{}: {}",
            answer.status,
            answer.text()
        );
        let later: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&later), "refused until in {later} s");
        None
    };
    let answers = futures_util::future::join_all(turns(rate).map(one)).await;
    let shed = answers.iter().filter(|answer| answer.is_none()).count();
    let mut delays: Vec<_> = answers.into_iter().flatten().collect();
    delays.sort();
    Offered { delays, shed }
}

/// Requests that cost the caller as much as an event, and the sidecar hardly anything.
async fn asked(stage: &Stage, rate: u32) {
    let one = async |(at, due): (u32, Instant)| {
        sleep_until(due).await;
        let answer = stage.teller.sender.status(&format!("nobody-{at}")).await;
        assert_eq!(answer.unwrap().status, 404);
    };
    futures_util::future::join_all(turns(rate).map(one)).await;
}
