//! Lanes: what follows from the outcome of an attempt at a lane's head.
//!
//! The head stays the head until its outcome is known, because what follows may be an answer to it. So an event that is
//! refused must step aside soon, or it would silence its conversation. Nothing in here waits, reads a clock or touches the
//! store: [`next`] is told what happened and says which store operation follows.

use std::time::Duration;

use shared::Timestamp;

use super::{
    outlet::{Outcome, Reason},
    retry::{self, Chance},
};
use crate::{
    record::{Claim, Doubt, Moment, Posted, Presence, Root, Step},
    store::Retry,
};

/// The one store operation that follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    Opened(Box<Root>),
    PartDone {
        post: Posted,
        next: Step,
    },
    Delivered {
        post: Option<Posted>,
    },
    /// It was taken, and the team may have to be told where its reader is.
    Answered {
        presence: Presence,
        returns: u32,
    },
    /// It ends without having been taken, and people are told.
    GiveUp(Reason),
    Retry(Retry),
    Park(Reason),
    /// The same attempt goes on with a root of this generation.
    NewRoot {
        generation: u32,
    },
}

/// What follows from `outcome` at `now`.
#[must_use]
pub fn next(claim: &Claim, outcome: Outcome, now: Moment, chance: Chance) -> Then {
    match outcome {
        Outcome::Opened(root) => Then::Opened(root),
        Outcome::PartDone { post, next } => Then::PartDone { post, next },
        Outcome::Delivered { post } => Then::Delivered { post },
        Outcome::Answered { presence, returns } => Then::Answered { presence, returns },
        Outcome::Gone(reason) => Then::GiveUp(reason),
        Outcome::RootGone => Then::NewRoot {
            generation: claim.mapping.as_ref().map_or(1, |root| root.generation + 1),
        },
        Outcome::ParkBehind => Then::Park(Reason::new("what it changes is parked")),
        outcome if is_over(claim, now.wall) && !is_doubt(&outcome) => {
            Then::Park(too_old(reason_of(&outcome)))
        }
        Outcome::NotSent(reason) => Then::Retry(again(
            claim,
            reason,
            retry::back_off(claim.attempts, chance),
            now,
        )),
        Outcome::Pause { wait, reason } => {
            Then::Retry(again(claim, reason, retry::asked(wait, chance), now))
        }
        Outcome::Blocked { channel, reason } => Then::Retry(Retry {
            blocked: Some(channel),
            ..again(claim, reason, retry::BLOCKED, now)
        }),
        Outcome::InDoubt { open, reason } => {
            Then::Retry(doubtful(claim, open, reason, now, chance))
        }
        Outcome::Refused(reason) => refused(claim, reason, now),
    }
}

/// The attempt had no effect. An earlier doubt stays what it was.
fn again(claim: &Claim, reason: Reason, wait: Duration, now: Moment) -> Retry {
    let certain = claim.doubt == Doubt::None;
    Retry {
        due: now.steady + wait,
        reason: reason.text,
        doubt: claim.doubt,
        refused: claim.refused,
        first_started: if certain { None } else { claim.first_started },
        last_ended: if certain {
            Some(now.wall)
        } else {
            claim.last_ended.or(Some(now.wall))
        },
        blocked: None,
    }
}

fn doubtful(claim: &Claim, open: bool, reason: Reason, now: Moment, chance: Chance) -> Retry {
    let doubt = match (claim.step.creates(), open || claim.doubt == Doubt::Open) {
        (false, _) => Doubt::None,
        (true, true) => Doubt::Open,
        (true, false) => Doubt::Ended,
    };
    Retry {
        due: now.steady + retry::back_off(claim.attempts, chance),
        reason: reason.text,
        doubt,
        refused: claim.refused,
        first_started: if doubt == Doubt::None {
            None
        } else {
            claim.first_started.or(Some(now.wall))
        },
        last_ended: Some(now.wall),
        blocked: None,
    }
}

/// In doubt an event is never parked: it may stand there already.
fn refused(claim: &Claim, reason: Reason, now: Moment) -> Then {
    let refused = claim.refused + 1;
    match retry::after_refusal(refused) {
        None if claim.doubt == Doubt::None => Then::Park(reason),
        wait => {
            let wait = wait.unwrap_or(retry::BLOCKED);
            Then::Retry(Retry {
                refused,
                ..again(claim, reason, wait, now)
            })
        }
    }
}

/// Two empty looks have shown that an attempt which had ended created nothing. It counts as a refusal if others got through
/// meanwhile: then it is this event, not the other side.
#[must_use]
pub fn never_created(claim: &Claim, others_got_through: bool, now: Moment, chance: Chance) -> Then {
    let certain = Claim {
        doubt: Doubt::None,
        first_started: None,
        ..claim.clone()
    };
    let reason = Reason::new("the other side failed on it, and nothing was created");
    if others_got_through {
        return refused(&certain, reason, now);
    }
    Then::Retry(again(
        &certain,
        reason,
        retry::back_off(claim.attempts, chance),
        now,
    ))
}

/// Whether it has waited longer than anything may. In doubt it waits on: it may stand there already.
#[must_use]
pub fn is_over(claim: &Claim, now: Timestamp) -> bool {
    claim.doubt == Doubt::None && retry::is_too_old(claim.accepted_at, now)
}

fn too_old(last: Option<&Reason>) -> Reason {
    let last = last.map_or("never tried", |reason| reason.text.as_str());
    Reason::new(format!("not delivered within 7 days; last: {last}"))
}

const fn is_doubt(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::InDoubt { .. })
}

const fn reason_of(outcome: &Outcome) -> Option<&Reason> {
    match outcome {
        Outcome::NotSent(reason) | Outcome::Refused(reason) => Some(reason),
        Outcome::InDoubt { reason, .. }
        | Outcome::Pause { reason, .. }
        | Outcome::Blocked { reason, .. } => Some(reason),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::scripted::claim;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const MOMENT: Moment = Moment {
        wall: NOW,
        steady: NOW,
    };

    fn after(claim: &Claim, outcome: Outcome) -> Then {
        next(claim, outcome, MOMENT, Chance::from_bits(0))
    }

    fn retried(then: Then) -> Retry {
        match then {
            Then::Retry(retry) => retry,
            other => panic!("expected a retry, got {other:?}"),
        }
    }

    #[test]
    fn what_never_left_counts_nothing_and_clears_the_first_attempt() {
        let fresh = Claim {
            first_started: Some(NOW),
            accepted_at: NOW,
            ..claim("evt")
        };
        let retry = retried(after(
            &fresh,
            Outcome::NotSent(Reason::new("no connection")),
        ));
        assert_eq!(
            (retry.refused, retry.doubt, retry.first_started),
            (0, Doubt::None, None)
        );
    }

    #[test]
    fn a_refusal_does_not_clear_an_earlier_doubt_and_parks_nothing_in_doubt() {
        let doubtful = Claim {
            doubt: Doubt::Open,
            refused: 2,
            first_started: Some(NOW),
            accepted_at: NOW,
            ..claim("evt")
        };
        let retry = retried(after(&doubtful, Outcome::Refused(Reason::new("400"))));
        assert_eq!(
            (retry.doubt, retry.refused, retry.first_started),
            (Doubt::Open, 3, Some(NOW))
        );
        let certain = Claim {
            doubt: Doubt::None,
            ..doubtful
        };
        assert_eq!(
            after(&certain, Outcome::Refused(Reason::new("400"))),
            Then::Park(Reason::new("400"))
        );
    }

    #[test]
    fn a_timeout_is_doubt_for_what_creates_and_none_for_what_does_not() {
        let creating = Claim {
            accepted_at: NOW,
            ..claim("evt")
        };
        let timeout = || Outcome::InDoubt {
            open: true,
            reason: Reason::new("no answer within 8 s"),
        };
        assert_eq!(retried(after(&creating, timeout())).doubt, Doubt::Open);
        let changing = Claim {
            step: Step::Change,
            ..creating
        };
        assert_eq!(retried(after(&changing, timeout())).doubt, Doubt::None);
    }

    #[test]
    fn an_open_doubt_stays_open_when_a_later_attempt_ended() {
        let open = Claim {
            doubt: Doubt::Open,
            first_started: Some(NOW),
            accepted_at: NOW,
            ..claim("evt")
        };
        let ended = Outcome::InDoubt {
            open: false,
            reason: Reason::new("500"),
        };
        assert_eq!(retried(after(&open, ended)).doubt, Doubt::Open);
    }

    #[test]
    fn after_seven_days_it_is_parked_with_its_last_reason_unless_in_doubt() {
        let old = Claim {
            accepted_at: NOW - Duration::from_secs(8 * 24 * 3600),
            ..claim("evt")
        };
        let Then::Park(reason) = after(&old, Outcome::NotSent(Reason::new("no connection"))) else {
            panic!("parks")
        };
        assert!(reason.text.contains("no connection"));
        let doubtful = Claim {
            doubt: Doubt::Open,
            ..old
        };
        assert!(matches!(
            after(&doubtful, Outcome::NotSent(Reason::new("x"))),
            Then::Retry(_)
        ));
    }

    #[test]
    fn a_server_error_is_this_events_fault_only_when_others_got_through() {
        let ended = Claim {
            doubt: Doubt::Ended,
            first_started: Some(NOW),
            accepted_at: NOW,
            ..claim("evt")
        };
        let chance = Chance::from_bits(0);
        assert_eq!(
            retried(never_created(&ended, true, MOMENT, chance)).refused,
            1
        );
        let retry = retried(never_created(&ended, false, MOMENT, chance));
        assert_eq!((retry.refused, retry.doubt), (0, Doubt::None));
    }
}
