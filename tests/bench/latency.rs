//! Added latency: from the moment an event is sent to the sidecar to the moment its post reaches Mattermost, at a gentle rate.
//!
//! Counted from before the request is written and until the simulator has read the head of the post, so both connections are in it.

use std::time::Duration;

use simulators::mattermost::{Mattermost, State};
use tokio::time::Instant;

use crate::Failure;
use crate::desk::{Desk, EVENTS};
use crate::options::Options;
use crate::report::Figure;
use crate::talk::spoken;
use crate::tally::Waits;

const CONVERSATIONS: usize = 100;
/// Between two events, and never before the last one has been posted.
const PAUSE: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(20);
const POSTS: &str = "POST /posts";

pub(crate) async fn figures(options: &Options) -> Result<Vec<Figure>, Failure> {
    let events = options.pick(400, 20);
    let mattermost = Mattermost::start().await?;
    let desk = Desk::before(&mattermost).await?;
    desk.open(0..CONVERSATIONS).await?;
    let mut lines = desk.lines(1).await?;
    let line = lines.first_mut().ok_or("no connection")?;

    let (mut posted, mut accepted) = (Vec::new(), Vec::new());
    let mut tick = tokio::time::interval(PAUSE);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for n in 0..events {
        tick.tick().await;
        let body = spoken(&format!("gentle-{n}"), n % CONVERSATIONS, 80);
        let before = mattermost.count(POSTS);
        let (sent, sent_at) = (Instant::now(), mattermost.elapsed());
        line.must(EVENTS.path, body, EVENTS.wanted).await?;
        accepted.push(sent.elapsed());
        let arrived = mattermost
            .within(PATIENCE, "the message is posted", |state| {
                newest(state, before)
            })
            .await?;
        posted.push(arrived.saturating_sub(sent_at));
    }
    Ok(vec![
        Figure::new(
            "event request in → post request out",
            "p50 ≤ 5 ms",
            Waits::of(posted).spread(),
        ),
        Figure::new(
            "of it: event request in → 202",
            "",
            Waits::of(accepted).spread(),
        ),
    ])
}

/// When the post came that is beyond the first `before`.
fn newest(state: &State, before: u64) -> Option<Duration> {
    let logged = state.requests().rev().find(|logged| logged.call == POSTS)?;
    (state.count(POSTS) > before).then_some(logged.at)
}
