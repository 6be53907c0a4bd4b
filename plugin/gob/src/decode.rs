//! Reading a stream that arrives in pieces.
//!
//! A *value* is one top-level item with the definitions before and inside it; it may take several *messages*. Every value is
//! looked at twice. [`scan`] walks over each message as soon as all of it is there, keeps the definitions, checks every rule
//! and limit, and remembers where it stopped; so unfinished input costs nothing twice. When it has found the end,
//! [`reader`] builds what was asked for from bytes that are known to be sound. Hence also the difference between a stream that
//! is broken and a value that is merely another than expected: the end is known before the type is looked at.
//!
//! Nothing here does I/O or waits. What is absent on purpose: decoding over an existing value, as Go does it.

mod reader;
mod scan;

pub use reader::{Inside, Reader};

use std::fmt;

use self::scan::{Scan, Stop};
use crate::error::Error;
use crate::record::Gob;
use crate::schema::received::Received;

/// What a peer may make us hold. One stream has one of these for its whole life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one value, definitions and all of its messages included. Against filling memory with a value that never ends:
    /// it is buffered until it is whole. A length beyond it is refused before its bytes arrive.
    pub value_bytes: usize,
    /// Structs, lists and maps inside each other. Against exhausting the stack: what is built from a value is built
    /// recursively, and dropped so.
    pub depth: usize,
    /// List elements, map keys and values, and struct fields in one value. Against amplification: an element of one byte can
    /// become a record of a thousand.
    pub elements: usize,
    /// Types defined on the stream. Against growing the table for ever: nothing is ever forgotten.
    pub types: usize,
    /// Bytes of all definitions on the stream. Against few types with endless fields.
    pub definition_bytes: usize,
}

impl Default for Limits {
    /// 64 MiB, 100 levels, 250,000 elements; 4096 types in 1 MiB. The largest value recorded from Mattermost, its whole
    /// configuration with the definitions before it, has 20 KiB, 7 levels and 405 elements of 97 types.
    fn default() -> Self {
        Self {
            value_bytes: 64 << 20,
            depth: 100,
            elements: 250_000,
            types: 4096,
            definition_bytes: 1 << 20,
        }
    }
}

/// Reads the values of one stream in one direction.
#[derive(Default)]
pub struct Decoder {
    limits: Limits,
    types: Received,
    /// Bytes that were fed and not yet thrown away.
    buffer: Vec<u8>,
    /// Where in `buffer` the current value begins.
    head: usize,
    /// How many bytes of the stream lie before `buffer`.
    passed: u64,
    scan: Scan,
    broken: Option<Error>,
}

/// A buffer that was needed for a large value is given back when it is empty and larger than this.
const KEEP: usize = 64 << 10;

impl Decoder {
    /// A decoder for the beginning of a stream, with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A decoder for the beginning of a stream.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Takes the next bytes of the stream, in pieces of any size. Read what is whole before feeding more: only a value that is
    /// looked at is measured. Of a stream that broke nothing more is kept.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.broken.is_some() {
            return;
        }
        // Moving the rest forward only when it is the smaller half keeps the cost linear.
        if self.head > self.buffer.len() / 2 {
            self.buffer.drain(..self.head);
            self.passed += self.head as u64;
            self.head = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether a whole value has arrived.
    ///
    /// # Errors
    /// `Incomplete`, `Limit` or `Invalid`, as [`Decoder::decode`] would return them.
    pub fn ready(&mut self) -> Result<(), Error> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let bytes = self.buffer.get(self.head..).unwrap_or_default();
        match self.scan.run(bytes, &mut self.types, &self.limits) {
            Ok(()) => Ok(()),
            Err(Stop::Needs(needed)) => Err(Error::Incomplete { needed }),
            Err(Stop::Flaw(reason)) => {
                let offset = self.offset() + self.scan.at() as u64;
                Err(self.give_up(Error::Invalid { offset, reason }))
            }
            Err(Stop::Limit(limit, allowed)) => {
                let offset = self.offset() + self.scan.at() as u64;
                Err(self.give_up(Error::Limit {
                    offset,
                    limit,
                    allowed,
                }))
            }
        }
    }

    /// The next value of the stream.
    ///
    /// # Errors
    /// `Incomplete` leaves everything as it was. `Mismatch` consumes the value. After `Limit` and `Invalid` the stream is at
    /// its end.
    pub fn decode<T: Gob>(&mut self) -> Result<T, Error> {
        self.ready()?;
        let end = self.head + self.scan.at();
        let bytes = self.buffer.get(self.head..end).unwrap_or_default();
        let result = Reader::new(bytes, &self.types, self.offset()).value();
        self.consume();
        match result {
            Err(error @ Error::Invalid { .. }) => Err(self.give_up(error)),
            other => other,
        }
    }

    /// Passes over the next value, whatever it is.
    ///
    /// # Errors
    /// As [`Decoder::decode`], but never `Mismatch`.
    pub fn skip(&mut self) -> Result<(), Error> {
        self.ready()?;
        self.consume();
        Ok(())
    }

    /// How many bytes of the stream belong to values that were read.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.passed + self.head as u64
    }

    /// How many bytes were fed beyond [`Decoder::offset`]. At the end of a stream anything but 0 means that it was cut off.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.buffer.len() - self.head
    }

    fn consume(&mut self) {
        self.head += self.scan.at();
        self.scan.restart();
        if self.head == self.buffer.len() {
            self.passed += self.head as u64;
            self.head = 0;
            self.buffer.clear();
            self.buffer.shrink_to(KEEP);
        }
    }

    fn give_up(&mut self, error: Error) -> Error {
        self.broken = Some(error.clone());
        error
    }
}

/// Without the bytes: they are what people wrote, and their passwords.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("offset", &self.offset())
            .field("unread", &self.unread())
            .field("types", &self.types.len())
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}
