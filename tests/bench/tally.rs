//! Durations, counted and ranked.

use std::time::Duration;

/// Many waits, sorted.
#[derive(Debug, Default)]
pub(crate) struct Waits(Vec<Duration>);

impl Waits {
    pub(crate) fn of(mut waits: Vec<Duration>) -> Self {
        waits.sort_unstable();
        Self(waits)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The wait that this share of all does not exceed (nearest rank); nothing measured is no wait.
    pub(crate) fn at(&self, share: f64) -> Duration {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0
            .get(rank.clamp(1, self.0.len().max(1)) - 1)
            .copied()
            .unwrap_or_default()
    }

    /// `p50 1.2 ms, p99 3.4 ms, longest 9.9 ms`.
    pub(crate) fn spread(&self) -> String {
        format!(
            "p50 {}, p99 {}, longest {}",
            millis(self.at(0.5)),
            millis(self.at(0.99)),
            millis(self.at(1.0))
        )
    }
}

/// What came of a load: how long it took, and how long each call did.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) took: Duration,
    pub(crate) waits: Waits,
}

impl Tally {
    /// Calls per second.
    pub(crate) fn rate(&self) -> f64 {
        per_second(self.waits.count(), self.took)
    }
}

pub(crate) fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(f64::EPSILON)
}

/// The middle one of several measurements.
pub(crate) fn median(mut of: Vec<f64>) -> f64 {
    of.sort_unstable_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or_default()
}

pub(crate) fn millis(wait: Duration) -> String {
    format!("{:.1} ms", wait.as_secs_f64() * 1_000.0)
}
