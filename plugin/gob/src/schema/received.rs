//! The peer's half of a stream: what it has defined so far.

use std::collections::HashMap;

use super::{Shape, TypeId};
use crate::number::Flaw;

/// The definitions received on one stream.
#[derive(Debug, Default)]
pub(crate) struct Received {
    shapes: HashMap<TypeId, Shape>,
    /// Bytes of all definitions, for [`Limits::definition_bytes`](crate::Limits::definition_bytes).
    pub(crate) bytes: usize,
}

/// A type as a value needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind<'a> {
    Bool,
    Int,
    Uint,
    Float,
    Bytes,
    String,
    Complex,
    Interface,
    Defined(&'a Shape),
}

impl Received {
    pub(crate) fn len(&self) -> usize {
        self.shapes.len()
    }

    /// Keeps a definition. It may name types that are defined later: only a value needs them all.
    pub(crate) fn add(&mut self, id: TypeId, shape: Shape) -> Result<(), Flaw> {
        if id.0 < TypeId::FIRST_DEFINED {
            return Err("a definition of a reserved type");
        }
        match self.shapes.insert(id, shape) {
            None => Ok(()),
            Some(_) => Err("a type defined twice"),
        }
    }

    pub(crate) fn kind(&self, id: TypeId) -> Result<Kind<'_>, Flaw> {
        Ok(match id {
            TypeId::BOOL => Kind::Bool,
            TypeId::INT => Kind::Int,
            TypeId::UINT => Kind::Uint,
            TypeId::FLOAT => Kind::Float,
            TypeId::BYTES => Kind::Bytes,
            TypeId::STRING => Kind::String,
            TypeId::COMPLEX => Kind::Complex,
            TypeId::INTERFACE => Kind::Interface,
            defined => Kind::Defined(
                self.shapes
                    .get(&defined)
                    .ok_or("a value of a type that was not defined")?,
            ),
        })
    }
}

impl Kind<'_> {
    /// What messages for people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Float => "float",
            Self::Bytes => "bytes",
            Self::String => "string",
            Self::Complex => "complex",
            Self::Interface => "interface",
            Self::Defined(shape) => shape.kind(),
        }
    }

    pub(crate) fn is_struct(self) -> bool {
        matches!(self, Self::Defined(Shape::Struct { .. }))
    }
}
