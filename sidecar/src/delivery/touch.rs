//! Touches: cards and marks show what the store knows. Newest state only, best effort, outside the lanes: a card can never hold a
//! conversation up.

use std::{collections::HashMap, sync::Arc, time::Duration};

use shared::PostId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    lease,
    outlet::{Outlet, Shown},
    wake::{Listener, Wake},
};
use crate::{record::Touch, store::Store};

/// A card changes at most so often: each change shows "Edited".
const PER_CARD: Duration = Duration::from_secs(5);
/// So many at a time; the others are still wanted afterwards.
const PAGE: usize = 64;
/// After a touch we rest for three times as long as it took, so that touches use at most a quarter of the pace.
const REST: u32 = 3;
/// What rings within so long is one look: bells ring for every event, and few change what a post shows.
const GATHER: Duration = Duration::from_millis(50);
/// When nobody rings, and after something that could not be shown now.
const POLL: Duration = Duration::from_secs(1);
const LATER: Duration = Duration::from_secs(5);

/// Makes posts show what the store knows, until cancelled.
pub async fn run<O: Outlet>(
    outlet: Arc<O>,
    store: Store,
    lease: lease::Watch,
    wake: Wake,
    cancel: CancellationToken,
) {
    let mut wake = wake.listen();
    let mut last = HashMap::new();
    while !cancel.is_cancelled() {
        wake.forget();
        let ours = lease.borrow().is_some();
        let wait = if ours {
            round(&*outlet, &store, &mut last).await
        } else {
            POLL
        };
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            () = rung_a_while(&mut wake), if wait == POLL => {}
        }
    }
}

async fn rung_a_while(wake: &mut Listener) {
    wake.rung().await;
    tokio::time::sleep(GATHER).await;
}

/// One look at what should change. Says how long to rest.
pub async fn round<O: Outlet>(
    outlet: &O,
    store: &Store,
    last: &mut HashMap<PostId, Instant>,
) -> Duration {
    let wanted = match store.wanted(PAGE).await {
        Ok(wanted) => wanted,
        Err(error) => {
            tracing::warn!(error = %error, "cards cannot be brought up to date");
            return LATER;
        }
    };
    last.retain(|_, shown| shown.elapsed() < PER_CARD);
    let mut wait = POLL;
    for touch in wanted {
        // A mark is shown at once; only cards say "Edited".
        let card = match &touch {
            Touch::Card { root, .. } => Some(root.root_id.clone()),
            Touch::Mark { .. } => None,
        };
        if let Some(shown) = card.as_ref().and_then(|root| last.get(root)) {
            wait = wait.min(
                PER_CARD
                    .saturating_sub(shown.elapsed())
                    .max(Duration::from_millis(10)),
            );
            continue;
        }
        let began = Instant::now();
        match outlet.show(&touch).await {
            Shown::Done => {
                if let Some(root) = card {
                    last.insert(root, Instant::now());
                }
                if let Err(error) = store.shown(&touch).await {
                    tracing::warn!(error = %error, "a card that was shown is shown again later");
                }
            }
            Shown::Later(reason) => {
                tracing::debug!(reason = %reason, "a card cannot be shown now");
                return LATER;
            }
        }
        tokio::time::sleep(began.elapsed() * REST).await;
    }
    wait
}
