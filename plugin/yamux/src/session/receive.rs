//! What the other end's frames do.
//!
//! A frame's length is charged to its stream's window when the header is complete; the body then passes in whatever pieces the
//! connection delivers, so no frame is ever assembled. FIN takes effect after the body it came with.

use super::{Event, Session, Side};
use crate::error::{SessionError, Violation};
use crate::frame::{Flags, HEADER_LEN, Header, Kind, StreamId};
use crate::stream::{Opening, Stream};
use crate::window::WINDOW;

/// How far the frame under way has been read.
#[derive(Debug)]
pub(super) enum Reading {
    Header {
        bytes: [u8; HEADER_LEN],
        filled: usize,
    },
    Body {
        header: Header,
        left: u32,
    },
}

impl Default for Reading {
    fn default() -> Self {
        Self::Header {
            bytes: [0; HEADER_LEN],
            filled: 0,
        }
    }
}

impl Session {
    /// Takes bytes from the other end, in any pieces.
    ///
    /// # Errors
    ///
    /// The other end broke the protocol or went away with an error; the session is over. A session that was over before ignores
    /// the bytes and repeats its reason.
    pub fn receive(&mut self, mut bytes: &[u8]) -> Result<(), SessionError> {
        while !bytes.is_empty() {
            if let Some(failure) = &self.failure {
                return Err(failure.clone());
            }
            let taken = self
                .step(bytes)
                .inspect_err(|error| self.fail(error.clone()))?;
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// Whether the bytes so far end between two frames.
    #[must_use]
    pub const fn is_between_frames(&self) -> bool {
        matches!(self.reading, Reading::Header { filled: 0, .. })
    }

    fn step(&mut self, bytes: &[u8]) -> Result<usize, SessionError> {
        match &mut self.reading {
            Reading::Header {
                bytes: header,
                filled,
            } => {
                let taken = bytes.len().min(HEADER_LEN - *filled);
                header[*filled..*filled + taken].copy_from_slice(&bytes[..taken]);
                *filled += taken;
                if *filled == HEADER_LEN {
                    let header = Header::decode(*header)?;
                    self.reading = Reading::default();
                    self.header(header)?;
                }
                Ok(taken)
            }
            Reading::Body { header, left } => {
                let taken = bytes.len().min(*left as usize);
                *left -= u32::try_from(taken).expect("taken is at most `left`");
                let (id, flags, complete) = (header.stream, header.flags, *left == 0);
                self.body(id, &bytes[..taken]);
                if complete {
                    self.reading = Reading::default();
                    self.ending(id, flags)?;
                }
                Ok(taken)
            }
        }
    }

    fn header(&mut self, header: Header) -> Result<(), SessionError> {
        match header.kind {
            Kind::Ping => self.ping(header),
            Kind::GoAway => self.peer_goes_away(header.length),
            Kind::Data | Kind::WindowUpdate => self.stream_header(header),
        }
    }

    fn ping(&mut self, header: Header) -> Result<(), SessionError> {
        if header.flags.has(Flags::SYN) {
            return self.answer(Kind::Ping, Flags::ACK, StreamId::SESSION, header.length);
        }
        if header.flags.has(Flags::ACK) {
            self.timers.pong(header.length);
        }
        Ok(())
    }

    fn peer_goes_away(&mut self, code: u32) -> Result<(), SessionError> {
        if code != 0 {
            return Err(SessionError::Refused(code));
        }
        self.gone_away_there = true;
        self.events.push_back(Event::MayOpen);
        Ok(())
    }

    fn stream_header(&mut self, header: Header) -> Result<(), SessionError> {
        let id = header.stream;
        if header.flags.has(Flags::SYN) {
            self.opened_by_peer(id)?;
        }
        if !self.streams.contains_key(&id) {
            self.unknown_stream(header)?;
        } else if header.flags.has(Flags::RST) {
            self.cut(id);
        } else {
            self.known_stream(header)?;
        }
        if header.kind == Kind::Data && header.length > 0 {
            self.reading = Reading::Body {
                header,
                left: header.length,
            };
            return Ok(());
        }
        self.ending(id, header.flags)
    }

    /// A stream is acknowledged here and not when the program takes it: hashicorp's newer end closes the whole connection 75 s
    /// after an opening that nobody acknowledged.
    ///
    /// Ids need not rise: hashicorp's end numbers its streams before it queues their openings, so two can overtake each other.
    fn opened_by_peer(&mut self, id: StreamId) -> Result<(), SessionError> {
        let theirs = id.number() % 2 == u32::from(self.side == Side::Server);
        if !theirs || self.streams.contains_key(&id) {
            return Err(Violation::Opened(id).into());
        }
        self.highest_theirs = self.highest_theirs.max(id.number());
        if self.gone_away_here || self.streams.len() >= self.config.max_streams {
            return self.answer(Kind::WindowUpdate, Flags::RST, id, 0);
        }
        self.streams.insert(id, Stream::new(Opening::Done));
        self.incoming.push_back(id);
        self.events.push_back(Event::Incoming);
        self.answer(Kind::WindowUpdate, Flags::ACK, id, 0)
    }

    /// What still comes for a stream that we have forgotten is dropped; for one that never was it is an error.
    fn unknown_stream(&self, header: Header) -> Result<(), SessionError> {
        let id = header.stream;
        let ours = id.number() % 2 == u32::from(self.side == Side::Client);
        let existed = if ours {
            self.next_id.is_none_or(|next| id.number() < next)
        } else {
            id.number() <= self.highest_theirs
        };
        if !existed {
            return Err(Violation::Unopened(id).into());
        }
        within_any_window(header)
    }

    fn known_stream(&mut self, header: Header) -> Result<(), SessionError> {
        let id = header.stream;
        let Some(stream) = self.streams.get_mut(&id) else {
            return Ok(());
        };
        if header.flags.has(Flags::ACK) {
            let opening = std::mem::replace(&mut stream.opening, Opening::Done);
            self.acknowledged(opening);
        }
        let Some(stream) = self.streams.get_mut(&id) else {
            return Ok(());
        };
        match header.kind {
            Kind::WindowUpdate => {
                stream.send.grant(id, header.length)?;
                self.events.push_back(Event::Writable(id));
            }
            // A writer and a closer that race in hashicorp's end can put data behind their FIN; it is dropped there, too.
            _ if stream.fin_received || stream.reset => within_any_window(header)?,
            _ => {
                stream.receive.charge(id, header.length)?;
                if !stream.orphan && self.unread + header.length as usize > self.config.max_unread {
                    self.cut(id);
                    self.answer(Kind::WindowUpdate, Flags::RST, id, 0)?;
                }
            }
        }
        Ok(())
    }

    /// The stream is gone in both directions. Whoever holds it learns that; if nobody does, it is forgotten.
    fn cut(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        let opening = std::mem::replace(&mut stream.opening, Opening::Done);
        stream.reset = true;
        self.unread -= stream.drop_unread();
        let held = !stream.orphan;
        self.acknowledged(opening);
        if let Some(place) = self.incoming.iter().position(|waiting| *waiting == id) {
            // Nobody will ever take it, so nobody would ever give it back.
            self.incoming.remove(place);
            self.streams.remove(&id);
        } else if held {
            self.events
                .extend([Event::Readable(id), Event::Writable(id)]);
        } else {
            self.streams.remove(&id);
        }
    }

    fn body(&mut self, id: StreamId, bytes: &[u8]) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        if stream.fin_received || stream.reset {
            return;
        }
        if stream.unwanted {
            self.reset(id);
            return;
        }
        if stream.orphan {
            self.credit(id, bytes.len());
            return;
        }
        stream.push(bytes);
        self.unread += bytes.len();
        self.events.push_back(Event::Readable(id));
    }

    fn ending(&mut self, id: StreamId, flags: Flags) -> Result<(), SessionError> {
        if !flags.has(Flags::FIN) || flags.has(Flags::RST) {
            return Ok(());
        }
        let Some(stream) = self.streams.get_mut(&id) else {
            return Ok(());
        };
        if stream.reset {
            return Ok(());
        }
        if stream.unwanted {
            self.reset(id);
            return Ok(());
        }
        if std::mem::replace(&mut stream.fin_received, true) {
            return Err(Violation::SecondFin(id).into());
        }
        if stream.orphan && stream.is_over() {
            self.forget(id);
        } else {
            self.events.push_back(Event::Readable(id));
        }
        Ok(())
    }

    /// Sends something the other end asked for, as long as it reads what it asked for.
    fn answer(
        &mut self,
        kind: Kind,
        flags: Flags,
        stream: StreamId,
        length: u32,
    ) -> Result<(), SessionError> {
        if self.answers >= self.config.max_answers {
            return Err(Violation::Unread {
                answers: self.answers,
            }
            .into());
        }
        self.answers += 1;
        self.send_header(kind, flags, stream, length);
        Ok(())
    }
}

/// Bytes that will be dropped still have to be read: no window was ever larger than [`WINDOW`].
fn within_any_window(header: Header) -> Result<(), SessionError> {
    if header.kind == Kind::Data && header.length > WINDOW {
        return Err(Violation::Window {
            stream: header.stream,
            length: header.length,
            granted: WINDOW,
        }
        .into());
    }
    Ok(())
}
