//! Numbers: everything in gob is an unsigned number, or bytes behind one.
//!
//! The `put` half writes to the end of a buffer and cannot fail. The `take` half reads from a [`Cursor`] over bytes that are all
//! there; what it says about them is [`Flaw`], without a place, because only the decoder knows where in the stream it stands.

use std::fmt;

/// What is wrong with bytes: one fact, without its place.
pub(crate) type Flaw = &'static str;

/// Appends an unsigned number: below 128 itself, else the negated count of bytes and the bytes, big endian, none to spare.
pub(crate) fn put_uint(out: &mut Vec<u8>, number: u64) {
    if number < 0x80 {
        out.push(number as u8);
        return;
    }
    let bytes = number.to_be_bytes();
    let blank = number.leading_zeros() as usize / 8;
    out.push(!(8 - blank as u8) + 1);
    out.extend_from_slice(&bytes[blank..]);
}

/// Appends a signed number: the sign in the lowest bit, the rest above it, complemented when negative.
pub(crate) fn put_int(out: &mut Vec<u8>, number: i64) {
    put_uint(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// Appends a float: its bits with the bytes turned round, because small numbers have their zeros at the end.
pub(crate) fn put_float(out: &mut Vec<u8>, number: f64) {
    put_uint(out, number.to_bits().swap_bytes());
}

/// Appends a length and that many bytes.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_uint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A place in bytes that are all there.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(crate) fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    pub(crate) fn take_uint(&mut self) -> Result<u64, Flaw> {
        let first = *self.take(1)?.first().unwrap_or(&0);
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let count = usize::from(!first) + 1;
        if count > 8 {
            return Err("a number of more than eight bytes");
        }
        Ok(self
            .take(count)?
            .iter()
            .fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }

    pub(crate) fn take_int(&mut self) -> Result<i64, Flaw> {
        let raw = self.take_uint()?;
        let number = (raw >> 1) as i64;
        Ok(if raw & 1 == 0 { number } else { !number })
    }

    pub(crate) fn take_float(&mut self) -> Result<f64, Flaw> {
        Ok(f64::from_bits(self.take_uint()?.swap_bytes()))
    }

    /// Takes a length and that many bytes.
    pub(crate) fn take_bytes(&mut self) -> Result<&'a [u8], Flaw> {
        let count = self.take_uint()?;
        self.take(usize::try_from(count).map_err(|_| CUT)?)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Flaw> {
        let end = self.at.checked_add(count).ok_or(CUT)?;
        let taken = self.bytes.get(self.at..end).ok_or(CUT)?;
        self.at = end;
        Ok(taken)
    }
}

/// Without the bytes: they are what people wrote.
impl fmt::Debug for Cursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {} of {}", self.at, self.bytes.len())
    }
}

const CUT: Flaw = "the message ends inside a value";

/// Bytes of a string as text. Go's strings hold any bytes; what is no UTF-8 becomes replacement characters.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(write: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    #[test]
    fn an_unsigned_number_is_as_short_as_go_writes_it_and_reads_back() {
        let table: [(u64, &[u8]); 9] = [
            (0, &[0x00]),
            (127, &[0x7f]),
            (128, &[0xff, 0x80]),
            (255, &[0xff, 0xff]),
            (256, &[0xfe, 0x01, 0x00]),
            (0xff_ffff, &[0xfd, 0xff, 0xff, 0xff]),
            (1 << 32, &[0xfb, 0x01, 0x00, 0x00, 0x00, 0x00]),
            (1 << 56, &[0xf8, 0x01, 0, 0, 0, 0, 0, 0, 0]),
            (
                u64::MAX,
                &[0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            ),
        ];
        for (number, bytes) in table {
            assert_eq!(put(|out| put_uint(out, number)), bytes, "{number}");
            assert_eq!(Cursor::new(bytes, 0).take_uint(), Ok(number), "{number}");
        }
    }

    #[test]
    fn a_signed_number_keeps_its_sign_in_the_lowest_bit() {
        let table: [(i64, &[u8]); 10] = [
            (0, &[0x00]),
            (1, &[0x02]),
            (-1, &[0x01]),
            (63, &[0x7e]),
            (-64, &[0x7f]),
            (64, &[0xff, 0x80]),
            (-65, &[0xff, 0x81]),
            (-129, &[0xfe, 0x01, 0x01]),
            (
                i64::MAX,
                &[0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe],
            ),
            (
                i64::MIN,
                &[0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            ),
        ];
        for (number, bytes) in table {
            assert_eq!(put(|out| put_int(out, number)), bytes, "{number}");
            assert_eq!(Cursor::new(bytes, 0).take_int(), Ok(number), "{number}");
        }
    }

    #[test]
    fn a_float_has_its_bytes_turned_round() {
        let table: [(f64, &[u8]); 5] = [
            (0.0, &[0x00]),
            (1.0, &[0xfe, 0xf0, 0x3f]),
            (17.0, &[0xfe, 0x31, 0x40]),
            (-2.5, &[0xfe, 0x04, 0xc0]),
            (0.1, &[0xf8, 0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f]),
        ];
        for (number, bytes) in table {
            assert_eq!(put(|out| put_float(out, number)), bytes, "{number}");
            assert_eq!(Cursor::new(bytes, 0).take_float(), Ok(number), "{number}");
        }
    }

    #[test]
    fn a_number_longer_than_eight_bytes_or_cut_off_is_a_flaw() {
        for bytes in [
            &[0xf7, 1, 1, 1, 1, 1, 1, 1, 1, 1][..],
            &[0x80],
            &[0xfe, 0x01],
            &[],
        ] {
            assert!(Cursor::new(bytes, 0).take_uint().is_err(), "{bytes:02x?}");
        }
        let mut longer = Vec::new();
        put_uint(&mut longer, u64::MAX);
        assert!(
            Cursor::new(&longer, 0).take_bytes().is_err(),
            "a length beyond the end"
        );
    }
}
