//! `GET /v1/status`: how everything is, measured when asked.

use http::StatusCode;
use serde::Serialize;
use shared::{LicenceId, Timestamp};

use super::{super::json, MattermostState, Ops};
use crate::{
    http::{Answer, problem::Problem},
    licence::Licence,
    record::{Blocked, Direction, Totals},
    store::Health,
};

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
    /// `GET /v1/status`.
    pub(in crate::http) async fn status(&self) -> Result<Answer, Problem> {
        let health = self.store.health().await.map_err(Problem::store)?;
        let totals = self.store.totals().await.map_err(Problem::store)?;
        let blocked = self.store.blocked().await.map_err(Problem::store)?;
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
            state: overall(&health, &mattermost, &licences, &blocked),
            store: WrittenStore {
                kind: health.kind,
                ok: health.ok,
                bytes: health.bytes,
                free_bytes: health.free_bytes,
            },
            mattermost,
            licences,
            blocked,
        };
        Ok(json(StatusCode::OK, &written))
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
    health: &Health,
    mattermost: &MattermostState,
    licences: &[WrittenLicence],
    blocked: &[Blocked],
) -> Overall {
    if !health.ok || !mattermost.ok {
        Overall::Down
    } else if !blocked.is_empty() || licences.iter().any(|licence| !licence.ok) {
        Overall::Attention
    } else {
        Overall::Working
    }
}
