//! Waiting for what becomes of events that were taken, as `Prefer: wait` asks.

use std::time::Duration;

use shared::{EventId, LicenceId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::answer::Taken;
use crate::{
    delivery::outbox::Outbox,
    record::{State, Status},
};

/// The same answers, each as its event stands once it has settled, when the time is over or at the order to stop. The time is
/// that of all of them together.
pub(super) async fn awaited(
    outbox: &Outbox,
    licence: &LicenceId,
    answers: Vec<Taken>,
    wait: Duration,
    stop: &CancellationToken,
) -> Vec<Taken> {
    let end = Instant::now() + wait;
    let mut known = Vec::with_capacity(answers.len());
    for answer in answers {
        let status = match watched(&answer) {
            Some(event) => settled(outbox, licence, event, end, stop).await,
            None => None,
        };
        known.push(match status {
            Some(status) => now(answer, status),
            None => answer,
        });
    }
    known
}

/// The event to wait for, if waiting can change the answer.
fn watched(answer: &Taken) -> Option<&EventId> {
    match answer {
        Taken::Accepted { id, .. } => Some(id),
        Taken::Duplicate(first) if !first.status.is_settled() => Some(&first.id),
        _ => None,
    }
}

/// Nothing is known of an event that is not stored, nor while the store cannot say.
async fn settled(
    outbox: &Outbox,
    licence: &LicenceId,
    event: &EventId,
    end: Instant,
    stop: &CancellationToken,
) -> Option<Status> {
    let within = end.saturating_duration_since(Instant::now());
    let status = match stop
        .run_until_cancelled(outbox.settled(licence, event, within))
        .await
    {
        Some(status) => status,
        None => outbox.status(licence, event).await,
    };
    status.unwrap_or_else(|error| {
        tracing::warn!(licence.id = %licence, event.id = %event, %error, "event {event} was accepted and cannot be watched");
        None
    })
}

fn now(answer: Taken, status: Status) -> Taken {
    match answer {
        Taken::Duplicate(_) => Taken::Duplicate(status),
        _ if status.status == State::Delivered => Taken::Delivered(status),
        Taken::Accepted { id, .. } => Taken::Accepted {
            id,
            state: status.status,
        },
        other => other,
    }
}
