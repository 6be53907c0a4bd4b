//! `GET /v1/status`: how everything is, measured when asked.

use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use shared::{LicenceId, Timestamp};

use super::{super::json, MattermostState, Ops};
use crate::{
    http::Answer,
    licence::Licence,
    record::{Blocked, Direction, Totals},
    store::StoreError,
};

/// Of each question: somebody looks at a screen meanwhile.
const WITHIN: Duration = Duration::from_secs(3);

#[derive(Debug, Serialize)]
struct Written {
    version: &'static str,
    uptime_seconds: u64,
    state: Overall,
    store: WrittenStore,
    mattermost: MattermostState,
    licences: Vec<WrittenLicence>,
    blocked: Vec<Blocked>,
}

/// In one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Overall {
    Working,
    /// Something waits for people.
    Attention,
    /// Nothing gets through.
    Down,
}

#[derive(Debug, Serialize)]
struct WrittenStore {
    kind: &'static str,
    ok: bool,
    bytes: u64,
    free_bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
struct WrittenLicence {
    id: LicenceId,
    ok: bool,
    reason: Option<String>,
    last_event_at: Option<Timestamp>,
    waiting: Waiting,
    parked: u64,
    oldest_seconds: u64,
}

#[derive(Debug, Default, Serialize)]
struct Waiting {
    chat_to_thread: u64,
    thread_to_chat: u64,
}

impl Ops {
    /// `GET /v1/status`. A store that does not answer is a fact like any other, and the one that operators most need to see.
    pub(in crate::http) async fn status(&self) -> Answer {
        let health = asked(self.store.health()).await;
        let totals = asked(self.store.totals()).await;
        let blocked = asked(self.store.blocked()).await;
        let answers = health.is_some() && totals.is_some() && blocked.is_some();
        let (totals, blocked) = (totals.unwrap_or_default(), blocked.unwrap_or_default());
        let store = WrittenStore {
            kind: health.as_ref().map_or("unknown", |health| health.kind),
            ok: answers && health.as_ref().is_some_and(|health| health.ok),
            bytes: health.as_ref().map_or(0, |health| health.bytes),
            free_bytes: health.and_then(|health| health.free_bytes),
        };
        let now = self.clock.now();
        let licences: Vec<WrittenLicence> = self
            .licences
            .snapshot()
            .iter()
            .map(|licence| {
                let heard = self.heard.last(&licence.id);
                written(licence, heard, &totals, &blocked, now)
            })
            .collect();
        let mattermost = self.mattermost.borrow().clone();
        let written = Written {
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: self.started.elapsed().as_secs(),
            state: overall(&store, &mattermost, &licences, &blocked),
            store,
            mattermost,
            licences,
            blocked,
        };
        json(StatusCode::OK, &written)
    }
}

async fn asked<T>(question: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
    match tokio::time::timeout(WITHIN, question).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the status is told without what the store knows");
            None
        }
        Err(_) => {
            tracing::warn!(
                "the status is told without what the store knows, it did not answer within {} s",
                WITHIN.as_secs()
            );
            None
        }
    }
}

fn written(
    licence: &Licence,
    heard: Option<Timestamp>,
    totals: &[Totals],
    blocked: &[Blocked],
    now: Timestamp,
) -> WrittenLicence {
    let own = || totals.iter().filter(|totals| totals.licence == licence.id);
    let waiting = |direction| {
        own()
            .filter(|totals| totals.direction == direction)
            .map(|totals| totals.waiting)
            .sum()
    };
    let oldest = own().filter_map(|totals| totals.oldest_accepted_at).min();
    let parked: u64 = own().map(|totals| totals.parked).sum();
    let reason = reason(licence, blocked, parked);
    WrittenLicence {
        id: licence.id.clone(),
        ok: reason.is_none(),
        reason,
        last_event_at: heard,
        waiting: Waiting {
            chat_to_thread: waiting(Direction::ChatToThread),
            thread_to_chat: waiting(Direction::ThreadToChat),
        },
        parked,
        oldest_seconds: oldest
            .map(|oldest| now.since(oldest).as_secs())
            .unwrap_or_default(),
    }
}

/// What people have to do for this licence, if anything: the first thing of the most urgent kind.
fn reason(licence: &Licence, blocked: &[Blocked], parked: u64) -> Option<String> {
    let waits = blocked.iter().find(|blocked| blocked.licence == licence.id);
    waits
        .map(|blocked| blocked.reason.clone())
        .or_else(|| {
            licence
                .channel
                .is_none()
                .then(|| "no channel is chosen for its conversations".to_owned())
        })
        .or_else(|| {
            (parked > 0)
                .then(|| format!("{parked} events could not be delivered and wait for a decision"))
        })
}

fn overall(
    store: &WrittenStore,
    mattermost: &MattermostState,
    licences: &[WrittenLicence],
    blocked: &[Blocked],
) -> Overall {
    if !store.ok || !mattermost.ok {
        Overall::Down
    } else if !blocked.is_empty() || licences.iter().any(|licence| !licence.ok) {
        Overall::Attention
    } else {
        Overall::Working
    }
}
