//! What goes wrong in Mattermost on purpose. [`Faults`] is shared with the running server and can be turned at any time.
//!
//! A fault belongs to a call, named as in the request log: `POST /posts`, `GET /posts/{id}/thread`; `*` is every call. The first
//! rule that fits and is due decides. Random parts follow the seed.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::errors::Refusal;
use crate::random::Random;
use crate::rules::{Rules, When};

/// What the caller gets when the work is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The true answer.
    Answer,
    /// Another answer.
    Refuse(Refusal),
    /// The connection is closed in order, without an answer.
    Cut,
    /// The connection is reset.
    Reset,
    /// Nothing, for as long as the caller waits.
    Hang,
    /// A 2xx whose body is no JSON.
    Garbage,
}

/// One way to go wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Whether the call has its effect.
    pub works: bool,
    /// How long the call takes before its effect.
    pub before: Duration,
    /// With `before`: whether `create_at` is taken at the beginning, so that the post appears in the past.
    pub stamped_early: bool,
    /// How long the answer takes after the effect.
    pub after: Duration,
    /// What the caller gets.
    pub ending: Ending,
    /// `POST /posts` alone: file ids are dropped silently.
    pub drops_files: bool,
}

impl Fault {
    const WORKS: Self = Self {
        works: true,
        before: Duration::ZERO,
        stamped_early: false,
        after: Duration::ZERO,
        ending: Ending::Answer,
        drops_files: false,
    };

    /// Refused, nothing happens.
    #[must_use]
    pub const fn refuse(refusal: Refusal) -> Self {
        Self {
            works: false,
            ending: Ending::Refuse(refusal),
            ..Self::WORKS
        }
    }

    /// The connection ends before anything happens.
    #[must_use]
    pub const fn cut() -> Self {
        Self {
            works: false,
            ending: Ending::Cut,
            ..Self::WORKS
        }
    }

    /// Nothing happens and nothing is answered.
    #[must_use]
    pub const fn hang() -> Self {
        Self {
            works: false,
            ending: Ending::Hang,
            ..Self::WORKS
        }
    }

    /// It happens, but the connection is closed instead of answered.
    #[must_use]
    pub const fn commit_then_drop() -> Self {
        Self {
            ending: Ending::Cut,
            ..Self::WORKS
        }
    }

    /// It happens, and the answer is `ending`.
    #[must_use]
    pub const fn commit_then(ending: Ending) -> Self {
        Self {
            ending,
            ..Self::WORKS
        }
    }

    /// It happens after `wait`, whether or not the caller still waits; `create_at` is of then.
    #[must_use]
    pub const fn commit_after(wait: Duration) -> Self {
        Self {
            before: wait,
            ..Self::WORKS
        }
    }

    /// It happens after `wait` with a `create_at` of now: a post that appears in the past.
    #[must_use]
    pub const fn appear_in_the_past(wait: Duration) -> Self {
        Self {
            before: wait,
            stamped_early: true,
            ..Self::WORKS
        }
    }

    /// It happens at once, the answer comes after `wait`.
    #[must_use]
    pub const fn answer_after(wait: Duration) -> Self {
        Self {
            after: wait,
            ..Self::WORKS
        }
    }

    /// The post is made without its files, and the answer says 201.
    #[must_use]
    pub const fn drop_files() -> Self {
        Self {
            drops_files: true,
            ..Self::WORKS
        }
    }
}

/// What becomes of hints: outgoing webhooks and WebSocket events. Each is drawn on its own.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HintFaults {
    /// Probability of never leaving.
    pub lost: f64,
    /// Probability of leaving twice.
    pub doubled: f64,
    /// Probability of being held back up to 60 ms, so that later ones overtake it.
    pub swapped: f64,
}

/// A rate limiter as `RateLimitSettings` sets it up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimit {
    /// Requests per second.
    pub per_second: f64,
    /// How many may come at once.
    pub burst: u32,
}

#[derive(Debug, Default)]
struct Switches {
    rules: Rules<Fault>,
    latency: Range<Duration>,
    reads_behind: Range<Duration>,
    hints: HintFaults,
    hardened: bool,
    ties: u32,
    limit: Option<(RateLimit, Bucket)>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Duration,
}

/// The switches of one server. Clones share them.
#[derive(Debug, Clone)]
pub struct Faults {
    // A std mutex: a few reads per request, never across an await.
    switches: Arc<Mutex<Switches>>,
    random: Arc<Random>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            switches: Arc::default(),
            random: Arc::new(Random::fresh()),
        }
    }
}

impl Faults {
    /// Makes the random parts repeatable from here on.
    pub fn seed(&self, seed: u64) {
        self.random.reseed(seed);
    }

    /// Adds a rule for a call (`POST /posts`), for all calls of a method (`GET *`), or for every call (`*`).
    pub fn add(&self, call: &str, when: When, fault: Fault) {
        self.turn(|switches| switches.rules.add(call, when, fault));
    }

    /// Shorthand for the most frequent kind: the next `n` calls are refused like this.
    pub fn refuse_next(&self, n: u32, call: &str, refusal: Refusal) {
        self.add(call, When::Next(n), Fault::refuse(refusal));
    }

    /// Removes every rule; latency, lag, hints, limiter and hardened mode stay.
    pub fn clear(&self) {
        self.turn(|switches| switches.rules.clear());
    }

    /// Everything is well again, the seed excepted.
    pub fn heal(&self) {
        self.turn(|switches| *switches = Switches::default());
    }

    /// Every call takes so long before anything else.
    pub fn latency(&self, latency: Duration) {
        self.latency_between(latency..latency);
    }

    /// Every call takes a random time within this range before anything else.
    pub fn latency_between(&self, range: Range<Duration>) {
        self.turn(|switches| switches.latency = range);
    }

    /// Each reading call sees the state of a random moment within this range ago, at most 25 s, like a replica that lags.
    pub fn reads_behind(&self, range: Range<Duration>) {
        self.turn(|switches| switches.reads_behind = range);
    }

    /// What becomes of hints.
    pub fn hints(&self, hints: HintFaults) {
        self.turn(|switches| switches.hints = hints);
    }

    /// `ExperimentalEnableHardenedMode`: errors from 500 on lose their id.
    pub fn hardened(&self, on: bool) {
        self.turn(|switches| switches.hardened = on);
    }

    /// The next `n` posts get the `create_at` of the post before them.
    pub fn same_millisecond(&self, n: u32) {
        self.turn(|switches| switches.ties = n);
    }

    /// Switches the rate limiter on, full, or off.
    pub fn rate_limit(&self, limit: Option<RateLimit>) {
        self.turn(|switches| {
            switches.limit = limit.map(|limit| {
                (
                    limit,
                    Bucket {
                        left: f64::from(limit.burst) + 1.0,
                        at: Duration::ZERO,
                    },
                )
            });
        });
    }

    /// The fault of a call that begins now.
    pub(super) fn decide(&self, call: &str) -> Option<Fault> {
        self.turn(|switches| switches.rules.decide(call, &self.random))
    }

    pub(super) fn draw_latency(&self) -> Duration {
        let range = self.turn(|switches| switches.latency.clone());
        self.random.within(&range)
    }

    pub(super) fn draw_lag(&self) -> Duration {
        let range = self.turn(|switches| switches.reads_behind.clone());
        self.random.within(&range)
    }

    /// When the copies of one hint leave: none, one or two delays.
    pub(super) fn draw_hint(&self) -> Vec<Duration> {
        let hints = self.turn(|switches| switches.hints);
        if self.random.chance(hints.lost) {
            return Vec::new();
        }
        let copies = if self.random.chance(hints.doubled) {
            2
        } else {
            1
        };
        (0..copies)
            .map(|_| match self.random.chance(hints.swapped) {
                true => Duration::from_millis(self.random.below(60)),
                false => Duration::ZERO,
            })
            .collect()
    }

    pub(super) fn is_hardened(&self) -> bool {
        self.turn(|switches| switches.hardened)
    }

    /// Whether the next post shares its predecessor's millisecond.
    pub(super) fn takes_tie(&self) -> bool {
        self.turn(|switches| {
            let tie = switches.ties > 0;
            switches.ties = switches.ties.saturating_sub(1);
            tie
        })
    }

    /// Asks the limiter at `now` (since the server's start). None without one; else the headers, and whether the call may pass.
    pub(super) fn pass(&self, now: Duration) -> Option<Passage> {
        self.turn(|switches| {
            let (limit, bucket) = switches.limit.as_mut()?;
            let full = f64::from(limit.burst) + 1.0;
            bucket.left = (bucket.left
                + now.saturating_sub(bucket.at).as_secs_f64() * limit.per_second)
                .min(full);
            bucket.at = now;
            let passes = bucket.left >= 1.0;
            if passes {
                bucket.left -= 1.0;
            }
            Some(Passage {
                passes,
                limit: full,
                left: bucket.left.floor(),
                reset: ((full - bucket.left) / limit.per_second).ceil(),
                retry_after: ((1.0 - bucket.left).max(0.0) / limit.per_second)
                    .ceil()
                    .max(1.0),
            })
        })
    }

    fn turn<T>(&self, turn: impl FnOnce(&mut Switches) -> T) -> T {
        turn(&mut self.switches.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What the limiter says about one call; all figures whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passage {
    pub(super) passes: bool,
    pub(super) limit: f64,
    pub(super) left: f64,
    pub(super) reset: f64,
    pub(super) retry_after: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        let faults = Faults::default();
        faults.add("*", When::Chance(0.3), Fault::hang());
        let draw = |seed| {
            faults.seed(seed);
            (0..100)
                .map(|_| faults.decide("POST /posts").is_some())
                .collect::<Vec<_>>()
        };

        let first = draw(7);
        assert_eq!(first, draw(7));
        assert_ne!(first, draw(8));
        let hits = first.iter().filter(|hit| **hit).count();
        assert!((15..=45).contains(&hits), "{hits} of 100 at 0.3");
    }

    #[test]
    fn the_limiter_lets_a_burst_and_one_pass_and_then_its_rate() {
        let faults = Faults::default();
        faults.rate_limit(Some(RateLimit {
            per_second: 10.0,
            burst: 4,
        }));
        let passed = |now| faults.pass(now).unwrap().passes;

        let at_once = (0..10).filter(|_| passed(Duration::ZERO)).count();
        assert_eq!(at_once, 5);
        assert!(!passed(Duration::from_millis(50)));
        assert!(passed(Duration::from_millis(110)));
    }
}
