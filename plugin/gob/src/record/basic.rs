//! Numbers, strings and bytes.

use super::Gob;
use crate::decode::Reader;
use crate::encode::Writer;
use crate::error::{EncodeError, Error};
use crate::number::text;
use crate::schema::TypeId;
use crate::schema::declared::Types;

impl Gob for bool {
    fn declare(_: &mut Types) -> TypeId {
        TypeId::BOOL
    }

    fn is_omitted(&self) -> bool {
        !self
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.boolean(*self);
        Ok(())
    }

    fn read(input: &mut Reader<'_>, wire: TypeId) -> Result<Self, Error> {
        input.boolean(wire)
    }
}

macro_rules! integer {
    ($id:ident, $method:ident, $wide:ty: $($type:ty)*) => {$(
        impl Gob for $type {
            fn declare(_: &mut Types) -> TypeId {
                TypeId::$id
            }

            fn is_omitted(&self) -> bool {
                *self == 0
            }

            fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
                out.$method(<$wide>::from(*self));
                Ok(())
            }

            fn read(input: &mut Reader<'_>, wire: TypeId) -> Result<Self, Error> {
                input.$method(wire)
            }
        }
    )*};
}

integer!(INT, signed, i64: i8 i16 i32 i64);
// No `u8`: that keeps `Vec<u8>` free to be Go's `[]byte`.
integer!(UINT, unsigned, u64: u16 u32 u64);

macro_rules! float {
    ($($type:ty)*) => {$(
        impl Gob for $type {
            fn declare(_: &mut Types) -> TypeId {
                TypeId::FLOAT
            }

            fn is_omitted(&self) -> bool {
                *self == 0.0
            }

            fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
                out.float(f64::from(*self));
                Ok(())
            }

            fn read(input: &mut Reader<'_>, wire: TypeId) -> Result<Self, Error> {
                Ok(input.float(wire)? as Self)
            }
        }
    )*};
}

float!(f32 f64);

impl Gob for String {
    fn declare(_: &mut Types) -> TypeId {
        TypeId::STRING
    }

    fn is_omitted(&self) -> bool {
        self.is_empty()
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.bytes(self.as_bytes());
        Ok(())
    }

    fn read(input: &mut Reader<'_>, wire: TypeId) -> Result<Self, Error> {
        input.string(wire).map(text)
    }
}

impl Gob for Vec<u8> {
    fn declare(_: &mut Types) -> TypeId {
        TypeId::BYTES
    }

    fn is_omitted(&self) -> bool {
        self.is_empty()
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.bytes(self);
        Ok(())
    }

    fn read(input: &mut Reader<'_>, wire: TypeId) -> Result<Self, Error> {
        input.bytes(wire).map(<[u8]>::to_vec)
    }
}

/// Go's `struct{}`: what a method without arguments or results is called with and answers.
impl Gob for () {
    fn declare(types: &mut Types) -> TypeId {
        types.record::<Self>("", &[])
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.fields().end();
        Ok(())
    }

    fn read(input: &mut Reader<'_>, wire: TypeId) -> Result<Self, Error> {
        input.fields(wire, &[], |_, _, _| Ok(false))
    }
}
