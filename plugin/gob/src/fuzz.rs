//! The body of the fuzz target: whatever the bytes, an error or a value, never a panic, and no more memory than the limits allow.

use std::collections::BTreeMap;

use crate::{Decoder, Encoder, Error, Limits, Time, Value};

/// Reads `input` as a stream that arrives in pieces and checks what must hold for any bytes.
///
/// The first byte chooses the size of the pieces. The stream is read as values, in one piece and in many, as records, and not at
/// all; all must agree on where values end and on how the stream ends. What was read and can be written must read back equal.
///
/// # Panics
/// When something does not hold.
pub fn fuzz_one(input: &[u8]) {
    let Some((piece, stream)) = input.split_first() else {
        return;
    };
    let whole = ends(stream, stream.len().max(1), |decoder| {
        decoder.decode::<Value>().map(write_and_read)
    });
    let pieces = ends(stream, usize::from(*piece) + 1, |decoder| {
        decoder.decode::<Value>().map(drop)
    });
    let records = ends(stream, usize::from(*piece) + 1, |decoder| {
        match decoder.decode::<Sample>() {
            Ok(_) | Err(Error::Mismatch(_)) => Ok(()),
            Err(error) => Err(error),
        }
    });
    let skipped = ends(stream, usize::from(*piece) + 1, Decoder::skip);
    assert_eq!(whole, pieces, "pieces change nothing");
    assert_eq!(whole, records, "a value of another type ends where it ends");
    assert_eq!(whole, skipped, "a value ends where it ends, read or not");
}

/// Small enough that a fuzzer reaches all of them.
const LIMITS: Limits = Limits {
    value_bytes: 1 << 20,
    depth: 40,
    elements: 20_000,
    types: 64,
    definition_bytes: 1 << 14,
};

/// Where the values of a stream end, and what came after the last.
fn ends(
    stream: &[u8],
    piece: usize,
    mut next: impl FnMut(&mut Decoder) -> Result<(), Error>,
) -> (Vec<u64>, Option<Error>) {
    let mut decoder = Decoder::with_limits(LIMITS);
    let mut ends = Vec::new();
    for piece in stream.chunks(piece) {
        decoder.feed(piece);
        loop {
            match next(&mut decoder) {
                Ok(()) => ends.push(decoder.offset()),
                Err(Error::Incomplete { needed }) => {
                    assert!(needed > 0, "something is missing");
                    break;
                }
                Err(Error::Mismatch(mismatch)) => {
                    panic!("a value is never a mismatch, yet: {mismatch}")
                }
                Err(error) => return (ends, Some(error)),
            }
        }
    }
    (ends, None)
}

fn write_and_read(value: Value) {
    let mut wire = Vec::new();
    if Encoder::new().encode(&value, &mut wire).is_err() {
        return;
    }
    let mut decoder = Decoder::with_limits(Limits {
        value_bytes: usize::MAX,
        depth: usize::MAX,
        ..LIMITS
    });
    decoder.feed(&wire);
    let again = decoder.decode::<Value>();
    // Not by `==`: there are floats that are not equal to themselves.
    assert_eq!(
        again.map(|value| format!("{value:?}")),
        Ok(format!("{value:?}")),
        "what was written reads back"
    );
    assert_eq!(decoder.unread(), 0, "nothing is written behind the value");
}

crate::record! {
    /// Something of every kind, under names that the corpus uses.
    #[derive(Debug, Default)]
    struct Sample as "Sample" {
        value: i64 as "V" | "Int" | "X",
        seq: u64 as "Seq" | "Uint",
        on: bool as "Bool",
        float: f32 as "Float32",
        message: String as "Message" | "ServiceMethod" | "Z",
        bytes: Vec<u8> as "Bytes",
        array: [i8; 2] as "Array",
        strings: Vec<String> as "Strings",
        time: Option<Time> as "T",
        props: BTreeMap<String, Value> as "Props" | "Map",
        inside: Option<Box<Inside>> as "A" | "Down" | "Data",
        next: Option<Box<Sample>> as "Next" | "Struct",
        kids: Vec<Sample> as "Kids" | "Structs",
    }
}

crate::interface! {
    #[derive(Debug)]
    enum Inside {
        Sample(Sample) as "*x.Level",
        List(Vec<Option<Inside>>) as "[]interface {}",
        ..Other
    }
}
