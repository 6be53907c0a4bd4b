//! Load from many connections at once: closed loop (each sends its next call when the last is answered) and open loop (calls come by
//! the clock, whether or not the last were answered).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::StatusCode;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::Failure;
use crate::line::Line;
use crate::tally::{Tally, Waits};

/// Where calls go and what has to come back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) path: &'static str,
    pub(crate) wanted: StatusCode,
}

/// Each connection sends `call(connection, n)` for n = 0, 1, … until there is none or the time is over.
pub(crate) async fn closed(
    lines: Vec<Line>,
    time: Duration,
    target: Target,
    call: impl Fn(usize, usize) -> Option<String> + Send + Sync + 'static,
) -> Result<Tally, Failure> {
    let call = Arc::new(call);
    let begun = Instant::now();
    let mut clients = JoinSet::new();
    for (number, mut line) in lines.into_iter().enumerate() {
        let call = Arc::clone(&call);
        clients.spawn(async move {
            let mut waits = Vec::new();
            for n in 0.. {
                let Some(body) = call(number, n).filter(|_| begun.elapsed() < time) else {
                    break;
                };
                let sent = Instant::now();
                line.must(target.path, body, target.wanted).await?;
                waits.push(sent.elapsed());
            }
            Ok(waits)
        });
    }
    together(clients, begun).await
}

/// `count` calls, `per_second` of them, each due at its own moment. A wait is counted from that moment, not from when a connection
/// was free, so that a server which stalls pays for everybody who came meanwhile.
pub(crate) async fn open(
    lines: Vec<Line>,
    per_second: u32,
    count: u32,
    target: Target,
    call: impl Fn(u32) -> String + Send + Sync + 'static,
) -> Result<Tally, Failure> {
    let (call, next) = (Arc::new(call), Arc::new(AtomicU32::new(0)));
    let begun = Instant::now();
    let mut clients = JoinSet::new();
    for mut line in lines {
        let (call, next) = (Arc::clone(&call), Arc::clone(&next));
        clients.spawn(async move {
            let mut waits = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= count {
                    return Ok(waits);
                }
                let due = begun + Duration::from_secs(1) * n / per_second;
                let body = call(n);
                tokio::time::sleep_until(due).await;
                line.must(target.path, body, target.wanted).await?;
                waits.push(due.elapsed());
            }
        });
    }
    together(clients, begun).await
}

async fn together(
    mut clients: JoinSet<Result<Vec<Duration>, Failure>>,
    begun: Instant,
) -> Result<Tally, Failure> {
    let mut all = Vec::new();
    while let Some(waits) = clients.join_next().await {
        all.extend(waits??);
    }
    Ok(Tally {
        took: begun.elapsed(),
        waits: Waits::of(all),
    })
}
