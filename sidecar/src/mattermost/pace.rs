//! Pace: how fast we may ask, learned from the server's own headers.
//!
//! Mattermost tells with each answer how many requests are left and in how many seconds all are back. On one host everybody
//! behind the local proxy may share that budget with us, so a tenth of it stays unused. A server that says nothing is not
//! limited. Pure but for [`Pace::turn`], which waits.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::HeaderMap;
use tokio::time::{Instant, sleep_until};

use crate::client::LONGEST_PAUSE;

/// Who would wait longer is told to come back instead: a slot of the poster is worth more than a place in a queue.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Shared by all who ask one server.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Held for a few instructions, never across an await.
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    bucket: Option<Bucket>,
    /// Nobody asks before.
    resting: Option<Instant>,
    in_flight: u32,
}

/// What the server still grants.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    limit: f64,
    left: f64,
    per_second: f64,
    at: Instant,
}

/// One request's place. Given back when dropped.
#[derive(Debug)]
pub(super) struct Turn<'a>(&'a Pace);

impl Pace {
    /// Waits for a place; who would have to wait too long gets the time instead.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, Duration> {
        let now = Instant::now();
        let wait = self.state().reserve(now)?;
        // From here on the place is taken, also if this future is dropped while it waits.
        let turn = Turn(self);
        if !wait.is_zero() {
            sleep_until(now + wait).await;
        }
        Ok(turn)
    }

    /// Nobody asks before this time is over.
    pub(super) fn rest(&self, wait: Duration, now: Instant) {
        let until = now + wait.min(LONGEST_PAUSE);
        let mut state = self.state();
        state.resting = Some(state.resting.map_or(until, |earlier| earlier.max(until)));
    }

    /// Another server: what the last one said does not count.
    pub(super) fn forget(&self) {
        let mut state = self.state();
        (state.bucket, state.resting) = (None, None);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Takes in what the answer says.
    pub(super) fn learn(&self, headers: &HeaderMap, now: Instant) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<u32>().ok();
        let (Some(limit), Some(left)) =
            (number("x-ratelimit-limit"), number("x-ratelimit-remaining"))
        else {
            return;
        };
        let reset = number("x-ratelimit-reset").unwrap_or(0);
        self.0.state().learn(limit, left, reset, now);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_flight = state.in_flight.saturating_sub(1);
    }
}

impl State {
    /// Takes a place and says how long to wait for it, or refuses with the time after which to come back.
    fn reserve(&mut self, now: Instant) -> Result<Duration, Duration> {
        if let Some(until) = self.resting.filter(|until| *until > now) {
            return Err(until - now);
        }
        self.resting = None;
        let wait = self
            .bucket
            .as_mut()
            .map_or(Ok(Duration::ZERO), |bucket| bucket.take(now))?;
        self.in_flight += 1;
        Ok(wait)
    }

    fn learn(&mut self, limit: u32, left: u32, reset: u32, now: Instant) {
        let (limit, left) = (f64::from(limit.max(1)), f64::from(left.min(limit)));
        // All of what is missing is back in `reset` seconds; that is the rate. Full, it says nothing, and the old one stays.
        let missing = limit - left;
        let old = self.bucket.map(|bucket| bucket.per_second);
        let per_second = if reset > 0 && missing >= 1.0 {
            missing / f64::from(reset)
        } else {
            old.unwrap_or(limit)
        };
        // What others of us have in flight is not yet counted in what this answer says.
        let others = f64::from(self.in_flight.saturating_sub(1));
        self.bucket = Some(Bucket {
            limit,
            left: left - others,
            per_second: per_second.max(0.1),
            at: now,
        });
    }
}

impl Bucket {
    fn take(&mut self, now: Instant) -> Result<Duration, Duration> {
        let back = now.saturating_duration_since(self.at).as_secs_f64() * self.per_second;
        let left = (self.left + back).min(self.limit);
        let short = 1.0 + self.limit / 10.0 - left;
        let wait =
            Duration::try_from_secs_f64(short.max(0.0) / self.per_second).unwrap_or(LONGEST_PAUSE);
        if wait > LONGEST_WAIT {
            return Err(wait.min(LONGEST_PAUSE));
        }
        (self.left, self.at) = (left - 1.0, now);
        Ok(wait)
    }
}

/// Whatever an answer said, whoever asks next is let through or told a time.
#[cfg(test)]
pub(super) fn survives(headers: &HeaderMap) {
    let pace = Pace::default();
    Turn(&pace).learn(headers, Instant::now());
    let wait = pace.state().reserve(Instant::now());
    assert!(wait.unwrap_or_else(|wait| wait) <= LONGEST_PAUSE);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(limit: u32, left: u32, reset: u32) -> (State, Instant) {
        let now = Instant::now();
        let mut state = State::default();
        state.learn(limit, left, reset, now);
        (state, now)
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_is_not_limited() {
        let pace = Pace::default();
        for _ in 0..10_000 {
            assert!(pace.turn().await.is_ok());
        }
        assert_eq!(pace.state().in_flight, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_tenth_of_the_budget_stays_unused() {
        // Mattermost's defaults: 10 per second, 101 at once.
        let (mut state, now) = told(101, 100, 1);
        state.bucket.as_mut().unwrap().per_second = 10.0;
        let at_once = std::iter::repeat_with(|| state.reserve(now))
            .take_while(|wait| *wait == Ok(Duration::ZERO))
            .count();
        assert_eq!(at_once, 89);
        let wait = state.reserve(now).unwrap();
        assert!(wait > Duration::ZERO && wait <= LONGEST_WAIT, "{wait:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_would_wait_too_long_is_told_when_to_come_back() {
        let (mut state, now) = told(101, 0, 60);
        let wait = state.reserve(now).unwrap_err();
        assert!(wait > Duration::from_secs(1), "{wait:?}");
        let rest = state.reserve(now + wait).unwrap();
        assert!(rest < Duration::from_millis(1), "{rest:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_server_wants_rest_nobody_asks() {
        let pace = Pace::default();
        let now = Instant::now();
        pace.rest(Duration::from_secs(60), now);
        pace.rest(Duration::from_secs(5), now);
        assert_eq!(pace.turn().await.unwrap_err(), Duration::from_secs(60));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(pace.turn().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn headers_that_make_no_sense_change_nothing_or_stay_harmless() {
        let pace = Pace::default();
        let turn = pace.turn().await.unwrap();
        for (limit, left, reset) in [("-1", "5", "1"), ("x", "", ""), ("99999999999", "1", "1")] {
            let mut headers = HeaderMap::new();
            headers.insert("x-ratelimit-limit", limit.parse().unwrap());
            headers.insert("x-ratelimit-remaining", left.parse().unwrap());
            headers.insert("x-ratelimit-reset", reset.parse().unwrap());
            turn.learn(&headers, Instant::now());
            assert!(pace.state().bucket.is_none(), "{limit}");
        }
        pace.state().learn(0, 700, u32::MAX, Instant::now());
        let wait = pace.state().reserve(Instant::now()).unwrap_err();
        assert!(wait <= LONGEST_PAUSE, "{wait:?}");
    }
}
