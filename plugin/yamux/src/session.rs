//! The session: every rule of the protocol, and nothing that waits.
//!
//! Bytes from the other end go into [`Session::receive`], the program's wishes into [`Session::open`], [`Session::write`],
//! [`Session::read`], [`Session::finish`] and their like, time into [`Session::tick`]. Bytes for the other end come out of
//! [`Session::take_output`], and what somebody may wait for out of [`Session::next_event`].
//!
//! * A stream is acknowledged in the same step in which its opening arrives.
//! * FIN is sent at most once per stream, whatever is called how often.
//! * What a peer can make a session keep is bounded: [`Config`] names each limit.
//! * A session that failed stays failed, with the first reason; what was received before can still be read.
//!
//! What is not here: the socket and the waiting ([`driver`](crate::Driver)). What a peer's frames do is in `receive`, what the
//! passing of time does in `timers`, how a stream ends from here in `leave`.

mod config;
mod leave;
mod receive;
mod timers;

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use crate::error::{OpenError, SessionError, StreamError};
use crate::frame::{Flags, Header, Kind, StreamId};
use crate::stream::{Opening, Stream};
pub use config::{Config, Side};
use receive::Reading;
use timers::Timers;

/// Largest body of a frame we send. Smaller than any window, so that one busy stream leaves room for the others.
pub const MAX_FRAME: usize = 64 * 1024;

/// Bytes that may wait for the socket before writers have to wait.
const OUTPUT_LIMIT: usize = 256 * 1024;

/// What may have become possible. A hint: look again, it may be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// [`Session::accept`] has a stream.
    Incoming,
    /// [`Session::open`] may succeed.
    MayOpen,
    /// The stream has bytes, its end, or an error for its reader.
    Readable(StreamId),
    /// The stream has credit, or an error for its writer.
    Writable(StreamId),
    /// The session is over; everybody who waits should look.
    Over,
}

/// What reading found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// So many bytes were moved.
    Bytes(usize),
    /// The other end ended its half, and everything was read.
    End,
    /// Nothing yet: [`Event::Readable`] follows.
    Wait,
}

/// The state of one connection.
#[derive(Debug)]
pub struct Session {
    config: Config,
    side: Side,
    streams: HashMap<StreamId, Stream>,
    incoming: VecDeque<StreamId>,
    reading: Reading,
    output: Vec<u8>,
    /// Answers in `output`; see [`Config::max_answers`].
    answers: usize,
    /// Writers that found `output` full.
    crowded: Vec<StreamId>,
    events: VecDeque<Event>,
    timers: Timers,
    /// The next id of ours, or none when all were used.
    next_id: Option<u32>,
    /// The highest id the other end has opened.
    highest_theirs: u32,
    /// Bytes received and not yet read; see [`Config::max_unread`].
    unread: usize,
    /// Streams of ours without an acknowledgement; see [`Config::backlog`].
    unacknowledged: usize,
    gone_away_here: bool,
    gone_away_there: bool,
    failure: Option<SessionError>,
}

impl Session {
    /// A session that begins at `now`.
    #[must_use]
    pub fn new(side: Side, config: Config, now: Instant) -> Self {
        let timers = Timers::new(config.keep_alive, now);
        let next_id = match side {
            Side::Client => 1,
            Side::Server => 2,
        };
        Self {
            config,
            side,
            streams: HashMap::new(),
            incoming: VecDeque::new(),
            reading: Reading::default(),
            output: Vec::new(),
            answers: 0,
            crowded: Vec::new(),
            events: VecDeque::new(),
            timers,
            next_id: Some(next_id),
            highest_theirs: 0,
            unread: 0,
            unacknowledged: 0,
            gone_away_here: false,
            gone_away_there: false,
            failure: None,
        }
    }

    /// Opens a stream. `None`: too many are unacknowledged, [`Event::MayOpen`] follows.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(&mut self, now: Instant) -> Result<Option<StreamId>, OpenError> {
        if let Some(failure) = &self.failure {
            return Err(OpenError::Session(failure.clone()));
        }
        if self.gone_away_there {
            return Err(OpenError::GoneAway);
        }
        if self.streams.len() >= self.config.max_streams {
            return Err(OpenError::TooMany(self.config.max_streams));
        }
        if self.unacknowledged >= self.config.backlog {
            return Ok(None);
        }
        let number = self.next_id.ok_or(OpenError::Exhausted)?;
        self.next_id = number.checked_add(2);
        let id = StreamId::new(number);
        self.streams.insert(id, Stream::new(Opening::Asked));
        self.unacknowledged += 1;
        self.timers
            .opened(id, now + self.config.open_timeout, &self.streams);
        self.send_header(Kind::WindowUpdate, Flags::SYN, id, 0);
        Ok(Some(id))
    }

    /// The next stream the other end has opened. It is acknowledged already.
    pub fn accept(&mut self) -> Option<StreamId> {
        self.incoming.pop_front()
    }

    /// Writes as much of `bytes` as credit and output allow. `None`: nothing now, [`Event::Writable`] follows.
    ///
    /// # Errors
    ///
    /// The stream was reset or finished, or the session is over.
    pub fn write(&mut self, id: StreamId, bytes: &[u8]) -> Result<Option<usize>, StreamError> {
        if let Some(failure) = &self.failure {
            return Err(StreamError::Session(failure.clone()));
        }
        let stream = self.streams.get_mut(&id).ok_or(StreamError::Reset)?;
        if stream.reset {
            return Err(StreamError::Reset);
        }
        if stream.fin_sent {
            return Err(StreamError::Finished);
        }
        if bytes.is_empty() {
            return Ok(Some(0));
        }
        let room = OUTPUT_LIMIT.saturating_sub(self.output.len());
        if room == 0 {
            if !std::mem::replace(&mut stream.crowded, true) {
                self.crowded.push(id);
            }
            return Ok(None);
        }
        let allowed = stream.send.spend(bytes.len().min(room)) as usize;
        if allowed == 0 {
            return Ok(None);
        }
        for body in bytes[..allowed].chunks(MAX_FRAME) {
            let length = u32::try_from(body.len()).expect("a frame is at most MAX_FRAME long");
            self.send_header(Kind::Data, Flags::NONE, id, length);
            self.output.extend_from_slice(body);
        }
        Ok(Some(allowed))
    }

    /// Reads what has arrived into `into`, which must not be empty.
    ///
    /// # Errors
    ///
    /// The stream was reset, or the session is over and everything received was read.
    pub fn read(&mut self, id: StreamId, into: &mut [u8]) -> Result<Read, StreamError> {
        let stream = self.streams.get_mut(&id).ok_or(StreamError::Reset)?;
        if stream.reset {
            return Err(StreamError::Reset);
        }
        if stream.unread() > 0 {
            let pulled = stream.pull(into);
            self.unread -= pulled;
            self.credit(id, pulled);
            return Ok(Read::Bytes(pulled));
        }
        if stream.fin_received {
            return Ok(Read::End);
        }
        match &self.failure {
            Some(failure) => Err(StreamError::Session(failure.clone())),
            None => Ok(Read::Wait),
        }
    }

    /// Tells the other end that no new stream is taken. Those that exist go on.
    pub fn go_away(&mut self) {
        if !self.gone_away_here && self.failure.is_none() {
            self.gone_away_here = true;
            self.send_header(Kind::GoAway, Flags::NONE, StreamId::SESSION, 0);
        }
    }

    /// Ends the session for `reason`. Only the first reason counts.
    pub fn fail(&mut self, reason: SessionError) {
        if self.failure.is_some() {
            return;
        }
        if matches!(reason, SessionError::Protocol(_)) {
            self.send_header(Kind::GoAway, Flags::NONE, StreamId::SESSION, 1);
        }
        self.failure = Some(reason);
        self.events.push_back(Event::Over);
    }

    /// Why the session is over, if it is.
    #[must_use]
    pub const fn failure(&self) -> Option<&SessionError> {
        self.failure.as_ref()
    }

    /// Whether bytes wait for the other end.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Exchanges the bytes for the other end against the empty `into`.
    pub fn take_output(&mut self, into: &mut Vec<u8>) {
        debug_assert!(
            into.is_empty(),
            "bytes that were not sent would be sent later"
        );
        std::mem::swap(&mut self.output, into);
        self.answers = 0;
        for id in self.crowded.drain(..) {
            if let Some(stream) = self.streams.get_mut(&id) {
                stream.crowded = false;
                self.events.push_back(Event::Writable(id));
            }
        }
    }

    /// The next thing somebody may wait for.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Streams that exist, with those that were left and wait for the other end.
    #[must_use]
    pub fn stream_count(&self) -> usize {
        self.streams.len()
    }

    /// Bytes that were received and not read.
    #[must_use]
    pub const fn unread(&self) -> usize {
        self.unread
    }

    fn send_header(&mut self, kind: Kind, flags: Flags, stream: StreamId, length: u32) {
        self.output.extend_from_slice(
            &Header {
                kind,
                flags,
                stream,
                length,
            }
            .encode(),
        );
    }

    /// Gives the other end credit for `bytes` that left a stream's buffer.
    fn credit(&mut self, id: StreamId, bytes: usize) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        let bytes = u32::try_from(bytes).expect("a stream holds at most a window");
        let due = stream.receive.consume(bytes);
        if let Some(delta) = due
            && !stream.fin_received
            && self.failure.is_none()
        {
            self.send_header(Kind::WindowUpdate, Flags::NONE, id, delta);
        }
    }

    fn acknowledged(&mut self, opening: Opening) {
        if opening == Opening::Asked {
            self.unacknowledged -= 1;
            self.events.push_back(Event::MayOpen);
        }
    }
}
