//! Chance with a seed. The same seed gives the same faults, as long as requests arrive in the same order.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The alphabet of Mattermost's ids.
const ID_ALPHABET: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";

/// A stream of random numbers (splitmix64); no secret may depend on it.
#[derive(Debug)]
pub struct Random {
    // A std mutex: held for four operations on one number, never across an await.
    state: Mutex<u64>,
}

impl Random {
    /// The stream that belongs to `seed`.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self {
            state: Mutex::new(seed),
        }
    }

    /// A stream that differs from process to process.
    #[must_use]
    pub fn fresh() -> Self {
        Self::seeded(RandomState::new().hash_one(0x1e5e_u16))
    }

    /// Starts again with another seed.
    pub fn reseed(&self, seed: u64) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = seed;
    }

    /// 64 random bits.
    pub fn bits(&self) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when `end` is 0.
    pub fn below(&self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.bits() % end }
    }

    /// True with probability `p`.
    pub fn chance(&self, p: f64) -> bool {
        // 2^32 steps are exact in an f64 and finer than any test can tell.
        let drawn = u32::try_from(self.bits() >> 32).unwrap_or(u32::MAX);
        f64::from(drawn) < p * f64::from(u32::MAX)
    }

    /// A duration within the range, whole milliseconds; its start when it is empty.
    pub fn within(&self, range: &Range<Duration>) -> Duration {
        let width = range.end.saturating_sub(range.start).as_millis();
        range.start + Duration::from_millis(self.below(u64::try_from(width).unwrap_or(u64::MAX)))
    }

    /// 26 characters that look like an id of Mattermost's; not ordered by time.
    pub fn id(&self) -> String {
        let mut left = 0;
        let mut bits = 0_u64;
        (0..26)
            .map(|_| {
                if left == 0 {
                    bits = self.bits();
                    left = 12;
                }
                let index = usize::try_from(bits & 31).unwrap_or(0);
                bits >>= 5;
                left -= 1;
                char::from(ID_ALPHABET[index])
            })
            .collect()
    }
}
