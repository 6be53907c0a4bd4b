//! Two clocks: the wall's may be set, ours may not.

use shared::Timestamp;

/// A moment by both of our clocks: records are kept by the wall's, and what is due when by the one that never jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub wall: Timestamp,
    /// What the wall said when this process began, and as much later as has passed since.
    pub steady: Timestamp,
}

impl Moment {
    /// Both clocks say the same: nobody has set the wall's since this process began.
    #[must_use]
    pub const fn agreed(at: Timestamp) -> Self {
        Self {
            wall: at,
            steady: at,
        }
    }
}
