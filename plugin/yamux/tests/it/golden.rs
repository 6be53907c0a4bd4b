//! Connections recorded between Mattermost and a Go plugin.
//!
//! A file is a sequence of records: direction (`>` from Mattermost), time in microseconds (u64, big endian), length (u32, big
//! endian), bytes as they passed the socket.

use std::collections::HashMap;
use std::time::Instant;

use tokio::time::Instant as Clock;
use yamux::{Config, Flags, HEADER_LEN, Header, Kind, Read, Session, Side, StreamId};

struct Recording {
    name: &'static str,
    bytes: &'static [u8],
    frames: usize,
}

macro_rules! recording {
    ($name:literal, $frames:literal) => {
        Recording {
            name: $name,
            bytes: include_bytes!(concat!("../golden/", $name)),
            frames: $frames,
        }
    };
}

const STARTS: [(Recording, &[u8], &[u8]); 2] = [
    (
        recording!("go116.wire-start.bin", 123),
        include_bytes!("../golden/go116.s1.host"),
        include_bytes!("../golden/go116.s7.host"),
    ),
    (
        recording!("go536.wire-start.bin", 117),
        include_bytes!("../golden/go536.s1.host"),
        include_bytes!("../golden/go536.s7.host"),
    ),
];

const ENDS: [Recording; 2] = [
    recording!("go116.wire-end.bin", 102),
    recording!("go536.wire-end.bin", 104),
];

impl Recording {
    /// The records: whether Mattermost wrote it, and what.
    fn records(&self) -> Vec<(bool, &'static [u8])> {
        let mut rest = self.bytes;
        let mut records = Vec::new();
        while let [direction, _, _, _, _, _, _, _, _, a, b, c, d, tail @ ..] = rest {
            let (bytes, next) = tail.split_at(u32::from_be_bytes([*a, *b, *c, *d]) as usize);
            records.push((*direction == b'>', bytes));
            rest = next;
        }
        assert!(rest.is_empty(), "{}: a record is cut off", self.name);
        records
    }
}

/// Takes the frames apart and asserts that each is written back as it was.
fn frames(name: &str, mut bytes: &[u8]) -> Vec<(Header, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((head, tail)) = bytes.split_first_chunk::<HEADER_LEN>() {
        let header = Header::decode(*head).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(header.encode(), *head, "{name}: {header:?}");
        let (body, rest) = tail.split_at(if header.kind == Kind::Data {
            header.length as usize
        } else {
            0
        });
        frames.push((header, body.to_vec()));
        bytes = rest;
    }
    assert!(bytes.is_empty(), "{name}: a frame is cut off");
    frames
}

#[test]
fn every_recorded_frame_is_read_and_written_back_unchanged() {
    for recording in STARTS.iter().map(|(start, _, _)| start).chain(&ENDS) {
        let records = recording.records();
        let side = |host: bool| -> Vec<u8> {
            records
                .iter()
                .filter(|record| record.0 == host)
                .flat_map(|record| record.1)
                .copied()
                .collect()
        };
        let count =
            frames(recording.name, &side(true)).len() + frames(recording.name, &side(false)).len();
        assert_eq!(count, recording.frames, "{}", recording.name);
    }
}

/// A session in the place of the Go plugin: it hears what Mattermost said and opens, ends and reads what the plugin did.
struct Replay {
    session: Session,
    now: Instant,
    heard: HashMap<u32, Vec<u8>>,
    /// Bytes of the plugin's frame that a record did not complete.
    partial: Vec<u8>,
}

impl Replay {
    fn new() -> Self {
        let now = Clock::now().into_std();
        let session = Session::new(
            Side::Server,
            Config {
                keep_alive: None,
                ..Config::default()
            },
            now,
        );
        Self {
            session,
            now,
            heard: HashMap::new(),
            partial: Vec::new(),
        }
    }

    fn host_says(&mut self, bytes: &[u8]) {
        self.session.receive(bytes).unwrap();
        let mut into = vec![0; 64 * 1024];
        for number in 1..40 {
            while let Ok(Read::Bytes(read)) = self.session.read(StreamId::new(number), &mut into) {
                self.heard
                    .entry(number)
                    .or_default()
                    .extend_from_slice(&into[..read]);
            }
        }
    }

    fn plugin_says(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
        while let Some(header) = self.partial.first_chunk::<HEADER_LEN>() {
            let header = Header::decode(*header).unwrap();
            let body = if header.kind == Kind::Data {
                header.length as usize
            } else {
                0
            };
            if self.partial.len() < HEADER_LEN + body {
                return;
            }
            let frame: Vec<u8> = self.partial.drain(..HEADER_LEN + body).collect();
            self.act(header, &frame[HEADER_LEN..]);
        }
    }

    fn act(&mut self, header: Header, body: &[u8]) {
        if header.flags.has(Flags::SYN) && header.kind == Kind::WindowUpdate {
            let opened = self.session.open(self.now).unwrap();
            assert_eq!(
                opened,
                Some(header.stream),
                "our ids are those of the Go plugin"
            );
        }
        if !body.is_empty() {
            assert_eq!(
                self.session.write(header.stream, body).unwrap(),
                Some(body.len())
            );
        }
        if header.flags.has(Flags::FIN) {
            self.session.finish(header.stream);
        }
    }
}

#[test]
fn a_session_in_the_place_of_the_go_plugin_hears_what_mattermost_said() {
    for (start, control, hooks) in &STARTS {
        let mut replay = Replay::new();
        for (host, bytes) in start.records() {
            if host {
                replay.host_says(bytes)
            } else {
                replay.plugin_says(bytes)
            }
        }
        assert!(replay.session.failure().is_none(), "{}", start.name);
        let accepted: Vec<u32> = std::iter::from_fn(|| replay.session.accept())
            .map(StreamId::number)
            .collect();
        assert_eq!(accepted, [1, 3, 5, 7], "{}", start.name);
        let heard = &replay.heard[&1];
        assert!(
            heard.len() > 80 && control.starts_with(heard),
            "{}: stream 1",
            start.name
        );
        let (broker, heard) = replay.heard[&7].split_at(4);
        assert_eq!(broker, [1, 0, 0, 0], "{}: the broker's number", start.name);
        assert!(
            heard.len() > 1800 && hooks.starts_with(heard),
            "{}: stream 7",
            start.name
        );
    }
}
