//! The store: everything that must survive. Each operation is one durable, atomic effect, and may be repeated with the same
//! arguments; the second time it answers what already is. No caller composes two of them to keep a promise.
//!
//! Two kinds, known for ever: SQLite for one process, Redis for several. Nothing above this room knows a key or a table.
//! Every call of a worker carries its fence (inside the [`Claim`], or as an argument); a stale one changes nothing and
//! answers [`StoreError::Fenced`].

#[cfg(test)]
mod contract;
mod embedded;
mod receive;
mod redis;

use std::{path::PathBuf, time::Duration};

use shared::{ChannelId, ConversationId, EventId, LicenceId, PostId, Timestamp};

use crate::record::{
    Acceptance, Anchor, Blocked, Card, Claim, Cursor, Doubt, Fence, KnownPost, Lane, Moment,
    NewEvent, Parked, Posted, Pull, Pulled, Queue, ReplyMark, Root, Selection, Status, Step,
    Thread, Totals, Touch,
};

pub use embedded::{Embedded, EmbeddedSettings, OpenError};
pub use receive::{Received, Receiving};
pub use redis::{NameError, Redis, RedisOpenError, RedisSettings};

/// Where everything durable lives.
#[derive(Debug, Clone)]
pub enum Store {
    Embedded(Embedded),
    Redis(Redis),
}

/// Why an operation had no effect that we know of.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process took the lanes over. Its outcome counts; ours is dropped.
    #[error("fence {ours} is stale, the lanes are held with {theirs}")]
    Fenced { ours: Fence, theirs: Fence },
    /// The claim was given back already, so nothing changed and there is nothing to repeat.
    #[error("the claim on event {event} has ended")]
    Ended { event: EventId },
    /// Nothing is known about the write. The caller repeats the operation, or the lane becomes doubtful.
    #[error("the store cannot answer: {reason}")]
    Unavailable { reason: String },
    /// What is stored cannot be read. Somebody must look at it.
    #[error("the store holds something unreadable: {0}")]
    Damaged(String),
}

/// What came of asking for the lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// Ours, until this much time after the question was sent; nothing: until the process ends.
    Held {
        fence: Fence,
        life: Option<Duration>,
    },
    /// Somebody else's. Ask again then.
    Standby { ask_again: Duration },
}

/// What a queue has to do now.
#[derive(Debug, Default)]
pub struct Claimed {
    pub claims: Vec<Claim>,
    /// When the next lane of this queue is due, if one is waiting.
    pub next_due: Option<Timestamp>,
}

/// How an attempt ended that brought nothing over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    pub due: Timestamp,
    pub reason: String,
    pub doubt: Doubt,
    pub refused: u32,
    pub first_started: Option<Timestamp>,
    pub last_ended: Option<Timestamp>,
    /// The lane waits for people; the channel where that is known.
    pub blocked: Option<Option<ChannelId>>,
}

/// How an event ended that was brought over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    pub post: Option<Posted>,
    /// What the card shall show from now on.
    pub wanted: Option<Card>,
    /// What its end posts: each goes last into the lane it names.
    pub sequels: Vec<NewEvent>,
    /// The mark that a reply shall carry from now on.
    pub mark: Option<(PostId, ReplyMark)>,
    /// Claim the lane's next event at once.
    pub go_on: bool,
    pub now: Moment,
}

/// How an event ended that was given up for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Park {
    pub reason: String,
    pub wanted: Option<Card>,
    /// What takes its place in the lane.
    pub placeholder: Option<crate::record::Content>,
    /// What its end posts elsewhere.
    pub sequels: Vec<NewEvent>,
    /// The mark that a reply shall carry from now on.
    pub mark: Option<(PostId, ReplyMark)>,
    pub now: Moment,
}

/// A root of ours that the store did not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopted {
    pub licence: LicenceId,
    pub conversation: ConversationId,
    pub root_id: PostId,
    pub channel_id: ChannelId,
    pub generation: u32,
    /// The event that opened it, as its props name it.
    pub event: EventId,
    pub create_at: Timestamp,
    /// Replies from here on are taken in; what repeats does so under ids that i-Reserve still remembers.
    pub cursor: Cursor,
    pub now: Timestamp,
}

/// One page of parked events, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ParkedPage {
    pub items: Vec<Parked>,
    /// Ask on after this one.
    pub next: Option<u64>,
}

/// How full and how well the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    pub kind: &'static str,
    pub ok: bool,
    pub bytes: u64,
    /// Free on the store's disk; absent where there is none to ask.
    pub free_bytes: Option<u64>,
    /// When free space falls below this, nothing more is accepted.
    pub reserve_bytes: u64,
}

/// Calls the operation of whichever store this is.
macro_rules! each {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Self::Embedded($store) => $call,
            Self::Redis($store) => $call,
        }
    };
}

impl Store {
    /// Judges and keeps each event: dedup mark, payload, last place in its lane, lane due.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: some may be kept; a repeat with the same ids learns the truth.
    pub async fn accept(&self, events: Vec<NewEvent>) -> Result<Vec<Acceptance>, StoreError> {
        each!(self, store => store.accept(events).await)
    }

    /// Begins to take in a file that comes inside a request.
    ///
    /// # Errors
    /// When it cannot be written anywhere.
    pub async fn receive(&self) -> Result<Receiving, StoreError> {
        each!(self, store => store.receive().await)
    }

    /// Keeps one file that came inside a request; [`Self::accept`] names it, else it is removed after an hour.
    ///
    /// # Errors
    /// When it is not durable.
    pub async fn put_file(&self, lane: &Lane, bytes: FileBytes) -> Result<String, StoreError> {
        each!(self, store => store.put_file(lane, bytes).await)
    }

    /// A kept file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn file(&self, lane: &Lane, name: &str) -> Result<FileBytes, StoreError> {
        each!(self, store => store.file(lane, name).await)
    }

    /// Takes or renews the right to work the lanes. On a change of owner the fence rises and everything in flight becomes
    /// doubtful and due.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn lease(&self, now: Timestamp) -> Result<Lease, StoreError> {
        each!(self, store => store.lease(now).await)
    }

    /// Gives the lanes back now.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn release(&self, fence: Fence) -> Result<(), StoreError> {
        each!(self, store => store.release(fence).await)
    }

    /// Due lanes of a queue, at most `max`, with their attempt and step noted.
    ///
    /// # Errors
    /// When nothing is known, or fenced.
    pub async fn claim(
        &self,
        fence: Fence,
        queue: &Queue,
        max: usize,
        now: Moment,
    ) -> Result<Claimed, StoreError> {
        each!(self, store => store.claim(fence, queue, max, now).await)
    }

    /// Before its request: another step than the claimed one, or where a look may begin. The attempt is noted anew.
    ///
    /// # Errors
    /// When nothing is known, or fenced.
    pub async fn step(
        &self,
        claim: &Claim,
        step: Step,
        look_from: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        each!(self, store => store.step(claim, step, look_from, now).await)
    }

    /// The noted step was never taken: its next attempt is a first one again.
    ///
    /// # Errors
    /// When nothing is known, or fenced.
    pub async fn renew(&self, claim: &Claim, now: Timestamp) -> Result<Claim, StoreError> {
        each!(self, store => store.renew(claim, now).await)
    }

    /// A root stands: mapping of its generation, the card that it shows, and the event's first part noted as the next step.
    ///
    /// # Errors
    /// When nothing is known, or fenced.
    pub async fn opened(
        &self,
        claim: &Claim,
        root: &Root,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        each!(self, store => store.opened(claim, root, now).await)
    }

    /// A part stands: its post known, the next step noted.
    ///
    /// # Errors
    /// When nothing is known, or fenced.
    pub async fn part_done(
        &self,
        claim: &Claim,
        post: &Posted,
        next: Step,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        each!(self, store => store.part_done(claim, post, next, now).await)
    }

    /// The event leaves its lane: payload and files erased, dedup record completed, what the card shall show. With `go_on`
    /// the lane's next event is claimed if it is due.
    ///
    /// # Errors
    /// When nothing is known, or fenced.
    pub async fn delivered(
        &self,
        claim: &Claim,
        end: &Delivered,
    ) -> Result<Option<Claim>, StoreError> {
        each!(self, store => store.delivered(claim, end).await)
    }

    /// The attempt ended with its reason; the lane is due again then.
    ///
    /// # Errors
    /// When nothing is known, or fenced.
    pub async fn retry(&self, claim: &Claim, retry: &Retry) -> Result<(), StoreError> {
        each!(self, store => store.retry(claim, retry).await)
    }

    /// The event goes to the parked ones; its placeholder takes its place.
    ///
    /// # Errors
    /// When nothing is known, or fenced.
    pub async fn park(&self, claim: &Claim, park: &Park) -> Result<(), StoreError> {
        each!(self, store => store.park(claim, park).await)
    }

    /// Parked events go back into their lanes in order of acceptance, behind a head in flight, before what waits.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn replay(&self, selection: &Selection, now: Moment) -> Result<u64, StoreError> {
        each!(self, store => store.replay(selection, now).await)
    }

    /// Parked events are erased; their dedup marks say dropped.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn drop_parked(&self, selection: &Selection) -> Result<u64, StoreError> {
        each!(self, store => store.drop_parked(selection).await)
    }

    /// What one reading of a thread found: events, known posts, card and cursor in one write.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn pulled(&self, pull: Pull) -> Result<Pulled, StoreError> {
        each!(self, store => store.pulled(pull).await)
    }

    /// A mapping rebuilt from our card, or a second root that is only pulled; nothing if the root is known.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn adopt(&self, adopted: Adopted) -> Result<(), StoreError> {
        each!(self, store => store.adopt(adopted).await)
    }

    /// One of our roots.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn thread(&self, root: &PostId) -> Result<Option<Thread>, StoreError> {
        each!(self, store => store.thread(root).await)
    }

    /// What is known of these posts.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn known(&self, posts: &[PostId]) -> Result<Vec<KnownPost>, StoreError> {
        each!(self, store => store.known(posts).await)
    }

    /// Every known post under a root.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn known_under(&self, root: &PostId) -> Result<Vec<KnownPost>, StoreError> {
        each!(self, store => store.known_under(root).await)
    }

    /// Roots active since then, the most recent first, at most `max`, less active than `before`.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn open_threads(
        &self,
        since: Timestamp,
        before: Option<(Timestamp, PostId)>,
        max: usize,
    ) -> Result<Vec<Thread>, StoreError> {
        each!(self, store => store.open_threads(since, before, max).await)
    }

    /// Channels with roots active since then.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn open_channels(&self, since: Timestamp) -> Result<Vec<ChannelId>, StoreError> {
        each!(self, store => store.open_channels(since).await)
    }

    /// How far a channel has been swept.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn anchor(&self, channel: &ChannelId) -> Result<Option<Anchor>, StoreError> {
        each!(self, store => store.anchor(channel).await)
    }

    /// A channel has been swept up to there.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn swept(&self, channel: &ChannelId, anchor: &Anchor) -> Result<(), StoreError> {
        each!(self, store => store.swept(channel, anchor).await)
    }

    /// Posts that do not show yet what the store knows, at most `max`.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn wanted(&self, max: usize) -> Result<Vec<Touch>, StoreError> {
        each!(self, store => store.wanted(max).await)
    }

    /// A post shows that version now.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn shown(&self, touch: &Touch) -> Result<(), StoreError> {
        each!(self, store => store.shown(touch).await)
    }

    /// Keeps one small thing, if what stands there is still `before`. Says whether it was.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn keep(
        &self,
        name: &str,
        value: &str,
        before: Option<&str>,
    ) -> Result<bool, StoreError> {
        each!(self, store => store.keep(name, value, before).await)
    }

    /// One kept thing.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn kept(&self, name: &str) -> Result<Option<String>, StoreError> {
        each!(self, store => store.kept(name).await)
    }

    /// What is known of one event.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn status(
        &self,
        licence: &LicenceId,
        event: &EventId,
    ) -> Result<Option<Status>, StoreError> {
        each!(self, store => store.status(licence, event).await)
    }

    /// Parked events after that one, oldest first.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn parked(
        &self,
        selection: &Selection,
        after: Option<u64>,
        limit: usize,
    ) -> Result<ParkedPage, StoreError> {
        each!(self, store => store.parked(selection, after, limit).await)
    }

    /// Lanes that wait for people.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn blocked(&self) -> Result<Vec<Blocked>, StoreError> {
        each!(self, store => store.blocked().await)
    }

    /// What waits and what is parked, per licence and direction.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn totals(&self) -> Result<Vec<Totals>, StoreError> {
        each!(self, store => store.totals().await)
    }

    /// How many events of one licence wait, and how many of all; from memory where that can be.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn waiting(&self, licence: &LicenceId) -> Result<(u64, u64), StoreError> {
        each!(self, store => store.waiting(licence).await)
    }

    /// The conversation's live root.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn mapping_of(
        &self,
        licence: &LicenceId,
        conversation: &ConversationId,
    ) -> Result<Option<crate::record::Mapping>, StoreError> {
        each!(self, store => store.mapping_of(licence, conversation).await)
    }

    /// Whose root this is, live or former.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn conversation_of(
        &self,
        root: &PostId,
    ) -> Result<Option<(LicenceId, ConversationId)>, StoreError> {
        each!(self, store => store.conversation_of(root).await)
    }

    /// Removes what has outlived its time, at most `max` rows of each kind. Says how many there were.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn purge(&self, max: usize, now: Timestamp) -> Result<u64, StoreError> {
        each!(self, store => store.purge(max, now).await)
    }

    /// Resolves when another process rang: something may be due, or wanted. Never for a store of one process. It is a hint, and
    /// nothing is lost when nobody waits for it but time.
    pub async fn rung(&self) {
        each!(self, store => store.rung().await)
    }

    /// How full and how well it is.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn health(&self) -> Result<Health, StoreError> {
        each!(self, store => store.health().await)
    }

    /// What is not in use for a while is made small: erased texts leave the disk.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn idle(&self) -> Result<(), StoreError> {
        each!(self, store => store.idle().await)
    }

    /// Notes a clean stop. Nothing may follow.
    ///
    /// # Errors
    /// When nothing is known.
    pub async fn stop(&self) -> Result<(), StoreError> {
        each!(self, store => store.stop().await)
    }

    /// Resolves when the store can never be trusted again in this process: stop, restart, recover.
    pub async fn broken(&self) -> String {
        each!(self, store => store.broken().await)
    }
}

/// A file's bytes: on disk where the store has a disk, in memory where it has none (16 MiB at most there).
#[derive(Debug)]
pub enum FileBytes {
    Disk(PathBuf),
    Memory(bytes::Bytes),
}
