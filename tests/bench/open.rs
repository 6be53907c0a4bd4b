//! 100,000 open conversations: what a start asks of Mattermost, what it costs to do nothing, and that a reply still comes through.
//!
//! The store is copied as for the other large figures; the roots stand in the simulator as an import would have brought them, each as
//! the sidecar expects it. They were last active within the last 29 days, evenly.

use std::time::Duration;

use simulators::mattermost::{Mattermost, Post, State};
use simulators::program::Settings;
use tokio::time::Instant;

use crate::Failure;
use crate::desk::Desk;
use crate::mapped::{AWAKE, at, multiply, roots};
use crate::options::Options;
use crate::process::{Memory, megabytes, worked};
use crate::report::{Figure, progress};
use crate::talk::text;
use crate::tally::millis;

/// After a start: what it does once is over.
const START: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) async fn figures(options: &Options) -> Result<Vec<Figure>, Failure> {
    let threads = options.pick(100_000, 2_000);
    let idle = Duration::from_secs(options.pick(180, 20));
    let mattermost = Mattermost::start().await?;
    let cast = mattermost.furnish();
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("open.db");
    let in_file = |settings: Settings| at(settings, &file);
    let mut desk = Desk::start(&mattermost.url(), &cast, in_file).await?;
    desk.open(0..1).await?;
    desk.sidecar.stop(Duration::from_secs(20)).await?;
    progress(&format!(
        "  writing a store of {threads} open conversations"
    ));
    let path = file.clone();
    let standing = tokio::task::spawn_blocking(move || {
        multiply(&path, threads, AWAKE)?;
        roots(&path)
    })
    .await??;
    let newest = standing.iter().max_by_key(|(_, at)| *at);
    let (root, _) = newest.cloned().ok_or("a store without threads")?;
    mattermost.import(standing.into_iter().map(|(id, at)| Post {
        id,
        create_at: at,
        update_at: at,
        user_id: cast.bot.id.clone(),
        channel_id: cast.webchat.clone(),
        message: "A conversation".to_owned(),
        ..Post::default()
    }));
    let missed = mattermost
        .post_as(&cast.lotte.id, &cast.webchat, Some(&root), &text(80), &[])
        .map_err(|refusal| format!("the reply was refused: {refusal:?}"))?;

    let (began, counted) = (Instant::now(), mattermost.look(State::requests_so_far));
    desk.sidecar.start_again().await?;
    let started = began.elapsed();
    let wanted = format!("reply:{}:0", missed.id);
    desk.ireserve
        .within(PATIENCE, "the missed reply arrives", |inbox| {
            inbox
                .deliveries()
                .iter()
                .find(|one| one.id == wanted)
                .map(|_| ())
        })
        .await?;
    let found = began.elapsed();
    tokio::time::sleep_until(began + START.max(found)).await;
    let at_start = mattermost.look(State::requests_so_far) - counted;
    let over = began.elapsed();

    let (from, work) = (
        mattermost.look(State::requests_so_far),
        worked(desk.sidecar.program())?,
    );
    tokio::time::sleep(idle).await;
    let asked = mattermost.look(State::requests_so_far) - from;
    let used = worked(desk.sidecar.program())? - work;
    let read = mattermost.count("GET /posts/{id}/thread");
    let memory = Memory::of(desk.sidecar.program())?;
    let per_second = asked as f64 / idle.as_secs_f64();
    Ok(vec![
        Figure::new(
            format!("{threads} open conversations: start → accepts"),
            "≤ 2 s",
            seconds(started),
        ),
        Figure::new(
            "start → a reply written meanwhile, which nobody hinted at, is at i-Reserve",
            "",
            seconds(found),
        ),
        Figure::new(
            format!(
                "requests to Mattermost in the first {} after the start",
                seconds(over)
            ),
            format!("≤ {} (1/s) and those of a start", over.as_secs()),
            at_start.to_string(),
        ),
        Figure::new(
            format!(
                "requests to Mattermost when idle, over {} s",
                idle.as_secs()
            ),
            "≤ 1/s",
            format!("{per_second:.2}/s"),
        ),
        Figure::new(
            "threads read since the start",
            "few, not all",
            read.to_string(),
        ),
        Figure::new(
            "processor when idle",
            "",
            format!(
                "{:.2} % of one core",
                100.0 * used.as_secs_f64() / idle.as_secs_f64()
            ),
        ),
        Figure::new(
            "resident",
            "≤ 64 MB",
            format!(
                "{} ({} anonymous), peak {}",
                megabytes(memory.resident),
                megabytes(memory.anonymous),
                megabytes(memory.peak)
            ),
        ),
    ])
}

/// In milliseconds, or in seconds where there are some.
fn seconds(wait: Duration) -> String {
    if wait < Duration::from_secs(1) {
        millis(wait)
    } else {
        format!("{:.1} s", wait.as_secs_f64())
    }
}
