//! The sidecar's log, line by line: understood and said again in our own words, as texts.

use std::io;

use serde_json::{Map, Value};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

use crate::http::Base;

/// Longer lines are cut: a process gone wrong must not fill the memory.
const LONGEST: usize = 16 * 1024;
/// What of a plain line is shown.
const MOST_PLAIN_CHARS: usize = 300;

/// Reads lines of bounded length.
#[derive(Debug)]
pub(super) struct Reader<R> {
    from: R,
    line: Vec<u8>,
}

impl<R: AsyncBufRead + Unpin> Reader<R> {
    pub(super) const fn new(from: R) -> Self {
        Self {
            from,
            line: Vec::new(),
        }
    }

    /// The next line without its end; `None` when there are no more. Dropped half-way, nothing is lost.
    pub(super) async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let there = self.from.fill_buf().await?;
            if there.is_empty() {
                let rest = std::mem::take(&mut self.line);
                return Ok((!rest.is_empty()).then_some(rest));
            }
            let end = there.iter().position(|&byte| byte == b'\n');
            let part = &there[..end.unwrap_or(there.len())];
            let room = LONGEST - self.line.len();
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            let used = part.len() + usize::from(end.is_some());
            self.from.consume(used);
            if end.is_some() {
                return Ok(Some(std::mem::take(&mut self.line)));
            }
        }
    }
}

/// One line.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    Log {
        level: tracing::Level,
        message: String,
        fields: Map<String, Value>,
    },
    /// No log line: of the system's loader, or of a panic.
    Plain(String),
}

impl Line {
    pub(super) fn read(line: &[u8]) -> Self {
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(line) else {
            let text = String::from_utf8_lossy(line);
            return Self::Plain(text.chars().take(MOST_PLAIN_CHARS).collect());
        };
        let message = match fields.remove("message") {
            Some(Value::String(message)) => message,
            _ => String::new(),
        };
        let level = match fields.remove("level") {
            Some(Value::String(level)) => level.parse().unwrap_or(tracing::Level::INFO),
            _ => tracing::Level::INFO,
        };
        fields.remove("timestamp");
        Self::Log {
            level,
            message,
            fields,
        }
    }

    /// Where the sidecar listens, if that is what the line says: `listening on 127.0.0.1:1 (admin 127.0.0.1:2)`.
    pub(super) fn listening(&self) -> Option<Base> {
        let Self::Log { message, .. } = self else {
            return None;
        };
        let (_, address) = message.split_once("listening on ")?;
        let address = address.split(' ').next()?;
        Base::parse(&format!("http://{address}"))
    }

    /// The words, if they may say why the program ends.
    pub(super) fn as_reason(&self) -> Option<String> {
        match self {
            Self::Log { level, message, .. } => {
                (*level <= tracing::Level::ERROR).then(|| message.clone())
            }
            Self::Plain(text) => Some(text.clone()),
        }
    }

    /// Says it again. Before it listens the sidecar has seen no message of anybody, so that its plain lines may be shown whole; after
    /// that only the place of a panic is.
    pub(super) fn say(&self, listens: bool) {
        match self {
            Self::Log {
                level,
                message,
                fields,
            } => {
                let fields = flat(fields);
                match *level {
                    tracing::Level::ERROR => tracing::error!(fields, "sidecar: {message}"),
                    tracing::Level::WARN => tracing::warn!(fields, "sidecar: {message}"),
                    tracing::Level::INFO => tracing::info!(fields, "sidecar: {message}"),
                    _ => tracing::debug!(fields, "sidecar: {message}"),
                }
            }
            Self::Plain(text) if !listens || text.starts_with("thread '") => {
                tracing::warn!("sidecar: {text}");
            }
            Self::Plain(text) => {
                tracing::warn!(
                    "sidecar: a line of {} bytes that is no log line",
                    text.len()
                );
            }
        }
    }
}

fn flat(fields: &Map<String, Value>) -> String {
    let pairs = fields.iter().map(|(key, value)| match value {
        Value::String(text) => format!("{key}={text}"),
        other => format!("{key}={other}"),
    });
    pairs.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::*;

    #[tokio::test]
    async fn lines_are_read_one_by_one_and_endless_ones_are_cut() {
        let mut bytes = b"one\n\n".to_vec();
        bytes.extend(vec![b'x'; 100_000]);
        bytes.extend(b"\nlast");
        let mut reader = Reader::new(BufReader::new(&*bytes));
        let mut lines = Vec::new();
        while let Some(line) = reader.next().await.unwrap() {
            lines.push(line.len());
        }
        assert_eq!(lines, [3, 0, LONGEST, 4]);
    }

    #[test]
    fn a_log_line_tells_where_the_sidecar_listens() {
        let line = Line::read(
            br#"{"timestamp":"2026-01-01T00:00:00Z","level":"INFO","message":"listening on 127.0.0.1:4001 (admin 127.0.0.1:4002)","a.b":1}"#,
        );
        assert_eq!(line.listening(), Base::parse("http://127.0.0.1:4001"));
        assert_eq!(Line::read(b"listening on 127.0.0.1:1").listening(), None);
        let Line::Log { level, fields, .. } = line else {
            panic!()
        };
        assert_eq!(
            (level, flat(&fields).as_str()),
            (tracing::Level::INFO, "a.b=1")
        );
    }

    #[test]
    fn a_line_that_would_hurt_the_server_is_only_a_text_here() {
        let Line::Log {
            message, fields, ..
        } = Line::read(br#"{"@message":5,"message":7}"#)
        else {
            panic!()
        };
        assert_eq!(
            (message.as_str(), flat(&fields).as_str()),
            ("", "@message=5")
        );
        assert!(matches!(Line::read(b"\xff\xfe"), Line::Plain(_)));
    }
}
