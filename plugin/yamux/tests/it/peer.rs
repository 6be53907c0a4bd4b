//! A peer as unforgiving as hashicorp's, written from its rules and not from our code: it speaks raw frames and dies where it
//! would die.

use std::collections::HashMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, timeout_at};

pub(crate) const SYN: u16 = 1;
pub(crate) const ACK: u16 = 2;
pub(crate) const FIN: u16 = 4;
pub(crate) const RST: u16 = 8;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u16,
    pub(crate) stream: u32,
    pub(crate) length: u32,
    pub(crate) body: Vec<u8>,
}

/// What the peer knows of a stream.
#[derive(Default)]
struct Known {
    /// Until when an opening of ours must be acknowledged.
    awaited: Option<Instant>,
    finished: bool,
    /// Bytes it still may send us.
    granted: i64,
}

pub(crate) struct StrictPeer {
    wire: DuplexStream,
    streams: HashMap<u32, Known>,
    pinged: u32,
}

impl StrictPeer {
    pub(crate) fn new(wire: DuplexStream) -> Self {
        Self {
            wire,
            streams: HashMap::new(),
            pinged: 0,
        }
    }

    pub(crate) async fn send(
        &mut self,
        kind: u8,
        flags: u16,
        stream: u32,
        length: u32,
        body: &[u8],
    ) {
        if flags & SYN != 0 && kind < 2 {
            let awaited = Some(Instant::now() + Duration::from_secs(75));
            self.streams.insert(
                stream,
                Known {
                    awaited,
                    finished: false,
                    granted: 262_144,
                },
            );
        }
        if kind == 1
            && let Some(known) = self.streams.get_mut(&stream)
        {
            known.granted += i64::from(length);
        }
        let mut bytes = vec![0, kind];
        bytes.extend_from_slice(&flags.to_be_bytes());
        bytes.extend_from_slice(&stream.to_be_bytes());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(body);
        self.wire.write_all(&bytes).await.unwrap();
    }

    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        self.wire.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn open(&mut self, stream: u32) {
        self.send(1, SYN, stream, 0, &[]).await;
    }

    /// Listens for `long`, answering pings, asking for one every 30 s. The error is what would make hashicorp's end hang up.
    pub(crate) async fn listen(&mut self, long: Duration) -> Result<Vec<Frame>, String> {
        let end = Instant::now() + long;
        let mut frames = Vec::new();
        let mut next_ping = Instant::now() + Duration::from_secs(30);
        loop {
            let due = self
                .streams
                .values()
                .filter_map(|known| known.awaited)
                .min()
                .unwrap_or(end);
            let until = end.min(due).min(next_ping);
            match timeout_at(until, self.frame()).await {
                Ok(Some(frame)) => {
                    self.judge(&frame)?;
                    if frame.kind == 2 && frame.flags == SYN {
                        self.send(2, ACK, 0, frame.length, &[]).await;
                    }
                    frames.push(frame);
                }
                Ok(None) => return Ok(frames),
                Err(_) if until == end => return Ok(frames),
                Err(_) if until == due => {
                    return Err("aborted stream open: no acknowledgement in 75 s".into());
                }
                Err(_) => {
                    self.pinged += 1;
                    self.send(2, SYN, 0, self.pinged, &[]).await;
                    next_ping += Duration::from_secs(30);
                }
            }
        }
    }

    /// The next frame that says something about a stream or the session, pings left aside.
    pub(crate) async fn expect(&mut self) -> Frame {
        loop {
            let frame = self.frame().await.expect("the session ended");
            self.judge(&frame).unwrap();
            if frame.kind != 2 {
                return frame;
            }
        }
    }

    async fn frame(&mut self) -> Option<Frame> {
        let mut header = [0; 12];
        self.wire.read_exact(&mut header).await.ok()?;
        assert_eq!(header[0], 0, "version");
        let number = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().unwrap());
        let (kind, flags) = (header[1], u16::from_be_bytes([header[2], header[3]]));
        let mut body = vec![0; if kind == 0 { number(8) as usize } else { 0 }];
        self.wire.read_exact(&mut body).await.ok()?;
        Some(Frame {
            kind,
            flags,
            stream: number(4),
            length: number(8),
            body,
        })
    }

    fn judge(&mut self, frame: &Frame) -> Result<(), String> {
        if frame.kind > 1 {
            return Ok(());
        }
        if frame.flags & SYN != 0 {
            let known = Known {
                awaited: None,
                finished: false,
                granted: 262_144,
            };
            if !frame.stream.is_multiple_of(2) || self.streams.insert(frame.stream, known).is_some()
            {
                return Err(format!("duplicate or odd stream {}", frame.stream));
            }
        }
        let Some(known) = self.streams.get_mut(&frame.stream) else {
            return Err(format!("frame for unknown stream {}", frame.stream));
        };
        if frame.flags & ACK != 0 {
            known.awaited = None;
        }
        if frame.flags & FIN != 0 && std::mem::replace(&mut known.finished, true) {
            return Err(format!("unexpected FIN flag on stream {}", frame.stream));
        }
        if frame.kind == 0 {
            known.granted -= i64::from(frame.length);
            if known.granted < 0 {
                return Err(format!(
                    "receive window of stream {} exceeded",
                    frame.stream
                ));
            }
        }
        Ok(())
    }
}
