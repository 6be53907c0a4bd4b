//! The structs in which Mattermost passes arguments and results: fields `A`, `B`, `C`, in the order of the Go signature.

use gob::{EncodeError, Error, Gob, Reader, TypeId, Types, Writer};

macro_rules! letters {
    ($(#[$attribute:meta])* $name:ident { $($field:ident: $type:ident as $letter:literal),* }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $name<$($type),*> {
            $(#[doc = concat!("Field `", $letter, "`.")] pub $field: $type,)*
        }

        impl<$($type: Gob + Default),*> Gob for $name<$($type),*> {
            fn declare(types: &mut Types) -> TypeId {
                types.record::<Self>(stringify!($name), &[$(($letter, $type::declare)),*])
            }

            fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
                let mut fields = out.fields();
                $(fields.field(&self.$field)?;)*
                fields.end();
                Ok(())
            }

            fn read(input: &mut Reader<'_>, wire: TypeId) -> Result<Self, Error> {
                let mut record = Self::default();
                input.fields(wire, &[$($letter),*], |input, name, wire| {
                    match &**name {
                        $($letter => {
                            record.$field = $type::read(input, wire)
                                .map_err(|error| error.in_field(stringify!($name), name))?;
                        })*
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?;
                Ok(record)
            }
        }
    };
}

letters!(
    /// One argument or result.
    One { a: A as "A" }
);
letters!(
    /// Two arguments or results.
    Two { a: A as "A", b: B as "B" }
);
letters!(
    /// Three arguments or results.
    Three { a: A as "A", b: B as "B", c: C as "C" }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_what_the_host_calls_the_arguments_of_get_user() {
        let mut wire = Vec::new();
        gob::Encoder::new()
            .encode(
                &One {
                    a: String::from("uid1"),
                },
                &mut wire,
            )
            .unwrap();
        let value = b"\x09\xff\x82\x01\x04uid1\x00";
        assert!(wire.ends_with(value), "{wire:02x?}");

        let mut decoder = gob::Decoder::new();
        decoder.feed(&wire);
        let read: Two<String, Option<i64>> = decoder.decode().unwrap();
        assert_eq!(
            read,
            Two {
                a: "uid1".into(),
                b: None
            },
            "a field that is not sent is zero"
        );
    }
}
