//! How long one lane may keep its slot.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio_util::sync::CancellationToken;

/// Steps that a lane takes in one go while others wait for a slot. Going on costs one write of the store, letting another lane in costs two;
/// a lane with a long backlog gives way all the same.
const RUN: u32 = 4;

/// From a claim until its lane gives the slot back.
pub(super) struct Turn {
    cancel: CancellationToken,
    steps: AtomicU32,
}

impl Turn {
    pub(super) fn new(cancel: &CancellationToken) -> Self {
        Self {
            cancel: cancel.clone(),
            steps: AtomicU32::new(0),
        }
    }

    pub(super) fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// We are stopping: nothing begins any more.
    pub(super) fn is_over(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Whether the lane's next event may begin, by whether other lanes wait for a slot.
    pub(super) fn may_go_on(&self, crowded: bool) -> bool {
        !self.is_over() && (!crowded || self.steps.load(Ordering::Relaxed) < RUN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_gives_way_only_where_others_wait() {
        let cancel = CancellationToken::new();
        let turn = Turn::new(&cancel);
        (1..RUN).for_each(|_| turn.step());
        assert!(turn.may_go_on(true));
        turn.step();
        assert_eq!((turn.may_go_on(true), turn.may_go_on(false)), (false, true));
        cancel.cancel();
        assert!(!turn.may_go_on(false));
    }
}
