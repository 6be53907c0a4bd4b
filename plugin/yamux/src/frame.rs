//! The frame: twelve bytes, all big endian, and for [`Kind::Data`] as many bytes of body as the header says.
//!
//! A [`Header`] that exists is well formed: version 0, one of the four kinds, a stream id where the kind wants one. What it *means*
//! at this moment is the session's business. Unknown flag bits are kept out of [`Flags`] and otherwise ignored, as hashicorp does.

use std::fmt;

use crate::error::Violation;

/// Bytes of a header on the wire.
pub const HEADER_LEN: usize = 12;

const VERSION: u8 = 0;

/// A stream's number: odd when the client opened it, even when the server did, 0 for the session itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(u32);

impl StreamId {
    /// The session itself: pings and go-aways carry it.
    pub const SESSION: Self = Self(0);

    /// The id with this number.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a frame carries, and with it what its length field means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Length: bytes of body that follow.
    Data,
    /// Length: what the receiver of this frame may send in addition.
    WindowUpdate,
    /// Length: an opaque value that comes back in the answer.
    Ping,
    /// Length: 0 normal end, 1 protocol error, 2 internal error.
    GoAway,
}

/// The four flags. `SYN` opens a stream or asks a ping, `ACK` accepts the one and answers the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u16);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// Opens a stream; a ping that wants an answer.
    pub const SYN: Self = Self(1);
    /// Accepts a stream; a ping's answer.
    pub const ACK: Self = Self(2);
    /// The sender of this frame sends nothing more on the stream.
    pub const FIN: Self = Self(4);
    /// The stream is gone, at once and in both directions.
    pub const RST: Self = Self(8);

    const KNOWN: u16 = 0b1111;

    /// Whether all flags of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags and those of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame carries.
    pub kind: Kind,
    /// Its flags.
    pub flags: Flags,
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Its length field; see [`Kind`] for what it counts.
    pub length: u32,
}

impl Header {
    /// The header as it stands on the wire.
    #[must_use]
    pub fn encode(self) -> [u8; HEADER_LEN] {
        let kind = match self.kind {
            Kind::Data => 0,
            Kind::WindowUpdate => 1,
            Kind::Ping => 2,
            Kind::GoAway => 3,
        };
        let [flags_high, flags_low] = self.flags.0.to_be_bytes();
        let [s0, s1, s2, s3] = self.stream.0.to_be_bytes();
        let [l0, l1, l2, l3] = self.length.to_be_bytes();
        [
            VERSION, kind, flags_high, flags_low, s0, s1, s2, s3, l0, l1, l2, l3,
        ]
    }

    /// Reads a header.
    ///
    /// # Errors
    ///
    /// A version or kind that does not exist, a stream's frame without a stream, or a session's frame with one. A connection that
    /// sent such a header is out of step for good: nothing tells where the next one begins.
    pub fn decode(bytes: [u8; HEADER_LEN]) -> Result<Self, Violation> {
        let [
            version,
            kind,
            flags_high,
            flags_low,
            s0,
            s1,
            s2,
            s3,
            l0,
            l1,
            l2,
            l3,
        ] = bytes;
        if version != VERSION {
            return Err(Violation::Version(version));
        }
        let kind = match kind {
            0 => Kind::Data,
            1 => Kind::WindowUpdate,
            2 => Kind::Ping,
            3 => Kind::GoAway,
            unknown => return Err(Violation::Kind(unknown)),
        };
        let stream = StreamId(u32::from_be_bytes([s0, s1, s2, s3]));
        let of_stream = matches!(kind, Kind::Data | Kind::WindowUpdate);
        if of_stream == (stream == StreamId::SESSION) {
            return Err(Violation::Misplaced { kind, stream });
        }
        Ok(Self {
            kind,
            flags: Flags(u16::from_be_bytes([flags_high, flags_low]) & Flags::KNOWN),
            stream,
            length: u32::from_be_bytes([l0, l1, l2, l3]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_written_as_hashicorp_writes_it() {
        let open = Header {
            kind: Kind::WindowUpdate,
            flags: Flags::SYN,
            stream: StreamId(7),
            length: 0,
        };
        assert_eq!(open.encode(), [0, 1, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0]);
        let last = Header {
            kind: Kind::Data,
            flags: Flags::FIN,
            stream: StreamId(0x0102_0304),
            length: 0x0a0b_0c0d,
        };
        assert_eq!(
            last.encode(),
            [0, 0, 0, 4, 1, 2, 3, 4, 0x0a, 0x0b, 0x0c, 0x0d]
        );
        assert_eq!(Header::decode(last.encode()), Ok(last));
    }

    #[test]
    fn a_header_nobody_could_mean_is_refused_with_what_is_wrong() {
        let good = Header {
            kind: Kind::Ping,
            flags: Flags::SYN,
            stream: StreamId::SESSION,
            length: 9,
        }
        .encode();
        let with = |at: usize, byte: u8| {
            let mut bytes = good;
            bytes[at] = byte;
            Header::decode(bytes)
        };
        assert_eq!(with(0, 1), Err(Violation::Version(1)));
        assert_eq!(with(1, 4), Err(Violation::Kind(4)));
        assert_eq!(
            with(7, 1),
            Err(Violation::Misplaced {
                kind: Kind::Ping,
                stream: StreamId(1)
            })
        );
        assert_eq!(
            with(1, 0),
            Err(Violation::Misplaced {
                kind: Kind::Data,
                stream: StreamId(0)
            })
        );
        assert_eq!(
            with(2, 0xf0).map(|header| header.flags),
            Ok(Flags::SYN),
            "unknown flags are not seen"
        );
    }
}
