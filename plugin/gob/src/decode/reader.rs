//! The second look at a value: what was asked for is built from it.
//!
//! The scan has found everything sound, so a [`Reader`] only has to compare kinds. It checks nevertheless: an implementation of
//! [`Gob`] that reads something else than it said leaves an error behind, never a panic.

use std::borrow::Cow;
use std::mem;
use std::sync::Arc;

use crate::error::{Error, Mismatch};
use crate::number::{Cursor, Flaw};
use crate::record::Gob;
use crate::schema::definition::take_definition;
use crate::schema::received::{Kind, Received};
use crate::schema::{Shape, TypeId, take_id};

/// A place in a value, for implementations of [`Gob`].
///
/// Every method takes the type that the sender declared, reads a value of it, and says `Mismatch` when it is of another kind.
#[derive(Debug)]
pub struct Reader<'a> {
    cursor: Cursor<'a>,
    types: &'a Received,
    offset: u64,
    /// Nothing has been read yet: a struct met now is the whole value.
    whole: bool,
}

/// What is in an interface that is not nil. A value of type `wire` comes next.
#[derive(Debug)]
pub struct Inside<'a> {
    /// The name under which Go knows the type.
    pub name: Cow<'a, str>,
    /// The type as the sender declared it.
    pub wire: TypeId,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], types: &'a Received, offset: u64) -> Self {
        Self {
            cursor: Cursor::new(bytes, 0),
            types,
            offset,
            whole: true,
        }
    }

    /// The whole value, from its first message on.
    pub(super) fn value<T: Gob>(mut self) -> Result<T, Error> {
        let wire = loop {
            self.take(Cursor::take_uint)?;
            if let Some(id) = self.concrete()? {
                break id;
            }
        };
        self.begin(wire)?;
        let value = T::read(&mut self, wire)?;
        match self.cursor.left() {
            0 => Ok(value),
            _ => Err(self.invalid("a value that was not read to its end")),
        }
    }

    /// A `bool`.
    ///
    /// # Errors
    /// `Mismatch` when the sender declared another kind.
    pub fn boolean(&mut self, wire: TypeId) -> Result<bool, Error> {
        self.expect(wire, TypeId::BOOL, "bool")?;
        Ok(self.take(Cursor::take_uint)? != 0)
    }

    /// A signed number, in a type that may be narrower than the sender's.
    ///
    /// # Errors
    /// `Mismatch` when the sender declared another kind, or the number does not fit.
    pub fn signed<N: TryFrom<i64>>(&mut self, wire: TypeId) -> Result<N, Error> {
        self.expect(wire, TypeId::INT, "int")?;
        N::try_from(self.take(Cursor::take_int)?)
            .map_err(|_| Error::mismatch("number out of range"))
    }

    /// An unsigned number, in a type that may be narrower than the sender's.
    ///
    /// # Errors
    /// `Mismatch` when the sender declared another kind, or the number does not fit.
    pub fn unsigned<N: TryFrom<u64>>(&mut self, wire: TypeId) -> Result<N, Error> {
        self.expect(wire, TypeId::UINT, "uint")?;
        N::try_from(self.take(Cursor::take_uint)?)
            .map_err(|_| Error::mismatch("number out of range"))
    }

    /// A float of either width.
    ///
    /// # Errors
    /// `Mismatch` when the sender declared another kind.
    pub fn float(&mut self, wire: TypeId) -> Result<f64, Error> {
        self.expect(wire, TypeId::FLOAT, "float")?;
        self.take(Cursor::take_float)
    }

    /// A complex number: real and imaginary part.
    ///
    /// # Errors
    /// `Mismatch` when the sender declared another kind.
    pub fn complex(&mut self, wire: TypeId) -> Result<(f64, f64), Error> {
        self.expect(wire, TypeId::COMPLEX, "complex")?;
        Ok((
            self.take(Cursor::take_float)?,
            self.take(Cursor::take_float)?,
        ))
    }

    /// The bytes of a `string`, which need not be UTF-8.
    ///
    /// # Errors
    /// `Mismatch` when the sender declared another kind.
    pub fn string(&mut self, wire: TypeId) -> Result<&'a [u8], Error> {
        self.expect(wire, TypeId::STRING, "string")?;
        self.take(Cursor::take_bytes)
    }

    /// A `[]byte`.
    ///
    /// # Errors
    /// `Mismatch` when the sender declared another kind.
    pub fn bytes(&mut self, wire: TypeId) -> Result<&'a [u8], Error> {
        self.expect(wire, TypeId::BYTES, "bytes")?;
        self.take(Cursor::take_bytes)
    }

    /// The bytes of a type that codes itself, by whichever method.
    ///
    /// # Errors
    /// `Mismatch` when the sender declared another kind.
    pub fn opaque(&mut self, wire: TypeId) -> Result<&'a [u8], Error> {
        match self.kind(wire)? {
            Kind::Defined(Shape::Opaque(_)) => self.take(Cursor::take_bytes),
            other => Err(Mismatch::kind(other.name(), "opaque")),
        }
    }

    /// The beginning of a slice: the type and the number of elements that follow.
    ///
    /// # Errors
    /// `Mismatch` when the sender declared another kind.
    pub fn slice(&mut self, wire: TypeId) -> Result<(TypeId, usize), Error> {
        match self.kind(wire)? {
            Kind::Defined(Shape::Slice { elem }) => Ok((*elem, self.count()?)),
            other => Err(Mismatch::kind(other.name(), "slice")),
        }
    }

    /// The beginning of an array of `len` elements: the type of the elements that follow.
    ///
    /// # Errors
    /// `Mismatch` when the sender declared another kind or length.
    pub fn array(&mut self, wire: TypeId, len: usize) -> Result<TypeId, Error> {
        match self.kind(wire)? {
            Kind::Defined(Shape::Array { elem, len: sent }) if *sent == len as u64 => {
                self.count()?;
                Ok(*elem)
            }
            Kind::Defined(Shape::Array { .. }) => Err(Error::mismatch("array of another length")),
            other => Err(Mismatch::kind(other.name(), "array")),
        }
    }

    /// The beginning of a map: the types of keys and values, and how many pairs follow.
    ///
    /// # Errors
    /// `Mismatch` when the sender declared another kind.
    pub fn map(&mut self, wire: TypeId) -> Result<(TypeId, TypeId, usize), Error> {
        match self.kind(wire)? {
            Kind::Defined(Shape::Map { key, elem }) => Ok((*key, *elem, self.count()?)),
            other => Err(Mismatch::kind(other.name(), "map")),
        }
    }

    /// A struct: `each` is called for every field present, with its name and type, reads it and says `true`, or leaves it to be
    /// skipped and says `false`. `known` are the names `each` reads.
    ///
    /// # Errors
    /// `Mismatch` when the sender declared another kind; when the whole value is a struct with fields and none of them is
    /// known, as in Go; and what `each` returns.
    pub fn fields(
        &mut self,
        wire: TypeId,
        known: &[&str],
        mut each: impl FnMut(&mut Self, &Arc<str>, TypeId) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let whole = mem::take(&mut self.whole);
        let fields = match self.kind(wire)? {
            Kind::Defined(Shape::Struct { fields }) => fields,
            other => return Err(Mismatch::kind(other.name(), "struct")),
        };
        let strangers = || !fields.iter().any(|field| known.contains(&&*field.name));
        if whole && !fields.is_empty() && !known.is_empty() && strangers() {
            return Err(Error::mismatch("no field has a known name"));
        }
        let mut place = 0_usize;
        loop {
            match self.take(Cursor::take_uint)? {
                0 => return Ok(()),
                delta => place = place.saturating_add(usize::try_from(delta).unwrap_or(usize::MAX)),
            }
            let field = fields
                .get(place - 1)
                .ok_or_else(|| self.invalid("a field that its type does not have"))?;
            if !each(self, &field.name, field.id)? {
                self.skip(field.id)?;
            }
        }
    }

    /// The beginning of an interface value: nil, or a name and the type of what follows.
    ///
    /// # Errors
    /// `Mismatch` when the sender declared another kind.
    pub fn interface(&mut self, wire: TypeId) -> Result<Option<Inside<'a>>, Error> {
        self.expect(wire, TypeId::INTERFACE, "interface")?;
        let name = self.take(Cursor::take_bytes)?;
        if name.is_empty() {
            return Ok(None);
        }
        let wire = loop {
            if let Some(id) = self.concrete()? {
                break id;
            }
            self.take(Cursor::take_uint)?;
        };
        self.take(Cursor::take_uint)?;
        self.begin(wire)?;
        Ok(Some(Inside {
            name: String::from_utf8_lossy(name),
            wire,
        }))
    }

    /// Passes over a value.
    ///
    /// # Errors
    /// None for a value that is there.
    pub fn skip(&mut self, wire: TypeId) -> Result<(), Error> {
        match self.kind(wire)? {
            Kind::Bool | Kind::Int | Kind::Uint | Kind::Float => {
                self.take(Cursor::take_uint).map(drop)
            }
            Kind::Complex => self.complex(wire).map(drop),
            Kind::Bytes | Kind::String | Kind::Defined(Shape::Opaque(_)) => {
                self.take(Cursor::take_bytes).map(drop)
            }
            Kind::Interface => match self.interface(wire)? {
                Some(inside) => self.skip(inside.wire),
                None => Ok(()),
            },
            Kind::Defined(Shape::Slice { elem } | Shape::Array { elem, .. }) => {
                let count = self.count()?;
                (0..count).try_for_each(|_| self.skip(*elem))
            }
            Kind::Defined(Shape::Map { key, elem }) => {
                let count = self.count()?;
                (0..count).try_for_each(|_| self.skip(*key).and_then(|()| self.skip(*elem)))
            }
            Kind::Defined(Shape::Struct { .. }) => self.fields(wire, &[], |_, _, _| Ok(false)),
        }
    }

    pub(crate) fn kind(&mut self, wire: TypeId) -> Result<Kind<'a>, Error> {
        self.whole = false;
        self.types.kind(wire).map_err(|flaw| self.invalid(flaw))
    }

    fn expect(&mut self, wire: TypeId, wanted: TypeId, name: &'static str) -> Result<(), Error> {
        if wire == wanted {
            return Ok(());
        }
        Err(Mismatch::kind(self.kind(wire)?.name(), name))
    }

    /// A count of elements, of which each has at least one byte; so it may be used as a capacity.
    pub(crate) fn count(&mut self) -> Result<usize, Error> {
        let count = usize::try_from(self.take(Cursor::take_uint)?).unwrap_or(usize::MAX);
        match count <= self.cursor.left() {
            true => Ok(count),
            false => Err(self.invalid("more elements than bytes")),
        }
    }

    /// The id of the value that follows, or `None` after passing over a definition, which the scan has kept.
    fn concrete(&mut self) -> Result<Option<TypeId>, Error> {
        let mut ahead = self.cursor;
        if ahead.take_int().map_err(|flaw| self.invalid(flaw))? >= 0 {
            return self.take(take_id).map(Some);
        }
        self.cursor = ahead;
        self.take(take_definition)?;
        Ok(None)
    }

    fn begin(&mut self, wire: TypeId) -> Result<(), Error> {
        let whole = self.whole;
        if !self.kind(wire)?.is_struct() {
            self.take(Cursor::take_uint)?;
        }
        self.whole = whole;
        Ok(())
    }

    fn take<T>(
        &mut self,
        take: impl FnOnce(&mut Cursor<'a>) -> Result<T, Flaw>,
    ) -> Result<T, Error> {
        take(&mut self.cursor).map_err(|flaw| self.invalid(flaw))
    }

    fn invalid(&self, reason: Flaw) -> Error {
        Error::Invalid {
            offset: self.offset + self.cursor.at as u64,
            reason,
        }
    }
}
