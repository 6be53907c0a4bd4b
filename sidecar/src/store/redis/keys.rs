//! The keys, and what may stand in them.
//!
//! 64 partitions, fixed for ever. All keys of one begin with its hash tag `{ir:p}`, so they share a slot and a script may touch them
//! all; what they hold is listed in `prelude.lua`. Besides them: `{ir:e:<event>}` says where an event id lies, `{ir:n:<licence>}`
//! counts conversations, `ir:r:<root>` leads from a root to its conversation, `ir:k:<post>` to where a
//! known post lies, `{ir:a:<channel>}` says how far a channel has been swept, `{ir:kept}` holds what people decided, `ir:meta` the
//! shape of all this.
//!
//! Ids from outside never shape a key: `<x>` is the hex of 16 bytes of SHA-256 over the zero-separated ids that it stands for.

use sha2::{Digest as _, Sha256};
use shared::{EventId, LicenceId, PostId};

use crate::record::{Direction, Lane, LaneKey, Queue, partition};

pub(super) const META: &str = "ir:meta";
pub(super) const KEPT: &str = "{ir:kept}";
/// The channel on which owners are woken; a message is `<partition>:<who>`.
pub(super) const WAKE: &str = "ir:wake";
pub(super) const PARTITIONS: u8 = 64;

/// The prefix of a partition's keys.
pub(super) fn prefix(partition: u8) -> String {
    format!("{{ir:{partition}}}:")
}

pub(super) fn partition_of(lane: &Lane) -> u8 {
    partition(&lane.licence, &lane.key)
}

/// The partition of an event, from its number.
pub(super) const fn partition_of_seq(seq: u64) -> u8 {
    (seq >> 1) as u8 % PARTITIONS
}

pub(super) fn event(licence: &LicenceId, event: &EventId) -> String {
    hashed(&[licence.as_str(), event.as_str()])
}

pub(super) fn name(licence: &LicenceId, key: &LaneKey) -> String {
    hashed(&[licence.as_str(), &key.to_string()])
}

pub(super) fn lane(lane: &Lane) -> String {
    let key = lane.key.to_string();
    hashed(&[lane.licence.as_str(), &key, lane.direction.name()])
}

/// Of a licence and a direction: what waits is counted by it.
pub(super) fn share(licence: &LicenceId, direction: Direction) -> String {
    hashed(&[licence.as_str(), direction.name()])
}

pub(super) fn queue(queue: &Queue) -> String {
    match queue {
        Queue::Mattermost => queue.to_string(),
        Queue::Ireserve(_) => hashed(&[&queue.to_string()]),
    }
}

/// Where an event id lies, whatever its partition.
pub(super) fn index(event: &str) -> String {
    format!("{{ir:e:{event}}}")
}

pub(super) fn counter(licence: &LicenceId) -> String {
    format!("{{ir:n:{}}}", hashed(&[licence.as_str()]))
}

pub(super) fn root(root: &PostId) -> String {
    format!("ir:r:{}", hashed(&[root.as_str()]))
}

/// Where a known post lies: `<partition>:<name>`.
pub(super) fn post(post: &PostId) -> String {
    format!("ir:k:{}", hashed(&[post.as_str()]))
}

pub(super) fn anchor(channel: &shared::ChannelId) -> String {
    format!("{{ir:a:{}}}", hashed(&[channel.as_str()]))
}

pub(super) fn conversation(partition: u8, name: &str) -> String {
    format!("{}c:{name}", prefix(partition))
}

pub(super) fn file(partition: u8, name: &str) -> String {
    format!("{}f:{name}", prefix(partition))
}

fn hashed(ids: &[&str]) -> String {
    let mut hash = Sha256::new();
    for (at, id) in ids.iter().enumerate() {
        if at > 0 {
            hash.update([0]);
        }
        hash.update(id.as_bytes());
    }
    hex(&hash.finalize()[..16])
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _: std::fmt::Result = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_tells_its_partition_also_for_the_placeholder_behind_it() {
        for partition in 0..PARTITIONS {
            let seq = 1_700_000_000_123 * 128 + u64::from(partition) * 2;
            assert_eq!(partition_of_seq(seq), partition);
            assert_eq!(partition_of_seq(seq + 1), partition);
        }
    }

    #[test]
    fn ids_shape_no_key_and_do_not_run_into_each_other() {
        let licence = LicenceId::new("acme").unwrap();
        let strange = LaneKey::Subject("}{ir:0}:own\n".into());
        let found = name(&licence, &strange);
        assert!(found.len() == 32 && found.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(hashed(&["ab", "c"]), hashed(&["a", "bc"]));
    }
}
