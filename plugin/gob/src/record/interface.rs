//! Interfaces whose possible contents are known.

/// Declares an enum of the types that may stand in a Go interface, each with the name under which Go registers it.
///
/// `..Other` at the end adds a variant for every other name, holding a [`Value`](crate::Value); without it another name is a
/// mismatch. The enum is never nil: a field is an [`Option`] of it. Pointers are registered with a star and the last part of
/// their package's name, as in `*model.AppError`.
///
/// ```
/// gob::record! {
///     #[derive(Debug, Clone, Default, PartialEq)]
///     pub struct TextArg as "AutocompleteTextArg" { pub hint: String as "Hint" }
/// }
/// gob::interface! {
///     #[derive(Debug, Clone, PartialEq)]
///     pub enum Data {
///         Text(TextArg) as "*model.AutocompleteTextArg",
///         ..Other
///     }
/// }
/// gob::record! {
///     #[derive(Debug, Clone, Default, PartialEq)]
///     pub struct Arg as "AutocompleteArg" { pub data: Option<Data> as "Data" }
/// }
/// ```
#[macro_export]
macro_rules! interface {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $interface:ident {
            $($(#[$variant_attribute:meta])* $variant:ident($type:ty) as $name:literal),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        $visibility enum $interface {
            $($(#[$variant_attribute])* $variant($type),)*
        }

        impl $crate::Gob for $interface {
            $crate::interface!(@written $interface { $($variant($type) as $name),* });

            fn read_nilable(
                input: &mut $crate::Reader<'_>,
                wire: $crate::TypeId,
            ) -> ::std::result::Result<::std::option::Option<Self>, $crate::Error> {
                let ::std::option::Option::Some(inside) = input.interface(wire)? else {
                    return ::std::result::Result::Ok(::std::option::Option::None);
                };
                match &*inside.name {
                    $($name => {
                        <$type as $crate::Gob>::read(input, inside.wire).map(|value| Some(Self::$variant(value)))
                    })*
                    name => ::std::result::Result::Err($crate::Error::mismatch(::std::format!(
                        "name not registered for interface: {name:?}"
                    ))),
                }
            }
        }
    };
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $interface:ident {
            $($(#[$variant_attribute:meta])* $variant:ident($type:ty) as $name:literal,)*
            ..$other:ident $(,)?
        }
    ) => {
        $(#[$attribute])*
        $visibility enum $interface {
            $($(#[$variant_attribute])* $variant($type),)*
            /// Something under another name.
            $other($crate::Value),
        }

        impl $crate::Gob for $interface {
            $crate::interface!(@written $interface { $($variant($type) as $name),* } $other);

            fn read_nilable(
                input: &mut $crate::Reader<'_>,
                wire: $crate::TypeId,
            ) -> ::std::result::Result<::std::option::Option<Self>, $crate::Error> {
                let ::std::option::Option::Some(inside) = input.interface(wire)? else {
                    return ::std::result::Result::Ok(::std::option::Option::None);
                };
                match &*inside.name {
                    $($name => {
                        <$type as $crate::Gob>::read(input, inside.wire).map(|value| Some(Self::$variant(value)))
                    })*
                    _ => $crate::Value::read_inside(input, inside).map(|value| Some(Self::$other(value))),
                }
            }
        }
    };
    (@written $interface:ident { $($variant:ident($type:ty) as $name:literal),* } $($other:ident)?) => {
        fn declare(_: &mut $crate::Types) -> $crate::TypeId {
            $crate::TypeId::INTERFACE
        }

        fn write(&self, out: &mut $crate::Writer<'_>) -> ::std::result::Result<(), $crate::EncodeError> {
            match self {
                $(Self::$variant(value) => out.interface($name, value),)*
                $(Self::$other(value) => $crate::Gob::write(value, out),)?
            }
        }

        fn read(
            input: &mut $crate::Reader<'_>,
            wire: $crate::TypeId,
        ) -> ::std::result::Result<Self, $crate::Error> {
            <Self as $crate::Gob>::read_nilable(input, wire)?.ok_or_else(|| {
                $crate::Error::mismatch("nil where an interface must hold something")
            })
        }

        fn write_nil(out: &mut $crate::Writer<'_>) -> ::std::result::Result<(), $crate::EncodeError> {
            out.nil_interface();
            ::std::result::Result::Ok(())
        }
    };
}
