//! Wire types: what a definition on the stream says about the values that follow it.
//!
//! A type has an id. The first few need no definition; the rest are defined once per stream and direction, each by a
//! `wireType`: a struct with exactly one field set, which is one of the [`Shape`]s. [`declared`] is our half of a stream, where
//! Rust types get ids; [`received`] is the peer's, where ids get shapes. Names of types are written and never looked at.

pub(crate) mod declared;
pub(crate) mod definition;
pub(crate) mod received;

use std::sync::Arc;

use crate::number::{Cursor, Flaw};

/// The number under which a stream knows a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TypeId(pub(crate) i32);

impl TypeId {
    /// Go's `bool`.
    pub const BOOL: Self = Self(1);
    /// Go's signed integers of every width.
    pub const INT: Self = Self(2);
    /// Go's unsigned integers of every width.
    pub const UINT: Self = Self(3);
    /// Go's `float32` and `float64`.
    pub const FLOAT: Self = Self(4);
    /// Go's `[]byte`.
    pub const BYTES: Self = Self(5);
    /// Go's `string`.
    pub const STRING: Self = Self(6);
    /// Go's `complex64` and `complex128`.
    pub const COMPLEX: Self = Self(7);
    /// Any interface type.
    pub const INTERFACE: Self = Self(8);

    /// The first id that a stream may define. 16 to 23 are the types of definitions, the rest below is reserved.
    pub(crate) const FIRST_DEFINED: i32 = 64;
}

/// How a type that codes itself does so. Go refuses to read one kind where another was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodedBy {
    /// `GobEncode` and `GobDecode`, like `time.Time`.
    GobEncoder,
    /// `MarshalBinary` and `UnmarshalBinary`, like `url.URL`.
    BinaryMarshaler,
    /// `MarshalText` and `UnmarshalText`. Go reads it and never writes it.
    TextMarshaler,
}

/// What a definition defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Array { elem: TypeId, len: u64 },
    Slice { elem: TypeId },
    Struct { fields: Vec<Field> },
    Map { key: TypeId, elem: TypeId },
    Opaque(CodedBy),
}

/// One field of a struct type; a value names it by its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: Arc<str>,
    pub(crate) id: TypeId,
}

impl Shape {
    /// The field of `wireType` that holds this shape, counted from 1.
    fn place(&self) -> u64 {
        match self {
            Self::Array { .. } => 1,
            Self::Slice { .. } => 2,
            Self::Struct { .. } => 3,
            Self::Map { .. } => 4,
            Self::Opaque(CodedBy::GobEncoder) => 5,
            Self::Opaque(CodedBy::BinaryMarshaler) => 6,
            Self::Opaque(CodedBy::TextMarshaler) => 7,
        }
    }

    /// What messages for people call it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Array { .. } => "array",
            Self::Slice { .. } => "slice",
            Self::Struct { .. } => "struct",
            Self::Map { .. } => "map",
            Self::Opaque(_) => "opaque",
        }
    }
}

/// Takes the id of a type, defined or not.
pub(crate) fn take_id(cursor: &mut Cursor<'_>) -> Result<TypeId, Flaw> {
    match i32::try_from(cursor.take_int()?) {
        Ok(id) if id > 0 => Ok(TypeId(id)),
        _ => Err("a type id out of range"),
    }
}
