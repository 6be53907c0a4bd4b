//! Which files the events of a body name, and which of them came.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::Value;

use crate::http::problem::Problem;

/// The names that attachments give to parts.
#[derive(Debug)]
pub(super) struct Named {
    /// Whether it came already.
    parts: HashMap<String, bool>,
}

impl Named {
    /// From the JSON as it came: also a refused event names its files, and they are no reason to refuse its neighbours.
    pub(super) fn in_events(bytes: &Bytes) -> Result<Self, Problem> {
        let json: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let events = match &json {
            Value::Array(events) => events.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut parts = HashMap::new();
        for event in events {
            let attachments = event.pointer("/data/attachments").and_then(Value::as_array);
            for attachment in attachments.into_iter().flatten() {
                let Some(part) = attachment.get("part").and_then(Value::as_str) else {
                    continue;
                };
                if parts.insert(part.to_owned(), false).is_some() {
                    return Err(Problem::bad_request("two attachments name the same part"));
                }
            }
        }
        Ok(Self { parts })
    }

    /// A part of this name came.
    pub(super) fn came(&mut self, name: &str) -> Result<(), Problem> {
        match self.parts.get_mut(name) {
            Some(came @ false) => {
                *came = true;
                Ok(())
            }
            Some(true) => Err(Problem::bad_request("two parts have the same name")),
            None => Err(Problem::bad_request(
                "there is a part that no attachment names",
            )),
        }
    }
}
