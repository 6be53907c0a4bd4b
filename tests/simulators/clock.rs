//! The time a simulated server believes in: milliseconds since 1970, ahead of ours by what a test asks for.
//!
//! It runs on tokio's clock, so it stands still under paused time, and it can be moved on without waiting: that is how a test
//! lets the thirty seconds of a `pending_post_id` pass.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// One server's clock.
#[derive(Debug)]
pub struct Clock {
    wall_at_start: i64,
    start: Instant,
    ahead: AtomicI64,
}

impl Clock {
    /// A clock that shows the machine's time.
    #[must_use]
    pub fn start() -> Self {
        Self {
            wall_at_start: wall_millis(),
            start: Instant::now(),
            ahead: AtomicI64::new(0),
        }
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.wall_at_start + millis(self.elapsed()) + self.ahead.load(Ordering::Relaxed)
    }

    /// Since this clock was made, without what it was moved on.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Moves the clock on: everything that expires by it is that much older.
    pub fn advance(&self, by: Duration) {
        self.ahead.fetch_add(millis(by), Ordering::Relaxed);
    }

    /// Moves the clock back, as a corrected system clock does.
    pub fn set_back(&self, by: Duration) {
        self.ahead.fetch_sub(millis(by), Ordering::Relaxed);
    }
}

/// A duration in whole milliseconds.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The machine's time in milliseconds since 1970.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the simulators ask the machine what time it is"
)]
pub(crate) fn wall_millis() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, millis)
}
