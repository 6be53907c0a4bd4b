//! Types that code themselves: a length and bytes that only they understand.

use crate::schema::CodedBy;

/// A Go type with `GobEncode`, `MarshalBinary` or `MarshalText`. [`opaque!`](crate::opaque!) makes it a [`Gob`](crate::Gob).
pub trait Opaque: Sized + 'static {
    /// The name of the Go type, without its package.
    const GO_NAME: &'static str;
    /// Which of the three pairs of methods the Go type has. Go does not read one where it expects another.
    const CODED_BY: CodedBy;

    /// Whether a struct leaves the value out.
    fn is_zero(&self) -> bool;

    /// What Go's decoding method is given.
    fn to_bytes(&self) -> Vec<u8>;

    /// Understands what Go's encoding method returned; `None` becomes a mismatch.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// Makes an [`Opaque`](trait@crate::Opaque) type a [`Gob`](crate::Gob).
#[macro_export]
macro_rules! opaque {
    ($type:ty) => {
        impl $crate::Gob for $type {
            fn declare(types: &mut $crate::Types) -> $crate::TypeId {
                types.opaque::<Self>(
                    <Self as $crate::Opaque>::GO_NAME,
                    <Self as $crate::Opaque>::CODED_BY,
                )
            }

            fn is_omitted(&self) -> bool {
                $crate::Opaque::is_zero(self)
            }

            fn write(
                &self,
                out: &mut $crate::Writer<'_>,
            ) -> ::std::result::Result<(), $crate::EncodeError> {
                out.bytes(&$crate::Opaque::to_bytes(self));
                ::std::result::Result::Ok(())
            }

            fn read(
                input: &mut $crate::Reader<'_>,
                wire: $crate::TypeId,
            ) -> ::std::result::Result<Self, $crate::Error> {
                let bytes = input.opaque(wire)?;
                <Self as $crate::Opaque>::from_bytes(bytes).ok_or_else(|| {
                    $crate::Error::mismatch("bytes that the type itself does not understand")
                })
            }
        }
    };
}

/// Go's `time.Time`: an instant and the distance of its clock from UTC.
///
/// On the wire: version 1, seconds since the year 1 (8 bytes), nanoseconds (4), minutes east of UTC (2), where -1 is UTC itself;
/// big endian. Version 2 has one more byte, the seconds of that distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Time {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds above the seconds, below 1,000,000,000.
    pub nanoseconds: u32,
    /// Seconds east of UTC; `None` is Go's `time.UTC`. Less than a day, and not minus one minute, which Go cannot write: it
    /// looks like UTC.
    pub offset: Option<i32>,
}

/// 1970-01-01 in seconds since 0001-01-01, in Go's proleptic calendar.
const UNIX_EPOCH: i64 = 62_135_596_800;

impl Default for Time {
    /// Go's zero time, the beginning of the year 1.
    fn default() -> Self {
        Self {
            seconds: -UNIX_EPOCH,
            nanoseconds: 0,
            offset: None,
        }
    }
}

impl Opaque for Time {
    const GO_NAME: &'static str = "Time";
    const CODED_BY: CodedBy = CodedBy::GobEncoder;

    fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    fn to_bytes(&self) -> Vec<u8> {
        let (minutes, seconds) = match self.offset {
            None => (-1, 0),
            Some(offset) => ((offset / 60) as i16, (offset % 60) as i8),
        };
        let version = if seconds == 0 { 1 } else { 2 };
        let mut bytes = vec![version];
        bytes.extend_from_slice(&self.seconds.wrapping_add(UNIX_EPOCH).to_be_bytes());
        bytes.extend_from_slice(&self.nanoseconds.to_be_bytes());
        bytes.extend_from_slice(&minutes.to_be_bytes());
        if version == 2 {
            bytes.extend_from_slice(&seconds.to_be_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (seconds, rest) = rest.split_first_chunk::<8>()?;
        let (nanoseconds, rest) = rest.split_first_chunk::<4>()?;
        let (minutes, rest) = rest.split_first_chunk::<2>()?;
        let odd = match (version, rest) {
            (1, []) => 0,
            (2, [odd]) => *odd as i8,
            _ => return None,
        };
        let minutes = i16::from_be_bytes(*minutes);
        Some(Self {
            seconds: i64::from_be_bytes(*seconds).wrapping_sub(UNIX_EPOCH),
            nanoseconds: Some(u32::from_be_bytes(*nanoseconds))
                .filter(|nanos| *nanos < 1_000_000_000)?,
            offset: (minutes != -1).then_some(i32::from(minutes) * 60 + i32::from(odd)),
        })
    }
}

crate::opaque!(Time);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_what_go_writes_and_reads_back() {
        let time = Time {
            seconds: 1_672_628_645,
            nanoseconds: 6,
            offset: None,
        };
        let bytes = [
            0x01, 0, 0, 0, 0x0e, 0xdb, 0x44, 0x40, 0xa5, 0, 0, 0, 0x06, 0xff, 0xff,
        ];
        assert_eq!(time.to_bytes(), bytes);
        assert_eq!(Time::from_bytes(&bytes), Some(time));
    }

    #[test]
    fn a_distance_from_utc_survives_to_the_second() {
        for offset in [
            None,
            Some(0),
            Some(7200),
            Some(-12_600),
            Some(1172),
            Some(-1172),
        ] {
            let time = Time {
                seconds: -5,
                nanoseconds: 999_999_999,
                offset,
            };
            assert_eq!(Time::from_bytes(&time.to_bytes()), Some(time), "{offset:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_time_are_refused() {
        let good = Time::default().to_bytes();
        let mut nanos = good.clone();
        nanos[9] = 0xff;
        for bytes in [
            &[][..],
            &good[..14],
            &[good.as_slice(), &[0]].concat(),
            &nanos,
            &[3; 15],
        ] {
            assert_eq!(Time::from_bytes(bytes), None, "{bytes:02x?}");
        }
    }
}
