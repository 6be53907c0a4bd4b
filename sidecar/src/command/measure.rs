//! How everything is, measured when asked.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde::Serialize;
use shared::{LicenceId, Timestamp};
use tokio::{sync::watch, time::Instant};

use crate::{
    clock::Clock,
    licence::{Current, Licence},
    record::{Blocked, Direction, Totals},
    store::{Store, StoreError},
};

/// Of each question: somebody looks at a screen meanwhile.
const WITHIN: Duration = Duration::from_secs(3);

/// How Mattermost looked when it was last asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct MattermostState {
    pub ok: bool,
    pub version: Option<String>,
    pub latency_ms: Option<u64>,
    pub reason: Option<String>,
    /// It does not take the bot's token: another one is needed.
    #[serde(skip)]
    pub token_refused: bool,
}

/// How the ear stands that listens to Mattermost as our bot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Listening {
    pub state: Ear,
    /// Why nothing is heard; nothing while something is.
    pub reason: Option<String>,
    /// Frames since the start that nothing could be made of.
    pub unread_frames: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ear {
    /// The settings want none.
    Off,
    /// Not connected yet, or between two connections.
    #[default]
    Connecting,
    Listening,
    /// Mattermost, or something in front of it, does not let it stand.
    Refused,
}

/// When each licence was last heard of, since the start. A clone knows the same.
#[derive(Debug, Clone, Default)]
pub struct Heard(Arc<watch::Sender<HashMap<LicenceId, Timestamp>>>);

impl Heard {
    /// Only licences that proved themselves get here, so there are never more than the settings have had.
    pub(crate) fn from(&self, licence: &LicenceId, now: Timestamp) {
        self.0.send_modify(|heard| {
            heard.insert(licence.clone(), now);
        });
    }

    /// Returns when this licence has been heard of at that moment or later.
    pub(crate) async fn since(&self, licence: &LicenceId, moment: Timestamp) {
        let mut heard = self.0.subscribe();
        let known = heard.wait_for(|heard| heard.get(licence).is_some_and(|at| *at >= moment));
        // We hold the sender ourselves: it cannot end while we wait.
        let _ = known.await;
    }

    fn last(&self, licence: &LicenceId) -> Option<Timestamp> {
        self.0.borrow().get(licence).copied()
    }
}

/// What is asked. A clone asks the same.
#[derive(Debug, Clone)]
pub struct Measure {
    pub store: Store,
    pub licences: Current,
    pub mattermost: watch::Receiver<MattermostState>,
    pub listening: watch::Receiver<Listening>,
    /// Events of i-Reserve.
    pub heard: Heard,
    /// Calls of Mattermost's outgoing webhooks.
    pub hooks: Heard,
    pub clock: Clock,
    pub started: Instant,
}

/// How everything is. Its JSON is the operator's `GET /v1/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    pub version: &'static str,
    pub uptime_seconds: u64,
    pub state: Overall,
    pub store: StoreStatus,
    pub mattermost: MattermostState,
    pub websocket: Listening,
    pub licences: Vec<LicenceStatus>,
    pub blocked: Vec<Blocked>,
}

/// In one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Overall {
    Working,
    /// Something waits for people.
    Attention,
    /// Nothing gets through.
    Down,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreStatus {
    pub kind: &'static str,
    pub ok: bool,
    pub bytes: u64,
    pub free_bytes: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LicenceStatus {
    pub id: LicenceId,
    pub ok: bool,
    pub reason: Option<String>,
    pub last_event_at: Option<Timestamp>,
    /// Nothing: the settings have no token of an outgoing webhook.
    pub webhook: Option<WebhookStatus>,
    pub waiting: Waiting,
    pub parked: u64,
    pub oldest_seconds: u64,
}

/// Whether Mattermost's outgoing webhooks arrive. A bot may not ask Mattermost for them, so what was seen is all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WebhookStatus {
    /// Since the start of this process.
    pub last_call_at: Option<Timestamp>,
    pub last_call_seconds: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Waiting {
    pub chat_to_thread: u64,
    pub thread_to_chat: u64,
}

impl Measure {
    /// A store that does not answer is a fact like any other, and the one that people most need to see.
    pub async fn now(&self) -> Status {
        let health = asked(self.store.health()).await;
        let totals = asked(self.store.totals()).await;
        let blocked = asked(self.store.blocked()).await;
        let answers = health.is_some() && totals.is_some() && blocked.is_some();
        let (totals, blocked) = (totals.unwrap_or_default(), blocked.unwrap_or_default());
        let store = StoreStatus {
            kind: health.as_ref().map_or("unknown", |health| health.kind),
            ok: answers && health.as_ref().is_some_and(|health| health.ok),
            bytes: health.as_ref().map_or(0, |health| health.bytes),
            free_bytes: health.and_then(|health| health.free_bytes),
        };
        let now = self.clock.now();
        let licences: Vec<LicenceStatus> = self
            .licences
            .snapshot()
            .iter()
            .map(|licence| {
                let heard = self.heard.last(&licence.id);
                let called = self.hooks.last(&licence.id);
                LicenceStatus {
                    webhook: webhook(licence, called, now),
                    ..measured(licence, heard, &totals, &blocked, now)
                }
            })
            .collect();
        let mattermost = self.mattermost.borrow().clone();
        Status {
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: self.started.elapsed().as_secs(),
            state: overall(&store, &mattermost, &licences, &blocked),
            store,
            mattermost,
            websocket: self.listening.borrow().clone(),
            licences,
            blocked,
        }
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

fn measured(
    licence: &Licence,
    heard: Option<Timestamp>,
    totals: &[Totals],
    blocked: &[Blocked],
    now: Timestamp,
) -> LicenceStatus {
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
    LicenceStatus {
        id: licence.id.clone(),
        ok: reason.is_none(),
        reason,
        last_event_at: heard,
        webhook: None,
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

fn webhook(licence: &Licence, called: Option<Timestamp>, now: Timestamp) -> Option<WebhookStatus> {
    (!licence.webhook_tokens.is_empty()).then(|| WebhookStatus {
        last_call_at: called,
        last_call_seconds: called.map(|at| now.since(at).as_secs()),
    })
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
    store: &StoreStatus,
    mattermost: &MattermostState,
    licences: &[LicenceStatus],
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
