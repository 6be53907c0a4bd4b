//! What we write, we read: any value, in pieces of any size, through records that know more or less than the sender's.

use std::collections::{BTreeMap, HashMap};

use gob::{Decoder, EncodeError, Encoder, Error, Gob, Limits, Value};

use crate::model::*;

fn wire<T: Gob>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new().encode(value, &mut out).unwrap();
    out
}

fn read<T: Gob>(bytes: &[u8]) -> Result<T, Error> {
    let mut decoder = Decoder::new();
    decoder.feed(bytes);
    decoder.decode()
}

fn reread<A: Gob, B: Gob>(value: &A) -> Result<B, Error> {
    read(&wire(value))
}

/// Numbers that look random and are the same every time (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn value(&mut self, depth: u64) -> Value {
        let scale = self.roll(64);
        let number = self.roll(u64::MAX) >> scale;
        match self.roll(if depth == 0 { 9 } else { 12 }) {
            0 => Value::Nil,
            1 => (number & 1 == 0).into(),
            2 => Value::Int(number as i64),
            3 => Value::Uint(number),
            4 => Value::Float(number as f64 / 7.0),
            5 => format!("text {number} é").into(),
            6 => vec![number as u8; scale as usize].into(),
            7 => Value::named("int64", Value::Int(-(scale as i64))),
            8 => Value::named(
                "[]string",
                Value::list((0..scale).map(|part| part.to_string())),
            ),
            9 => Value::list((0..scale % 7).map(|_| self.value(depth - 1))),
            _ => Value::map((0..scale % 5).map(|key| (key.to_string(), self.value(depth - 1)))),
        }
    }
}

#[test]
fn any_value_survives_a_stream_in_pieces_of_any_size() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let values: Vec<Value> = (0..300).map(|_| dice.value(5)).collect();
    let (mut encoder, mut stream) = (Encoder::new(), Vec::new());
    for value in &values {
        encoder.encode(value, &mut stream).unwrap();
    }

    let mut decoder = Decoder::new();
    let (mut seen, mut rest) = (Vec::new(), stream.as_slice());
    while !rest.is_empty() {
        let (piece, after) = rest.split_at((1 + dice.roll(700) as usize).min(rest.len()));
        decoder.feed(piece);
        rest = after;
        while let Ok(value) = decoder.decode::<Value>() {
            seen.push(value);
        }
    }
    assert_eq!(seen, values);
    assert_eq!(decoder.offset(), stream.len() as u64);
}

#[test]
fn incomplete_says_how_much_is_missing_and_never_too_much() {
    let stream = wire(&Request {
        method: "Plugin.OnActivate".into(),
        seq: 1,
    });
    let mut decoder = Decoder::new();
    let mut fed = 0;
    while let Err(Error::Incomplete { needed }) = decoder.ready() {
        assert!(
            needed > 0 && fed + needed <= stream.len(),
            "{needed} more after {fed} of {}",
            stream.len()
        );
        decoder.feed(&stream[fed..fed + needed]);
        fed += needed;
    }
    assert_eq!(fed, stream.len());
    assert!(decoder.decode::<Request>().is_ok());
}

#[test]
fn eight_mebibytes_of_bytes_pass_between_two_small_values() {
    let body: Vec<u8> = (0..8_u32 << 20).map(|place| (place >> 8) as u8).collect();
    let header = Response {
        method: "Plugin.KVGet".into(),
        seq: 3,
        error: String::new(),
    };
    let (mut encoder, mut stream) = (Encoder::new(), Vec::new());
    encoder.encode_pair(&header, &body, &mut stream).unwrap();
    encoder.encode_pair(&header, &(), &mut stream).unwrap();

    let mut decoder = Decoder::new();
    for piece in stream.chunks(16 << 10) {
        decoder.feed(piece);
        let _ = decoder.ready();
    }
    assert_eq!(decoder.decode::<Response>(), Ok(header.clone()));
    assert!(decoder.decode::<Vec<u8>>() == Ok(body));
    assert_eq!(decoder.decode::<Response>(), Ok(header));
    assert_eq!(decoder.decode::<()>(), Ok(()));
    assert_eq!(decoder.unread(), 0);
}

/// Were unfinished input read again from its beginning, this would take hours.
#[test]
fn a_million_elements_in_pieces_of_a_hundred_bytes_cost_what_they_cost_in_one() {
    let list: Vec<i64> = (0..1_000_000).collect();
    let stream = wire(&list);
    let mut decoder = Decoder::with_limits(Limits {
        elements: 1_000_000,
        ..Limits::default()
    });
    for piece in stream.chunks(100) {
        assert!(matches!(
            decoder.decode::<Vec<i64>>(),
            Err(Error::Incomplete { .. })
        ));
        decoder.feed(piece);
    }
    assert!(decoder.decode::<Vec<i64>>() == Ok(list));
}

gob::record! {
    #[derive(Debug, Default, PartialEq)]
    struct Narrow as "Composite" { map: BTreeMap<String, Vec<String>> as "Map", new: String as "New" }
}

#[test]
fn unknown_fields_of_every_kind_are_skipped_and_missing_ones_are_default() {
    let sent = Composite {
        strings: vec!["a".into(); 3],
        floats: vec![0.5],
        lists: vec![vec![1], vec![2, 3]],
        structs: vec![Inner { x: 1, y: 2 }],
        deep: Some(Box::new(Some("p".into()))),
        map: BTreeMap::from([("k".to_owned(), vec!["v".to_owned()])]),
        by_int: BTreeMap::from([(1, "one".to_owned())]),
        ..Composite::default()
    };
    let narrow: Narrow = reread(&sent).unwrap();
    assert_eq!(
        narrow,
        Narrow {
            map: sent.map.clone(),
            new: String::new()
        }
    );
    let back: Composite = reread(&narrow).unwrap();
    assert_eq!(
        back,
        Composite {
            map: sent.map,
            ..Composite::default()
        }
    );
}

gob::record! {
    #[derive(Debug, Default, PartialEq)]
    struct OldContext as "Context" { address: String as "IpAddress" }
}
gob::record! {
    #[derive(Debug, Default, PartialEq)]
    struct NewContext as "Context" { address: String as "IPAddress" | "IpAddress" }
}

#[test]
fn a_field_is_read_under_each_of_its_names_and_written_under_the_first() {
    let old = OldContext {
        address: "127.0.0.1".into(),
    };
    let new = NewContext {
        address: "127.0.0.1".into(),
    };
    assert_eq!(
        reread::<_, NewContext>(&old),
        Ok(NewContext {
            address: "127.0.0.1".into()
        })
    );
    assert_eq!(
        reread::<_, NewContext>(&new),
        Ok(NewContext {
            address: "127.0.0.1".into()
        })
    );
    assert!(
        reread::<_, OldContext>(&new).is_err(),
        "the first name is another"
    );
}

#[test]
fn a_pointer_to_zero_comes_back_as_nil_as_it_does_in_go() {
    let sent = Composite {
        pointer: Some(0),
        ..Composite::default()
    };
    assert_eq!(reread::<_, Composite>(&sent).unwrap().pointer, None);
}

#[test]
fn a_hash_map_and_a_tree_map_are_the_same_type() {
    let hashed: HashMap<String, u32> = (0..50).map(|number| (number.to_string(), number)).collect();
    let sorted: BTreeMap<String, u32> = reread(&hashed).unwrap();
    assert_eq!(reread::<_, HashMap<String, u32>>(&sorted), Ok(hashed));
}

#[test]
fn a_mismatch_costs_one_value_and_says_where_it_was() {
    let (mut encoder, mut stream) = (Encoder::new(), Vec::new());
    let header = Request {
        method: "Plugin.X".into(),
        seq: 1,
    };
    let body = ErrorString {
        code: 7,
        text: "x".into(),
    };
    encoder.encode_pair(&header, &body, &mut stream).unwrap();
    encoder.encode_pair(&header, &body, &mut stream).unwrap();

    gob::record! {
        #[derive(Debug, Default, PartialEq)]
        struct Wrong as "Wrong" { code: String as "Code" }
    }
    let mut decoder = Decoder::new();
    decoder.feed(&stream);
    assert_eq!(decoder.decode::<Request>().unwrap(), header);
    let refused = decoder.decode::<Wrong>().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "field `Wrong.Code`: wrong type `int`, wanted `string`"
    );
    assert_eq!(decoder.decode::<Request>().unwrap(), header);
    assert_eq!(decoder.decode::<ErrorString>().unwrap(), body);
}

#[test]
fn what_go_refuses_is_a_mismatch() {
    let text = |error: Error| match error {
        Error::Mismatch(mismatch) => mismatch.to_string(),
        other => panic!("{other}"),
    };
    let inner = Inner { x: 300, y: 0 };
    assert_eq!(
        text(reread::<_, u64>(&1_i64).unwrap_err()),
        "wrong type `int`, wanted `uint`"
    );
    assert_eq!(
        text(reread::<_, Inner>(&"x".to_owned()).unwrap_err()),
        "wrong type `string`, wanted `struct`"
    );
    assert_eq!(
        text(reread::<_, ErrorString>(&inner).unwrap_err()),
        "no field has a known name"
    );
    assert_eq!(
        text(reread::<_, i8>(&300_i64).unwrap_err()),
        "number out of range"
    );
    assert_eq!(
        text(reread::<_, [i64; 3]>(&[1_i64, 2]).unwrap_err()),
        "array of another length"
    );
    assert_eq!(
        text(reread::<_, Vec<String>>(&vec![1_i64]).unwrap_err()),
        "wrong type `int`, wanted `string`"
    );
    let unknown = Returns {
        error: Some(Failure::plain(1, "x")),
    };
    gob::record! {
        #[derive(Debug, Default)]
        struct Strict as "Strict" { data: Option<Data> as "A" }
    }
    assert_eq!(
        text(reread::<_, Strict>(&unknown).unwrap_err()),
        "field `Strict.A`: name not registered for interface: \"*plugin.ErrorString\""
    );
}

#[test]
fn an_empty_record_takes_any_struct() {
    assert_eq!(reread::<_, ()>(&Inner { x: 1, y: 2 }), Ok(()));
    assert_eq!(reread::<_, Inner>(&()), Ok(Inner::default()));
}

#[test]
fn a_value_that_cannot_be_written_leaves_no_trace() {
    let mut encoder = Encoder::new();
    let mut out = b"before".to_vec();
    let nil: Vec<Option<Inner>> = vec![Some(Inner::default()), None];
    assert_eq!(encoder.encode(&nil, &mut out), Err(EncodeError::Nil));
    assert_eq!(
        encoder.encode(&None::<Inner>, &mut out),
        Err(EncodeError::Nil)
    );
    let header = Request {
        method: "Plugin.X".into(),
        seq: 1,
    };
    assert_eq!(
        encoder.encode_pair(&header, &nil, &mut out),
        Err(EncodeError::Nil)
    );
    assert_eq!(out, b"before");

    out.clear();
    encoder
        .encode_pair(&header, &vec![Some(Inner { x: 1, y: 2 })], &mut out)
        .unwrap();
    let mut decoder = Decoder::new();
    decoder.feed(&out);
    assert_eq!(
        decoder.decode::<Request>(),
        Ok(header),
        "its type is defined, though a failed call defined it before"
    );
    assert_eq!(
        decoder.decode::<Vec<Inner>>(),
        Ok(vec![Inner { x: 1, y: 2 }])
    );
}

#[test]
fn nil_stands_in_lists_of_interfaces() {
    let list = vec![None, Some(Failure::plain(0, "x")), None];
    assert_eq!(reread::<_, Vec<Option<Failure>>>(&list), Ok(list));
}

#[test]
fn a_name_that_nobody_described_is_refused_when_written_and_kept_when_read() {
    let other = Failure::Other(Value::named("int16", Value::Int(5)));
    let sent = Returns { error: Some(other) };
    assert_eq!(reread::<_, Returns>(&sent), Ok(sent));

    let fields = Value::Struct(vec![("A".into(), Value::Int(1))]);
    let undescribed = [
        Value::named("*x.Unknown", fields.clone()),
        fields,
        Value::named("int64", "text".into()),
        Value::named("[]string", Value::list([1_i64])),
        Value::Map(vec![(Value::Int(1), Value::Nil)]),
    ];
    for value in undescribed {
        let result = Encoder::new().encode(&value, &mut Vec::new());
        assert!(
            matches!(result, Err(EncodeError::Undescribed { .. })),
            "{value:?}"
        );
    }
}

#[test]
fn codecs_and_values_can_be_handed_to_another_task() {
    fn movable<T: Send + Sync + 'static>() {}
    movable::<(Encoder, Decoder, Value, Error, EncodeError)>();
}

#[test]
fn a_definition_is_sent_once_per_stream() {
    let mut encoder = Encoder::new();
    let mut lens = Vec::new();
    for _ in 0..3 {
        let mut out = Vec::new();
        encoder
            .encode(
                &Returns {
                    error: Some(Failure::plain(0, "x")),
                },
                &mut out,
            )
            .unwrap();
        lens.push(out.len());
    }
    assert!(lens[0] > lens[1] && lens[1] == lens[2], "{lens:?}");
}
