//! The gate in front of one licence's `webhook_url`: while it fails, one reply at a time finds out whether it is back.
//!
//! The engine's breaker asks [`probe`](crate::delivery::outlet::Outlet::probe) before it lets lanes through again, but no harmless
//! question tells whether a webhook would take a reply: an address may answer while what stands behind it is down. So after failures in
//! a row the head of one lane is the question, once a second, and the others wait without a request. A signature that is not accepted is
//! not accepted for any lane: one asks once a minute.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{delivery::outlet::Reason, licence::Ireserve};

use super::call::Answered;

/// As many as open the engine's breaker.
const IN_A_ROW: u32 = 5;
const BETWEEN_TRIALS: Duration = Duration::from_secs(1);
/// As long as a blocked lane waits.
const NOT_ACCEPTED: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<State>); // plain: held for one decision, never across an await

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// The last failure was no connection at all.
    unreachable: bool,
    /// A trial is on its way.
    asking: bool,
    asked_at: Option<Instant>,
    shut: Option<Shut>,
}

/// Our signature is not accepted.
#[derive(Debug)]
struct Shut {
    until: Instant,
    reason: Reason,
    /// With which settings that was: with others it is worth a try at once.
    with: Ireserve,
}

/// The right to make one call.
#[derive(Debug)]
#[must_use = "a turn is taken for one call"]
pub(super) struct Turn<'a> {
    gate: &'a Gate,
    trial: bool,
}

impl Gate {
    /// Why nobody of this licence needs to ask now.
    pub(super) fn shut(&self, with: &Ireserve, now: Instant) -> Option<Reason> {
        let state = self.state();
        let shut = state.shut.as_ref()?;
        (now < shut.until && shut.with == *with).then(|| shut.reason.clone())
    }

    /// Nothing: it fails at present, and somebody else asks.
    pub(super) fn turn(&self, now: Instant) -> Option<Turn<'_>> {
        let mut state = self.state();
        let trial = state.failures >= IN_A_ROW;
        if trial {
            let soon = state
                .asked_at
                .is_some_and(|asked| now < asked + BETWEEN_TRIALS);
            if state.asking || soon {
                return None;
            }
            state.asking = true;
            state.asked_at = Some(now);
        }
        Some(Turn { gate: self, trial })
    }

    /// Whether not even a connection stood when it was last tried.
    pub(super) fn is_unreachable(&self) -> bool {
        self.state().unreachable
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// What the call came to.
    pub(super) fn came_to(self, answered: &Answered, with: &Ireserve, now: Instant) {
        let mut state = self.gate.state();
        state.unreachable = matches!(answered, Answered::NotSent(_));
        state.shut = None;
        match answered {
            Answered::Later { .. } | Answered::NotSent(_) | Answered::Unanswered(_) => {
                state.failures = state.failures.saturating_add(1);
            }
            Answered::NotAccepted(reason) => {
                state.failures = 0;
                state.shut = Some(Shut {
                    until: now + NOT_ACCEPTED,
                    reason: reason.clone(),
                    with: with.clone(),
                });
            }
            Answered::Taken(_) | Answered::Gone(_) | Answered::Refused(_) => state.failures = 0,
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.trial {
            self.gate.state().asking = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn failure() -> Answered {
        Answered::Later {
            wait: None,
            reason: Reason::new("i-reserve answered 503"),
        }
    }

    fn says(gate: &Gate, answered: &Answered, now: Instant) {
        let turn = gate.turn(now).expect("a turn is to be had");
        turn.came_to(answered, &Ireserve::default(), now);
    }

    #[test]
    fn after_five_failures_one_asks_once_a_second_until_it_is_taken() {
        let (gate, start) = (Gate::default(), Instant::now());
        for _ in 0..5 {
            says(&gate, &failure(), start);
        }
        let trial = gate.turn(start).expect("the first trial");
        assert!(
            gate.turn(start + Duration::from_secs(9)).is_none(),
            "one at a time"
        );
        drop(trial);
        assert!(
            gate.turn(start + Duration::from_millis(999)).is_none(),
            "not so soon"
        );
        let later = start + Duration::from_secs(1);
        says(&gate, &Answered::Taken(Bytes::new()), later);
        let all: Vec<_> = (0..8).map(|_| gate.turn(later)).collect();
        assert!(all.iter().all(Option::is_some), "taken: everybody may go");
    }

    #[test]
    fn a_signature_that_is_not_accepted_is_tried_once_a_minute_or_with_other_settings() {
        let (gate, start) = (Gate::default(), Instant::now());
        let reason = Reason::answered(401, "i-reserve answered 401");
        says(&gate, &Answered::NotAccepted(reason.clone()), start);
        let same = Ireserve::default();
        assert_eq!(
            gate.shut(&same, start + Duration::from_secs(59)),
            Some(reason)
        );
        assert_eq!(gate.shut(&same, start + NOT_ACCEPTED), None);
        let other = Ireserve {
            dangerous_plain_http: true,
            ..Ireserve::default()
        };
        assert_eq!(gate.shut(&other, start), None);
    }
}
