//! Log lines: `tracing` events go to the server's log through its own calls, and to standard error while there is none.
//!
//! Standard error is dangerous ground: a line that is a JSON object in which `@message`, `@level` or `@timestamp` is no text brings
//! down the whole Mattermost server. Only this file writes to it, one line at a time, with every value a text; panics, whose
//! message could be anything, are reported by their place alone.
//!
//! Spans are not kept; put into the event what it should say. Levels below info are not sent.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, watch};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::api::Api;

/// Lines that wait for the server. More are counted and dropped: a log must not stop whoever writes it, nor fill the memory.
const WAITING: usize = 1024;

/// Longer values are cut. The server reads standard error in lines of at most 64 KiB.
const LONGEST: usize = 8 * 1024;

#[derive(Debug)]
pub(crate) struct Line {
    level: Level,
    message: String,
    fields: Vec<(&'static str, String)>,
}

/// The end of the log at which lines come out.
#[derive(Debug)]
pub(crate) struct Lines {
    queue: mpsc::Receiver<Line>,
    dropped: Arc<AtomicU64>,
}

/// The end at which `tracing` puts them in.
#[derive(Debug)]
pub(crate) struct Log {
    queue: mpsc::Sender<Line>,
    dropped: Arc<AtomicU64>,
    spans: AtomicU64,
}

pub(crate) fn channel() -> (Log, Lines) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let dropped = Arc::new(AtomicU64::new(0));
    let log = Log {
        queue: sender,
        dropped: Arc::clone(&dropped),
        spans: AtomicU64::new(1),
    };
    (
        log,
        Lines {
            queue: receiver,
            dropped,
        },
    )
}

impl Lines {
    /// Carries lines away, for ever.
    pub(crate) async fn deliver(mut self, api: watch::Receiver<Option<Api>>) {
        while let Some(line) = self.queue.recv().await {
            let active = api.borrow().clone();
            carry(active.as_ref(), &line).await;
            let dropped = self.dropped.swap(0, Ordering::Relaxed);
            if dropped > 0 {
                let message = format!("{dropped} log lines were dropped, too many at once");
                carry(
                    active.as_ref(),
                    &Line {
                        level: Level::WARN,
                        message,
                        fields: Vec::new(),
                    },
                )
                .await;
            }
        }
    }
}

async fn carry(api: Option<&Api>, line: &Line) {
    if let Some(api) = api
        && api
            .log(line.level, &line.message, &line.fields)
            .await
            .is_ok()
    {
        return;
    }
    to_stderr(line);
}

fn to_stderr(line: &Line) {
    // There is nothing left to report a failure to.
    let _ = std::io::stderr().lock().write_all(hclog(line).as_bytes());
}

/// Writes one plain line, for the time before there is a server.
pub(crate) fn say(level: Level, message: &str) {
    to_stderr(&Line {
        level,
        message: cut(message.to_owned()),
        fields: Vec::new(),
    });
}

/// Writes one line for a person at a terminal. The prefix keeps it from being taken for JSON, whatever it says.
pub(crate) fn say_plainly(message: &str) {
    let line: String = message
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    // There is nothing left to report a failure to.
    let _ = writeln!(std::io::stderr().lock(), "[ERROR] {}", cut(line));
}

/// From now on a panic is one harmless line with its place. The usual report prints the message on a line of its own.
pub(crate) fn guard_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".into(), ToString::to_string);
        say(Level::ERROR, &format!("a task panicked at {place}"));
    }));
}

/// The form the server understands: a JSON object on one line, every value a text.
fn hclog(line: &Line) -> String {
    let level = match line.level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        _ => "trace",
    };
    let mut out = String::from("{\"@level\":");
    quote(&mut out, level);
    out.push_str(",\"@message\":");
    quote(&mut out, &line.message);
    for (key, value) in &line.fields {
        out.push(',');
        // A field of ours cannot be taken for one of theirs, whatever it is called.
        quote(&mut out, key.trim_start_matches('@'));
        out.push(':');
        quote(&mut out, value);
    }
    out.push_str("}\n");
    out
}

/// A JSON string.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control.is_control() => {
                write!(out, "\\u{:04x}", u32::from(control)).expect("a string takes everything");
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST)
            .rev()
            .find(|end| text.is_char_boundary(*end))
            .unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= Level::INFO
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(tracing::level_filters::LevelFilter::INFO)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line {
            level: *event.metadata().level(),
            message: String::new(),
            fields: Vec::new(),
        };
        event.record(&mut line);
        if self.queue.try_send(line).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed).max(1))
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Line {
    fn put(&mut self, field: &Field, value: String) {
        if field.name() == "message" {
            self.message = cut(value);
        } else {
            self.fields.push((field.name(), cut(value)));
        }
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_object_of_texts_whatever_is_in_it() {
        let line = Line {
            level: Level::WARN,
            message: "a \"b\"\n{\"@message\":5}\u{2028}".into(),
            fields: vec![("@timestamp", "5".into()), ("path", "C:\\x\u{7}".into())],
        };
        let expected = concat!(
            r#"{"@level":"warn","@message":"a \"b\"\u000a{\"@message\":5}"#,
            "\u{2028}",
            r#"","timestamp":"5","path":"C:\\x\u0007"}"#,
            "\n"
        );
        assert_eq!(hclog(&line), expected);
    }

    #[test]
    fn values_of_every_kind_leave_as_texts_and_long_ones_are_cut() {
        let (log, mut lines) = channel();
        tracing::subscriber::with_default(log, || {
            tracing::debug!("not sent");
            let long = "ä".repeat(LONGEST);
            tracing::info!(count = 3, ok = true, name = %"x", long, "done {}", 1);
        });
        let line = lines.queue.try_recv().unwrap();
        assert_eq!(line.message, "done 1");
        let short: Vec<_> = line
            .fields
            .iter()
            .filter(|(key, _)| *key != "long")
            .cloned()
            .collect();
        assert_eq!(
            short,
            [
                ("count", "3".into()),
                ("ok", "true".into()),
                ("name", "x".to_owned())
            ]
        );
        let long = &line
            .fields
            .iter()
            .find(|(key, _)| *key == "long")
            .unwrap()
            .1;
        assert!(long.len() <= LONGEST + 4 && long.ends_with('…'));
        assert!(lines.queue.try_recv().is_err());
    }

    #[test]
    fn more_lines_than_can_wait_are_counted_and_dropped() {
        let (log, lines) = channel();
        tracing::subscriber::with_default(log, || {
            (0..WAITING + 7).for_each(|_| tracing::info!("x"))
        });
        assert_eq!(lines.dropped.load(Ordering::Relaxed), 7);
    }
}
