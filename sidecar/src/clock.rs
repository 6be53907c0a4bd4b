//! What we ask the system for: wall time, and bytes that nobody can guess.
//!
//! Everything else gets `now` as an argument. [`Clock::simulated`] follows tokio's time, which a test can pause and advance, and can be
//! shifted against it, as a corrected system clock is. [`Clock::steady`] never jumps: what is due when is measured by it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use shared::Timestamp;

use crate::record::Moment;

/// Wall time and randomness. A clone tells the same time.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System(Began),
    Simulated(Arc<Simulated>),
}

/// A moment by both clocks.
#[derive(Clone, Copy)]
struct Began {
    wall: Timestamp,
    monotonic: tokio::time::Instant,
}

struct Simulated {
    began: Began,
    shifted_ms: AtomicI64,
}

impl Clock {
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System(Began {
            wall: system_now(),
            monotonic: tokio::time::Instant::now(),
        }))
    }

    /// It is `start` now, and from here on as much later as tokio's clock says. For tests.
    #[must_use]
    pub fn simulated(start: Timestamp) -> Self {
        let began = Began {
            wall: start,
            monotonic: tokio::time::Instant::now(),
        };
        Self(Source::Simulated(Arc::new(Simulated {
            began,
            shifted_ms: AtomicI64::new(0),
        })))
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System(_) => system_now(),
            Source::Simulated(clock) => {
                let shifted = clock.shifted_ms.load(Ordering::Relaxed);
                Timestamp::from_millis(self.steady().as_millis().saturating_add(shifted))
            }
        }
    }

    /// What the wall said when this process began, and as much later as has passed since: it never jumps.
    #[must_use]
    pub fn steady(&self) -> Timestamp {
        let began = match &self.0 {
            Source::System(began) => *began,
            Source::Simulated(clock) => clock.began,
        };
        began.wall + began.monotonic.elapsed()
    }

    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment {
            wall: self.now(),
            steady: self.steady(),
        }
    }

    /// Moves a simulated clock, and all its clones, by so many milliseconds in either direction. The system's clock is not ours to move.
    pub fn shift(&self, milliseconds: i64) {
        if let Source::Simulated(clock) = &self.0 {
            clock.shifted_ms.fetch_add(milliseconds, Ordering::Relaxed);
        }
    }

    /// Bytes that nobody can guess: keys, nonces, ids.
    ///
    /// # Panics
    /// When the system gives no randomness: without it nothing that follows could be safe.
    #[must_use]
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).expect("the system has a source of randomness");
        bytes
    }

    /// A seed for spreading retries; no secret.
    #[must_use]
    pub fn seed(&self) -> u64 {
        u64::from_le_bytes(self.random())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks the system for the time"
)]
fn system_now() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_simulated_clock_follows_paused_time_and_can_jump_back() {
        let start = Timestamp::from_millis(1_700_000_000_000);
        let clock = Clock::simulated(start);
        let twin = clock.clone();
        assert_eq!(clock.now(), start);
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(clock.now(), start + Duration::from_secs(90));
        clock.shift(-86_400_000);
        assert_eq!(
            twin.now(),
            start + Duration::from_secs(90) - Duration::from_secs(86_400)
        );
    }

    #[test]
    fn the_system_clock_is_past_2025_and_random_bytes_differ() {
        let clock = Clock::system();
        assert!(clock.now() > Timestamp::from_millis(1_735_689_600_000));
        assert_ne!(clock.random::<32>(), clock.random::<32>());
    }
}
