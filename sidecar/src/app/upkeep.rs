//! What is done beside the work: forgetting what has outlived its time, and making the store small when nothing happens.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    delivery::{lease, wake::Wake},
    store::Store,
};

const EVERY: Duration = Duration::from_secs(600);
/// Rows of a kind forgotten at once: small bites, because accepting waits meanwhile.
const BITE: usize = 1_000;
/// After so long without anything to do the store may be made small.
const QUIET: Duration = Duration::from_secs(10);

pub(super) async fn purge(store: Store, clock: Clock, lease: lease::Watch, end: CancellationToken) {
    let mut wait = Duration::from_secs(60);
    while end
        .run_until_cancelled(tokio::time::sleep(wait))
        .await
        .is_some()
    {
        wait = EVERY;
        if lease.borrow().is_none() {
            continue;
        }
        match store.purge(BITE, clock.now()).await {
            // There may be more: soon again, but never at once.
            Ok(gone) if gone >= BITE as u64 => wait = Duration::from_secs(1),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(error = %error, "what has outlived its time could not be removed")
            }
        }
    }
}

pub(super) async fn tidy(store: Store, wake: Wake, end: CancellationToken) {
    let mut listener = wake.listen();
    while end.run_until_cancelled(listener.rung()).await.is_some() {
        while let Some(heard) = end
            .run_until_cancelled(tokio::time::timeout(QUIET, listener.rung()))
            .await
            && heard.is_ok()
        {}
        if end.is_cancelled() {
            return;
        }
        if let Err(error) = store.idle().await {
            tracing::warn!(error = %error, "the store could not be made small");
        }
    }
}
