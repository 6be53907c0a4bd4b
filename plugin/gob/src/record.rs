//! Rust types that have a counterpart in gob.
//!
//! [`Gob`] says for both directions what a type is called, when it is left out, and how it is written and read.
//! [`record!`](crate::record!) implements it for structs, [`interface!`](crate::interface!) for the closed sets that stand in
//! Go's interfaces, [`opaque!`](crate::opaque!) for types that code themselves; [`basic`] and [`container`] for what Rust
//! brings along. Kinds follow from Rust types, so no field can be declared as one thing and written as another.

mod basic;
mod container;
mod interface;
mod opaque;

pub use opaque::{Opaque, Time};

use crate::decode::Reader;
use crate::encode::Writer;
use crate::error::{EncodeError, Error};
use crate::schema::TypeId;
use crate::schema::declared::Types;

/// A type that can be written as gob and read from it.
///
/// What `write` writes must be a value of the type that `declare` gives.
pub trait Gob: Sized + 'static {
    /// The type's id on one stream; asked for before every value, so known types must be found quickly.
    fn declare(types: &mut Types) -> TypeId;

    /// Whether a struct leaves a field with this value out. What is read for a missing field is the default.
    fn is_omitted(&self) -> bool {
        false
    }

    /// Writes the value, without anything around it.
    ///
    /// # Errors
    /// When gob has no word for the value.
    fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError>;

    /// Reads a value of the type `wire` that the sender declared.
    ///
    /// # Errors
    /// `Mismatch` when that is not a type this one can be made from.
    fn read(input: &mut Reader<'_>, wire: TypeId) -> Result<Self, Error>;

    /// Writes `None`. Only interfaces have a word for nil.
    ///
    /// # Errors
    /// [`EncodeError::Nil`] unless the type is an interface.
    fn write_nil(out: &mut Writer<'_>) -> Result<(), EncodeError> {
        let _ = out;
        Err(EncodeError::Nil)
    }

    /// Reads a value that may be nil.
    ///
    /// # Errors
    /// As [`Gob::read`].
    fn read_nilable(input: &mut Reader<'_>, wire: TypeId) -> Result<Option<Self>, Error> {
        Self::read(input, wire).map(Some)
    }
}

/// Declares a struct with the Go names of itself and its fields, for both directions.
///
/// Every field's type must be [`Gob`] and [`Default`]. A field may have further names after `|`, which are read and not written.
///
/// ```
/// gob::record! {
///     /// Who called, and from where.
///     #[derive(Debug, Clone, Default, PartialEq)]
///     pub struct Context as "Context" {
///         pub request_id: String as "RequestId",
///         /// Older servers spell it differently.
///         pub ip_address: String as "IPAddress" | "IpAddress",
///     }
/// }
/// ```
#[macro_export]
macro_rules! record {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $record:ident as $go:literal {
            $(
                $(#[$field_attribute:meta])*
                $field_visibility:vis $field:ident: $type:ty as $name:literal $(| $alias:literal)*
            ),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        $visibility struct $record {
            $($(#[$field_attribute])* $field_visibility $field: $type,)*
        }

        impl $crate::Gob for $record {
            fn declare(types: &mut $crate::Types) -> $crate::TypeId {
                types.record::<Self>($go, &[$(($name, <$type as $crate::Gob>::declare)),*])
            }

            fn write(&self, out: &mut $crate::Writer<'_>) -> ::std::result::Result<(), $crate::EncodeError> {
                #[allow(unused_mut, reason = "a record may have no fields")]
                let mut fields = out.fields();
                $(fields.field(&self.$field)?;)*
                fields.end();
                ::std::result::Result::Ok(())
            }

            fn read(
                input: &mut $crate::Reader<'_>,
                wire: $crate::TypeId,
            ) -> ::std::result::Result<Self, $crate::Error> {
                #[allow(unused_mut, reason = "a record may have no fields")]
                let mut record = Self { $($field: ::std::default::Default::default(),)* };
                #[allow(unused_variables, reason = "a record may have no fields")]
                input.fields(wire, &[$($name, $($alias,)*)*], |input, name, wire| {
                    match &**name {
                        $($name $(| $alias)* => {
                            record.$field = <$type as $crate::Gob>::read(input, wire)
                                .map_err(|error| error.in_field($go, name))?;
                        })*
                        _ => return ::std::result::Result::Ok(false),
                    }
                    #[allow(unreachable_code, reason = "a record may have no fields")]
                    ::std::result::Result::Ok(true)
                })?;
                ::std::result::Result::Ok(record)
            }
        }
    };
}
