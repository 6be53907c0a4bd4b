//! Bytes written by Go 1.26 and Go 1.19, and bytes of ours that Go 1.26 was seen to read.

use std::fmt::Write as _;
use std::fs;

use gob::{Decoder, Value};

use crate::cases::{Cases, cases};
use crate::fixtures::{folder, hex, streams, unhex};

#[test]
fn what_go_writes_is_read_and_what_we_write_is_the_same() {
    let cases = cases();
    let names: Vec<_> = streams("go.txt")
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    for name in &names {
        assert!(
            cases.ours.iter().any(|(case, _)| case == name),
            "{name} has bytes and no values"
        );
    }
    assert_eq!(names.len(), cases.ours.len());
}

#[test]
fn what_we_write_is_what_go_was_seen_to_read() {
    let blessed = fs::read_to_string(folder("golden").join("from-rust.txt")).unwrap_or_default();
    let written = as_text(&cases());
    let first = written
        .lines()
        .zip(blessed.lines())
        .find(|(ours, seen)| ours != seen);
    assert!(
        written == blessed,
        "the first difference is {first:?}; to bless it: `cargo test -p gob bless -- --ignored`, \
         then `go run . check < ../from-rust.txt` in tests/golden/go"
    );
}

#[test]
#[ignore = "writes a file that Go has to check afterwards"]
fn bless() {
    fs::write(folder("golden").join("from-rust.txt"), as_text(&cases())).unwrap();
}

fn as_text(cases: &Cases) -> String {
    let mut text = String::new();
    for (name, values) in &cases.ours {
        writeln!(text, "## {name}").unwrap();
        for value in values {
            writeln!(text, "{}", hex(value)).unwrap();
        }
    }
    text
}

/// Go 1.19 wrote these in one process, so their ids go on from case to case.
#[test]
fn every_example_of_an_older_go_is_read_to_its_end() {
    let text = fs::read_to_string(folder("golden").join("go-1.19.txt")).unwrap();
    let mut values = 0;
    for example in text.split("## ").skip(1) {
        let (name, lines) = example.split_once('\n').unwrap();
        let mut decoder = Decoder::new();
        let messages: Vec<_> = lines
            .lines()
            .filter_map(|line| line.split_once("len="))
            .map(|(_, bytes)| bytes)
            .collect();
        for message in messages {
            let (_, bytes) = message.split_once(": ").unwrap();
            decoder.feed(&unhex(&bytes.replace('|', "")));
        }
        while decoder.unread() > 0 {
            decoder
                .decode::<Value>()
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            values += 1;
        }
    }
    assert_eq!(values, 58);
}
