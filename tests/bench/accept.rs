//! Accepting: events per second that are durable before they are answered, and how long one waits at a steady rate.
//!
//! Nobody listens where Mattermost should be, so nothing is posted and every event stays in its lane.

use std::time::Duration;

use simulators::mattermost::Mattermost;

use crate::Failure;
use crate::desk::{Desk, EVENTS, NOWHERE};
use crate::load::{closed, open};
use crate::options::Options;
use crate::report::Figure;
use crate::talk::spoken;

const CLIENTS: usize = 64;
/// Of an event's text, which makes the whole event about 1 KiB.
const TEXT: usize = 850;
const CONVERSATIONS: usize = 1_000;
const PER_SECOND: u32 = 500;

pub(crate) async fn figures(options: &Options) -> Result<Vec<Figure>, Failure> {
    let cast = Mattermost::start().await?.furnish();
    let desk = Desk::start(NOWHERE, &cast, |settings| settings).await?;
    let run = |prefix: &'static str| {
        move |line: usize, n: usize| {
            let conversation = (line + n * CLIENTS) % CONVERSATIONS;
            Some(spoken(&format!("{prefix}-{line}-{n}"), conversation, TEXT))
        }
    };
    // The first second pays for what a long-lived process has behind it: caches, pages, the growth of the log.
    let warm = Duration::from_secs(1);
    closed(desk.lines(CLIENTS).await?, warm, EVENTS, run("warm")).await?;
    let time = Duration::from_secs(options.pick(10, 1));
    let at_most = closed(desk.lines(CLIENTS).await?, time, EVENTS, run("most")).await?;

    let call = |n: u32| {
        let conversation = n as usize % CONVERSATIONS;
        spoken(&format!("steady-{n}"), conversation, TEXT)
    };
    let count = PER_SECOND * options.pick(10, 1);
    let steady = open(desk.lines(CLIENTS).await?, PER_SECOND, count, EVENTS, call).await?;
    Ok(vec![
        Figure::new(
            format!("durable events of 1 KiB, {CLIENTS} clients, closed loop"),
            "≥ 5,000/s",
            format!("{:.0}/s ({})", at_most.rate(), at_most.waits.spread()),
        ),
        Figure::new(
            format!("wait for the 202 at {PER_SECOND}/s, open loop, from the scheduled time"),
            "p99 ≤ 50 ms",
            steady.waits.spread(),
        ),
    ])
}
