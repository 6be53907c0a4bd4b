//! Peers that mean harm, or are broken: an error at worst, and no more work or memory than the limits allow.

use std::fs;

use gob::{Decoder, Encoder, Error, Gob, Limits, Value, fuzz_one};

use crate::fixtures::{all_recorded, folder, unhex};
use crate::model::*;

fn read_with<T: Gob>(limits: Limits, bytes: &[u8]) -> Result<T, Error> {
    let mut decoder = Decoder::with_limits(limits);
    decoder.feed(bytes);
    decoder.decode()
}

fn read(hex: &str) -> Result<Value, Error> {
    read_with(Limits::default(), &unhex(hex))
}

fn wire<T: Gob>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new().encode(value, &mut out).unwrap();
    out
}

fn limit(result: Result<impl Sized, Error>) -> &'static str {
    match result {
        Err(Error::Limit { limit, .. }) => limit,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("no limit was met"),
    }
}

#[test]
fn bytes_that_are_no_gob_are_refused_with_their_place() {
    let table = [
        (
            "a number of nine bytes",
            "f7 01 01 01 01 01 01 01 01 01",
            0,
            "more than eight bytes",
        ),
        ("an empty message", "00", 1, "ends inside a value"),
        ("type 0", "02 00 00", 2, "type id out of range"),
        ("an undefined type", "03 ff82 00", 3, "not defined"),
        (
            "a definition of bool",
            "0a 01 02 01 02 02 00 01 02 00 00",
            11,
            "reserved",
        ),
        ("no zero before an int", "03 04 01 02", 3, "zero before it"),
        (
            "a string beyond its message",
            "04 0c 00 05 68",
            4,
            "ends inside a value",
        ),
        (
            "bytes after the value",
            "04 04 00 02 02",
            4,
            "goes on after its value",
        ),
        (
            "bytes after a definition",
            "0b ff81 03 01 02 ff82 00 00 00 00",
            11,
            "goes on after its definition",
        ),
        (
            "a type defined twice",
            "0a ff81 03 01 02 ff82 00 00 00 0a ff81 03 01 02 ff82 00 00 00",
            22,
            "twice",
        ),
        (
            "a field too many",
            "0a ff81 03 01 02 ff82 00 00 00 05 ff82 01 02 00",
            15,
            "does not have",
        ),
        (
            "an array of one for two",
            "0e ff81 01 01 02 ff82 00 01 04 01 04 00 00 05 ff82 00 01 02",
            20,
            "more or fewer",
        ),
        (
            "an interface in an interface",
            "09 10 00 01 61 10 03 00 01 61",
            6,
            "directly inside",
        ),
        (
            "a name of 1025 bytes",
            &format!("fe0406 10 00 fe0401 {}", "61".repeat(1025)),
            1033,
            "over-long name",
        ),
    ];
    for (name, bytes, place, wanted) in table {
        match read(bytes) {
            Err(Error::Invalid { offset, reason }) => {
                assert!(reason.contains(wanted), "{name}: {reason}");
                assert_eq!(offset, place, "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_stream_that_broke_stays_broken() {
    let mut decoder = Decoder::new();
    decoder.feed(&unhex("03 04 01 02 03 04 00 02"));
    let first = decoder.decode::<i64>().unwrap_err();
    decoder.feed(&unhex("03 04 00 02"));
    assert_eq!(decoder.decode::<i64>(), Err(first.clone()));
    assert_eq!(decoder.skip(), Err(first));
    let kept = decoder.unread();
    decoder.feed(&[0; 1000]);
    assert_eq!(decoder.unread(), kept, "nothing more is kept");
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_its_bytes_arrive() {
    let limits = Limits {
        value_bytes: 1000,
        ..Limits::default()
    };
    for prefix in ["fe0400", "fc7fffffff", "f8ffffffffffffffff"] {
        assert_eq!(
            limit(read_with::<Value>(limits.clone(), &unhex(prefix))),
            "value_bytes",
            "{prefix}"
        );
    }
    assert_eq!(
        read_with(limits.clone(), &wire(&vec![7_u8; 990])),
        Ok(vec![7_u8; 990])
    );
    assert_eq!(
        limit(read_with::<Vec<u8>>(limits, &wire(&vec![7_u8; 1000]))),
        "value_bytes"
    );
}

/// Each message is small; together they are one value that never ends.
#[test]
fn definitions_without_a_value_count_as_its_bytes() {
    let limits = Limits {
        value_bytes: 1000,
        ..Limits::default()
    };
    let stream: Vec<u8> = (0..200_u16)
        .flat_map(|number| empty_struct(64 + number))
        .collect();
    assert_eq!(limit(read_with::<Value>(limits, &stream)), "value_bytes");
}

#[test]
fn a_table_of_types_that_grows_for_ever_is_refused() {
    let stream: Vec<u8> = (0..200_u16)
        .flat_map(|number| empty_struct(64 + number))
        .collect();
    assert_eq!(
        limit(read_with::<Value>(
            Limits {
                types: 100,
                ..Limits::default()
            },
            &stream
        )),
        "types"
    );
    let limits = Limits {
        definition_bytes: 500,
        ..Limits::default()
    };
    assert_eq!(
        limit(read_with::<Value>(limits, &stream)),
        "definition_bytes"
    );
}

/// A message that defines `id` as a struct without fields: ids of two bytes' worth.
fn empty_struct(id: u16) -> Vec<u8> {
    let minus = ((id - 1) << 1 | 1).to_be_bytes();
    let mut body = if minus[0] == 0 {
        vec![0xff, minus[1]]
    } else {
        vec![0xfe, minus[0], minus[1]]
    };
    body.extend([3, 1, 2, 4, 0, 0, 0]);
    body.insert(0, body.len() as u8);
    body
}

#[test]
fn nesting_is_limited_however_it_is_made() {
    let limits = Limits {
        depth: 50,
        ..Limits::default()
    };
    let node = (0..200).fold(Node::default(), |inner, _| Node {
        next: Some(Box::new(inner)),
        ..Node::default()
    });
    let list = (0..200).fold(Value::Nil, |inner, _| Value::list([inner]));
    let map = (0..200).fold(Value::Nil, |inner, _| Value::map([("k", inner)]));
    assert_eq!(
        limit(read_with::<Node>(limits.clone(), &wire(&node))),
        "depth"
    );
    assert_eq!(
        limit(read_with::<Value>(limits.clone(), &wire(&node))),
        "depth"
    );
    assert_eq!(
        limit(read_with::<Value>(limits.clone(), &wire(&list))),
        "depth"
    );
    assert_eq!(limit(read_with::<()>(limits.clone(), &wire(&map))), "depth");

    let mut decoder = Decoder::with_limits(limits);
    decoder.feed(&wire(&list));
    assert_eq!(limit(decoder.skip()), "depth", "also when nothing is built");
}

/// Tests have the stack of a worker thread, 2 MiB, and the larger frames of a build without optimisation.
#[test]
fn what_is_as_deep_as_the_limit_allows_is_built_and_dropped() {
    let node = (0..99).fold(Node::default(), |inner, _| Node {
        next: Some(Box::new(inner)),
        ..Node::default()
    });
    let value = (0..50).fold(Value::Nil, |inner, _| {
        Value::map([("k", Value::list([inner]))])
    });
    let level = |down| {
        Down::Level(Level {
            down: Some(Box::new(Down::List(vec![down]))),
        })
    };
    let down = (0..49).fold(
        Down::Plain(ErrorString {
            code: 1,
            ..ErrorString::default()
        }),
        |inner, _| level(inner),
    );
    assert!(read_with(Limits::default(), &wire(&node)) == Ok(node));
    assert!(read_with(Limits::default(), &wire(&value)) == Ok(value));
    assert!(read_with(Limits::default(), &wire(&down)) == Ok(down));
}

/// `type L []L`: nothing but counts, each inside the other.
#[test]
fn a_slice_of_itself_ends_at_the_limit_or_at_its_own_end() {
    let definition = "0d ff81 02 01 02 ff82 00 01 ff82 00 00";
    let deep = format!("{definition} fe0400 ff82 00 {}", "01".repeat(0x400 - 3));
    assert_eq!(
        limit(read_with::<Value>(Limits::default(), &unhex(&deep))),
        "depth"
    );
    let flat = format!("{definition} 06 ff82 00 02 00 00");
    assert_eq!(
        read(&flat),
        Ok(Value::list([Value::List(vec![]), Value::List(vec![])]))
    );
}

#[test]
fn elements_are_counted_before_anything_is_made_of_them() {
    let limits = Limits {
        elements: 1000,
        ..Limits::default()
    };
    let table: [(&str, Vec<u8>); 4] = [
        ("a list", wire(&vec![Inner::default(); 1001])),
        ("lists in a list", wire(&vec![vec![1_i64; 40]; 30])),
        (
            "a map",
            wire(
                &(0..501_i64)
                    .map(|key| (key, true))
                    .collect::<std::collections::BTreeMap<_, _>>(),
            ),
        ),
        ("fields", wire(&vec![Inner { x: 1, y: 1 }; 400])),
    ];
    for (name, bytes) in table {
        assert_eq!(
            limit(read_with::<Value>(limits.clone(), &bytes)),
            "elements",
            "{name}"
        );
    }
    assert!(read_with::<Vec<Inner>>(limits, &wire(&vec![Inner::default(); 1000])).is_ok());
}

#[test]
fn limits_of_a_value_begin_anew_with_each_value() {
    let limits = Limits {
        elements: 1000,
        value_bytes: 3000,
        ..Limits::default()
    };
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::with_limits(limits));
    for _ in 0..5 {
        let mut out = Vec::new();
        encoder
            .encode(&vec![Inner::default(); 1000], &mut out)
            .unwrap();
        decoder.feed(&out);
        assert_eq!(
            decoder.decode::<Vec<Inner>>().map(|list| list.len()),
            Ok(1000)
        );
    }
}

#[test]
fn a_count_of_elements_that_are_not_there_is_refused() {
    // A slice of bool with 2^62 elements, then with 200,000, in a message of a few bytes.
    let definition = "0c ff81 02 01 02 ff82 00 01 02 00 00";
    assert_eq!(
        limit(read(&format!("{definition} 0c ff82 00 f84000000000000000"))),
        "elements"
    );
    let few = read(&format!("{definition} 07 ff82 00 fd030d40"));
    assert!(matches!(few, Err(Error::Invalid { .. })), "{few:?}");
}

#[test]
fn what_is_shown_of_a_decoder_holds_nothing_that_was_sent() {
    let mut decoder = Decoder::new();
    decoder.feed(&wire(&"hunter2".to_owned())[..9]);
    let shown = format!("{decoder:?}");
    assert!(
        !shown.contains("104") && !shown.contains("hunter"),
        "{shown}"
    );
}

#[test]
fn a_stream_cut_off_anywhere_is_incomplete_and_never_invalid() {
    for (name, bytes) in all_recorded() {
        // Every place in the short ones, every 37th in the long ones.
        let step = if bytes.len() < 1000 { 1 } else { 37 };
        for end in (0..bytes.len()).step_by(step) {
            let mut decoder = Decoder::new();
            decoder.feed(&bytes[..end]);
            let last = loop {
                match decoder.decode::<Value>() {
                    Ok(_) => {}
                    Err(error) => break error,
                }
            };
            assert!(
                matches!(last, Error::Incomplete { .. }),
                "{name} cut at {end}: {last}"
            );
        }
    }
}

#[test]
fn a_flipped_bit_is_an_error_or_another_value() {
    for (name, bytes) in all_recorded() {
        let step = if bytes.len() < 1000 { 3 } else { 211 };
        for place in (0..bytes.len()).step_by(step) {
            for bit in [0, 3, 7] {
                let mut harmed = vec![0x3f];
                harmed.extend_from_slice(&bytes);
                harmed[place + 1] ^= 1 << bit;
                let result = std::panic::catch_unwind(|| fuzz_one(&harmed));
                assert!(result.is_ok(), "{name}: bit {bit} of byte {place}");
            }
        }
    }
}

#[test]
fn the_corpus_holds() {
    let files: Vec<_> = fs::read_dir(folder("corpus"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(files.len() > 20, "the corpus is there");
    for file in files {
        let result = std::panic::catch_unwind(|| fuzz_one(&fs::read(&file).unwrap()));
        assert!(result.is_ok(), "{}", file.display());
    }
}
