//! From JSON that anybody may have written to a typed [`Event`], with every mistake named by its place.
//!
//! Unknown fields are ignored. All mistakes of an event are found in one reading, so that whoever builds the other side
//! repairs them in one go.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::{
    Assigned, Ephemeral, Event, EventKind, Field, MessageCreated, MessageDeleted, MessageUpdated,
    Notification, Origin, Page, Severity, Started, StateChanged, Updated, Visitor,
};
use crate::{
    Attachment, Format, Message, Person, Sender, SenderType, Source, Timestamp,
    id::foreign,
    limits::{ADDRESS_CHARS, ATTACHMENTS, FIELD_VALUE_CHARS, FIELDS, JSON_KEYS, NAME_CHARS},
};

/// One mistake and its place (RFC 6901), relative to the event.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Pointed {
    pub pointer: String,
    pub detail: String,
}

/// Why an event is refused, and its id where that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub id: Option<String>,
    pub errors: Vec<Pointed>,
}

impl Event {
    /// Reads one event; `arrived` is its time where it names none.
    ///
    /// # Errors
    /// Every mistake found, with its place.
    pub fn from_json(json: &Value, arrived: Timestamp) -> Result<Self, Fault> {
        let mut faults = Faults::default();
        let event = event(json, arrived, &mut faults);
        match event {
            Some(event) if faults.0.is_empty() => Ok(event),
            _ => Err(Fault {
                id: json.get("id").and_then(Value::as_str).map(str::to_owned),
                errors: faults.0,
            }),
        }
    }
}

fn event(json: &Value, arrived: Timestamp, faults: &mut Faults) -> Option<Event> {
    if keys(json) > JSON_KEYS {
        faults.add("", format!("has more than {JSON_KEYS} keys"));
        return None;
    }
    let object = Object::new(json, String::new(), faults)?;
    let id = object.parsed("id", faults);
    let kind = object.text("type", 128, faults);
    let timestamp = object.optional("timestamp", faults, Object::moment);
    let kind = match kind.as_deref() {
        Some("integration.ping") => Some(EventKind::Ping),
        Some(name) => object
            .object("data", faults)
            .and_then(|data| typed(name, &data, timestamp, faults)),
        None => None,
    };
    Some(Event {
        id: id?,
        timestamp: timestamp.unwrap_or(arrived),
        kind: kind?,
    })
}

fn typed(
    name: &str,
    data: &Object<'_>,
    timestamp: Option<Timestamp>,
    faults: &mut Faults,
) -> Option<EventKind> {
    Some(match name {
        "conversation.started" => EventKind::Started(started(data, faults)?),
        "message.created" => EventKind::MessageCreated(message_created(data, faults)?),
        "message.updated" => EventKind::MessageUpdated(message_updated(data, faults)?),
        "message.deleted" => {
            let (conversation_id, message_id) = (
                data.parsed("conversation_id", faults),
                data.parsed("message_id", faults),
            );
            EventKind::MessageDeleted(MessageDeleted {
                conversation_id: conversation_id?,
                message_id: message_id?,
            })
        }
        "conversation.closed" => EventKind::Closed(state_changed(data, faults)?),
        "conversation.reopened" => EventKind::Reopened(state_changed(data, faults)?),
        "conversation.assigned" => EventKind::Assigned(assigned(data, faults)?),
        "conversation.updated" => EventKind::Updated(updated(data, faults)?),
        "visitor.typing" => EventKind::Typing(ephemeral(data, timestamp, false, faults)?),
        "reply.read" => EventKind::ReplyRead(ephemeral(data, timestamp, true, faults)?),
        "notification" => EventKind::Notification(notification(data, faults)?),
        unknown => EventKind::Unknown(unknown.to_owned()),
    })
}

fn started(data: &Object<'_>, faults: &mut Faults) -> Option<Started> {
    let conversation_id = data.parsed("conversation_id", faults);
    let visitor = data
        .object("visitor", faults)
        .and_then(|visitor| read_visitor(&visitor, faults));
    let page = data
        .object("page", faults)
        .and_then(|page| read_page(&page, faults));
    let url = data.optional_address("url", faults);
    let department = data.optional_text("department", NAME_CHARS, faults);
    let test = data
        .optional("test", faults, Object::boolean)
        .unwrap_or(false);
    Some(Started {
        conversation_id: conversation_id?,
        visitor: visitor?,
        page: page?,
        url,
        department,
        test,
    })
}

fn message_created(data: &Object<'_>, faults: &mut Faults) -> Option<MessageCreated> {
    let conversation_id = data.parsed("conversation_id", faults);
    let message_id = data.parsed("message_id", faults);
    let sender = data
        .object("sender", faults)
        .and_then(|sender| read_sender(&sender, faults));
    let text = data.any_text("text", faults);
    let format = data
        .optional("format", faults, Object::choice::<Format>)
        .unwrap_or_default();
    let attachments = read_attachments(data, faults);
    let created_at = data.optional("created_at", faults, Object::moment);
    let origin = data.optional_object("origin", faults).and_then(|origin| {
        let system = origin.text("system", NAME_CHARS, faults);
        let reply_id = origin.optional_text("reply_id", NAME_CHARS, faults);
        Some(Origin {
            system: system?,
            reply_id,
        })
    });
    let message = Message {
        message_id: message_id?,
        sender: sender?,
        text: text?,
        format,
        attachments,
        created_at,
    };
    Some(MessageCreated {
        conversation_id: conversation_id?,
        message,
        origin,
    })
}

fn message_updated(data: &Object<'_>, faults: &mut Faults) -> Option<MessageUpdated> {
    let conversation_id = data.parsed("conversation_id", faults);
    let message_id = data.parsed("message_id", faults);
    let text = data.any_text("text", faults);
    let format = data
        .optional("format", faults, Object::choice::<Format>)
        .unwrap_or_default();
    Some(MessageUpdated {
        conversation_id: conversation_id?,
        message_id: message_id?,
        text: text?,
        format,
    })
}

fn state_changed(data: &Object<'_>, faults: &mut Faults) -> Option<StateChanged> {
    let conversation_id = data.parsed("conversation_id", faults);
    let by = data
        .optional_object("by", faults)
        .and_then(|by| read_person(&by, faults));
    let reason = data.optional_text("reason", FIELD_VALUE_CHARS, faults);
    Some(StateChanged {
        conversation_id: conversation_id?,
        by,
        reason,
    })
}

fn assigned(data: &Object<'_>, faults: &mut Faults) -> Option<Assigned> {
    let conversation_id = data.parsed("conversation_id", faults);
    if data.map.get("agent").is_none() {
        faults.add(
            &data.at("agent"),
            "is missing: name the agent, or null for nobody".into(),
        );
    }
    let agent = data
        .optional_object("agent", faults)
        .and_then(|agent| read_person(&agent, faults));
    let by = data
        .optional_object("by", faults)
        .and_then(|by| read_person(&by, faults));
    Some(Assigned {
        conversation_id: conversation_id?,
        agent,
        by,
    })
}

fn updated(data: &Object<'_>, faults: &mut Faults) -> Option<Updated> {
    let conversation_id = data.parsed("conversation_id", faults);
    let visitor = data
        .optional_object("visitor", faults)
        .and_then(|visitor| read_visitor(&visitor, faults));
    let page = data
        .optional_object("page", faults)
        .and_then(|page| read_page(&page, faults));
    let url = data.optional_address("url", faults);
    Some(Updated {
        conversation_id: conversation_id?,
        visitor,
        page,
        url,
    })
}

/// A time is needed: without one nobody could say that it came too late.
fn ephemeral(
    data: &Object<'_>,
    at: Option<Timestamp>,
    reply: bool,
    faults: &mut Faults,
) -> Option<Ephemeral> {
    let conversation_id = data.parsed("conversation_id", faults);
    let reply_id = if reply {
        data.text("reply_id", NAME_CHARS, faults)
    } else {
        None
    };
    if at.is_none() {
        faults.add(
            "/timestamp",
            "is missing: an event of this type is dropped when it is older than 10 s".into(),
        );
    }
    Some(Ephemeral {
        conversation_id: conversation_id?,
        reply_id,
    })
}

fn notification(data: &Object<'_>, faults: &mut Faults) -> Option<Notification> {
    let notification_type = data.foreign_id("notification_type", faults);
    let title = data.optional_text("title", NAME_CHARS, faults);
    let text = data.any_text("text", faults);
    let format = data
        .optional("format", faults, Object::choice::<Format>)
        .unwrap_or_default();
    let fields = data.list("fields", FIELDS, faults, read_field);
    let url = data.optional_address("url", faults);
    let severity = data
        .optional("severity", faults, Object::choice::<Severity>)
        .unwrap_or_default();
    let subject_id = if data.present("subject_id") {
        data.foreign_id("subject_id", faults)
    } else {
        None
    };
    let attachments = read_attachments(data, faults);
    Some(Notification {
        notification_type: notification_type?,
        title,
        text: text?,
        format,
        fields,
        url,
        severity,
        subject_id,
        attachments,
    })
}

fn read_visitor(object: &Object<'_>, faults: &mut Faults) -> Option<Visitor> {
    let name = object.text("name", NAME_CHARS, faults);
    Some(Visitor {
        email: object.optional_text("email", NAME_CHARS, faults),
        phone: object.optional_text("phone", NAME_CHARS, faults),
        avatar_url: object.optional_address("avatar_url", faults),
        language: object.optional_text("language", NAME_CHARS, faults),
        name: name?,
    })
}

fn read_page(object: &Object<'_>, faults: &mut Faults) -> Option<Page> {
    let url = object.text("url", ADDRESS_CHARS, faults);
    let title = object.optional_text("title", NAME_CHARS, faults);
    Some(Page { url: url?, title })
}

fn read_sender(object: &Object<'_>, faults: &mut Faults) -> Option<Sender> {
    let kind = object.choice::<SenderType>("type", faults);
    let name = object.text("name", NAME_CHARS, faults);
    let email = object.optional_text("email", NAME_CHARS, faults);
    Some(Sender {
        kind: kind?,
        name: name?,
        email,
    })
}

fn read_person(object: &Object<'_>, faults: &mut Faults) -> Option<Person> {
    let name = object.text("name", NAME_CHARS, faults);
    let email = object.optional_text("email", NAME_CHARS, faults);
    Some(Person { name: name?, email })
}

fn read_field(object: &Object<'_>, faults: &mut Faults) -> Option<Field> {
    let title = object.text("title", NAME_CHARS, faults);
    let value = object.text("value", FIELD_VALUE_CHARS, faults);
    let short = object
        .optional("short", faults, Object::boolean)
        .unwrap_or(false);
    Some(Field {
        title: title?,
        value: value?,
        short,
    })
}

fn read_attachments(data: &Object<'_>, faults: &mut Faults) -> Vec<Attachment> {
    data.list("attachments", ATTACHMENTS, faults, |object, faults| {
        let name = object.text("name", NAME_CHARS, faults);
        let content_type = object.optional_text("content_type", NAME_CHARS, faults);
        let size = object.optional("size", faults, Object::count);
        let sha256 = object
            .optional_text("sha256", 64, faults)
            .map(|digest| digest.to_ascii_lowercase());
        if sha256.as_ref().is_some_and(|digest| {
            digest.len() != 64 || !digest.bytes().all(|b| b.is_ascii_hexdigit())
        }) {
            faults.add(&object.at("sha256"), "must be 64 hexadecimal digits".into());
        }
        let source = read_source(object, faults);
        Some(Attachment {
            name: name?,
            content_type,
            size,
            sha256,
            source: source?,
        })
    })
}

fn read_source(object: &Object<'_>, faults: &mut Faults) -> Option<Source> {
    let named: Vec<&str> = ["url", "part", "data"]
        .into_iter()
        .filter(|key| object.present(key))
        .collect();
    match named[..] {
        ["url"] => object.text("url", ADDRESS_CHARS, faults).map(Source::Url),
        ["part"] => object.text("part", NAME_CHARS, faults).map(Source::Part),
        ["data"] => object.any_text("data", faults).map(Source::Data),
        _ => {
            faults.add(
                &object.path,
                format!(
                    "must have exactly one of `url`, `part` and `data`, not {}",
                    named.len()
                ),
            );
            None
        }
    }
}

fn keys(value: &Value) -> usize {
    match value {
        Value::Object(map) => map.len() + map.values().map(keys).sum::<usize>(),
        Value::Array(items) => items.iter().map(keys).sum(),
        _ => 0,
    }
}

#[derive(Debug, Default)]
struct Faults(Vec<Pointed>);

impl Faults {
    fn add(&mut self, pointer: &str, detail: String) {
        self.0.push(Pointed {
            pointer: pointer.to_owned(),
            detail,
        });
    }
}

/// A JSON object and where it stands.
struct Object<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Object<'a> {
    fn new(value: &'a Value, path: String, faults: &mut Faults) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self { map, path }),
            other => {
                faults.add(&path, format!("must be an object, not {}", called(other)));
                None
            }
        }
    }

    fn at(&self, key: &str) -> String {
        format!("{}/{key}", self.path)
    }

    /// `null` counts as absent.
    fn present(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| !value.is_null())
    }

    fn required(&self, key: &str, faults: &mut Faults) -> Option<&'a Value> {
        let value = self.map.get(key).filter(|value| !value.is_null());
        if value.is_none() {
            faults.add(&self.at(key), "is missing".into());
        }
        value
    }

    fn optional<T>(
        &self,
        key: &str,
        faults: &mut Faults,
        read: fn(&Self, &str, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        if self.present(key) {
            read(self, key, faults)
        } else {
            None
        }
    }

    fn any_text(&self, key: &str, faults: &mut Faults) -> Option<String> {
        match self.required(key, faults)? {
            Value::String(text) => Some(text.clone()),
            other => {
                faults.add(
                    &self.at(key),
                    format!("must be a text, not {}", called(other)),
                );
                None
            }
        }
    }

    fn text(&self, key: &str, chars: usize, faults: &mut Faults) -> Option<String> {
        let text = self.any_text(key, faults)?;
        let fits = text.chars().count() <= chars;
        if !fits {
            faults.add(&self.at(key), format!("is longer than {chars} characters"));
        }
        fits.then_some(text)
    }

    fn optional_text(&self, key: &str, chars: usize, faults: &mut Faults) -> Option<String> {
        if self.present(key) {
            self.text(key, chars, faults)
        } else {
            None
        }
    }

    fn optional_address(&self, key: &str, faults: &mut Faults) -> Option<String> {
        self.optional_text(key, ADDRESS_CHARS, faults)
    }

    fn foreign_id(&self, key: &str, faults: &mut Faults) -> Option<String> {
        let text = self.any_text(key, faults)?;
        let fine = foreign(&text);
        if !fine {
            faults.add(
                &self.at(key),
                "must be 1 to 200 bytes without control characters".into(),
            );
        }
        fine.then_some(text)
    }

    fn parsed<T: FromStr<Err: ToString>>(&self, key: &str, faults: &mut Faults) -> Option<T> {
        match self.any_text(key, faults)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                faults.add(&self.at(key), T::Err::to_string(&error));
                None
            }
        }
    }

    fn moment(&self, key: &str, faults: &mut Faults) -> Option<Timestamp> {
        self.parsed(key, faults)
    }

    fn boolean(&self, key: &str, faults: &mut Faults) -> Option<bool> {
        let value = self.required(key, faults)?;
        if value.as_bool().is_none() {
            faults.add(
                &self.at(key),
                format!("must be true or false, not {}", called(value)),
            );
        }
        value.as_bool()
    }

    fn count(&self, key: &str, faults: &mut Faults) -> Option<u64> {
        let value = self.required(key, faults)?;
        if value.as_u64().is_none() {
            faults.add(&self.at(key), "must be a whole number of bytes".into());
        }
        value.as_u64()
    }

    fn choice<T: serde::de::DeserializeOwned>(&self, key: &str, faults: &mut Faults) -> Option<T> {
        let value = self.required(key, faults)?;
        match serde_json::from_value(value.clone()) {
            Ok(choice) => Some(choice),
            Err(error) => {
                faults.add(&self.at(key), offered(&error.to_string()));
                None
            }
        }
    }

    fn object(&self, key: &str, faults: &mut Faults) -> Option<Self> {
        Self::new(self.required(key, faults)?, self.at(key), faults)
    }

    fn optional_object(&self, key: &str, faults: &mut Faults) -> Option<Self> {
        if self.present(key) {
            self.object(key, faults)
        } else {
            None
        }
    }

    fn list<T>(
        &self,
        key: &str,
        most: usize,
        faults: &mut Faults,
        read: impl Fn(&Self, &mut Faults) -> Option<T>,
    ) -> Vec<T> {
        let items = match self.map.get(key) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(other) => {
                faults.add(
                    &self.at(key),
                    format!("must be a list, not {}", called(other)),
                );
                return Vec::new();
            }
        };
        if items.len() > most {
            faults.add(
                &self.at(key),
                format!("has {} entries, at most {most} are taken", items.len()),
            );
            return Vec::new();
        }
        let places = items
            .iter()
            .enumerate()
            .map(|(at, item)| (item, format!("{}/{at}", self.at(key))));
        places
            .filter_map(|(item, path)| {
                Object::new(item, path, faults).and_then(|item| read(&item, faults))
            })
            .collect()
    }
}

fn called(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// serde's message without what the caller wrote: only the choices it names.
fn offered(message: &str) -> String {
    match message.rsplit_once("expected ") {
        Some((_, choices)) => format!("must be {choices}"),
        None => "is none of the known values".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(json: &Value) -> Result<Event, Vec<(String, String)>> {
        Event::from_json(json, Timestamp::from_millis(7)).map_err(|fault| {
            fault
                .errors
                .into_iter()
                .map(|error| (error.pointer, error.detail))
                .collect()
        })
    }

    #[test]
    fn a_whole_message_is_read_and_survives_the_store() {
        let event = read(&json!({"id": "evt_1", "type": "message.created", "unknown": 1, "data": {
            "conversation_id": "conv_93", "message_id": "m1", "sender": {"type": "visitor", "name": "Sanne"},
            "text": "Hoi", "attachments": [{"name": "a.png", "url": "https://x/a.png", "size": 3}]}}))
        .unwrap();
        assert_eq!(
            event.timestamp,
            Timestamp::from_millis(7),
            "a missing time is the moment of arrival"
        );
        assert_eq!(event.kind.name(), "message.created");
        let kept = serde_json::to_vec(&event).unwrap();
        assert_eq!(serde_json::from_slice::<Event>(&kept).unwrap(), event);
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        let errors = read(&json!({"id": "evt 1", "type": "message.created", "data": {
            "conversation_id": 5, "sender": {"type": "robot", "name": "x".repeat(257)}, "text": "",
            "attachments": [{"name": "a", "url": "u", "part": "p"}]}}))
        .unwrap_err();
        let places: Vec<&str> = errors.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(
            places,
            [
                "/id",
                "/data/conversation_id",
                "/data/message_id",
                "/data/sender/type",
                "/data/sender/name",
                "/data/attachments/0"
            ]
        );
        assert!(
            !errors.iter().any(|(_, detail)| detail.contains("robot")),
            "what was written is not repeated"
        );
    }

    #[test]
    fn an_unknown_type_is_no_mistake_and_a_ping_needs_no_data() {
        let later = read(&json!({"id": "e", "type": "visitor.left", "data": {}})).unwrap();
        assert_eq!(later.kind, EventKind::Unknown("visitor.left".into()));
        assert_eq!(
            read(&json!({"id": "e", "type": "integration.ping"}))
                .unwrap()
                .kind,
            EventKind::Ping
        );
    }

    #[test]
    fn typing_without_a_time_is_refused() {
        let errors =
            read(&json!({"id": "e", "type": "visitor.typing", "data": {"conversation_id": "c"}}))
                .unwrap_err();
        assert_eq!(errors[0].0, "/timestamp");
    }

    #[test]
    fn an_assignment_says_whom_even_when_nobody() {
        let nobody = json!({"id": "e", "type": "conversation.assigned", "data": {"conversation_id": "c", "agent": null}});
        assert!(read(&nobody).is_ok());
        let silent =
            json!({"id": "e", "type": "conversation.assigned", "data": {"conversation_id": "c"}});
        assert_eq!(read(&silent).unwrap_err()[0].0, "/data/agent");
    }
}
