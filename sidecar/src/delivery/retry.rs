//! How long to wait before trying again. Two clocks: the other side is not there, or it does not want this event.

use std::time::Duration;

use shared::Timestamp;

/// Waits while the other side is not there: full jitter over 250 ms doubling to 5 s.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);
/// Waits after the first and the second refusal; the third parks, at most 60 s after the first.
const REFUSED: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];
/// A lane that waits for people is tried so often.
pub const BLOCKED: Duration = Duration::from_secs(60);
/// Nothing waits unseen for longer than this.
pub const AGE_LIMIT: Duration = Duration::from_secs(7 * 24 * 3600);

/// A number of the half-open interval 0 to 1, from which jitter is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chance(f64);

impl Chance {
    /// From 32 random bits.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        Self(f64::from(bits) / (f64::from(u32::MAX) + 1.0))
    }
}

/// The wait after `tries` tries in vain.
#[must_use]
pub fn back_off(tries: u32, chance: Chance) -> Duration {
    let doubled = FIRST
        .saturating_mul(1 << tries.saturating_sub(1).min(5))
        .min(LONGEST);
    // Never nothing at all: a tight loop helps nobody.
    doubled.mul_f64(chance.0).max(Duration::from_millis(20))
}

/// The wait after the `refused`-th refusal, counted from 1; none: park.
#[must_use]
pub fn after_refusal(refused: u32) -> Option<Duration> {
    REFUSED
        .get(
            usize::try_from(refused)
                .unwrap_or(usize::MAX)
                .checked_sub(1)?,
        )
        .copied()
}

/// What the other side asked us to wait, in full; jitter is only ever added.
#[must_use]
pub fn asked(wait: Duration, chance: Chance) -> Duration {
    wait + wait.mul_f64(0.1 * chance.0)
}

/// Whether an event has waited for longer than anything may.
#[must_use]
pub fn is_too_old(accepted_at: Timestamp, now: Timestamp) -> bool {
    now.since(accepted_at) > AGE_LIMIT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_to_five_seconds_and_is_jittered_over_the_whole() {
        let most = Chance::from_bits(u32::MAX);
        let waits: Vec<u128> = (1..=8)
            .map(|tries| back_off(tries, most).as_millis())
            .collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 3999, 4999, 4999, 4999]);
        assert_eq!(back_off(8, Chance::from_bits(0)), Duration::from_millis(20));
        assert_eq!(back_off(0, most).as_millis(), 250);
        assert_eq!(back_off(u32::MAX, most).as_millis(), 4999);
    }

    #[test]
    fn the_third_refusal_parks_within_a_minute_of_the_first() {
        assert_eq!(after_refusal(1), Some(Duration::from_secs(5)));
        assert_eq!(after_refusal(2), Some(Duration::from_secs(30)));
        assert_eq!(after_refusal(3), None);
    }

    #[test]
    fn what_was_asked_is_never_shortened() {
        let wait = Duration::from_secs(100);
        assert_eq!(asked(wait, Chance::from_bits(0)), wait);
        assert!(asked(wait, Chance::from_bits(u32::MAX)) < Duration::from_secs(110));
    }
}
