//! What the fuzz targets do with arbitrary bytes. The corpus runs through the same functions in the ordinary tests.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::{Config, Event, Read, Session, Side, StreamId, WINDOW};

const LIMITS: Limits = Limits {
    streams: 16,
    unread: 1024 * 1024,
    answers: 64,
};

struct Limits {
    streams: usize,
    unread: usize,
    answers: usize,
}

fn config() -> Config {
    Config {
        max_streams: LIMITS.streams,
        max_unread: LIMITS.unread,
        max_answers: LIMITS.answers,
        backlog: 4,
        ..Config::default()
    }
}

/// The bytes are frames from a hostile peer: whatever they are, the session ends with an error or goes on, within its limits.
/// The first byte says in which pieces they arrive.
///
/// # Panics
///
/// If a limit is exceeded, or the pieces make a difference.
pub fn frames(data: &[u8], start: Instant) {
    let Some((&piece, bytes)) = data.split_first() else {
        return;
    };
    let whole = hear(bytes, bytes.len().max(1), start);
    let pieces = hear(bytes, usize::from(piece).max(1), start);
    assert_eq!(
        whole, pieces,
        "the pieces in which bytes arrive made a difference"
    );
}

/// What became of a session that heard `bytes`: its end, its streams, what they received.
fn hear(bytes: &[u8], piece: usize, start: Instant) -> (Option<String>, usize, usize, Vec<u8>) {
    let mut session = Session::new(Side::Server, config(), start);
    for _ in 0..3 {
        session.open(start).expect("a new session opens streams");
    }
    for chunk in bytes.chunks(piece) {
        // The error is also the session's failure, which is looked at below.
        let _ = session.receive(chunk);
        while session.next_event().is_some() {}
        assert!(
            session.stream_count() <= LIMITS.streams,
            "more streams than allowed"
        );
        assert!(
            session.unread() <= LIMITS.unread,
            "more unread than allowed"
        );
    }
    let mut output = Vec::new();
    session.take_output(&mut output);
    let most = 12 * (LIMITS.answers + LIMITS.streams + 8) + bytes.len();
    assert!(
        output.len() <= most,
        "{} bytes of output for {} of input",
        output.len(),
        bytes.len()
    );
    let failure = session.failure().map(|failure| format!("{failure:?}"));
    (failure, session.stream_count(), session.unread(), output)
}

/// The bytes are wishes of two programs at the ends of one connection. Both keep the rules, so whatever they wish: no session
/// ends with an error, and what is read on a stream is what was written to it, in order.
///
/// # Panics
///
/// If that is not so.
pub fn operations(data: &[u8], start: Instant) {
    let mut pair = Pair::new(start);
    for wish in data.chunks_exact(3) {
        let &[what, which, how_much] = wish else {
            continue;
        };
        pair.act(usize::from(what >> 7), what & 0x0f, which, how_much);
    }
    for _ in 0..64 {
        pair.deliver(0, usize::MAX);
        pair.deliver(1, usize::MAX);
    }
    for end in &pair.ends {
        assert!(
            end.session.failure().is_none(),
            "{:?}",
            end.session.failure()
        );
    }
}

struct End {
    session: Session,
    /// Bytes on their way to this end.
    wire: Vec<u8>,
    held: Vec<StreamId>,
    /// How much was written and read on each stream that this end knows.
    written: HashMap<StreamId, usize>,
    read: HashMap<StreamId, usize>,
}

struct Pair {
    ends: [End; 2],
    now: Instant,
}

impl Pair {
    fn new(now: Instant) -> Self {
        let end = |side| End {
            session: Session::new(
                side,
                Config {
                    keep_alive: None,
                    max_answers: 32 * 1024,
                    ..config()
                },
                now,
            ),
            wire: Vec::new(),
            held: Vec::new(),
            written: HashMap::new(),
            read: HashMap::new(),
        };
        Self {
            ends: [end(Side::Client), end(Side::Server)],
            now,
        }
    }

    fn act(&mut self, at: usize, what: u8, which: u8, how_much: u8) {
        let now = self.now;
        let amount = usize::from(how_much) * 61;
        let end = &mut self.ends[at];
        let held = (!end.held.is_empty()).then(|| end.held[usize::from(which) % end.held.len()]);
        match (what, held) {
            (0, _) => end.held.extend(end.session.open(now).ok().flatten()),
            (1, _) => end.held.extend(end.session.accept()),
            (2..=4, Some(id)) => end.write(id, amount),
            (5..=7, Some(id)) => self.read(at, id, amount.max(1)),
            (8, Some(id)) => end.session.finish(id),
            (9, Some(id)) => {
                end.session.release(id, now);
                end.held.retain(|other| *other != id);
            }
            (10, Some(id)) => {
                end.session.reset(id);
                end.held.retain(|other| *other != id);
            }
            (11, Some(id)) => {
                end.session.abandon(id, now);
                end.held.retain(|other| *other != id);
            }
            (12, _) => self.wait(Duration::from_millis(amount as u64 / 64)),
            (_, _) => self.deliver(at, amount + usize::from(which)),
        }
    }

    fn read(&mut self, at: usize, id: StreamId, amount: usize) {
        let mut into = vec![0; amount];
        let end = &mut self.ends[at];
        let Ok(Read::Bytes(read)) = end.session.read(id, &mut into) else {
            return;
        };
        let from = end.read.entry(id).or_default();
        for (place, byte) in into[..read].iter().enumerate() {
            assert_eq!(
                *byte,
                byte_at(id, *from + place),
                "stream {id} at {}",
                *from + place
            );
        }
        *from += read;
    }

    /// Lets everything arrive, and then time pass: what a peer left unanswered is not what is looked for here.
    fn wait(&mut self, long: Duration) {
        for end in [0, 1, 0, 1] {
            self.deliver(end, usize::MAX);
        }
        self.now += long;
        for end in &mut self.ends {
            let ticked = end.session.tick(self.now);
            assert!(ticked.is_ok(), "{ticked:?}");
        }
    }

    /// Moves up to `amount` bytes over the connection to the end `to`.
    fn deliver(&mut self, to: usize, amount: usize) {
        let mut output = Vec::new();
        self.ends[1 - to].session.take_output(&mut output);
        let end = &mut self.ends[to];
        end.wire.extend_from_slice(&output);
        let amount = amount.min(end.wire.len());
        let bytes: Vec<u8> = end.wire.drain(..amount).collect();
        let heard = end.session.receive(&bytes);
        assert!(heard.is_ok(), "{heard:?}");
        assert!(end.session.unread() <= LIMITS.unread);
        for end in &mut self.ends {
            while let Some(event) = end.session.next_event() {
                assert_ne!(
                    event,
                    Event::Over,
                    "a session of two that keep the rules ended"
                );
            }
        }
    }
}

impl End {
    fn write(&mut self, id: StreamId, amount: usize) {
        let from = *self.written.entry(id).or_default();
        let bytes: Vec<u8> = (from..from + amount)
            .map(|place| byte_at(id, place))
            .collect();
        if let Ok(Some(written)) = self.session.write(id, &bytes) {
            assert!(
                written <= WINDOW as usize,
                "more was written than any window holds"
            );
            self.written.insert(id, from + written);
        }
    }
}

/// What stands at a place of a stream; both ends know it.
fn byte_at(id: StreamId, place: usize) -> u8 {
    u8::try_from((place.wrapping_mul(31) + id.number() as usize) % 251).unwrap_or_default()
}
