//! A large attachment: fetched from i-Reserve by its address and streamed into Mattermost, in little memory.

use std::time::Duration;

use serde_json::json;
use simulators::ireserve::Served;
use simulators::ireserve::event::{message, with};
use simulators::mattermost::{Mattermost, State};
use tokio::time::Instant;

use crate::Failure;
use crate::desk::{Desk, EVENTS};
use crate::options::Options;
use crate::process::{Memory, forget_peak, megabytes};
use crate::report::Figure;
use crate::talk::conversation;

/// What Mattermost and the licence allow: more than the file has.
const ALLOWED: usize = 300_000_000;

pub(crate) async fn figures(options: &Options) -> Result<Vec<Figure>, Failure> {
    let bytes = options.pick(200_000_000, 20_000_000);
    let mattermost = Mattermost::start().await?;
    mattermost.set(|settings| settings.max_file_size = ALLOWED);
    let allowed = |settings: simulators::program::Settings| {
        settings
            .set("licence.0.attachments.max_bytes", "300MB")
            .set("licence.0.attachments.fetch_hosts", r#"["127.0.0.1"]"#)
    };
    let desk = Desk::start(&mattermost.url(), &mattermost.furnish(), allowed).await?;
    desk.open(0..1).await?;

    let program = desk.sidecar.program();
    forget_peak(program)?;
    let before = Memory::of(program)?;
    let begun = Instant::now();
    let took = relay(&desk, bytes).await? - begun;
    let after = Memory::of(program)?;
    if mattermost.look(State::file_count) != 1 {
        return Err(format!(
            "the file did not arrive\n{}",
            mattermost.look(State::picture)
        )
        .into());
    }
    Ok(vec![
        Figure::new(
            format!(
                "peak resident memory while {} are relayed",
                megabytes(bytes as u64)
            ),
            "≤ 24 MB",
            format!(
                "{} ({} more than before)",
                megabytes(after.peak),
                megabytes(after.peak.saturating_sub(before.resident))
            ),
        ),
        Figure::new(
            "of it: how fast",
            "",
            format!("{:.0} MB/s", bytes as f64 / 1e6 / took.as_secs_f64()),
        ),
    ])
}

/// Tells when the message with the file stands.
async fn relay(desk: &Desk, bytes: usize) -> Result<Instant, Failure> {
    // Bytes that no filter takes for text, and no two pages alike.
    let content: Vec<u8> = (0..bytes)
        .map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8)
        .collect();
    let url = desk.ireserve.serves("large.bin", Served::file(content));
    let event = with(
        message(
            "large",
            &conversation(0),
            "Sanne",
            "Here is the whole of it",
        ),
        "attachments",
        json!([{ "name": "large.bin", "url": url }]),
    );
    let mut lines = desk.lines(1).await?;
    let line = lines.first_mut().ok_or("no connection")?;
    line.must(EVENTS.path, event.to_string(), EVENTS.wanted)
        .await?;
    let delivered = tokio::time::timeout(Duration::from_secs(120), desk.deliver(2));
    delivered.await??;
    Ok(Instant::now())
}
