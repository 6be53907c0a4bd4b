//! Two clocks: the wall's may be set, ours may not.

use shared::Timestamp;

/// A moment by both of our clocks: records are kept by the wall's, and what is due when by the one that never jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub wall: Timestamp,
    /// What the wall said when this process began, and as much later as has passed since.
    pub steady: Timestamp,
}
