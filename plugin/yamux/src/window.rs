//! Credit: what we may still send on a stream, and what we have allowed the other end to send.
//!
//! Both windows begin at [`WINDOW`], as the specification wants. Ours never grows. hashicorp's side puts as many bytes into one
//! frame as its credit allows, so the window is also the longest frame that can reach us.

use crate::error::Violation;
use crate::frame::StreamId;

/// A stream's first window, in bytes, in either direction.
pub const WINDOW: u32 = 256 * 1024;

/// What we may still send.
#[derive(Debug)]
pub(crate) struct SendWindow {
    credit: u32,
}

impl SendWindow {
    pub(crate) const fn new() -> Self {
        Self { credit: WINDOW }
    }

    /// Takes up to `wanted` bytes of credit and says how many were taken.
    pub(crate) fn spend(&mut self, wanted: usize) -> u32 {
        let spent = u32::try_from(wanted).unwrap_or(u32::MAX).min(self.credit);
        self.credit -= spent;
        spent
    }

    /// Adds what the other end granted. A sum beyond 32 bits would wrap to almost nothing and stop the stream for ever.
    pub(crate) fn grant(&mut self, stream: StreamId, delta: u32) -> Result<(), Violation> {
        self.credit = self
            .credit
            .checked_add(delta)
            .ok_or(Violation::Credit { stream, delta })?;
        Ok(())
    }
}

/// What the other end may still send.
///
/// `granted`, what lies unread, and `consumed` always add up to [`WINDOW`]: that is the most a stream can make us keep.
#[derive(Debug)]
pub(crate) struct ReceiveWindow {
    granted: u32,
    consumed: u32,
}

impl ReceiveWindow {
    pub(crate) const fn new() -> Self {
        Self {
            granted: WINDOW,
            consumed: 0,
        }
    }

    /// Charges a frame of `length` bytes, before its body is read.
    pub(crate) fn charge(&mut self, stream: StreamId, length: u32) -> Result<(), Violation> {
        let granted = self.granted;
        self.granted = granted.checked_sub(length).ok_or(Violation::Window {
            stream,
            length,
            granted,
        })?;
        Ok(())
    }

    /// Notes that `bytes` were read. Returns the credit to announce, once it is worth a frame: half a window, as hashicorp does.
    pub(crate) fn consume(&mut self, bytes: u32) -> Option<u32> {
        self.consumed += bytes;
        if self.consumed < WINDOW / 2 {
            return None;
        }
        self.granted += self.consumed;
        Some(std::mem::take(&mut self.consumed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: StreamId = StreamId::new(1);

    #[test]
    fn credit_is_returned_when_half_a_window_was_read_and_not_before() {
        let mut window = ReceiveWindow::new();
        assert_eq!(window.charge(ID, WINDOW), Ok(()));
        assert_eq!(window.consume(WINDOW / 2 - 1), None);
        assert_eq!(
            window.charge(ID, 1),
            Err(Violation::Window {
                stream: ID,
                length: 1,
                granted: 0
            })
        );
        assert_eq!(window.consume(1), Some(WINDOW / 2));
        assert_eq!(window.charge(ID, WINDOW / 2), Ok(()));
        assert_eq!(window.consume(WINDOW / 2), Some(WINDOW / 2));
    }

    #[test]
    fn credit_that_would_wrap_is_refused() {
        let mut window = SendWindow::new();
        assert_eq!(window.grant(ID, u32::MAX - WINDOW), Ok(()));
        assert_eq!(
            window.grant(ID, 1),
            Err(Violation::Credit {
                stream: ID,
                delta: 1
            })
        );
        assert_eq!(window.spend(usize::MAX), u32::MAX);
        assert_eq!(window.spend(1), 0);
    }
}
