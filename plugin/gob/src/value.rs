//! Values that nobody described in advance.
//!
//! Read, a [`Value`] takes whatever the sender declared. Written, it is what an `interface{}` holds. The names under which Go
//! registers types would clutter every list and map, so a value carries its name only when it is not the one its kind implies:
//! see [`Named`].

mod question;
mod wire;

use std::sync::Arc;

/// Any gob.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Nil in an interface.
    #[default]
    Nil,
    /// `bool`
    Bool(bool),
    /// A signed integer of any width, `int` in an interface.
    Int(i64),
    /// An unsigned integer of any width, `uint` in an interface.
    Uint(u64),
    /// A float of either width, `float64` in an interface. All numbers that were JSON once are floats.
    Float(f64),
    /// A complex number, `complex128` in an interface: real and imaginary part.
    Complex(f64, f64),
    /// `string`; what is no UTF-8 has become replacement characters.
    String(String),
    /// `[]byte`, which is `[]uint8` in an interface.
    Bytes(Vec<u8>),
    /// A slice or array, `[]interface {}` in an interface.
    List(Vec<Self>),
    /// A map in the order of the wire, `map[string]interface {}` in an interface.
    Map(Vec<(Self, Self)>),
    /// A struct: the fields that were sent. In an interface it is always [`Named`].
    Struct(Vec<(Arc<str>, Self)>),
    /// What a type that codes itself wrote. In an interface it is always [`Named`].
    Opaque(Vec<u8>),
    /// What stood in an interface under a name that its kind does not imply, such as `int64` or `*model.AppError`.
    Named(Box<Named>),
}

/// A value and the name under which Go has registered its type.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The registered name.
    pub name: String,
    /// The value itself, never again [`Value::Named`].
    pub value: Value,
}

impl Value {
    /// A value under a registered name. It can be written when the name is that of a basic Go type or of a slice of one.
    #[must_use]
    pub fn named(name: impl Into<String>, value: Self) -> Self {
        Self::Named(Box::new(Named {
            name: name.into(),
            value,
        }))
    }

    /// A `[]interface {}`.
    pub fn list<V: Into<Self>>(elements: impl IntoIterator<Item = V>) -> Self {
        Self::List(elements.into_iter().map(Into::into).collect())
    }

    /// A `map[string]interface {}`.
    pub fn map<K: Into<String>, V: Into<Self>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Map(
            pairs
                .into_iter()
                .map(|(key, value)| (Self::String(key.into()), value.into()))
                .collect(),
        )
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident),* $(,)?) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from!(bool => Bool, i32 => Int, i64 => Int, u32 => Uint, u64 => Uint, f64 => Float, &str => String, String => String);
from!(Vec<u8> => Bytes, Vec<Self> => List);

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nil, Into::into)
    }
}
