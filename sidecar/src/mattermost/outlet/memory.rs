//! What the outlet remembers between two steps of one event. All of it may be forgotten at any time: a restart does.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::{ChannelId, EventId, LicenceId, Timestamp};

use crate::{
    mattermost::FileId,
    record::{Claim, Mark},
};

/// Entries of one kind. Lanes in flight are far fewer; beyond it everything is forgotten and read from Mattermost instead.
const KEPT: usize = 10_000;
/// Read replicas and other nodes may lag this much behind what we saw.
const LAG: Duration = Duration::from_secs(2);

/// Held for a few instructions, never across an await.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    newest: HashMap<ChannelId, Timestamp>,
    aimed: HashMap<Mark, ChannelId>,
    uploads: HashMap<Mark, Vec<Uploaded>>,
    owing: HashMap<Key, Owing>,
}

type Key = (LicenceId, EventId);

/// A file that waits in Mattermost for the post that will carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Uploaded {
    /// Its place among the event's attachments.
    pub(super) file: usize,
    pub(super) id: FileId,
}

/// What an event with files still needs.
#[derive(Debug, Clone, Default)]
pub(super) struct Owing {
    /// Attachments that no post has shown yet although theirs stands.
    pub(super) files: Vec<usize>,
    /// Time that fetching has taken so far.
    pub(super) spent: Duration,
    /// Uploads that ended without an answer.
    pub(super) failures: u32,
}

impl Memory {
    /// A post was seen in a channel.
    pub(super) fn saw(&self, channel: &ChannelId, create_at: Timestamp) {
        let mut inner = self.inner();
        bound(&mut inner.newest);
        let newest = inner.newest.entry(channel.clone()).or_insert(create_at);
        *newest = create_at.max(*newest);
    }

    /// Where a look in this channel may begin; nothing: nothing was seen there yet.
    pub(super) fn look_from(&self, channel: &ChannelId) -> Option<Timestamp> {
        self.inner().newest.get(channel).map(|newest| *newest - LAG)
    }

    /// A post with this mark is about to be created there.
    pub(super) fn aim_at(&self, mark: &Mark, channel: &ChannelId) {
        let mut inner = self.inner();
        bound(&mut inner.aimed);
        inner.aimed.insert(mark.clone(), channel.clone());
    }

    /// Where the post with this mark was to be created. The settings may name another channel by now.
    pub(super) fn aimed_at(&self, mark: &Mark) -> Option<ChannelId> {
        self.inner().aimed.get(mark).cloned()
    }

    /// What was uploaded for the post with this mark.
    pub(super) fn uploads(&self, mark: &Mark) -> Vec<Uploaded> {
        self.inner().uploads.get(mark).cloned().unwrap_or_default()
    }

    pub(super) fn uploaded(&self, mark: &Mark, file: Uploaded) {
        let mut inner = self.inner();
        bound(&mut inner.uploads);
        inner.uploads.entry(mark.clone()).or_default().push(file);
    }

    /// The post with this mark stands: what was uploaded for it is used, for ever.
    pub(super) fn stands(&self, mark: &Mark) {
        let mut inner = self.inner();
        inner.uploads.remove(mark);
        inner.aimed.remove(mark);
    }

    /// What is known of this event; nothing after a restart.
    pub(super) fn owing(&self, claim: &Claim) -> Option<Owing> {
        self.inner().owing.get(&key(claim)).cloned()
    }

    pub(super) fn owe(&self, claim: &Claim, change: impl FnOnce(&mut Owing)) {
        let mut inner = self.inner();
        bound(&mut inner.owing);
        change(inner.owing.entry(key(claim)).or_default());
    }

    /// The event is brought over.
    pub(super) fn settled(&self, claim: &Claim) {
        self.inner().owing.remove(&key(claim));
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(claim: &Claim) -> Key {
    (claim.lane.licence.clone(), claim.event.clone())
}

fn bound<K: Hash + Eq, V>(map: &mut HashMap<K, V>) {
    if map.len() >= KEPT {
        map.clear();
    }
}
