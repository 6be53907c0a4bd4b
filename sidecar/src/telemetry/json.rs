//! One JSON object per line. The stock layer puts fields below `fields` and the spans in a list; ours stand at the top, as whoever searches
//! logs expects.

use std::{fmt, io::Write};

use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, fmt::MakeWriter, layer::Context, registry::LookupSpan};

use super::Now;

pub(super) struct Lines<W> {
    writer: W,
    now: Now,
}

impl<W> Lines<W> {
    pub(super) const fn new(writer: W, now: Now) -> Self {
        Self { writer, now }
    }
}

/// What a span was given, kept with it.
struct Fields(Map<String, Value>);

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields(Map::new());
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    /// Outer spans first, then inner ones, then the event: the nearer one wins. Our own three always do.
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Fields(Map::new());
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.0.extend(fields.0.clone());
            }
        }
        line.0.remove("message");
        event.record(&mut line);
        let Fields(mut line) = line;
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        line.entry("message").or_insert_with(|| Value::from(""));
        line.insert("level".to_owned(), level.into());
        line.insert("timestamp".to_owned(), (self.now)().to_string().into());
        line.insert("log.target".to_owned(), event.metadata().target().into());
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        // Nobody is left to be told when standard error is gone.
        let _ = self.writer.make_writer().write_all(text.as_bytes());
    }
}

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        let value = match field.name() {
            // A reader of logs may count on a text.
            "message" => match value.into() {
                Value::String(text) => Value::String(text),
                other => Value::String(other.to_string()),
            },
            _ => value.into(),
        };
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use shared::Timestamp;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_has_dotted_fields_at_the_top_and_a_text_as_message() {
        let sink = Sink::default();
        let writer = sink.clone();
        let now = || Timestamp::from_millis(1_700_000_000_123);
        let lines = Lines::new(move || writer.clone(), Arc::new(now));
        let subscriber = tracing_subscriber::registry().with(lines);
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("delivery", licence.id = "acme", attempt.number = 1);
            let _entered = span.enter();
            span.record("attempt.number", 2);
            tracing::warn!(event.id = %"evt_7", retry.after_ms = 250_u64, level = "forged", "event {} waits\n", "evt_7");
            tracing::info!(message = 7);
        });
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2, "a newline in a message starts no line");
        assert_eq!(lines[0]["message"], "event evt_7 waits\n");
        assert_eq!(lines[0]["level"], "warn");
        assert_eq!(lines[0]["timestamp"], "2023-11-14T22:13:20.123Z");
        assert_eq!(lines[0]["licence.id"], "acme");
        assert_eq!(lines[0]["attempt.number"], 2);
        assert_eq!(lines[0]["retry.after_ms"], 250);
        assert_eq!(lines[1]["message"], "7");
    }
}
