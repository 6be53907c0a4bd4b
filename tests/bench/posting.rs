//! Posting: the sidecar against clients that post directly.
//!
//! On a real Mattermost (`MATTERMOST_HOME`) the server is the limit, so the sidecar and sixteen direct clients take turns on the same
//! server in the same run, also with a line that adds 20 ms. On the simulator, which is fast and answers after 20 ms, the waiting is
//! the limit, so the sidecar is compared with a client that posts one reply after the other.
//!
//! The sidecar gets its messages while nobody listens where Mattermost should be; then it is started again with Mattermost's true
//! address. So what is measured is delivering alone, for both from the first reply that stands to the last, by Mattermost's clock.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use simulators::mattermost::{Cast, Mattermost};
use simulators::real::Furniture;
use simulators::wire::{Line as State, Wire};
use simulators::world::World;

use crate::Failure;
use crate::desk::{Desk, EVENTS, NOWHERE};
use crate::direct;
use crate::load::closed;
use crate::options::Options;
use crate::report::{Figure, progress};
use crate::stood::{self, Stood};
use crate::talk::spoken;

const THREADS: usize = 100;
const CLIENTS: usize = 16;
/// How often the sidecar had its turn.
static TURNS: AtomicUsize = AtomicUsize::new(0);
/// What is added to each request and its answer together.
const LATENCY: Duration = Duration::from_millis(20);

pub(crate) async fn figures(options: &Options) -> Result<Vec<Figure>, Failure> {
    let mut figures = Vec::new();
    match std::env::var_os("MATTERMOST_HOME") {
        Some(home) => {
            let world = World::real(home.as_ref(), Furniture::WithBot).await?;
            for added in [Duration::ZERO, LATENCY] {
                figures.extend(against_direct(options, &world, added).await?);
            }
            world.close().await?;
        }
        None => progress("  without MATTERMOST_HOME nothing is posted to a real Mattermost"),
    }
    figures.extend(against_one(options).await?);
    Ok(figures)
}

/// Direct clients and the sidecar in turns, several times.
async fn against_direct(
    options: &Options,
    world: &World,
    added: Duration,
) -> Result<Vec<Figure>, Failure> {
    let (rounds, per_thread) = options.pick((4, 20), (1, 2));
    let wire = Wire::to(world.url().trim_start_matches("http://").parse()?).await?;
    if !added.is_zero() {
        wire.set(State::Slow(added / 2));
    }
    let (mut direct, mut ours) = (Vec::new(), Vec::new());
    let (url, cast) = (wire.url(), world.cast());
    for round in 0..rounds {
        // Who comes first changes, because a server that warms up or fills its tables would favour one of the two.
        for turn in [round, round + 1] {
            let (name, stood) = if turn % 2 == 0 {
                direct.push(directly(&url, cast, CLIENTS, per_thread).await?);
                ("direct", direct[direct.len() - 1])
            } else {
                ours.push(through_us(&url, cast, per_thread).await?);
                ("the sidecar", ours[ours.len() - 1])
            };
            progress(&format!("  {name} {:.0}/s", stood.rate()));
        }
    }
    wire.close().await;
    let (direct, ours) = (Stood::overall(&direct).rate(), Stood::overall(&ours).rate());
    Ok(vec![Figure::new(
        format!(
            "replies over {THREADS} threads of a real Mattermost, +{} ms, against {CLIENTS} direct clients",
            added.as_millis()
        ),
        "≥ 95 %",
        format!(
            "{:.0} % (direct {direct:.0}/s, the sidecar {ours:.0}/s, {rounds} rounds in turns)",
            100.0 * ours / direct
        ),
    )])
}

/// On the simulator, against one client that waits for each answer.
async fn against_one(options: &Options) -> Result<Vec<Figure>, Failure> {
    let (serial, per_thread) = options.pick((3, 40), (1, 3));
    let mattermost = Mattermost::start().await?;
    let cast = mattermost.furnish();
    mattermost.faults().latency(LATENCY);
    let direct = directly(&mattermost.url(), &cast, 1, serial).await?;
    let ours = through_us(&mattermost.url(), &cast, per_thread).await?;
    Ok(vec![Figure::new(
        format!(
            "replies over {THREADS} threads of the simulator that answers after {} ms, against one serial client",
            LATENCY.as_millis()
        ),
        "≥ 10 times",
        format!(
            "{:.1} times (serial {:.0}/s, the sidecar {:.0}/s)",
            ours.rate() / direct.rate(),
            direct.rate(),
            ours.rate()
        ),
    )])
}

/// Replies of clients that need no sidecar.
async fn directly(
    url: &str,
    cast: &Cast,
    clients: usize,
    per_thread: usize,
) -> Result<Stood, Failure> {
    direct::replies(url, cast, clients, THREADS, per_thread).await?;
    stood::newest(url, cast, THREADS * per_thread).await
}

/// Messages in conversations that stand already, pushed while Mattermost is away and delivered when it is there. Each turn has
/// conversations and events of its own: Mattermost answers a post that it saw in the last 30 s with that one.
async fn through_us(url: &str, cast: &Cast, per_thread: usize) -> Result<Stood, Failure> {
    let first = THREADS * TURNS.fetch_add(1, Ordering::Relaxed);
    let mut desk = Desk::start(url, cast, |settings| settings).await?;
    desk.open(first..first + THREADS).await?;
    desk.move_to(NOWHERE).await?;
    let call = move |line: usize, n: usize| {
        let number = line + n * CLIENTS;
        (number < THREADS * per_thread).then(|| {
            let conversation = first + number % THREADS;
            spoken(&format!("reply-{first}-{number}"), conversation, 80)
        })
    };
    closed(desk.lines(CLIENTS).await?, Duration::MAX, EVENTS, call).await?;
    desk.move_to(url).await?;
    desk.deliver(THREADS * per_thread).await?;
    desk.sidecar.stop(Duration::from_secs(20)).await?;
    stood::newest(url, cast, THREADS * per_thread).await
}
