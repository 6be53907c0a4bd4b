//! Our share of the lanes: taken, renewed, given back.
//!
//! An embedded store is ours until the process ends. A shared one is leased: the holder counts from before it asked, on its own
//! monotonic clock, and starts an attempt only while enough of the lease is left for it to end in.

use std::time::Duration;

use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    record::Fence,
    store::{Lease, Store},
};

/// An attempt takes 8 s at most; 2 s more for the way to it.
const NEEDED: Duration = Duration::from_secs(10);
/// How often a lease is renewed, and how soon a failed question is repeated.
const RENEW: Duration = Duration::from_secs(5);
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// The right to work the lanes, as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    pub fence: Fence,
    /// None: until the process ends.
    until: Option<Instant>,
}

impl Held {
    /// Whether an attempt that begins now can end while the lanes are still ours.
    #[must_use]
    pub fn covers_an_attempt(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now + NEEDED <= until)
    }
}

/// What workers see of the lease: nothing while others hold it.
pub type Watch = watch::Receiver<Option<Held>>;

/// Takes and renews the lease until cancelled.
pub async fn keep(
    store: Store,
    clock: Clock,
    tell: watch::Sender<Option<Held>>,
    cancel: CancellationToken,
) {
    loop {
        let wait = renew(&store, &clock, &tell).await;
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// One question to the store. Says when to ask again.
async fn renew(store: &Store, clock: &Clock, tell: &watch::Sender<Option<Held>>) -> Duration {
    let asked = Instant::now();
    let (held, wait) = match store.lease(clock.now()).await {
        Ok(Lease::Held { fence, life }) => {
            let held = Held {
                fence,
                until: life.map(|life| asked + life),
            };
            (
                Some(held),
                if life.is_some() { RENEW } else { Duration::MAX },
            )
        }
        Ok(Lease::Standby { ask_again }) => (None, ask_again),
        Err(error) => {
            tracing::warn!(error = %error, "the lease could not be renewed");
            let last = *tell.borrow();
            (
                last.filter(|held| held.until.is_none_or(|until| Instant::now() < until)),
                ASK_AGAIN,
            )
        }
    };
    announce(tell, held);
    // Longer than a year is as good as for ever, and tokio's clock can carry it.
    wait.min(Duration::from_secs(365 * 24 * 3600))
}

fn announce(tell: &watch::Sender<Option<Held>>, held: Option<Held>) {
    let before = tell.borrow().map(|held| held.fence);
    match (before, held.map(|held| held.fence)) {
        (before, Some(fence)) if before != Some(fence) => {
            tracing::info!("the lanes are ours, with fence {fence}")
        }
        (Some(fence), None) => tracing::warn!("the lanes with fence {fence} are no longer ours"),
        _ => {}
    }
    tell.send_replace(held);
}
