//! The files of `tests/golden`, and bytes as text.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

/// A stream as one side wrote it, as in `mattermost-11.6/api.host`.
pub(crate) fn recorded(name: &str) -> Vec<u8> {
    fs::read(folder("golden").join(name)).unwrap()
}

/// Every recorded stream, with its name.
pub(crate) fn all_recorded() -> Vec<(String, Vec<u8>)> {
    let versions = ["5.36", "11.6"];
    let streams = ["control", "api", "hooks", "answer-get", "answer-post"];
    let names = versions.iter().flat_map(|version| {
        streams.iter().flat_map(move |stream| {
            ["host", "plugin"].map(|side| format!("mattermost-{version}/{stream}.{side}"))
        })
    });
    names.map(|name| (name.clone(), recorded(&name))).collect()
}

/// Streams as text: `## name`, then each value's bytes in hex on a line of its own.
pub(crate) fn streams(file: &str) -> Vec<(String, Vec<Vec<u8>>)> {
    let text = fs::read_to_string(folder("golden").join(file)).unwrap();
    let mut streams: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("## "), streams.last_mut()) {
            (Some(name), _) => streams.push((name.to_owned(), vec![])),
            (None, Some((_, values))) => values.push(unhex(line)),
            (None, None) => panic!("{file} begins without a name"),
        }
    }
    streams
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
