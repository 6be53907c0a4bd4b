//! Flatness: what accepting and delivering a message costs when a thousand conversations are mapped, and when a million are.
//!
//! In both, the messages go to the thousand newest conversations, which the sidecar has opened itself; in the second they lie on top
//! of a store of mapped ones. Accepting and delivering are measured apart: first Mattermost is away, then it is there. Both stores
//! take turns, and the middle round counts.

use std::time::Duration;

use simulators::mattermost::Mattermost;
use tokio::time::Instant;

use crate::Failure;
use crate::desk::{Desk, EVENTS, NOWHERE};
use crate::load::closed;
use crate::mapped::{Mapped, at};
use crate::options::Options;
use crate::process::worked;
use crate::report::{Figure, progress};
use crate::talk::spoken;
use crate::tally::median;

const NEWEST: usize = 1_000;
const CLIENTS: usize = 64;

/// What one message cost, in microseconds: of the clock with all clients at work, and of the sidecar's processor time.
#[derive(Debug, Clone, Copy)]
struct Cost {
    clock: f64,
    processor: f64,
}

/// One round on one store.
#[derive(Debug, Clone, Copy)]
struct Round {
    accepting: Cost,
    delivering: Cost,
}

pub(crate) async fn figures(options: &Options, mapped: &Mapped) -> Result<Vec<Figure>, Failure> {
    let messages = options.pick(20_000, 2_000);
    let (mut few, mut many) = (Vec::new(), Vec::new());
    for _ in 0..options.pick(3, 1) {
        few.push(round(None, messages).await?);
        many.push(round(Some(mapped), messages).await?);
    }
    let label = |what: &str| {
        format!(
            "{what}, {} mapped conversations against {NEWEST}",
            mapped.conversations()
        )
    };
    Ok(vec![
        compared(label("accepting"), &few, &many, |round| round.accepting),
        compared(label("delivering"), &few, &many, |round| round.delivering),
    ])
}

fn compared(what: String, few: &[Round], many: &[Round], of: fn(&Round) -> Cost) -> Figure {
    let told = |part: fn(Cost) -> f64| {
        let middle =
            |rounds: &[Round]| median(rounds.iter().map(|round| part(of(round))).collect());
        let (few, many) = (middle(few), middle(many));
        format!(
            "{:.2} times ({many:.0} µs against {few:.0} µs a message)",
            many / few
        )
    };
    Figure::new(
        what,
        "≤ 1.3 times",
        format!(
            "{}; of its processor time {}",
            told(|cost| cost.clock),
            told(|cost| cost.processor)
        ),
    )
}

async fn round(mapped: Option<&Mapped>, messages: usize) -> Result<Round, Failure> {
    let folder = tempfile::tempdir()?;
    let file = match mapped {
        Some(mapped) => mapped.copy(folder.path()).await?,
        None => folder.path().join("small.db"),
    };
    let mattermost = Mattermost::start().await?;
    let url = mattermost.url();
    let mut desk = Desk::start(&url, &mattermost.furnish(), |settings| at(settings, &file)).await?;
    desk.open(0..NEWEST).await?;
    desk.move_to(NOWHERE).await?;

    let call = move |line: usize, n: usize| {
        let number = line + n * CLIENTS;
        (number < messages).then(|| spoken(&format!("flat-{number}"), number % NEWEST, 200))
    };
    let before = worked(desk.sidecar.program())?;
    let accepted = closed(desk.lines(CLIENTS).await?, Duration::MAX, EVENTS, call).await?;
    let accepting = cost(
        accepted.took,
        worked(desk.sidecar.program())? - before,
        messages,
    );

    desk.move_to(&url).await?;
    // The start is no part of it: counting begins when the first are through.
    let (begun, before) = first_delivered(&desk).await?;
    let had = desk.delivered().await?;
    desk.deliver(messages).await?;
    let spent = worked(desk.sidecar.program())? - before;
    let delivering = cost(begun.elapsed(), spent, messages - had);
    desk.sidecar.stop(Duration::from_secs(20)).await?;
    progress(&format!(
        "  {accepting:?} accepting, {delivering:?} delivering"
    ));
    Ok(Round {
        accepting,
        delivering,
    })
}

/// When the first deliveries of this start were seen, and what it had worked by then.
async fn first_delivered(desk: &Desk) -> Result<(Instant, Duration), Failure> {
    desk.deliver(1).await?;
    Ok((Instant::now(), worked(desk.sidecar.program())?))
}

fn cost(clock: Duration, processor: Duration, messages: usize) -> Cost {
    let each = |time: Duration| time.as_secs_f64() * 1e6 / messages.max(1) as f64;
    Cost {
        clock: each(clock),
        processor: each(processor),
    }
}
