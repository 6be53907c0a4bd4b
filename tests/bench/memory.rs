//! Resident memory: idle with an empty store, and with a million mapped conversations, idle and after work.

use std::time::Duration;

use simulators::mattermost::Mattermost;
use simulators::program::Settings;

use crate::Failure;
use crate::desk::{Desk, EVENTS};
use crate::load::closed;
use crate::mapped::{Mapped, at};
use crate::options::Options;
use crate::process::{Memory, megabytes};
use crate::report::Figure;
use crate::talk::spoken;

/// After a start: first looks are over, nothing has come yet.
const SETTLED: Duration = Duration::from_secs(3);
const CONVERSATIONS: usize = 1_000;
const CLIENTS: usize = 16;

pub(crate) async fn figures(options: &Options, mapped: &Mapped) -> Result<Vec<Figure>, Failure> {
    let mattermost = Mattermost::start().await?;
    let desk = Desk::before(&mattermost).await?;
    tokio::time::sleep(SETTLED).await;
    let idle = Memory::of(desk.sidecar.program())?;
    drop(desk);

    let folder = tempfile::tempdir()?;
    let file = mapped.copy(folder.path()).await?;
    let mattermost = Mattermost::start().await?;
    let in_file = |settings: Settings| at(settings, &file);
    let desk = Desk::start(&mattermost.url(), &mattermost.furnish(), in_file).await?;
    tokio::time::sleep(SETTLED).await;
    let full = Memory::of(desk.sidecar.program())?;
    let messages = options.pick(10_000, 1_000);
    work(&desk, messages).await?;
    let worked = Memory::of(desk.sidecar.program())?;
    let many = mapped.conversations();
    Ok(vec![
        Figure::new("resident when idle, empty store", "≤ 15 MB", told(idle)),
        Figure::new(
            format!("resident when idle, {many} mapped conversations"),
            "≤ 64 MB",
            told(full),
        ),
        Figure::new(
            format!("the same after {messages} messages to {CONVERSATIONS} new conversations"),
            "≤ 64 MB",
            format!("{}, peak {}", told(worked), megabytes(worked.peak)),
        ),
    ])
}

async fn work(desk: &Desk, messages: usize) -> Result<(), Failure> {
    desk.open(0..CONVERSATIONS).await?;
    let call = move |line: usize, n: usize| {
        let number = line + n * CLIENTS;
        (number < messages).then(|| spoken(&format!("work-{number}"), number % CONVERSATIONS, 200))
    };
    closed(desk.lines(CLIENTS).await?, Duration::MAX, EVENTS, call).await?;
    desk.deliver(CONVERSATIONS + messages).await
}

fn told(memory: Memory) -> String {
    format!(
        "{} ({} anonymous)",
        megabytes(memory.resident),
        megabytes(memory.anonymous)
    )
}
