//! What the passing of time does: keep-alive, openings nobody acknowledged, streams that we left and the other end did not.
//!
//! Openings and left streams each have one period for all, so their deadlines come in order and a queue is enough. An entry
//! whose stream has moved on in the meantime is skipped.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::Session;
use crate::error::{SessionError, Silence};
use crate::frame::{Flags, Kind, StreamId};
use crate::stream::{Opening, Stream};

type Queue = VecDeque<(Instant, StreamId)>;
type Streams = HashMap<StreamId, Stream>;

#[derive(Debug)]
pub(super) struct Timers {
    opened: Queue,
    orphaned: Queue,
    next_ping: Option<Instant>,
    /// The value of the ping under way, and when its answer is overdue.
    awaited_pong: Option<(u32, Instant)>,
    ping_value: u32,
}

impl Timers {
    pub(super) fn new(keep_alive: Option<Duration>, now: Instant) -> Self {
        Self {
            opened: Queue::new(),
            orphaned: Queue::new(),
            next_ping: keep_alive.map(|period| now + period),
            awaited_pong: None,
            ping_value: 0,
        }
    }

    pub(super) fn opened(&mut self, id: StreamId, deadline: Instant, streams: &Streams) {
        push(&mut self.opened, (deadline, id), streams, is_asked);
    }

    pub(super) fn orphaned(&mut self, id: StreamId, deadline: Instant, streams: &Streams) {
        push(&mut self.orphaned, (deadline, id), streams, is_orphan);
    }

    pub(super) fn pong(&mut self, value: u32) {
        if self
            .awaited_pong
            .is_some_and(|(awaited, _)| awaited == value)
        {
            self.awaited_pong = None;
        }
    }
}

/// Adds an entry. When most of the queue must be stale, it is swept: thousands of short streams within one period would otherwise
/// leave thousands of entries.
fn push(
    queue: &mut Queue,
    entry: (Instant, StreamId),
    streams: &Streams,
    counts: fn(&Stream) -> bool,
) {
    if queue.len() > 2 * streams.len() + 64 {
        queue.retain(|(_, id)| streams.get(id).is_some_and(counts));
    }
    queue.push_back(entry);
}

fn pop_due(queue: &mut Queue, now: Instant) -> Option<StreamId> {
    let (_, id) = queue.front().filter(|(deadline, _)| *deadline <= now)?;
    let id = *id;
    queue.pop_front();
    Some(id)
}

fn is_asked(stream: &Stream) -> bool {
    stream.opening == Opening::Asked
}

const fn is_orphan(stream: &Stream) -> bool {
    stream.orphan
}

impl Session {
    /// When [`Session::tick`] has something to do next, if nothing else happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.failure.is_some() {
            return None;
        }
        let timers = &self.timers;
        let queues =
            [timers.opened.front(), timers.orphaned.front()].map(|entry| entry.map(|(at, _)| *at));
        let pings = [
            timers.next_ping,
            timers.awaited_pong.map(|(_, overdue)| overdue),
        ];
        queues.into_iter().chain(pings).flatten().min()
    }

    /// Does what is due at `now`.
    ///
    /// # Errors
    ///
    /// The other end was silent for too long; the session is over.
    pub fn tick(&mut self, now: Instant) -> Result<(), SessionError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.due(now).inspect_err(|error| self.fail(error.clone()))
    }

    fn due(&mut self, now: Instant) -> Result<(), SessionError> {
        self.check_openings(now)?;
        self.check_pings(now)?;
        while let Some(id) = pop_due(&mut self.timers.orphaned, now) {
            if self.streams.get(&id).is_some_and(is_orphan) {
                self.reset(id);
            }
        }
        Ok(())
    }

    fn check_openings(&mut self, now: Instant) -> Result<(), SessionError> {
        while let Some(id) = pop_due(&mut self.timers.opened, now) {
            if self.streams.get(&id).is_some_and(is_asked) {
                return Err(SessionError::Silent(Silence::Open(
                    id,
                    self.config.open_timeout,
                )));
            }
        }
        Ok(())
    }

    fn check_pings(&mut self, now: Instant) -> Result<(), SessionError> {
        if self
            .timers
            .awaited_pong
            .is_some_and(|(_, overdue)| overdue <= now)
        {
            return Err(SessionError::Silent(Silence::Ping(
                self.config.ping_timeout,
            )));
        }
        let (Some(due), Some(period)) = (self.timers.next_ping, self.config.keep_alive) else {
            return Ok(());
        };
        if due > now {
            return Ok(());
        }
        self.timers.next_ping = Some(now + period);
        if self.timers.awaited_pong.is_none() {
            self.timers.ping_value = self.timers.ping_value.wrapping_add(1);
            let value = self.timers.ping_value;
            self.timers.awaited_pong = Some((value, now + self.config.ping_timeout));
            self.send_header(Kind::Ping, Flags::SYN, StreamId::SESSION, value);
        }
        Ok(())
    }
}
