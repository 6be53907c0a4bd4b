//! Breakers: a dependency that is down is asked once in a while, not by everybody.
//!
//! Pure: it is told what happened and when, and says whether anything may be claimed. While it is open the lanes keep their
//! place and cost nothing; only a harmless probe goes out.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// Opens after so many failures in a row …
const IN_A_ROW: u32 = 5;
/// … or when at least half of at least so many attempts of the last ten seconds failed.
const ENOUGH: usize = 20;
const WINDOW: Duration = Duration::from_secs(10);
/// The first probe comes after this, the next ones after twice as long each, up to the longest.
const FIRST_PROBE: Duration = Duration::from_secs(1);
const LONGEST_PROBE: Duration = Duration::from_secs(5);

/// One dependency.
#[derive(Debug, Default)]
pub struct Breaker {
    in_a_row: u32,
    recent: VecDeque<(Instant, bool)>,
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    probe_at: Instant,
    wait: Duration,
}

/// Whether anything may be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    Closed,
    /// Nothing before then.
    Open {
        until: Instant,
    },
    /// It is time to ask something harmless.
    Probe,
}

impl Breaker {
    #[must_use]
    pub fn gate(&self, now: Instant) -> Gate {
        match self.open {
            None => Gate::Closed,
            Some(open) if now >= open.probe_at => Gate::Probe,
            Some(open) => Gate::Open {
                until: open.probe_at,
            },
        }
    }

    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The dependency answered, whatever it said.
    pub fn answered(&mut self, now: Instant) {
        self.in_a_row = 0;
        self.note(now, true);
    }

    /// It did not answer. Says whether this opened the breaker.
    pub fn failed(&mut self, now: Instant) -> bool {
        self.in_a_row += 1;
        self.note(now, false);
        let failures = self.recent.iter().filter(|(_, fine)| !fine).count();
        let too_many = self.recent.len() >= ENOUGH && failures * 2 >= self.recent.len();
        if self.open.is_some() || (self.in_a_row < IN_A_ROW && !too_many) {
            return false;
        }
        self.open = Some(Open {
            probe_at: now + FIRST_PROBE,
            wait: FIRST_PROBE,
        });
        true
    }

    /// The probe was answered: everything may go on.
    pub fn probe_answered(&mut self) {
        *self = Self::default();
    }

    pub fn probe_failed(&mut self, now: Instant) {
        let wait = self
            .open
            .map_or(FIRST_PROBE, |open| (open.wait * 2).min(LONGEST_PROBE));
        self.open = Some(Open {
            probe_at: now + wait,
            wait,
        });
    }

    fn note(&mut self, now: Instant, fine: bool) {
        self.recent.push_back((now, fine));
        while self
            .recent
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) > WINDOW)
            || self.recent.len() > 1_000
        {
            self.recent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_in_a_row_open_it_and_probes_come_ever_more_slowly() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        let opened: Vec<bool> = (0..5).map(|_| breaker.failed(start)).collect();
        assert_eq!(opened, [false, false, false, false, true]);
        let mut now = start;
        for wait in [1, 2, 4, 5, 5] {
            let until = now + Duration::from_secs(wait);
            assert_eq!(breaker.gate(now), Gate::Open { until });
            assert_eq!(breaker.gate(until), Gate::Probe);
            now = until;
            breaker.probe_failed(now);
        }
        breaker.probe_answered();
        assert_eq!(breaker.gate(now), Gate::Closed);
    }

    #[test]
    fn half_of_twenty_failing_within_ten_seconds_opens_it() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        let mut opened = false;
        for _ in 0..10 {
            breaker.answered(start);
            opened |= breaker.failed(start);
        }
        assert!(opened);
    }

    #[test]
    fn rare_failures_and_old_ones_do_not_open_it() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        for second in 0..100 {
            breaker.answered(start + Duration::from_secs(second));
            breaker.answered(start + Duration::from_secs(second));
            assert!(!breaker.failed(start + Duration::from_secs(second)));
        }
    }
}
