//! Looking at what we depend on, and counting what happens.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    delivery::{
        outlet::Outlet,
        poster::{How, Poster, Progress, What},
        wake::Wake,
    },
    http::{MattermostState, Readiness},
    mattermost::{Fault, Mattermost},
    metrics::{Dependency, Direction, Metrics, Outcome},
    record,
    store::Store,
};

const MATTERMOST: Duration = Duration::from_secs(30);
/// While it is not well we want to know soon that it is.
const MATTERMOST_ILL: Duration = Duration::from_secs(5);
const STORE: Duration = Duration::from_secs(5);

/// Says how Mattermost looks, until cancelled.
pub(super) async fn mattermost<O: Outlet>(
    mattermost: Arc<Mattermost>,
    poster: Arc<Poster<O>>,
    metrics: Metrics,
    tell: watch::Sender<MattermostState>,
    again: Arc<Notify>,
    end: CancellationToken,
) {
    let mut was_ok = true;
    loop {
        // The plugin has not said yet where it is: nothing is wrong.
        let is_unknown = mattermost.url().is_none();
        let state = look(&mattermost).await;
        match (&state.reason, was_ok) {
            (Some(_), _) if is_unknown => {}
            (Some(reason), true) => tracing::warn!(reason, "mattermost is not well: {reason}"),
            (None, false) => tracing::info!("mattermost is well again"),
            _ => {}
        }
        was_ok = state.ok || is_unknown;
        metrics.breaker(Dependency::Mattermost, None, poster.is_open());
        let wait = if state.ok { MATTERMOST } else { MATTERMOST_ILL };
        tell.send_replace(state);
        // Sooner when another account is known.
        let waited = tokio::time::timeout(wait, again.notified());
        if end.run_until_cancelled(waited).await.is_none() {
            return;
        }
    }
}

async fn look(mattermost: &Mattermost) -> MattermostState {
    let began = Instant::now();
    let known = mattermost.knows_us().await;
    let latency = u64::try_from(began.elapsed().as_millis()).ok();
    match known {
        Ok(_) => {
            let version = mattermost
                .version()
                .await
                .ok()
                .flatten()
                .map(|version| version.to_string());
            MattermostState {
                ok: true,
                version,
                latency_ms: latency,
                reason: None,
                token_refused: false,
            }
        }
        Err(fault) => MattermostState {
            ok: false,
            reason: Some(fault.to_string()),
            token_refused: matches!(fault, Fault::TokenRefused(_)),
            ..MattermostState::default()
        },
    }
}

/// Says whether the store can promise anything, until cancelled.
pub(super) async fn store(
    store: Store,
    readiness: watch::Sender<Readiness>,
    end: CancellationToken,
) {
    while end
        .run_until_cancelled(tokio::time::sleep(STORE))
        .await
        .is_some()
    {
        let now = match store.health().await {
            Ok(health)
                if health
                    .free_bytes
                    .is_some_and(|free| free < health.reserve_bytes) =>
            {
                Readiness::Store {
                    detail: "its disk is nearly full".into(),
                }
            }
            Ok(_) => Readiness::Ready,
            Err(error) => Readiness::Store {
                detail: error.to_string(),
            },
        };
        readiness.send_if_modified(|stands| {
            let changes = *stands != now && !matches!(stands, Readiness::Draining);
            if changes {
                *stands = now;
            }
            changes
        });
    }
}

/// Passes on what other processes ring, until cancelled.
pub(super) async fn others(store: Store, wake: Wake, end: CancellationToken) {
    while end.run_until_cancelled(store.rung()).await.is_some() {
        wake.ring();
    }
}

/// Counts one step.
pub(super) fn count(metrics: &Metrics, step: &Progress) {
    let licence = step.lane.licence.as_str();
    let direction = match step.lane.direction {
        record::Direction::ChatToThread => Direction::ChatToThread,
        record::Direction::ThreadToChat => Direction::ThreadToChat,
    };
    match &step.what {
        What::Tried { .. } => {}
        What::Delivered { after } => {
            metrics.ended(licence, direction, Outcome::Delivered);
            metrics.delivered_after(licence, direction, *after);
        }
        What::Failed { how, .. } => metrics.ended(licence, direction, outcome(*how)),
        What::Parked { .. } => metrics.ended(licence, direction, Outcome::Parked),
    }
}

const fn outcome(how: How) -> Outcome {
    match how {
        How::NotSent => Outcome::NotSent,
        How::InDoubt => Outcome::InDoubt,
        How::Paused => Outcome::Paused,
        How::Blocked => Outcome::Blocked,
        How::Refused => Outcome::Refused,
    }
}
