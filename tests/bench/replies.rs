//! The way back: from a reply that somebody writes in a thread to the request at i-Reserve.
//!
//! Each ear alone, because any of them may be missing: the outgoing webhook, the WebSocket, the slow look. A wait counts from before
//! the reply is handed to Mattermost until i-Reserve has read the request, so Mattermost's own time is in it.

use std::collections::HashMap;
use std::time::Duration;

use simulators::mattermost::Version;
use simulators::real::Furniture;
use simulators::world::World;

use crate::Failure;
use crate::options::Options;
use crate::report::{Figure, progress};
use crate::tally::Waits;
use team::{Ear, Team};

mod team;

/// Threads of the steady load.
const THREADS: usize = 50;
const PER_SECOND: u32 = 100;
/// How often the slow look goes round where it is alone.
const POLL: Duration = Duration::from_secs(5);

pub(crate) async fn figures(options: &Options) -> Result<Vec<Figure>, Failure> {
    let mut figures = Vec::new();
    for ear in [Ear::Webhook, Ear::Socket] {
        let world = World::simulated(Version::default()).await?;
        let team = Team::ready(world, ear, THREADS).await?;
        figures.push(gentle(options, &team, "").await?);
        figures.push(steady(options, &team).await?);
        figures.extend(reads(options, &team).await?);
        team.clear().await?;
    }
    figures.push(polled(options).await?);
    match std::env::var_os("MATTERMOST_HOME") {
        Some(home) => {
            for ear in [Ear::Webhook, Ear::Socket] {
                let world = World::real(home.as_ref(), Furniture::WithBot).await?;
                let team = Team::ready(world, ear, THREADS).await?;
                figures.push(gentle(options, &team, " of a real Mattermost").await?);
                team.clear().await?;
            }
        }
        None => progress("  without MATTERMOST_HOME nobody replies on a real Mattermost"),
    }
    Ok(figures)
}

/// One reply after the other, none before the last has arrived.
async fn gentle(options: &Options, team: &Team, of: &str) -> Result<Figure, Failure> {
    const PAUSE: Duration = Duration::from_millis(50);
    let replies = options.pick(400, 40);
    let mut waits = Vec::new();
    let mut tick = tokio::time::interval(PAUSE);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for n in 0..replies {
        tick.tick().await;
        let written = team.write(n % THREADS, n).await?;
        waits.push(team.arrival(&written).await?);
    }
    Ok(Figure::new(
        format!(
            "reply → request at i-Reserve, by the {} alone{of}",
            team.ear.name()
        ),
        "p50 ≤ 50 ms",
        Waits::of(waits).spread(),
    ))
}

/// Open loop over all threads: a reply comes when it is due, whether or not the last ones arrived.
async fn steady(options: &Options, team: &Team) -> Result<Figure, Failure> {
    let count = PER_SECOND * options.pick(20, 1);
    let begun = tokio::time::Instant::now();
    let mut written = Vec::new();
    for n in 0..count {
        tokio::time::sleep_until(begun + Duration::from_secs(1) * n / PER_SECOND).await;
        written.push(team.write(n as usize % THREADS, n as usize).await?);
    }
    let mut waits = Vec::new();
    for written in &written {
        waits.push(team.arrival(written).await?);
    }
    Ok(Figure::new(
        format!(
            "the same at {PER_SECOND}/s over {THREADS} threads, open loop, by the {} alone",
            team.ear.name()
        ),
        "p99 ≤ 500 ms",
        Waits::of(waits).spread(),
    ))
}

/// Several replies in one thread at once: how often Mattermost is read for them.
async fn reads(options: &Options, team: &Team) -> Result<Vec<Figure>, Failure> {
    /// So long after the last arrival nothing more is read for it.
    const QUIET: Duration = Duration::from_millis(250);
    let rounds = options.pick(20, 2);
    let mut figures = Vec::new();
    for burst in [1, 5, 20, 100] {
        tokio::time::sleep(QUIET).await;
        let before = team.reads();
        for round in 0..rounds {
            let mut written = Vec::new();
            for n in 0..burst {
                written.push(team.write(round % THREADS, n).await?);
            }
            for written in &written {
                team.arrival(written).await?;
            }
            tokio::time::sleep(QUIET).await;
        }
        let replies = (rounds * burst) as f64;
        let kinds = more(&before, &team.reads());
        let all: u64 = kinds.iter().map(|(_, count)| count).sum();
        let told: Vec<String> = kinds
            .iter()
            .map(|(call, count)| format!("{call} {:.2}", *count as f64 / replies))
            .collect();
        figures.push(Figure::new(
            format!(
                "reads of Mattermost per reply in bursts of {burst}, by the {} alone",
                team.ear.name()
            ),
            format!("≤ {:.2}", 1.0 + 1.0 / burst as f64),
            format!("{:.2} ({})", all as f64 / replies, told.join(", ")),
        ));
    }
    Ok(figures)
}

/// Nobody hints: the slow look finds each reply, wherever in its round it is written.
async fn polled(options: &Options) -> Result<Figure, Failure> {
    let world = World::simulated(Version::default()).await?;
    let team = Team::ready(world, Ear::Poll(POLL), THREADS).await?;
    let mut waits = Vec::new();
    for n in 0..options.pick(12, 2) {
        let elsewhere = POLL.mul_f64(0.37) * u32::try_from(n)?;
        tokio::time::sleep(Duration::from_millis(
            (elsewhere.as_millis() % POLL.as_millis()) as u64,
        ))
        .await;
        let written = team.write(n % THREADS, n).await?;
        waits.push(team.arrival(&written).await?);
    }
    team.clear().await?;
    Ok(Figure::new(
        format!(
            "reply → request at i-Reserve by the slow look alone, every {} s",
            POLL.as_secs()
        ),
        format!("all ≤ {} ms", (POLL + Duration::from_secs(1)).as_millis()),
        Waits::of(waits).spread(),
    ))
}

/// Which calls came between two counts, and how often each did.
fn more(
    before: &HashMap<&'static str, u64>,
    after: &HashMap<&'static str, u64>,
) -> Vec<(&'static str, u64)> {
    let mut more: Vec<_> = after
        .iter()
        .map(|(call, count)| (*call, count - before.get(call).unwrap_or(&0)))
        .filter(|(_, count)| *count > 0)
        .collect();
    more.sort_unstable_by_key(|(_, count)| std::cmp::Reverse(*count));
    more
}
