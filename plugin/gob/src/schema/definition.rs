//! A definition on the wire: the struct `wireType`, with exactly one of its fields set.
//!
//! It follows the rules of every other struct. That it has code of its own, and needs no definition itself, is what lets a
//! stream begin.

use super::{CodedBy, Field, Shape, TypeId, take_id};
use crate::number::{Cursor, Flaw, put_bytes, put_int, put_uint, text};

/// Appends the content of a definition message: the negated id and the `wireType`.
pub(super) fn put_definition(out: &mut Vec<u8>, id: TypeId, name: &str, shape: &Shape) {
    put_int(out, -i64::from(id.0));
    put_uint(out, shape.place());
    put_common(out, id, name);
    match shape {
        Shape::Array { elem, len } => {
            put_id(out, *elem);
            if *len > 0 {
                put_uint(out, 1);
                put_int(out, *len as i64);
            }
        }
        Shape::Slice { elem } => put_id(out, *elem),
        Shape::Struct { fields } if fields.is_empty() => {}
        Shape::Struct { fields } => {
            put_uint(out, 1);
            put_uint(out, fields.len() as u64);
            for field in fields {
                put_uint(out, 1);
                put_bytes(out, field.name.as_bytes());
                put_id(out, field.id);
                put_uint(out, 0);
            }
        }
        Shape::Map { key, elem } => {
            put_id(out, *key);
            put_id(out, *elem);
        }
        Shape::Opaque(_) => {}
    }
    put_uint(out, 0);
    put_uint(out, 0);
}

/// `CommonType` in the first field: name, unless there is none, and id.
fn put_common(out: &mut Vec<u8>, id: TypeId, name: &str) {
    put_uint(out, 1);
    if name.is_empty() {
        put_uint(out, 2);
    } else {
        put_uint(out, 1);
        put_bytes(out, name.as_bytes());
        put_uint(out, 1);
    }
    put_int(out, i64::from(id.0));
    put_uint(out, 0);
}

/// The next field, holding an id.
fn put_id(out: &mut Vec<u8>, id: TypeId) {
    put_uint(out, 1);
    put_int(out, i64::from(id.0));
}

/// Takes a `wireType`. The id in its `CommonType` is ignored: Go itself writes another one there for types that code
/// themselves.
pub(crate) fn take_definition(cursor: &mut Cursor<'_>) -> Result<Shape, Flaw> {
    let mut shape = None;
    take_fields(cursor, |cursor, place| {
        if shape.is_some() {
            return Err("a definition with two shapes");
        }
        shape = Some(match place {
            1 => take_array(cursor)?,
            2 => Shape::Slice {
                elem: take_ids(cursor, 2)?.0,
            },
            3 => Shape::Struct {
                fields: take_struct(cursor)?,
            },
            4 => {
                let (key, elem) = take_ids(cursor, 3)?;
                Shape::Map { key, elem }
            }
            5 => take_opaque(cursor, CodedBy::GobEncoder)?,
            6 => take_opaque(cursor, CodedBy::BinaryMarshaler)?,
            7 => take_opaque(cursor, CodedBy::TextMarshaler)?,
            _ => return Err("a definition of an unknown shape"),
        });
        Ok(())
    })?;
    shape.ok_or("a definition without a shape")
}

fn take_array(cursor: &mut Cursor<'_>) -> Result<Shape, Flaw> {
    let (mut elem, mut len) = (None, 0);
    take_fields(cursor, |cursor, place| match place {
        1 => take_common(cursor),
        2 => take_id(cursor).map(|id| elem = Some(id)),
        3 => {
            len = u64::try_from(cursor.take_int()?).map_err(|_| "an array of negative length")?;
            Ok(())
        }
        _ => Err(UNKNOWN_FIELD),
    })?;
    Ok(Shape::Array {
        elem: elem.ok_or(NO_TYPE)?,
        len,
    })
}

/// The ids in the second and, up to `last`, the third field. A slice has only one, which is then returned twice.
fn take_ids(cursor: &mut Cursor<'_>, last: u64) -> Result<(TypeId, TypeId), Flaw> {
    let (mut first, mut second) = (None, None);
    take_fields(cursor, |cursor, place| match place {
        1 => take_common(cursor),
        2 => take_id(cursor).map(|id| first = Some(id)),
        3 if last == 3 => take_id(cursor).map(|id| second = Some(id)),
        _ => Err(UNKNOWN_FIELD),
    })?;
    let first = first.ok_or(NO_TYPE)?;
    match last {
        3 => Ok((first, second.ok_or(NO_TYPE)?)),
        _ => Ok((first, first)),
    }
}

fn take_struct(cursor: &mut Cursor<'_>) -> Result<Vec<Field>, Flaw> {
    let mut fields = Vec::new();
    take_fields(cursor, |cursor, place| match place {
        1 => take_common(cursor),
        2 => {
            let count = cursor.take_uint()?;
            // No capacity from the count: each field is read before it costs memory.
            for _ in 0..count {
                fields.push(take_field(cursor)?);
            }
            Ok(())
        }
        _ => Err(UNKNOWN_FIELD),
    })?;
    Ok(fields)
}

/// A field has a name and a type, or it would cost its sender one byte and us many.
fn take_field(cursor: &mut Cursor<'_>) -> Result<Field, Flaw> {
    let (mut name, mut id) = (None, None);
    take_fields(cursor, |cursor, place| match place {
        1 => cursor
            .take_bytes()
            .map(|bytes| name = Some(text(bytes).into())),
        2 => take_id(cursor).map(|found| id = Some(found)),
        _ => Err(UNKNOWN_FIELD),
    })?;
    Ok(Field {
        name: name.ok_or("a field without a name")?,
        id: id.ok_or(NO_TYPE)?,
    })
}

fn take_opaque(cursor: &mut Cursor<'_>, coded_by: CodedBy) -> Result<Shape, Flaw> {
    take_fields(cursor, |cursor, place| match place {
        1 => take_common(cursor),
        _ => Err(UNKNOWN_FIELD),
    })?;
    Ok(Shape::Opaque(coded_by))
}

fn take_common(cursor: &mut Cursor<'_>) -> Result<(), Flaw> {
    take_fields(cursor, |cursor, place| match place {
        1 => cursor.take_bytes().map(drop),
        2 => cursor.take_int().map(drop),
        _ => Err(UNKNOWN_FIELD),
    })
}

/// Walks over the fields that are present, with their places counted from 1.
fn take_fields<'a>(
    cursor: &mut Cursor<'a>,
    mut each: impl FnMut(&mut Cursor<'a>, u64) -> Result<(), Flaw>,
) -> Result<(), Flaw> {
    let mut place = 0_u64;
    loop {
        match cursor.take_uint()? {
            0 => return Ok(()),
            delta => place = place.checked_add(delta).ok_or(UNKNOWN_FIELD)?,
        }
        each(cursor, place)?;
    }
}

const UNKNOWN_FIELD: Flaw = "a definition with an unknown field";
const NO_TYPE: Flaw = "a definition that leaves a type out";

#[cfg(test)]
mod tests {
    use super::*;

    fn round(name: &str, shape: &Shape) -> Shape {
        let mut bytes = Vec::new();
        put_definition(&mut bytes, TypeId(65), name, shape);
        let mut cursor = Cursor::new(&bytes, 0);
        assert_eq!(cursor.take_int(), Ok(-65));
        let read = take_definition(&mut cursor).unwrap();
        assert_eq!(cursor.left(), 0, "{name}");
        read
    }

    #[test]
    fn every_shape_reads_back_as_it_was_written() {
        let field = |name: &str, id| Field {
            name: name.into(),
            id,
        };
        let shapes = [
            (
                "",
                Shape::Array {
                    elem: TypeId::INT,
                    len: 2,
                },
            ),
            (
                "empty array",
                Shape::Array {
                    elem: TypeId(66),
                    len: 0,
                },
            ),
            (
                "",
                Shape::Slice {
                    elem: TypeId::STRING,
                },
            ),
            (
                "Header",
                Shape::Map {
                    key: TypeId::STRING,
                    elem: TypeId(90),
                },
            ),
            ("", Shape::Struct { fields: vec![] }),
            (
                "Request",
                Shape::Struct {
                    fields: vec![field("Seq", TypeId::UINT), field("Next", TypeId(65))],
                },
            ),
            ("Time", Shape::Opaque(CodedBy::GobEncoder)),
            ("URL", Shape::Opaque(CodedBy::BinaryMarshaler)),
            ("Text", Shape::Opaque(CodedBy::TextMarshaler)),
        ];
        for (name, shape) in shapes {
            assert_eq!(round(name, &shape), shape, "{name}");
        }
    }

    #[test]
    fn a_definition_that_go_would_not_write_is_a_flaw() {
        let table: [(&str, &[u8]); 8] = [
            ("no shape", &[0x00]),
            ("unknown shape", &[0x08, 0x00]),
            ("two shapes", &[0x05, 0x00, 0x01, 0x00, 0x00]),
            ("slice of nothing", &[0x02, 0x00, 0x00]),
            ("slice of type 0", &[0x02, 0x02, 0x00, 0x00, 0x00]),
            ("map without elements", &[0x04, 0x02, 0x0c, 0x00, 0x00]),
            (
                "negative array",
                &[0x01, 0x02, 0x04, 0x01, 0x01, 0x00, 0x00],
            ),
            ("field of one byte", &[0x03, 0x02, 0x01, 0x00, 0x00, 0x00]),
        ];
        for (name, bytes) in table {
            assert!(
                take_definition(&mut Cursor::new(bytes, 0)).is_err(),
                "{name}"
            );
        }
    }
}
