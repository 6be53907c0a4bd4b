//! A value on the wire: whatever the sender declared when read, an interface when written.

use std::collections::BTreeMap;

use super::{Named, Value};
use crate::decode::{Inside, Reader};
use crate::encode::Writer;
use crate::error::{EncodeError, Error};
use crate::number::text;
use crate::record::Gob;
use crate::schema::declared::{Declare, Types};
use crate::schema::received::Kind;
use crate::schema::{Shape, TypeId};

impl Gob for Value {
    fn declare(_: &mut Types) -> TypeId {
        TypeId::INTERFACE
    }

    fn is_omitted(&self) -> bool {
        matches!(self, Self::Nil)
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        match self {
            Self::Nil => {
                out.nil_interface();
                Ok(())
            }
            Self::Named(named) => named.value.write_under(&named.name, out),
            other => other.write_under(other.implied_name().unwrap_or_else(|| other.kind()), out),
        }
    }

    fn read(input: &mut Reader<'_>, wire: TypeId) -> Result<Self, Error> {
        Ok(match input.kind(wire)? {
            Kind::Bool => Self::Bool(input.boolean(wire)?),
            Kind::Int => Self::Int(input.signed(wire)?),
            Kind::Uint => Self::Uint(input.unsigned(wire)?),
            Kind::Float => Self::Float(input.float(wire)?),
            Kind::Complex => input.complex(wire).map(|(re, im)| Self::Complex(re, im))?,
            Kind::Bytes => Self::Bytes(input.bytes(wire)?.to_vec()),
            Kind::String => Self::String(text(input.string(wire)?)),
            Kind::Interface => match input.interface(wire)? {
                Some(inside) => Self::read_inside(input, inside)?,
                None => Self::Nil,
            },
            Kind::Defined(shape) => Self::read_defined(input, wire, shape)?,
        })
    }

    fn write_nil(out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.nil_interface();
        Ok(())
    }
}

impl Value {
    /// Reads what is in an interface, and keeps its name unless the kind implies it.
    ///
    /// # Errors
    /// None for a value that is there.
    pub fn read_inside(input: &mut Reader<'_>, inside: Inside<'_>) -> Result<Self, Error> {
        let value = Self::read(input, inside.wire)?;
        if value.implied_name() == Some(&*inside.name) {
            return Ok(value);
        }
        Ok(Self::Named(Box::new(Named {
            name: inside.name.into_owned(),
            value,
        })))
    }

    fn read_defined(input: &mut Reader<'_>, wire: TypeId, shape: &Shape) -> Result<Self, Error> {
        match shape {
            Shape::Opaque(_) => Ok(Self::Opaque(input.opaque(wire)?.to_vec())),
            Shape::Slice { elem } | Shape::Array { elem, .. } => {
                let count = input.count()?;
                let mut elements = Vec::with_capacity(count);
                for _ in 0..count {
                    elements.push(Self::read(input, *elem)?);
                }
                Ok(Self::List(elements))
            }
            Shape::Map { key, elem } => {
                let count = input.count()?;
                let mut pairs = Vec::with_capacity(count);
                for _ in 0..count {
                    pairs.push((Self::read(input, *key)?, Self::read(input, *elem)?));
                }
                Ok(Self::Map(pairs))
            }
            Shape::Struct { .. } => {
                let mut fields = Vec::new();
                input.fields(wire, &[], |input, name, wire| {
                    fields.push((name.clone(), Self::read(input, wire)?));
                    Ok(true)
                })?;
                Ok(Self::Struct(fields))
            }
        }
    }

    /// The name under which Go has registered what this kind stands for.
    fn implied_name(&self) -> Option<&'static str> {
        match self {
            Self::Bool(_) => Some("bool"),
            Self::Int(_) => Some("int"),
            Self::Uint(_) => Some("uint"),
            Self::Float(_) => Some("float64"),
            Self::Complex(..) => Some("complex128"),
            Self::String(_) => Some("string"),
            Self::Bytes(_) => Some("[]uint8"),
            Self::List(_) => Some("[]interface {}"),
            Self::Map(_) => Some("map[string]interface {}"),
            Self::Nil | Self::Struct(_) | Self::Opaque(_) | Self::Named(_) => None,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Struct(_) => "struct",
            Self::Opaque(_) => "opaque",
            _ => "value",
        }
    }

    fn write_under(&self, name: &str, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        let undescribed = || EncodeError::Undescribed {
            name: name.to_owned(),
        };
        match (name, self) {
            ("[]interface {}", Self::List(elements)) => out.interface(name, elements),
            ("map[string]interface {}", Self::Map(pairs)) => {
                if pairs.iter().any(|(key, _)| !matches!(key, Self::String(_))) {
                    return Err(undescribed());
                }
                out.interface_with(name, <BTreeMap<String, Self>>::declare, |out| {
                    out.unsigned(pairs.len() as u64);
                    for (key, value) in pairs {
                        out.bytes(key.as_str().unwrap_or_default().as_bytes());
                        value.write(out)?;
                    }
                    Ok(())
                })
            }
            (_, Self::List(elements)) => {
                let basic = name
                    .strip_prefix("[]")
                    .and_then(Basic::of)
                    .ok_or_else(undescribed)?;
                out.interface_with(name, basic.list().ok_or_else(undescribed)?, |out| {
                    out.unsigned(elements.len() as u64);
                    match elements.iter().all(|element| element.put_basic(basic, out)) {
                        true => Ok(()),
                        false => Err(undescribed()),
                    }
                })
            }
            _ => {
                let basic = Basic::of(name).ok_or_else(undescribed)?;
                out.interface_with(
                    name,
                    |_| basic.id(),
                    |out| match self.put_basic(basic, out) {
                        true => Ok(()),
                        false => Err(undescribed()),
                    },
                )
            }
        }
    }

    /// Writes the bare value when it is of that type.
    fn put_basic(&self, basic: Basic, out: &mut Writer<'_>) -> bool {
        match (basic, self) {
            (Basic::Bool, Self::Bool(value)) => out.boolean(*value),
            (Basic::Int, Self::Int(value)) => out.signed(*value),
            (Basic::Uint, Self::Uint(value)) => out.unsigned(*value),
            (Basic::Float, Self::Float(value)) => out.float(*value),
            (Basic::Complex, Self::Complex(re, im)) => {
                out.float(*re);
                out.float(*im);
            }
            (Basic::String, Self::String(value)) => out.bytes(value.as_bytes()),
            (Basic::Bytes, Self::Bytes(value)) => out.bytes(value),
            _ => return false,
        }
        true
    }
}

/// The types that every Go program has registered, apart from their width.
#[derive(Debug, Clone, Copy)]
enum Basic {
    Bool,
    Int,
    Uint,
    Float,
    Complex,
    String,
    Bytes,
}

impl Basic {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "bool" => Self::Bool,
            "int" | "int8" | "int16" | "int32" | "int64" => Self::Int,
            "uint" | "uint8" | "uint16" | "uint32" | "uint64" | "uintptr" => Self::Uint,
            "float32" | "float64" => Self::Float,
            "complex64" | "complex128" => Self::Complex,
            "string" => Self::String,
            "[]uint8" => Self::Bytes,
            _ => return None,
        })
    }

    fn id(self) -> TypeId {
        match self {
            Self::Bool => TypeId::BOOL,
            Self::Int => TypeId::INT,
            Self::Uint => TypeId::UINT,
            Self::Float => TypeId::FLOAT,
            Self::Complex => TypeId::COMPLEX,
            Self::String => TypeId::STRING,
            Self::Bytes => TypeId::BYTES,
        }
    }

    /// How a list of it is declared.
    fn list(self) -> Option<Declare> {
        Some(match self {
            Self::Bool => <Vec<bool>>::declare,
            Self::Int => <Vec<i64>>::declare,
            Self::Uint => <Vec<u64>>::declare,
            Self::Float => <Vec<f64>>::declare,
            // No Rust type stands for a complex number.
            Self::Complex => return None,
            Self::String => <Vec<String>>::declare,
            Self::Bytes => <Vec<Vec<u8>>>::declare,
        })
    }
}
