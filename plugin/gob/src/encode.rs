//! Writing a stream: a described value becomes definitions and one message.
//!
//! All definitions come before the message, also those of types that only an interface inside the value brings in. Go allows
//! that, and it makes every byte count true. What the peer has been told is remembered for the life of the stream; a value that
//! fails takes back what it told.

use std::{fmt, mem};

use crate::error::EncodeError;
use crate::number::{put_bytes, put_float, put_int, put_uint};
use crate::record::Gob;
use crate::schema::TypeId;
use crate::schema::declared::Types;

/// Writes the values of one stream in one direction.
#[derive(Debug, Default)]
pub struct Encoder {
    types: Types,
    /// The message being written, kept for its capacity.
    body: Vec<u8>,
}

/// A buffer that was needed for a large value is given back when it is larger than this. A long body is written in pieces of up
/// to 256 KiB, and giving the buffer back after each costs more than the piece.
const KEEP: usize = 320 << 10;

impl Encoder {
    /// An encoder for the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends `value` to `out`, after the definitions it needs and the stream has not had.
    ///
    /// # Errors
    /// When the value cannot be written; then `out` and the encoder are as they were.
    pub fn encode<T: Gob>(&mut self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.all_or_nothing(out, |encoder, out| encoder.append(value, out))
    }

    /// Appends two values, or neither: a `net/rpc` header and its body. A header alone would make the peer take what follows
    /// for its body.
    ///
    /// # Errors
    /// When one of them cannot be written; then `out` and the encoder are as they were.
    pub fn encode_pair<A: Gob, B: Gob>(
        &mut self,
        first: &A,
        second: &B,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        self.all_or_nothing(out, |encoder, out| {
            encoder.append(first, out)?;
            encoder.append(second, out)
        })
    }

    fn all_or_nothing(
        &mut self,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Self, &mut Vec<u8>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let before = out.len();
        let result = write(self, out);
        match &result {
            Ok(()) => self.types.commit(),
            Err(_) => {
                out.truncate(before);
                self.types.roll_back();
            }
        }
        result
    }

    fn append<T: Gob>(&mut self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let id = T::declare(&mut self.types);
        self.types.send(id, out);

        let mut writer = Writer {
            types: &mut self.types,
            definitions: out,
            body: mem::take(&mut self.body),
        };
        let result = writer.whole(id, value);
        let mut body = writer.body;
        if result.is_ok() {
            put_bytes(out, &body);
        }
        body.clear();
        body.shrink_to(KEEP);
        self.body = body;
        result
    }
}

/// A message being written, for implementations of [`Gob`].
pub struct Writer<'a> {
    types: &'a mut Types,
    definitions: &'a mut Vec<u8>,
    body: Vec<u8>,
}

impl<'a> Writer<'a> {
    /// A `bool`.
    pub fn boolean(&mut self, value: bool) {
        put_uint(&mut self.body, u64::from(value));
    }

    /// A signed number.
    pub fn signed(&mut self, value: i64) {
        put_int(&mut self.body, value);
    }

    /// An unsigned number, or the count of elements before a slice, an array or the pairs of a map.
    pub fn unsigned(&mut self, value: u64) {
        put_uint(&mut self.body, value);
    }

    /// A float.
    pub fn float(&mut self, value: f64) {
        put_float(&mut self.body, value);
    }

    /// The bytes of a `string`, a `[]byte`, or a type that codes itself.
    pub fn bytes(&mut self, value: &[u8]) {
        put_bytes(&mut self.body, value);
    }

    /// The fields of a struct, in the order of its declaration. To be finished with [`Fields::end`].
    pub fn fields(&mut self) -> Fields<'_, 'a> {
        Fields {
            writer: self,
            delta: 0,
        }
    }

    /// An interface that is nil.
    pub fn nil_interface(&mut self) {
        put_uint(&mut self.body, 0);
    }

    /// An interface holding `value` under its registered name.
    ///
    /// # Errors
    /// What writing `value` returns.
    pub fn interface<T: Gob>(&mut self, name: &str, value: &T) -> Result<(), EncodeError> {
        self.interface_with(name, T::declare, |writer| value.write(writer))
    }

    /// An interface holding what `write` writes, of the type that `declare` gives.
    ///
    /// # Errors
    /// What `write` returns.
    pub fn interface_with(
        &mut self,
        name: &str,
        declare: impl FnOnce(&mut Types) -> TypeId,
        write: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let id = declare(self.types);
        self.types.send(id, self.definitions);
        put_bytes(&mut self.body, name.as_bytes());
        put_int(&mut self.body, i64::from(id.0));

        let start = self.body.len();
        self.begin(id);
        write(self)?;
        let end = self.body.len();
        // The count stands before what it counts.
        put_uint(&mut self.body, (end - start) as u64);
        let count = self.body.len() - end;
        if let Some(counted) = self.body.get_mut(start..) {
            counted.rotate_right(count);
        }
        Ok(())
    }

    fn whole<T: Gob>(&mut self, id: TypeId, value: &T) -> Result<(), EncodeError> {
        put_int(&mut self.body, i64::from(id.0));
        self.begin(id);
        value.write(self)
    }

    fn begin(&mut self, id: TypeId) {
        if !self.types.is_struct(id) {
            put_uint(&mut self.body, 0);
        }
    }
}

/// Without the bytes: they are what people wrote.
impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a message of {} bytes so far", self.body.len())
    }
}

/// A struct being written.
#[derive(Debug)]
#[must_use = "a struct needs its end"]
pub struct Fields<'w, 'a> {
    writer: &'w mut Writer<'a>,
    /// Fields since the last one written.
    delta: u64,
}

impl Fields<'_, '_> {
    /// The next field, unless its value is left out.
    ///
    /// # Errors
    /// What writing `value` returns.
    pub fn field<T: Gob>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.delta += 1;
        if value.is_omitted() {
            return Ok(());
        }
        self.writer.unsigned(mem::take(&mut self.delta));
        value.write(self.writer)
    }

    /// The end of the struct.
    pub fn end(self) {
        self.writer.unsigned(0);
    }
}
