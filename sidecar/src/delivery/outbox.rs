//! The outbox: accept or shed, and wait for one event's outcome.
//!
//! At a bound we refuse before accepting; what was accepted is never dropped. An answer waits for the durable write.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use shared::{EventId, LicenceId};
use tokio::time::Instant;

use super::wake::{Settled, Wake};
use crate::{
    record::{Acceptance, NewEvent, Status},
    store::{Store, StoreError},
};

/// Waiting events of one licence, and of all.
const PER_LICENCE: u64 = 500_000;
const IN_ALL: u64 = 1_000_000;
/// A store that needs longer than this for its commits, for this long, accepts nothing more.
const SLOW_COMMIT: Duration = Duration::from_secs(1);
const SLOW_FOR: Duration = Duration::from_secs(5);
/// How long free space is believed.
const SPACE_KNOWN: Duration = Duration::from_secs(1);
/// Another process may have settled the event; then nobody tells us.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Why nothing of a request was accepted. The caller repeats the same ids after `retry_after`.
#[derive(Debug, thiserror::Error)]
pub enum Shed {
    /// More than the licence's `rate`.
    #[error("licence {licence} sends faster than its rate")]
    Rate {
        licence: LicenceId,
        retry_after: Duration,
    },
    /// Too much waits already.
    #[error("{waiting} events wait")]
    Backlog {
        waiting: u64,
        of_licence: bool,
        retry_after: Duration,
    },
    /// The store is nearly full, slow, or could not confirm; in the last case some may have been accepted.
    #[error("the store cannot take more: {reason}")]
    Store {
        reason: String,
        retry_after: Duration,
    },
}

/// Where accepted events go. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    store: Store,
    wake: Wake,
    settled: Settled,
    state: Arc<Mutex<State>>, // plain mutex: held for one decision, never across an await
}

#[derive(Debug, Default)]
struct State {
    rates: HashMap<LicenceId, Allowance>,
    slow_since: Option<Instant>,
    space: Option<(Instant, bool)>,
}

/// A licence's rate, as tokens: one second's worth may come at once.
#[derive(Debug)]
struct Allowance {
    tokens: f64,
    at: Instant,
}

impl Outbox {
    #[must_use]
    pub fn new(store: Store, wake: Wake, settled: Settled) -> Self {
        Self {
            store,
            wake,
            settled,
            state: Arc::default(),
        }
    }

    /// Whether so many events of a licence may come now; decided before anything of the request is accepted.
    ///
    /// # Errors
    /// [`Shed`], with the time to wait.
    pub async fn admit(
        &self,
        licence: &LicenceId,
        rate: Option<u32>,
        events: usize,
    ) -> Result<(), Shed> {
        if let Some(rate) = rate {
            self.spend(licence, rate, events)?;
        }
        self.check_backlog(licence).await?;
        self.check_speed()?;
        self.check_space().await
    }

    /// Keeps each event, or says what it repeats.
    ///
    /// # Errors
    /// [`Shed::Store`] when the store could not confirm: some may be accepted.
    pub async fn accept(&self, events: Vec<NewEvent>) -> Result<Vec<Acceptance>, Shed> {
        let began = Instant::now();
        let accepted = self.store.accept(events).await;
        self.note_speed(began.elapsed());
        let accepted = accepted.map_err(|error| unsure(&error))?;
        if accepted
            .iter()
            .any(|one| matches!(one, Acceptance::New { .. }))
        {
            self.wake.ring();
        }
        Ok(accepted)
    }

    /// The status of an event once it has settled, or what it is when the time is over.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn settled(
        &self,
        licence: &LicenceId,
        event: &EventId,
        within: Duration,
    ) -> Result<Option<Status>, StoreError> {
        let end = Instant::now() + within;
        loop {
            let told = self.settled.watch(licence, event);
            let status = self.store.status(licence, event).await?;
            if status
                .as_ref()
                .is_none_or(|status| status.status.is_settled())
                || Instant::now() >= end
            {
                drop(told);
                self.settled.unwatch(licence, event);
                return Ok(status);
            }
            tokio::select! {
                _ = told => {}
                () = tokio::time::sleep_until(end.min(Instant::now() + LOOK_AGAIN)) => {}
            }
        }
    }

    /// # Errors
    /// When the store cannot say.
    pub async fn status(
        &self,
        licence: &LicenceId,
        event: &EventId,
    ) -> Result<Option<Status>, StoreError> {
        self.store.status(licence, event).await
    }

    fn spend(&self, licence: &LicenceId, rate: u32, events: usize) -> Result<(), Shed> {
        let (now, rate) = (Instant::now(), f64::from(rate));
        let mut state = self.state();
        let allowance = state
            .rates
            .entry(licence.clone())
            .or_insert_with(|| Allowance {
                tokens: rate,
                at: now,
            });
        let earned = now.duration_since(allowance.at).as_secs_f64() * rate;
        allowance.tokens = (allowance.tokens + earned).min(rate);
        allowance.at = now;
        // A batch larger than the whole rate would never fit: it may pass when the allowance is full, and is paid off after.
        let events = f64::from(u32::try_from(events).unwrap_or(u32::MAX));
        if allowance.tokens >= events.min(rate) {
            allowance.tokens -= events;
            return Ok(());
        }
        let missing = (events.min(rate) - allowance.tokens) / rate;
        Err(Shed::Rate {
            licence: licence.clone(),
            retry_after: Duration::from_secs_f64(missing.max(1.0)),
        })
    }

    async fn check_backlog(&self, licence: &LicenceId) -> Result<(), Shed> {
        let (own, all) = self
            .store
            .waiting(licence)
            .await
            .map_err(|error| unsure(&error))?;
        let retry_after = Duration::from_secs(10);
        if own >= PER_LICENCE {
            return Err(Shed::Backlog {
                waiting: own,
                of_licence: true,
                retry_after,
            });
        }
        if all >= IN_ALL {
            return Err(Shed::Backlog {
                waiting: all,
                of_licence: false,
                retry_after,
            });
        }
        Ok(())
    }

    fn check_speed(&self) -> Result<(), Shed> {
        let mut state = self.state();
        match state.slow_since {
            Some(since) if since.elapsed() > SLOW_FOR => {
                // One request a while is let through, or nothing would ever show that the disk is fast again.
                state.slow_since = Some(Instant::now() - SLOW_FOR + Duration::from_secs(1));
                let reason = "its commits take longer than a second".into();
                Err(Shed::Store {
                    reason,
                    retry_after: Duration::from_secs(2),
                })
            }
            _ => Ok(()),
        }
    }

    fn note_speed(&self, took: Duration) {
        let mut state = self.state();
        state.slow_since = if took > SLOW_COMMIT {
            state.slow_since.or_else(|| Some(Instant::now()))
        } else {
            None
        };
    }

    async fn check_space(&self) -> Result<(), Shed> {
        let known = self
            .state()
            .space
            .filter(|(at, _)| at.elapsed() < SPACE_KNOWN);
        let full = match known {
            Some((_, full)) => full,
            None => {
                let health = self.store.health().await.map_err(|error| unsure(&error))?;
                let full = health
                    .free_bytes
                    .is_some_and(|free| free < health.reserve_bytes);
                self.state().space = Some((Instant::now(), full));
                full
            }
        };
        if full {
            let reason = "its disk is nearly full".into();
            return Err(Shed::Store {
                reason,
                retry_after: Duration::from_secs(30),
            });
        }
        Ok(())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unsure(error: &StoreError) -> Shed {
    Shed::Store {
        reason: error.to_string(),
        retry_after: Duration::from_secs(1),
    }
}
