//! One attempt at a lane's head, from the claim to the store operation that ends it.

use std::{future::Future, panic::AssertUnwindSafe, sync::atomic::Ordering, time::Duration};

use futures_util::FutureExt as _;
use shared::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Poster, What};
use crate::{
    delivery::{
        doubt::{self, Next},
        lane::{self, Then},
        outlet::{Aim, Found, Outcome, Outlet, Reason},
    },
    record::{Claim, Posted, Presence, Step},
    store::{Delivered, Park, Retry, StoreError},
};

/// While the store cannot keep an outcome it is held in memory and offered again; the post stands already.
const STORE_AGAIN: Duration = Duration::from_millis(500);

impl<O: Outlet> Poster<O> {
    /// Works a lane as long as it may go on.
    pub(super) async fn work(&self, claim: Claim, cancel: &CancellationToken) {
        let mut next = Some(claim);
        while let Some(claim) = next {
            // A step that is done is recorded with the next one noted, so stopping here leaves at worst a doubtful head.
            next = if cancel.is_cancelled() {
                None
            } else {
                self.guarded(claim, cancel).await
            };
        }
        self.flying.fetch_sub(1, Ordering::AcqRel);
        self.landed.notify_one();
    }

    /// A panic is caught here: nobody knows what it did, so the lane is in doubt.
    async fn guarded(&self, claim: Claim, cancel: &CancellationToken) -> Option<Claim> {
        let attempt = AssertUnwindSafe(self.attempt(claim.clone(), cancel)).catch_unwind();
        if let Ok(next) = attempt.await {
            return next;
        }
        tracing::error!(
            licence.id = %claim.lane.licence, event.id = %claim.event,
            "a panic while event {} was brought over; its lane is looked at before the next try", claim.event,
        );
        let outcome = Outcome::InDoubt {
            open: true,
            reason: Reason::new("an error in this program"),
        };
        self.settle(claim, outcome, cancel).await
    }

    async fn attempt(&self, mut claim: Claim, cancel: &CancellationToken) -> Option<Claim> {
        let Some(turn) = self.turn(cancel).await else {
            return self.put_back(claim, cancel).await;
        };
        let now = self.parts.clock.now();
        if !self
            .parts
            .lease
            .borrow()
            .is_some_and(|held| held.covers_an_attempt(Instant::now()))
        {
            return self
                .settle(
                    claim,
                    Outcome::NotSent(Reason::new("the lease is about to end")),
                    cancel,
                )
                .await;
        }
        if lane::is_over(&claim, now) {
            let outcome = Outcome::NotSent(Reason::new("it waited too long"));
            return self.settle(claim, outcome, cancel).await;
        }
        claim.wanted = (self.parts.follow.wanted)(&claim, now);
        if doubt::must_look(&claim) {
            claim = match self.look(claim, cancel).await {
                Looked::Post(claim) => *claim,
                Looked::Ended(next) => return next.map(|claim| *claim),
            };
        }
        match self.parts.outlet.aim(&claim).await {
            Aim::Nothing => {
                self.settle(claim, Outcome::Delivered { post: None }, cancel)
                    .await
            }
            Aim::End(outcome) => self.settle(claim, *outcome, cancel).await,
            Aim::Step { step, look_from } => {
                let claim = self.aimed(claim, step, look_from, cancel).await?;
                self.tell(
                    &claim,
                    What::Tried {
                        step: claim.step,
                        attempt: claim.attempts,
                    },
                );
                let outcome = self.parts.outlet.post(&claim).await;
                // The next one asks while this end is recorded.
                drop(turn);
                self.settle(claim, outcome, cancel).await
            }
        }
    }

    /// Nothing was asked, so nothing was learnt; its lane is due at once, for whoever may ask again.
    async fn put_back(&self, claim: Claim, cancel: &CancellationToken) -> Option<Claim> {
        let untried = Outcome::Pause {
            wait: Duration::ZERO,
            reason: Reason::new("waiting for the other side"),
        };
        let then = lane::next(&claim, untried, self.parts.clock.moment(), self.chance());
        self.record(claim, then, cancel).await
    }

    /// The step is noted before its request, when it is not the claimed one.
    async fn aimed(
        &self,
        claim: Claim,
        step: Step,
        look_from: Option<Timestamp>,
        cancel: &CancellationToken,
    ) -> Option<Claim> {
        if step == claim.step && look_from == claim.look_from {
            return Some(claim);
        }
        let now = self.parts.clock.now();
        let wanted = claim.wanted.clone();
        let noted = self
            .keep(cancel, || {
                self.parts.store.step(&claim, step, look_from, now)
            })
            .await?;
        let noted = Claim { wanted, ..noted };
        // What a root quotes is known only once its step is.
        Some(Claim {
            wanted: (self.parts.follow.wanted)(&noted, now),
            ..noted
        })
    }

    /// In doubt: look before you repeat.
    async fn look(&self, claim: Claim, cancel: &CancellationToken) -> Looked {
        let now = self.parts.clock.now();
        match self.parts.outlet.look(&claim).await {
            Found::Here(outcome) => {
                Looked::Ended(self.settle(claim, *outcome, cancel).await.map(Box::new))
            }
            Found::Failed(outcome) => {
                Looked::Ended(self.settle(claim, *outcome, cancel).await.map(Box::new))
            }
            Found::Gone => {
                self.looks().remove(&claim.lane);
                Looked::Ended(
                    self.settle(claim, Outcome::RootGone, cancel)
                        .await
                        .map(Box::new),
                )
            }
            Found::Absent => self.absent(claim, now, cancel).await,
        }
    }

    async fn absent(&self, claim: Claim, now: Timestamp, cancel: &CancellationToken) -> Looked {
        let looks = self.looks().get(&claim.lane).copied().unwrap_or_default();
        let memory = self.parts.remembers
            || claim
                .first_started
                .is_some_and(|first| first >= self.started);
        match doubt::after_empty_look(&claim, looks, memory, now) {
            Next::Repeat => Looked::Post(Box::new(claim)),
            Next::LookAgain { at, looks } => {
                self.looks().insert(claim.lane.clone(), looks);
                let retry = Retry {
                    due: self.parts.clock.steady() + at.since(now),
                    reason: "waiting to see whether an earlier attempt created it".into(),
                    doubt: claim.doubt,
                    refused: claim.refused,
                    first_started: claim.first_started,
                    last_ended: claim.last_ended.or(Some(now)),
                    blocked: None,
                };
                self.record(claim, Then::Retry(retry), cancel).await;
                Looked::Ended(None)
            }
            Next::Certain => {
                self.looks().remove(&claim.lane);
                self.certain(claim, now, cancel).await
            }
        }
    }

    /// It was never created. An open attempt is simply made again, with a first attempt of its own; an ended one may be this
    /// event's fault.
    async fn certain(&self, claim: Claim, now: Timestamp, cancel: &CancellationToken) -> Looked {
        if claim.doubt == crate::record::Doubt::Ended {
            let created = Timestamp::from_millis(self.created_at.load(Ordering::Acquire));
            let others = claim.first_started.is_some_and(|first| created > first);
            let then =
                lane::never_created(&claim, others, self.parts.clock.moment(), self.chance());
            return Looked::Ended(self.record(claim, then, cancel).await.map(Box::new));
        }
        let anew = self
            .keep(cancel, || self.parts.store.renew(&claim, now))
            .await;
        match anew {
            Some(fresh) => Looked::Post(Box::new(Claim {
                wanted: claim.wanted,
                ..fresh
            })),
            None => Looked::Ended(None),
        }
    }

    /// From an outcome to the one store operation that follows it.
    async fn settle(
        &self,
        claim: Claim,
        outcome: Outcome,
        cancel: &CancellationToken,
    ) -> Option<Claim> {
        self.learn(&outcome);
        self.tell_failure(&claim, &outcome);
        let then = lane::next(&claim, outcome, self.parts.clock.moment(), self.chance());
        self.record(claim, then, cancel).await
    }

    async fn record(&self, claim: Claim, then: Then, cancel: &CancellationToken) -> Option<Claim> {
        let now = self.parts.clock.now();
        let store = &self.parts.store;
        match then {
            Then::Opened(root) => self.keep(cancel, || store.opened(&claim, &root, now)).await,
            Then::PartDone { post, next } => {
                self.keep(cancel, || store.part_done(&claim, &post, next, now))
                    .await
            }
            Then::NewRoot { generation } => {
                // A step that was noted before its root stood finds none after a restart: nothing is gone then.
                if claim.mapping.is_some() {
                    tracing::warn!(
                        licence.id = %claim.lane.licence, event.id = %claim.event,
                        "the root of lane {} is gone; opening generation {generation}", claim.lane,
                    );
                }
                self.keep(cancel, || {
                    store.step(&claim, Step::Root(generation), None, now)
                })
                .await
            }
            Then::Delivered { post } => self.deliver(claim, End::Taken(post), cancel).await,
            Then::Answered { presence, returns } => {
                self.deliver(claim, End::Answered(presence, returns), cancel)
                    .await
            }
            Then::GiveUp(reason) => self.deliver(claim, End::Gone(&reason), cancel).await,
            Then::Retry(retry) => {
                tracing::debug!(
                    licence.id = %claim.lane.licence, event.id = %claim.event, attempt.number = claim.attempts,
                    "event {} was not brought over: {}", claim.event, retry.reason,
                );
                self.keep(cancel, || store.retry(&claim, &retry)).await?;
                None
            }
            Then::Park(reason) => {
                self.park(claim, &reason, cancel).await;
                None
            }
        }
    }

    async fn deliver(
        &self,
        claim: Claim,
        ending: End<'_>,
        cancel: &CancellationToken,
    ) -> Option<Claim> {
        let go_on = !cancel.is_cancelled() && !self.crowded.load(Ordering::Acquire);
        let now = self.parts.clock.moment();
        let follow = &self.parts.follow;
        let is_taken = !matches!(ending, End::Gone(_));
        let (post, sequels) = match ending {
            End::Taken(post) => (post, Vec::new()),
            End::Answered(presence, returns) => {
                (None, (follow.answered)(&claim, presence, returns, now.wall))
            }
            End::Gone(reason) => (None, (follow.sequels)(&claim, reason, now.wall)),
        };
        let mark = (follow.mark)(&claim, is_taken);
        let rings = claim.wanted.is_some() || mark.is_some() || !sequels.is_empty();
        let end = Delivered {
            post,
            wanted: claim.wanted.clone(),
            sequels,
            mark,
            go_on,
            now,
        };
        let next = self
            .keep(cancel, || self.parts.store.delivered(&claim, &end))
            .await?;
        self.looks().remove(&claim.lane);
        self.parts.settled.tell(&claim.lane.licence, &claim.event);
        self.tell(
            &claim,
            What::Delivered {
                after: now.wall.since(claim.accepted_at),
            },
        );
        if rings {
            self.parts.wake.ring();
        }
        next
    }

    async fn park(&self, claim: Claim, reason: &Reason, cancel: &CancellationToken) {
        let now = self.parts.clock.moment();
        let park = Park {
            reason: reason.text.clone(),
            wanted: None,
            placeholder: (self.parts.follow.placeholder)(&claim, reason),
            sequels: (self.parts.follow.sequels)(&claim, reason, now.wall),
            mark: (self.parts.follow.mark)(&claim, false),
            now,
        };
        if self
            .keep(cancel, || self.parts.store.park(&claim, &park))
            .await
            .is_none()
        {
            return;
        }
        tracing::info!(
            licence.id = %claim.lane.licence, event.id = %claim.event, failed.id = claim.seq,
            "event {} of lane {} parked after {} attempts: {}", claim.event, claim.lane, claim.attempts, reason,
        );
        self.parts.settled.tell(&claim.lane.licence, &claim.event);
        self.tell(
            &claim,
            What::Parked {
                reason: reason.text.clone(),
            },
        );
        self.parts.wake.ring();
    }

    /// Offers an effect to the store until it is kept. Nothing: the lanes are another's, or we are stopping; then the head is
    /// doubtful and whoever works it next looks first.
    async fn keep<T, F>(&self, cancel: &CancellationToken, effect: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        loop {
            match effect().await {
                Ok(value) => return Some(value),
                Err(error) => {
                    self.complain(&error);
                    if !matches!(error, StoreError::Unavailable { .. }) || cancel.is_cancelled() {
                        return None;
                    }
                }
            }
            tokio::time::sleep(STORE_AGAIN).await;
        }
    }
}

/// How a delivery is over.
enum End<'a> {
    Taken(Option<Posted>),
    /// Taken, with a word about its reader.
    Answered(Presence, u32),
    /// Not taken, and never wanted again.
    Gone(&'a Reason),
}

enum Looked {
    /// It may be created now.
    Post(Box<Claim>),
    /// The attempt is over; the lane may go on with this.
    Ended(Option<Box<Claim>>),
}
