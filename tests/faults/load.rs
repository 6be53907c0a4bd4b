//! The standard load: many conversations at once, each message of a KiB, at a Mattermost that takes its time.

use std::time::Duration;

use simulators::ireserve::event::{message, started};
use simulators::mattermost::{HintFaults, Mattermost, Version};
use simulators::world::World;
use tokio::time::Instant;

use crate::harness::{Setting, Stage, Teller};

/// How long the simulated server takes for every call.
const LATENCY: Duration = Duration::from_millis(20);

/// A third of all hints is lost, a third comes twice, and all overtake each other.
pub(crate) const BAD_HINTS: HintFaults = HintFaults {
    lost: 0.3,
    doubled: 0.3,
    swapped: 1.0,
};

/// A stage in the simulated world, whose server takes its time and whose hints nobody can rely on.
pub(crate) async fn simulated(setting: Setting) -> Stage {
    let world = World::simulated(Version::default()).await.unwrap();
    let faults = world.simulation().unwrap().faults();
    faults.latency(LATENCY);
    faults.hints(BAD_HINTS);
    setting.in_world(world).set().await
}

pub(crate) fn mattermost(stage: &Stage) -> &Mattermost {
    stage.world().simulation().unwrap()
}

/// A KiB of words that nobody has to escape.
pub(crate) fn kibibyte(words: &str) -> String {
    format!("{words} {}", "padding ".repeat(128))
        .trim_end()
        .to_owned()
}

/// So many conversations at once say a message at each turn of `every`, until `stop` is asked and says yes. Each waits for its
/// promise, so a turn may come late. Tells how many messages were promised.
pub(crate) async fn conversations(
    teller: &Teller,
    conversations: usize,
    every: Duration,
    stop: impl Fn() -> bool,
) -> usize {
    let talk = async |number: usize| {
        let conversation = format!("c{number}");
        let id = |at: usize| format!("{conversation}-e{at}");
        teller.tell(&started(&id(0), &conversation, "Sanne")).await;
        let begun = Instant::now();
        let mut said = 0;
        while !stop() {
            said += 1;
            let text = kibibyte(&format!("message {said} of {conversation}"));
            teller
                .tell(&message(&id(said), &conversation, "Sanne", &text))
                .await;
            let turn = begun + every * u32::try_from(said).unwrap();
            tokio::time::sleep_until(turn).await;
        }
        said
    };
    let all = futures_util::future::join_all((0..conversations).map(talk)).await;
    all.into_iter().sum()
}
