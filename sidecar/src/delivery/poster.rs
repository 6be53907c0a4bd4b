//! The poster: claims due lanes of one queue, works one step of each head, and records what came of it.
//!
//! Woken by a hint, saved by a poll. At most one attempt per lane, because a claimed lane is nobody else's; many lanes in
//! parallel: some have their turn with the other side, the others wait for one, so that it has work while ends are recorded.
//! Each attempt ends in exactly one store operation. A panic in one is caught and counts as in doubt for its lane; a
//! process that dies leaves its heads doubtful, which the next lease repairs.

mod attempt;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use shared::Timestamp;
use tokio::{
    sync::{Notify, Semaphore, SemaphorePermit},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    breaker::{Breaker, Gate},
    doubt::Looks,
    lease,
    outlet::{Outcome, Outlet, Reason},
    retry::Chance,
    wake::{Listener, Settled, Wake},
};
use crate::{
    clock::Clock,
    record::{Card, Claim, Content, Lane, NewEvent, Presence, Queue, ReplyMark},
    store::{Claimed, Store, StoreError},
};

/// When lanes are looked at though nobody rings.
const POLL: Duration = Duration::from_secs(1);

/// While more lanes are due than slots free, freed slots wait for one another, so that one look and one write of the store fills several:
/// so many parts of all slots, but no longer than this.
const TOGETHER: usize = 4;
const PATIENCE: Duration = Duration::from_millis(2);

/// What follows an end on the other side, and what the card shall show. Handed in, so that the engine knows no product.
#[derive(Debug, Clone, Copy)]
pub struct Follow {
    /// What the card shall be once this claim is delivered.
    pub wanted: fn(&Claim, Timestamp) -> Option<Card>,
    /// What stands in the lane for an event that is parked.
    pub placeholder: fn(&Claim, &Reason) -> Option<Content>,
    /// What the end of a delivery posts elsewhere.
    pub sequels: fn(&Claim, &Reason, Timestamp) -> Vec<NewEvent>,
    /// What the other side's word about the reader posts elsewhere.
    pub answered: fn(&Claim, Presence, u32, Timestamp) -> Vec<NewEvent>,
    /// The mark that a reply shall carry, by whether it was taken.
    pub mark: fn(&Claim, bool) -> Option<(shared::PostId, ReplyMark)>,
}

/// What happened, for counters and for those who look on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub lane: Lane,
    pub event: shared::EventId,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Tried {
        step: crate::record::Step,
        attempt: u32,
    },
    Delivered {
        after: Duration,
    },
    Failed {
        how: How,
        reason: String,
    },
    Parked {
        reason: String,
    },
}

/// How an attempt ended that brought nothing over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    NotSent,
    InDoubt,
    Paused,
    Blocked,
    Refused,
}

/// Everything a poster needs.
#[derive(Debug)]
pub struct Parts<O> {
    pub queue: Queue,
    pub outlet: Arc<O>,
    pub store: Store,
    pub clock: Clock,
    pub lease: lease::Watch,
    pub wake: Wake,
    pub settled: Settled,
    pub follow: Follow,
    /// Lanes claimed at once; those beyond `turns` wait for a turn.
    pub slots: usize,
    /// Attempts at once.
    pub turns: usize,
    /// Whether the other side can still remember attempts of before this start.
    pub remembers: bool,
    pub watcher: Watcher,
}

/// Who is told what happened.
#[derive(Clone)]
pub struct Watcher(pub Arc<dyn Fn(&Progress) + Send + Sync>);

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watcher")
    }
}

/// Works the lanes of one queue.
#[derive(Debug)]
pub struct Poster<O> {
    parts: Parts<O>,
    flying: AtomicUsize,
    landed: Notify,
    /// The right to ask the other side something.
    turns: Semaphore,
    /// More lanes were due than slots free: a lane that has delivered lets the others first. That is fair, and a real server is slower
    /// where one reply to a thread follows another at once: measured, a fifth.
    crowded: AtomicBool,
    gate: Mutex<Dependency>, // plain mutexes: held for one decision, never across an await
    looks: Mutex<HashMap<Lane, Looks>>,
    /// When something was created last, by our wall clock.
    created_at: AtomicI64,
    /// Nothing begun before this moment can be remembered by the other side, where `remembers` is false.
    started: Timestamp,
}

#[derive(Debug, Default)]
struct Dependency {
    breaker: Breaker,
    paused_until: Option<Instant>,
}

impl<O: Outlet> Poster<O> {
    #[must_use]
    pub fn new(parts: Parts<O>) -> Arc<Self> {
        let started = parts.clock.now();
        Arc::new(Self {
            turns: Semaphore::new(parts.turns),
            parts,
            flying: AtomicUsize::new(0),
            landed: Notify::new(),
            crowded: AtomicBool::new(false),
            gate: Mutex::default(),
            looks: Mutex::default(),
            created_at: AtomicI64::new(0),
            started,
        })
    }

    /// Works until cancelled; what is in flight then goes on in `tasks`.
    pub async fn run(self: Arc<Self>, tasks: TaskTracker, cancel: CancellationToken) {
        let mut wake = self.parts.wake.listen();
        let mut lease = self.parts.lease.clone();
        while !cancel.is_cancelled() {
            wake.forget();
            let again = self.round(&tasks, &cancel).await;
            self.wait(again, &mut wake, &mut lease, &cancel).await;
        }
    }

    /// Whether the breaker is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.dependency().breaker.is_open()
    }

    /// One look at what is due. Says when to look again; nothing: at once.
    pub async fn round(
        self: &Arc<Self>,
        tasks: &TaskTracker,
        cancel: &CancellationToken,
    ) -> Option<Instant> {
        let now = Instant::now();
        if let Some(closed_until) = self.pass_gate(now).await {
            self.crowded.store(false, Ordering::Release);
            return Some(closed_until);
        }
        let free = self.free();
        let Some(held) = *self.parts.lease.borrow() else {
            return Some(now + POLL);
        };
        if free == 0 || !held.covers_an_attempt(now) {
            return Some(now + POLL);
        }
        match self
            .parts
            .store
            .claim(
                held.fence,
                &self.parts.queue,
                free,
                self.parts.clock.moment(),
            )
            .await
        {
            Ok(claimed) => self.launch(claimed, free, tasks, cancel),
            Err(error) => {
                self.complain(&error);
                Some(now + POLL)
            }
        }
    }

    fn launch(
        self: &Arc<Self>,
        claimed: Claimed,
        free: usize,
        tasks: &TaskTracker,
        cancel: &CancellationToken,
    ) -> Option<Instant> {
        let crowded = claimed.claims.len() == free;
        self.crowded.store(crowded, Ordering::Release);
        for claim in claimed.claims {
            let poster = Arc::clone(self);
            let cancel = cancel.clone();
            self.flying.fetch_add(1, Ordering::AcqRel);
            tasks.spawn(async move { poster.work(claim, &cancel).await });
        }
        let until_due = claimed
            .next_due
            .map(|due| due.since(self.parts.clock.steady()));
        Some(Instant::now() + until_due.unwrap_or(POLL).min(POLL))
    }

    /// Nothing, or until when nothing may be claimed. Probes when it is time to.
    async fn pass_gate(&self, now: Instant) -> Option<Instant> {
        let gate = {
            let mut dependency = self.dependency();
            if dependency.paused_until.is_some_and(|until| until <= now) {
                dependency.paused_until = None;
            }
            if let Some(until) = dependency.paused_until {
                return Some(until);
            }
            dependency.breaker.gate(now)
        };
        match gate {
            Gate::Closed => None,
            Gate::Open { until } => Some(until),
            Gate::Probe => match self.parts.outlet.probe().await {
                Ok(()) => {
                    tracing::info!(queue = %self.parts.queue, "the other side of queue {} is back", self.parts.queue);
                    self.dependency().breaker.probe_answered();
                    None
                }
                Err(reason) => {
                    tracing::debug!(queue = %self.parts.queue, reason = %reason, "still away");
                    let now = Instant::now();
                    self.dependency().breaker.probe_failed(now);
                    Some(now)
                }
            },
        }
    }

    async fn wait(
        &self,
        until: Option<Instant>,
        wake: &mut Listener,
        lease: &mut lease::Watch,
        cancel: &CancellationToken,
    ) {
        let Some(until) = until else { return };
        let gated = self.dependency().paused_until.is_some() || self.is_open();
        // What more is due tells nothing to one who has no slot for it.
        let crowded = self.crowded.load(Ordering::Acquire);
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep_until(until) => {}
            // While the gate is closed no hint opens it.
            () = wake.rung(), if !gated && !crowded => {}
            Ok(()) = lease.changed(), if !gated => {}
            () = self.landing(crowded), if !gated => {}
        }
    }

    /// Waits for a turn. Nothing: we are stopping, or meanwhile the other side went away or asked us to wait.
    async fn turn(&self, cancel: &CancellationToken) -> Option<SemaphorePermit<'_>> {
        let turn = cancel
            .run_until_cancelled(self.turns.acquire())
            .await?
            .ok()?;
        let now = Instant::now();
        let dependency = self.dependency();
        let pauses = dependency.paused_until.is_some_and(|until| until > now);
        (!pauses && !dependency.breaker.is_open()).then_some(turn)
    }

    fn free(&self) -> usize {
        let flying = self.flying.load(Ordering::Acquire);
        self.parts.slots.saturating_sub(flying)
    }

    /// Until a slot is free; of a crowd, several.
    async fn landing(&self, crowded: bool) {
        self.landed.notified().await;
        if !crowded {
            return;
        }
        let several = async {
            while self.free() < self.parts.slots / TOGETHER {
                self.landed.notified().await;
            }
        };
        // Fewer are filled as well.
        drop(tokio::time::timeout(PATIENCE, several).await);
    }

    /// What an outcome says about the other side.
    fn learn(&self, outcome: &Outcome) {
        let now = Instant::now();
        let mut dependency = self.dependency();
        match outcome {
            Outcome::Opened(_)
            | Outcome::PartDone { .. }
            | Outcome::Delivered { post: Some(_) } => {
                self.created_at
                    .store(self.parts.clock.now().as_millis(), Ordering::Release);
                dependency.breaker.answered(now);
            }
            Outcome::Delivered { post: None }
            | Outcome::Answered { .. }
            | Outcome::Blocked { .. }
            | Outcome::Refused(_)
            | Outcome::Gone(_)
            | Outcome::RootGone => {
                dependency.breaker.answered(now);
            }
            Outcome::NotSent(reason) | Outcome::InDoubt { reason, .. } => {
                if dependency.breaker.failed(now) {
                    tracing::warn!(queue = %self.parts.queue, reason = %reason, "the other side of queue {} does not answer; waiting for it", self.parts.queue);
                }
            }
            Outcome::Pause { wait, reason } => {
                let until = now + super::retry::asked(*wait, self.chance());
                tracing::warn!(queue = %self.parts.queue, reason = %reason, pause.ms = wait.as_millis() as u64, "queue {} pauses", self.parts.queue);
                dependency.paused_until = Some(
                    dependency
                        .paused_until
                        .map_or(until, |earlier| earlier.max(until)),
                );
            }
            Outcome::ParkBehind => {}
        }
    }

    fn dependency(&self) -> MutexGuard<'_, Dependency> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn looks(&self) -> MutexGuard<'_, HashMap<Lane, Looks>> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn chance(&self) -> Chance {
        Chance::from_bits(u32::from_le_bytes(self.parts.clock.random()))
    }

    fn complain(&self, error: &StoreError) {
        match error {
            StoreError::Fenced { .. } => {
                tracing::info!(error = %error, "another process works the lanes now")
            }
            other => tracing::error!(error = %other, "the store did not take what had to be kept"),
        }
    }

    fn tell_failure(&self, claim: &Claim, outcome: &Outcome) {
        let (how, reason) = match outcome {
            Outcome::NotSent(reason) => (How::NotSent, reason),
            Outcome::InDoubt { reason, .. } => (How::InDoubt, reason),
            Outcome::Pause { reason, .. } => (How::Paused, reason),
            Outcome::Blocked { reason, .. } => (How::Blocked, reason),
            Outcome::Refused(reason) => (How::Refused, reason),
            _ => return,
        };
        self.tell(
            claim,
            What::Failed {
                how,
                reason: reason.text.clone(),
            },
        );
    }

    fn tell(&self, claim: &Claim, what: What) {
        (self.parts.watcher.0)(&Progress {
            lane: claim.lane.clone(),
            event: claim.event.clone(),
            what,
        });
    }
}
