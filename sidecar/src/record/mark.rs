//! Marks and hashes: how we recognise our own posts, a repeated event, and the partition of a lane.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::{EventId, LicenceId};

use super::{LaneKey, Step};

/// 26 characters of lower-case base32 that follow from licence, event and part, or for a root from the lane and its generation.
///
/// It stands in the props of every post of ours; together with our bot's user id it proves that a post is the one we look for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mark(Box<str>);

impl Mark {
    /// The mark of what `step` creates for this event.
    #[must_use]
    pub fn of(licence: &LicenceId, lane: &LaneKey, event: &EventId, step: Step) -> Self {
        match step {
            Step::Root(generation) => Self::root(licence, lane, generation),
            Step::Part(part) => {
                Self::hashed(&[licence.as_str(), event.as_str(), &part.to_string()])
            }
            Step::Withdrawn => Self::hashed(&[licence.as_str(), event.as_str(), "withdrawn"]),
            Step::Parked => Self::hashed(&[licence.as_str(), event.as_str(), "parked"]),
            Step::Change => Self::hashed(&[licence.as_str(), event.as_str(), "change"]),
        }
    }

    #[must_use]
    pub fn root(licence: &LicenceId, lane: &LaneKey, generation: u32) -> Self {
        Self::hashed(&[
            licence.as_str(),
            &lane.to_string(),
            "root",
            &generation.to_string(),
        ])
    }

    fn hashed(parts: &[&str]) -> Self {
        let mut text = base32(&digest(parts));
        text.truncate(26);
        Self(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What Mattermost remembers for 30 s from the start of a request. One key space for everybody, hence the prefix.
    #[must_use]
    pub fn pending_post_id(&self) -> String {
        format!("ir:{}", self.0)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// SHA-256 over an event's `type` and `data` as sent, whatever the order of its keys, and the digests of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// `json` is the event as it came; unknown fields count, `id` and `timestamp` do not. `files` are the SHA-256 digests of
    /// what came beside it, in the order of the attachments.
    #[must_use]
    pub fn of(json: &Value, files: &[[u8; 32]]) -> Self {
        let mut hash = Sha256::new();
        for key in ["type", "data"] {
            canonical(json.get(key).unwrap_or(&Value::Null), &mut hash);
        }
        for file in files {
            hash.update(file);
        }
        Self(hash.finalize().into())
    }

    /// Of bytes that are the same whenever the content is.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// Which of the 64 partitions a lane key belongs to, both directions alike.
#[must_use]
pub fn partition(licence: &LicenceId, lane: &LaneKey) -> u8 {
    digest(&[licence.as_str(), &lane.to_string()])[0] % 64
}

fn digest(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            hash.update([0]);
        }
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

/// Own canonical form: `serde_json` keeps or sorts keys depending on a feature that any crate could switch on.
fn canonical(value: &Value, hash: &mut Sha256) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            hash.update(b"{");
            for key in keys {
                text(key, hash);
                canonical(&map[key], hash);
            }
            hash.update(b"}");
        }
        Value::Array(items) => {
            hash.update(b"[");
            items.iter().for_each(|item| canonical(item, hash));
            hash.update(b"]");
        }
        Value::String(string) => text(string, hash),
        other => {
            hash.update(b"=");
            hash.update(other.to_string().as_bytes());
        }
    }
}

fn text(text: &str, hash: &mut Sha256) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text.as_bytes());
}

/// RFC 4648 base32, lower case, without padding.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bits = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1))
        .collect::<Vec<u8>>();
    bits.chunks(5)
        .map(|five| {
            five.iter()
                .fold(0, |value, bit| value << 1 | usize::from(*bit))
                << (5 - five.len())
        })
        .map(|value| char::from(ALPHABET[value]))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::ConversationId;

    use super::*;

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (bytes, wanted) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), wanted);
        }
    }

    #[test]
    fn a_mark_follows_from_what_it_marks_and_from_nothing_else() {
        let licence = LicenceId::new("acme").unwrap();
        let event = EventId::new("evt_1").unwrap();
        let lane = LaneKey::Conversation(ConversationId::new("conv_93").unwrap());
        let part = Mark::of(&licence, &lane, &event, Step::Part(0));
        assert_eq!(part, Mark::of(&licence, &lane, &event, Step::Part(0)));
        assert_eq!(part.as_str().len(), 26);
        assert_ne!(part, Mark::of(&licence, &lane, &event, Step::Part(1)));
        assert_ne!(
            Mark::root(&licence, &lane, 1),
            Mark::root(&licence, &lane, 2)
        );
        let expected = base32(&Sha256::digest(b"acme\0evt_1\x000"));
        assert_eq!(part.as_str(), &expected[..26]);
    }

    #[test]
    fn a_repeated_event_has_the_same_hash_whatever_its_key_order_and_time() {
        let first =
            json!({"id": "a", "timestamp": "x", "type": "t", "data": {"a": 1, "b": [true, null]}});
        let again: Value =
            serde_json::from_str(r#"{"data":{"b":[true,null],"a":1},"type":"t","id":"a"}"#)
                .unwrap();
        assert_eq!(ContentHash::of(&first, &[]), ContentHash::of(&again, &[]));
        let other = json!({"type": "t", "data": {"a": "1", "b": [true, null]}});
        assert_ne!(ContentHash::of(&first, &[]), ContentHash::of(&other, &[]));
        assert_ne!(
            ContentHash::of(&first, &[]),
            ContentHash::of(&first, &[[0; 32]]),
            "files count"
        );
    }
}
