//! Doubt: an attempt whose outcome is not known may have created its post. Look before you repeat.
//!
//! Mattermost remembers a `pending_post_id` for 30 s from the start of a request, in one node's memory. So a repeat soon after
//! the first attempt becomes the same post; later only a look, after the request can no longer be running, tells the truth.

use std::time::Duration;

use shared::Timestamp;

use crate::record::{Claim, Doubt};

/// How long after the first attempt one empty look is enough to post again.
///
/// 30 s from the start of the first request, minus our own deadline of 8 s, leaves 2 s to spare. Raising this turns a slow
/// database into visible duplicates.
const REPEAT_WINDOW: Duration = Duration::from_secs(20);
/// How long a request may still run in Mattermost after we gave it up: its limit on SQL is 30 s.
const SETTLE: Duration = Duration::from_secs(35);
/// Reads may come from a replica that lags behind, so one empty look is not believed.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

/// Whether the claimed step may have been taken already.
#[must_use]
pub const fn must_look(claim: &Claim) -> bool {
    claim.step.creates() && !matches!(claim.doubt, Doubt::None)
}

/// The empty looks so far, for one step of one event. In memory only: after a restart they are taken anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Looks {
    /// When the first look that counts was empty.
    first_empty: Option<Timestamp>,
}

/// What an empty look allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Post again with the same `pending_post_id`; the doubt stays.
    Repeat,
    /// Look again then.
    LookAgain { at: Timestamp, looks: Looks },
    /// It was never created. An ended attempt may count as a refusal.
    Certain,
}

/// `memory` says whether Mattermost can still know the `pending_post_id` of the first attempt (it cannot, for example, when we
/// talk to another address since).
#[must_use]
pub fn after_empty_look(claim: &Claim, looks: Looks, memory: bool, now: Timestamp) -> Next {
    if claim.doubt == Doubt::Open && memory && within_repeat_window(claim, now) {
        return Next::Repeat;
    }
    let settled = match (claim.doubt, claim.last_ended) {
        (Doubt::Open, Some(ended)) => ended + SETTLE,
        (Doubt::Open, None) => claim.first_started.unwrap_or(now) + SETTLE,
        (Doubt::Ended | Doubt::None, _) => now,
    };
    // A wall clock that was set back must not hold a lane for longer than the wait itself.
    if now < settled {
        return Next::LookAgain {
            at: settled.min(now + SETTLE),
            looks,
        };
    }
    match looks.first_empty {
        Some(first) if now.since(first) >= BETWEEN_LOOKS => Next::Certain,
        Some(first) if first <= now => Next::LookAgain {
            at: first + BETWEEN_LOOKS,
            looks,
        },
        _ => Next::LookAgain {
            at: now + BETWEEN_LOOKS,
            looks: Looks {
                first_empty: Some(now),
            },
        },
    }
}

fn within_repeat_window(claim: &Claim, now: Timestamp) -> bool {
    claim
        .first_started
        .is_some_and(|first| now >= first && now.since(first) <= REPEAT_WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::scripted::claim;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn doubtful(doubt: Doubt) -> Claim {
        Claim {
            doubt,
            first_started: Some(at(100)),
            last_ended: Some(at(108)),
            ..claim("evt")
        }
    }

    #[test]
    fn soon_after_the_first_attempt_one_empty_look_is_enough() {
        assert_eq!(
            after_empty_look(&doubtful(Doubt::Open), Looks::default(), true, at(120)),
            Next::Repeat
        );
    }

    #[test]
    fn later_it_waits_until_the_request_is_over_and_looks_twice() {
        let claim = doubtful(Doubt::Open);
        let Next::LookAgain { at: settled, looks } =
            after_empty_look(&claim, Looks::default(), true, at(121))
        else {
            panic!("must wait for the request to end")
        };
        assert_eq!(settled, at(143));
        let Next::LookAgain { at: second, looks } = after_empty_look(&claim, looks, true, settled)
        else {
            panic!("one empty look is not believed")
        };
        assert_eq!(second, at(148));
        assert!(
            matches!(
                after_empty_look(&claim, looks, true, at(147)),
                Next::LookAgain { .. }
            ),
            "too early"
        );
        assert_eq!(after_empty_look(&claim, looks, true, second), Next::Certain);
    }

    #[test]
    fn an_ended_request_needs_no_settling_but_two_looks() {
        let claim = doubtful(Doubt::Ended);
        let Next::LookAgain { at: second, looks } =
            after_empty_look(&claim, Looks::default(), true, at(109))
        else {
            panic!("one empty look is not believed")
        };
        assert_eq!(
            (second, after_empty_look(&claim, looks, true, at(114))),
            (at(114), Next::Certain)
        );
    }

    #[test]
    fn another_address_or_a_clock_set_back_switches_the_early_repeat_off() {
        let claim = doubtful(Doubt::Open);
        assert!(matches!(
            after_empty_look(&claim, Looks::default(), false, at(101)),
            Next::LookAgain { .. }
        ));
        let Next::LookAgain { at: then, .. } =
            after_empty_look(&claim, Looks::default(), true, at(50))
        else {
            panic!("a first attempt in the future proves nothing")
        };
        assert_eq!(then, at(85), "at most the settle time from now");
    }
}
