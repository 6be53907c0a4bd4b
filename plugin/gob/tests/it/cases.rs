//! The values behind the bytes of `golden/go.txt`, as `golden/go/main.go` has them.

use std::collections::BTreeMap;
use std::fmt::Debug;

use gob::{Decoder, Encoder, Gob, Time, Value};

use crate::fixtures::{hex, streams};
use crate::model::*;

/// What a case is about: Go's bytes are read into the values, and the values are written as ours.
#[derive(Default)]
pub(crate) struct Cases {
    pub(crate) ours: Vec<(&'static str, Vec<Vec<u8>>)>,
}

impl Cases {
    /// Values without anything new inside an interface: what we write is what Go writes, up to names that mean nothing.
    fn same<T: Gob + PartialEq + Debug>(&mut self, name: &'static str, values: &[T]) {
        let go = self.read(name, values);
        for (place, (ours, go)) in self.ours.last().unwrap().1.iter().zip(&go).enumerate() {
            assert_eq!(
                without_names(ours),
                without_names(go),
                "{name}, value {place}: {} / {}",
                hex(ours),
                hex(go)
            );
        }
    }

    /// Values whose definitions Go puts elsewhere: we read its bytes, and `later` values, with nothing left to define, are
    /// the same again.
    fn read<T: Gob + PartialEq + Debug>(
        &mut self,
        name: &'static str,
        values: &[T],
    ) -> Vec<Vec<u8>> {
        let (_, go) = streams("go.txt")
            .into_iter()
            .find(|(case, _)| case == name)
            .unwrap();
        assert_eq!(go.len(), values.len(), "{name}");
        let (mut decoder, mut encoder) = (Decoder::new(), Encoder::new());
        let mut ours = Vec::new();
        for (place, (bytes, value)) in go.iter().zip(values).enumerate() {
            decoder.feed(bytes);
            assert_eq!(
                decoder.decode::<T>().as_ref(),
                Ok(value),
                "{name}, value {place}"
            );
            assert_eq!(decoder.unread(), 0, "{name}, value {place}");
            let mut out = Vec::new();
            encoder.encode(value, &mut out).unwrap();
            ours.push(out);
        }
        self.ours.push((name, ours));
        go
    }

    fn later<T: Gob + PartialEq + Debug>(
        &mut self,
        name: &'static str,
        values: &[T],
        later: &[usize],
    ) {
        let go = self.read(name, values);
        let (_, ours) = self.ours.last().unwrap();
        for place in later {
            assert_eq!(
                hex(&ours[*place]),
                hex(&go[*place]),
                "{name}, value {place}"
            );
        }
    }
}

pub(crate) fn cases() -> Cases {
    let mut cases = Cases::default();
    numbers(&mut cases);
    calls(&mut cases);
    composites(&mut cases);
    moments(&mut cases);
    alone(&mut cases);
    props(&mut cases);
    interfaces(&mut cases);
    cases
}

fn numbers(cases: &mut Cases) {
    cases.same("bools", &[false, true]);
    cases.same(
        "ints",
        &[
            0_i64,
            1,
            -1,
            63,
            64,
            -64,
            -65,
            127,
            128,
            -129,
            1 << 40,
            i64::MIN,
            i64::MAX,
        ],
    );
    cases.same("uints", &[0_u64, 127, 128, 255, 256, 1 << 32, u64::MAX]);
    cases.same("floats", &[0.0_f64, 1.0, 17.0, -2.5, 0.1]);
    cases.same("strings", &[String::new(), "hooks".into()]);
    cases.same("bytes", &[b"abc".to_vec(), vec![]]);
    let kinds = Kinds {
        bool: true,
        int: -1,
        int8: -128,
        int16: 300,
        int32: -70_000,
        int64: 1 << 40,
        uint: 1,
        uint16: 65_535,
        uint32: 1 << 31,
        uint64: u64::MAX,
        float32: 1.5,
        float64: 0.1,
        string: "é\0z".into(),
        bytes: vec![0, 255],
    };
    cases.same("kinds", &[kinds, Kinds::default()]);
}

fn calls(cases: &mut Cases) {
    let request = |method: &str, seq| Request {
        method: method.into(),
        seq,
    };
    let response = |seq, error: &str| Response {
        method: "Plugin.X".into(),
        seq,
        error: error.into(),
    };
    cases.same(
        "request",
        &[request("Plugin.OnActivate", 0), request("Plugin.X", 300)],
    );
    cases.same("response", &[response(1, ""), response(2, "boom")]);
    cases.same("empty struct", &[(), ()]);
    cases.same(
        "list of strings",
        &[
            vec!["OnActivate".to_owned(), String::new(), "ServeHTTP".into()],
            vec![],
        ],
    );
    let header = BTreeMap::from([("Content-Type".to_owned(), vec!["text/plain".to_owned()])]);
    cases.same("header", &[header, BTreeMap::new()]);
}

fn composites(cases: &mut Cases) {
    let full = Composite {
        strings: vec![String::new(), "b".into()],
        floats: vec![0.0, 1.5],
        bools: vec![true, false],
        lists: vec![vec![1], vec![], vec![2, 3]],
        array: [1, 0],
        structs: vec![Inner { x: 1, y: 0 }, Inner::default()],
        pointer: Some(5),
        deep: Some(Box::new(Some("p".into()))),
        inner: Inner { x: 0, y: 7 },
        map: BTreeMap::from([("A".to_owned(), vec!["1".to_owned(), "2".into()])]),
        by_int: BTreeMap::from([(-3, "c".to_owned())]),
        empty: Empty {},
    };
    cases.same("composite", &[full, Composite::default()]);
    cases.same(
        "embedded",
        &[
            Embedded {
                inner: Inner { x: 1, y: 2 },
                z: "z".into(),
            },
            Embedded::default(),
        ],
    );
    let leaf = |value| Node {
        value,
        ..Node::default()
    };
    cases.same(
        "recursive",
        &[Node {
            value: 1,
            next: Some(Box::new(leaf(2))),
            kids: vec![leaf(3), leaf(0)],
        }],
    );
}

fn moments(cases: &mut Cases) {
    let time = |seconds, nanoseconds, offset| Time {
        seconds,
        nanoseconds,
        offset,
    };
    let moment = |time| Moment { time, url: None };
    // Go also defines what a URL is made of, which no value refers to.
    cases.later(
        "moment",
        &[
            Moment {
                time: time(1_672_628_645, 6, None),
                url: Some(Url("/plugins/x/y?z=1".into())),
            },
            moment(time(1_672_628_645 - 7200, 6, Some(7200))),
            moment(time(-315_521_755 - 1172, 999_999_999, Some(1172))),
            Moment::default(),
        ],
        &[1, 2, 3],
    );
}

fn alone(cases: &mut Cases) {
    let time = Time {
        seconds: 1_672_628_645,
        nanoseconds: 6,
        offset: None,
    };
    cases.same("time alone", &[time, Time::default()]);
}

fn message(name: &str, value: Value) -> Message {
    Message {
        message: name.into(),
        props: BTreeMap::from([("k".to_owned(), value)]),
    }
}

fn props(cases: &mut Cases) {
    let basic = [
        message("string", "str".into()),
        message("bool", true.into()),
        message("float", 1.5.into()),
        message("int", 7_i64.into()),
        message("int64", Value::named("int64", 7_i64.into())),
        message("uint8", Value::named("uint8", 7_u64.into())),
        message("bytes", vec![1_u8, 2].into()),
        message("nil", Value::Nil),
        Message {
            message: "nothing".into(),
            props: BTreeMap::new(),
        },
    ];
    cases.same("props of basic types", &basic);

    let strings = |list: &[&str]| Value::named("[]string", Value::list(list.iter().copied()));
    let deep = Value::map([("m", "deep")]);
    let list = Value::list([
        Value::from("a"),
        true.into(),
        Value::Nil,
        2.5.into(),
        deep.clone(),
    ]);
    let again = Value::list([Value::from("a"), strings(&["c"]), deep]);
    cases.later(
        "props of lists and maps",
        &[
            message("nested", Value::map([("l", list)])),
            message("strings", strings(&["a", "b"])),
            message("again", Value::map([("l", again)])),
        ],
        &[2],
    );
}

fn interfaces(cases: &mut Cases) {
    let returns = |error| Returns { error };
    let refused = |id: &str, status| Refusal {
        id: id.into(),
        status,
    };
    cases.later(
        "errors",
        &[
            returns(None),
            returns(Some(Failure::plain(0, "boom"))),
            returns(Some(Failure::Refused(refused("api.x", 404)))),
            returns(Some(Failure::plain(3, "closed"))),
            returns(Some(Failure::Refused(Refusal::default()))),
        ],
        &[3, 4],
    );

    let item = |item: &str, hint: &str| Item {
        item: item.into(),
        hint: hint.into(),
    };
    let argument = |name: &str, data| Argument {
        name: name.into(),
        data,
    };
    let list = |possible| Some(Data::Static(StaticList { possible }));
    let two = vec![item("i", "h"), item("j", "")];
    cases.later(
        "arguments",
        &[
            vec![argument("a", list(two)), argument("b", None)],
            vec![argument("c", list(vec![]))],
        ],
        &[1],
    );

    let level = |down| Level {
        down: Some(Box::new(down)),
    };
    let error = Down::Plain(ErrorString {
        code: 1,
        text: "deep".into(),
    });
    let inner = Down::Level(level(Down::Map(BTreeMap::from([("k".to_owned(), error)]))));
    let outer = level(Down::Level(level(Down::List(vec![
        inner,
        Down::Refused(refused("x", 1)),
    ]))));
    cases.later("levels", &[outer.clone(), outer], &[]);
}

/// The messages of a value, with the names of unnamed types taken out: Go writes `[]string` there or nothing, depending on
/// where it met the type first.
fn without_names(value: &[u8]) -> Vec<String> {
    let mut messages = Vec::new();
    let mut rest = value;
    while let Some((message, after)) = message_of(rest) {
        messages.push(match message {
            // The id in two bytes, a shape other than a struct, the common type with a name.
            [0xff, id, shape @ (1 | 2 | 4), 1, 1, len, named @ ..] if id % 2 == 1 => {
                format!(
                    "ff{id:02x} {shape:02x} 01 02 {}",
                    hex(&named[usize::from(*len) + 1..])
                )
            }
            [0xff, id, shape @ (1 | 2 | 4), 1, 2, unnamed @ ..] if id % 2 == 1 => {
                format!("ff{id:02x} {shape:02x} 01 02 {}", hex(unnamed))
            }
            other => hex(other),
        });
        rest = after;
    }
    messages
}

fn message_of(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match bytes {
        [0xff, len, rest @ ..] => rest.split_at_checked(usize::from(*len)),
        [0xfe, high, low, rest @ ..] => {
            rest.split_at_checked(usize::from(*high) << 8 | usize::from(*low))
        }
        [len, rest @ ..] => rest.split_at_checked(usize::from(*len)),
        [] => None,
    }
}
