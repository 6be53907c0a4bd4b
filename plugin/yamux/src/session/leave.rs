//! How a stream ends from our side.
//!
//! | what | what was written | what still comes | when it is forgotten |
//! |---|---|---|---|
//! | [`Session::finish`] | arrives | can be read | never: only our half ends |
//! | [`Session::release`] | arrives | is dropped, however much | at the other end's FIN |
//! | [`Session::abandon`] | arrives | is refused | at the other end's first byte, or its FIN |
//! | [`Session::reset`] | may be lost | is refused | at once |

use std::time::Instant;

use super::Session;
use crate::frame::{Flags, Kind, StreamId};
use crate::stream::Stream;

impl Session {
    /// Ends our half of a stream. Everything written before arrives first; a second call does nothing.
    pub fn finish(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        if stream.fin_sent || stream.reset || self.failure.is_some() {
            return;
        }
        stream.fin_sent = true;
        self.send_header(Kind::WindowUpdate, Flags::FIN, id, 0);
    }

    /// Ends a stream at once, in both directions; what is under way on it is lost. The id means nothing afterwards.
    pub fn reset(&mut self, id: StreamId) {
        let over = self.streams.get(&id).is_none_or(Stream::is_over);
        self.forget(id);
        if !over && self.failure.is_none() {
            self.send_header(Kind::WindowUpdate, Flags::RST, id, 0);
        }
    }

    /// Leaves a stream: ends our half, drops whatever still comes, and forgets it at the other end's FIN, or resets it after
    /// [`Config::close_timeout`](crate::Config::close_timeout). The id means nothing afterwards.
    pub fn release(&mut self, id: StreamId, now: Instant) {
        self.finish(id);
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        if stream.is_over() || self.failure.is_some() {
            self.forget(id);
            return;
        }
        stream.orphan = true;
        let dropped = stream.drop_unread();
        self.unread -= dropped;
        self.credit(id, dropped);
        self.timers
            .orphaned(id, now + self.config.close_timeout, &self.streams);
    }

    /// Leaves a stream whose other end shall still find what was written, but send nothing: its first byte is answered with a
    /// reset, and so is its end, or its silence after [`Config::close_timeout`](crate::Config::close_timeout). The id means nothing afterwards.
    pub fn abandon(&mut self, id: StreamId, now: Instant) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        let heard = stream.unread() > 0 || stream.fin_received || stream.reset;
        if heard || self.failure.is_some() {
            self.reset(id);
            return;
        }
        stream.orphan = true;
        stream.unwanted = true;
        self.timers
            .orphaned(id, now + self.config.close_timeout, &self.streams);
    }

    pub(super) fn forget(&mut self, id: StreamId) {
        let Some(mut stream) = self.streams.remove(&id) else {
            return;
        };
        self.unread -= stream.drop_unread();
        self.acknowledged(stream.opening);
    }
}
