//! What a request of i-Reserve says: one event or an array of them, each judged alone.
//!
//! The bytes are looked at before the JSON is: depth first, so that nobody makes the parser recurse. Each event keeps the JSON it came
//! as, because "the same content" is a matter of what was sent and not of what we understood.

use bytes::Bytes;
use serde_json::Value;
use shared::{
    Event, Fault, Pointed, Timestamp,
    limits::{EVENTS_PER_REQUEST, JSON_DEPTH, JSON_KEYS},
};

use super::Verified;

/// The events of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Whether an array came, which is answered with one result for each event.
    pub is_array: bool,
    /// In the order they came.
    pub events: Vec<Result<Parsed, Fault>>,
}

/// One event that keeps to its schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    pub event: Event,
    /// As it came, for the hash of its content.
    pub json: Value,
}

/// Why nothing of a request can be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    #[error("the body is not UTF-8 from byte {at} on")]
    Encoding { at: usize },
    /// A way to exhaust the stack of whoever reads it.
    #[error("the JSON is nested deeper than {JSON_DEPTH} levels from byte {at} on")]
    Depth { at: usize },
    #[error("the body is no valid JSON at line {line}, column {column}")]
    Json { line: usize, column: usize },
    #[error("the body must be an object or an array of objects")]
    Kind,
    #[error("the array is empty: send 1 to {EVENTS_PER_REQUEST} events")]
    Empty,
    #[error("the array has {count} events, at most {EVENTS_PER_REQUEST} are taken")]
    TooMany { count: usize },
}

impl BatchError {
    /// As a problem's `errors` names it: the mistake concerns the whole body.
    #[must_use]
    pub fn pointed(&self) -> Pointed {
        Pointed {
            pointer: String::new(),
            detail: self.to_string(),
        }
    }

    /// Whether the bytes are no JSON at all, rather than JSON that says nothing we take.
    #[must_use]
    pub const fn is_syntax(&self) -> bool {
        matches!(
            self,
            Self::Encoding { .. } | Self::Depth { .. } | Self::Json { .. }
        )
    }
}

impl Verified<Bytes> {
    /// Reads the body; `arrived` is the time of events that name none.
    ///
    /// # Errors
    /// When the body as a whole cannot be judged. A mistake in one event is that event's.
    pub fn parse(self, arrived: Timestamp) -> Result<Verified<Batch>, BatchError> {
        let batch = Batch::parse(&self.inner, arrived)?;
        Ok(self.map(|_| batch))
    }
}

impl Batch {
    /// A MiB of keys would become tens of MiB of maps, only to be refused then.
    fn one_of_too_many_keys() -> Self {
        let fault = Fault {
            id: None,
            errors: vec![Pointed {
                pointer: String::new(),
                detail: format!("has more than {JSON_KEYS} keys"),
            }],
        };
        Self {
            is_array: false,
            events: vec![Err(fault)],
        }
    }

    pub(super) fn parse(body: &[u8], arrived: Timestamp) -> Result<Self, BatchError> {
        let text = std::str::from_utf8(body).map_err(|error| BatchError::Encoding {
            at: error.valid_up_to(),
        })?;
        let shape = Shape::of(body);
        if let Some(at) = shape.too_deep {
            return Err(BatchError::Depth { at });
        }
        if shape.is_one && shape.members > JSON_KEYS {
            return Ok(Self::one_of_too_many_keys());
        }
        let json = serde_json::from_str(text).map_err(|error| BatchError::Json {
            line: error.line(),
            column: error.column(),
        })?;
        let judge = |json: Value| match Event::from_json(&json, arrived) {
            Ok(event) => Ok(Parsed { event, json }),
            Err(fault) => Err(fault),
        };
        match json {
            Value::Object(_) => Ok(Self {
                is_array: false,
                events: vec![judge(json)],
            }),
            Value::Array(items) if items.is_empty() => Err(BatchError::Empty),
            Value::Array(items) if items.len() > EVENTS_PER_REQUEST => {
                Err(BatchError::TooMany { count: items.len() })
            }
            Value::Array(items) => Ok(Self {
                is_array: true,
                events: items.into_iter().map(judge).collect(),
            }),
            _ => Err(BatchError::Kind),
        }
    }
}

/// What the bytes of JSON show before anything is built of them. Brackets and colons inside texts do not count.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shape {
    /// Where it first opens more levels than we take.
    too_deep: Option<usize>,
    /// Whether it is one object.
    is_one: bool,
    /// Keys of all its objects together.
    members: usize,
}

impl Shape {
    fn of(json: &[u8]) -> Self {
        let mut shape = Self {
            is_one: json.trim_ascii_start().first() == Some(&b'{'),
            ..Self::default()
        };
        let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
        for (at, byte) in json.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_text => escaped = true,
                b'"' => in_text = !in_text,
                _ if in_text => {}
                b':' => shape.members += 1,
                b'{' | b'[' => {
                    depth += 1;
                    if depth > JSON_DEPTH {
                        shape.too_deep = Some(at);
                        break;
                    }
                }
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        shape
    }
}

#[cfg(test)]
mod tests {
    use shared::{EventId, EventKind, LicenceId};

    use super::*;

    const ARRIVED: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn parse(body: &str) -> Result<Batch, BatchError> {
        let licence = LicenceId::new("acme").unwrap();
        Verified::assumed(licence, Bytes::from(body.to_owned()))
            .parse(ARRIVED)
            .map(|verified| verified.into_parts().1)
    }

    fn ping(id: &str) -> String {
        format!(r#"{{"id":"{id}","type":"integration.ping","data":{{}}}}"#)
    }

    #[test]
    fn one_object_is_one_event_at_the_time_it_arrived() {
        let batch = parse(&ping("evt_1")).unwrap();
        assert!(!batch.is_array);
        let parsed = batch.events[0].as_ref().unwrap();
        assert_eq!(parsed.event.id, EventId::new("evt_1").unwrap());
        assert_eq!(parsed.event.timestamp, ARRIVED);
        assert_eq!(parsed.event.kind, EventKind::Ping);
        assert_eq!(parsed.json["type"], "integration.ping");
    }

    #[test]
    fn in_an_array_a_refused_event_leaves_its_neighbours_alone() {
        let body = format!(
            r#"[{},{{"id":"evt_2"}},7,{}]"#,
            ping("evt_1"),
            ping("evt_3")
        );
        let batch = parse(&body).unwrap();
        assert!(batch.is_array);
        let fine: Vec<bool> = batch.events.iter().map(Result::is_ok).collect();
        assert_eq!(fine, [true, false, false, true]);
        let fault = batch.events[1].as_ref().unwrap_err();
        assert_eq!(fault.id.as_deref(), Some("evt_2"));
        assert!(!fault.errors.is_empty());
    }

    #[test]
    fn a_body_that_cannot_be_judged_is_refused_as_a_whole() {
        let hundred = vec![ping("e"); 100].join(",");
        assert_eq!(parse(&format!("[{hundred}]")).unwrap().events.len(), 100);
        let one_more = format!("[{hundred},{}]", ping("e"));
        for (body, wanted) in [
            ("[]", BatchError::Empty),
            (one_more.as_str(), BatchError::TooMany { count: 101 }),
            ("7", BatchError::Kind),
            ("{\n \"id\": }", BatchError::Json { line: 2, column: 8 }),
            (
                r#"{"id":"\ud800"}"#,
                BatchError::Json {
                    line: 1,
                    column: 14,
                },
            ),
        ] {
            assert_eq!(parse(body), Err(wanted), "{body:.40}");
        }
        assert_eq!(
            Batch::parse(b"{\"id\":\"\xff\"}", ARRIVED),
            Err(BatchError::Encoding { at: 7 })
        );
    }

    #[test]
    fn depth_counts_brackets_outside_texts() {
        let too_deep = |json: &[u8]| Shape::of(json).too_deep;
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(too_deep(nested(32).as_bytes()), None);
        assert_eq!(too_deep(nested(33).as_bytes()), Some(32));
        assert_eq!(too_deep(nested(100_000).as_bytes()), Some(32));
        let quoted = format!(r#"{{"a":"\"{}"}}"#, nested(100));
        assert_eq!(too_deep(quoted.as_bytes()), None);
        let many = "[{}],".repeat(100);
        assert_eq!(too_deep(many.as_bytes()), None, "breadth is no depth");
    }

    #[test]
    fn one_event_of_too_many_keys_is_refused_before_it_is_built() {
        let keys = |count: usize| {
            let all: Vec<_> = (0..count).map(|at| format!("\"k{at}:\":0")).collect();
            format!(
                r#"{{"id":"e","type":"integration.ping","data":{{{}}}}}"#,
                all.join(",")
            )
        };
        let fits = parse(&keys(997)).unwrap();
        assert!(fits.events[0].is_ok(), "colons in texts are no keys");
        // That it ends in the middle shows that nobody read so far.
        let broken = keys(998).replace("}}", "");
        let fault = parse(&broken).unwrap().events.remove(0).unwrap_err();
        assert_eq!(fault.errors[0].detail, "has more than 1000 keys");
    }
}
