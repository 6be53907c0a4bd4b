//! How long each step of the end may take.

use std::time::Duration;

use crate::http::Limits;

/// Whoever tells us to stop kills us when it takes too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ends {
    /// Deliveries and requests in flight.
    pub(super) in_flight: Duration,
    /// Everything else that still runs.
    pub(super) rest: Duration,
    /// Giving the lanes back and noting a clean stop.
    pub(super) store: Duration,
}

impl Ends {
    /// A plugin kills its sidecar after 7 s, so that one is gone after 6 s; others have 15 s.
    pub(super) const fn of(managed: bool) -> Self {
        if managed {
            Self {
                in_flight: Duration::from_secs(4),
                rest: Duration::from_millis(750),
                store: Duration::from_millis(750),
            }
        } else {
            Self {
                in_flight: Duration::from_secs(10),
                rest: Duration::from_secs(2),
                store: Duration::from_millis(1_500),
            }
        }
    }

    /// Of requests: what is in flight when we are told to stop has no longer than deliveries have.
    pub(super) fn limits(self) -> Limits {
        Limits {
            drain: self.in_flight,
            ..Limits::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_steps_together_leave_time_for_the_runtime_to_end() {
        let all = |managed| {
            let ends = Ends::of(managed);
            ends.in_flight + ends.rest + ends.store
        };
        assert!(all(true) <= Duration::from_millis(5_500));
        assert!(all(false) <= Duration::from_millis(13_500));
        assert_eq!(Ends::of(true).limits().drain, Duration::from_secs(4));
    }
}
