//! When the slow look looks at what, and how far apart its requests are.

use std::time::Duration;

use shared::{PostId, Timestamp};
use tokio::time::Instant;

/// Between two requests.
const PACE: Duration = Duration::from_secs(1);

/// When what is due, and how far the slow round over older threads has come.
#[derive(Debug)]
pub(super) struct Round {
    /// Channels, and the threads of the last day; never: only when somebody asks for it.
    pub(super) recent: Option<Instant>,
    pub(super) channels: Option<Instant>,
    pub(super) older: Option<Instant>,
    pub(super) older_begun: Instant,
    pub(super) older_before: Option<(Timestamp, PostId)>,
    pub(super) pace: Pace,
}

/// Keeps requests apart.
#[derive(Debug)]
pub(super) struct Pace {
    next: Instant,
}

impl Pace {
    /// Waits for its turn.
    pub(super) async fn turn(&mut self) {
        tokio::time::sleep_until(self.next).await;
        self.next = Instant::now() + PACE;
    }
}

impl Round {
    pub(super) fn at(now: Instant) -> Self {
        Self {
            recent: Some(now),
            channels: Some(now),
            older: Some(now),
            older_begun: now,
            older_before: None,
            pace: Pace { next: now },
        }
    }

    /// Somebody may have missed something.
    pub(super) fn everything(&mut self, now: Instant) {
        (self.recent, self.channels) = (Some(now), Some(now));
        if self.older.is_none() {
            (self.older, self.older_begun) = (Some(now), now);
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        [self.recent, self.channels, self.older]
            .into_iter()
            .flatten()
            .min()
    }
}

pub(super) fn is_due(due: Option<Instant>) -> bool {
    due.is_some_and(|due| due <= Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_request_leaves_at_once_and_the_others_a_second_apart() {
        let begun = Instant::now();
        let mut pace = Round::at(begun).pace;
        let mut left = Vec::new();
        for _ in 0..3 {
            pace.turn().await;
            left.push(begun.elapsed().as_millis());
        }
        assert_eq!(left, [0, 1_000, 2_000]);
        tokio::time::sleep(Duration::from_secs(30)).await;
        let rested = Instant::now();
        pace.turn().await;
        assert_eq!(
            rested.elapsed(),
            Duration::ZERO,
            "who has rested need not wait"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn everything_is_due_when_somebody_may_have_missed_something_and_a_round_goes_on_where_it_is()
     {
        let now = Instant::now();
        let mut round = Round::at(now);
        let later = now + Duration::from_secs(6);
        (round.recent, round.channels, round.older) = (None, None, Some(later));
        assert_eq!(round.due(), Some(later));
        round.everything(now);
        assert_eq!((round.due(), round.older), (Some(now), Some(later)));
        assert!(is_due(round.channels) && !is_due(round.older) && !is_due(None));
    }
}
