//! One suite that both stores must pass: each operation's effect, its repetition with the same arguments, its fence, and what
//! a crash between two of them leaves.
//!
//! A test is written against [`Bench`] and runs on SQLite on disk (with its threads), on SQLite in memory (in the caller), and on
//! a real `redis-server` that the test starts. Where there is none the test says so and passes; with `CI` in the environment it
//! fails. What only one of the stores does is tested beside that store.

mod accepting;
mod ending;
mod keeping;
mod lanes;
mod model;
mod parking;
mod pulling;
mod threads;

use serde_json::json;
use shared::{ChannelId, ConversationId, Event, EventId, LicenceId, MessageId, PostId, Timestamp};

use super::{
    Delivered, Embedded, EmbeddedSettings, Lease, Park, Redis, RedisSettings, Retry, Store,
    redis::server::Server,
};
use crate::record::{
    Acceptance, Card, Claim, Content, ContentHash, Direction, Doubt, Fence, Lane, LaneKey,
    NewEvent, Posted, Queue, Root, Selection, State, Status, Step,
};

/// Runs each named test on every store.
macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        mod on_disk {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&mut crate::store::contract::Bench::on_disk().await).await;
            })*
        }
        mod in_memory {
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                super::$name(&mut crate::store::contract::Bench::in_memory().await).await;
            })*
        }
        mod on_redis {
            $(#[tokio::test]
            async fn $name() {
                if let Some(mut bench) = crate::store::contract::Bench::on_redis().await {
                    super::$name(&mut bench).await;
                }
            })*
        }
    };
}
use contract;

/// How long these stores remember event ids.
const REMEMBER: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 3600);

/// A store, and the process that works it.
struct Bench {
    /// Taken while the process is down.
    open: Option<Store>,
    home: Home,
    fence: Fence,
    _folder: tempfile::TempDir,
}

/// Where a crashed process finds its store again.
enum Home {
    Disk(EmbeddedSettings),
    Memory,
    Redis(
        RedisSettings,
        #[expect(dead_code, reason = "it ends with the last bench")] std::sync::Arc<Server>,
    ),
}

impl Bench {
    async fn on_disk() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = EmbeddedSettings {
            path: folder.path().join("store.db"),
            remember: REMEMBER,
            wait_for_lock: std::time::Duration::from_secs(5),
        };
        Self::start(Home::Disk(settings), folder).await
    }

    async fn in_memory() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::start(Home::Memory, folder).await
    }

    /// Nothing where no server is installed.
    async fn on_redis() -> Option<Self> {
        Some(Self::in_database(Server::start().await?.into(), 0).await)
    }

    async fn in_database(server: std::sync::Arc<Server>, database: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = RedisSettings {
            url: server.url(database),
            remember: REMEMBER,
            dangerous_accept_settings: false,
            name_folder: folder.path().to_owned(),
        };
        Self::start(Home::Redis(settings, server), folder).await
    }

    async fn start(home: Home, folder: tempfile::TempDir) -> Self {
        let mut bench = Self {
            open: None,
            home,
            fence: Fence(0),
            _folder: folder,
        };
        bench.open().await;
        bench.lease(at(0)).await;
        bench
    }

    async fn open(&mut self) {
        self.open = Some(match &self.home {
            Home::Disk(settings) => Store::Embedded(Embedded::open(settings).await.unwrap()),
            Home::Memory => {
                Store::Embedded(Embedded::in_memory(self._folder.path(), REMEMBER).unwrap())
            }
            Home::Redis(settings, _) => Store::Redis(Redis::open(settings).await.unwrap()),
        });
    }

    async fn lease(&mut self, now: Timestamp) {
        let Lease::Held { fence, .. } = self.store().lease(now).await.unwrap() else {
            panic!("the lanes are somebody else's")
        };
        self.fence = fence;
    }

    /// The process is gone from one moment to the next; it comes back and takes the lanes over.
    async fn crash(&mut self, now: Timestamp) {
        if !matches!(self.home, Home::Memory) {
            self.open = None;
            self.open().await;
        }
        self.lease(now).await;
    }

    fn store(&self) -> &Store {
        self.open.as_ref().unwrap()
    }

    async fn accept(&self, events: Vec<NewEvent>) -> Vec<Acceptance> {
        self.store().accept(events).await.unwrap()
    }

    async fn accept_new(&self, event: NewEvent) -> u64 {
        match self.accept(vec![event]).await.remove(0) {
            Acceptance::New { seq } => seq,
            other => panic!("not new: {other:?}"),
        }
    }

    /// All that is due for Mattermost, by the names of the events: between conversations no order is promised.
    async fn claims(&self, now: Timestamp) -> Vec<Claim> {
        let claimed = self
            .store()
            .claim(
                self.fence,
                &Queue::Mattermost,
                1000,
                crate::record::Moment::agreed(now),
            )
            .await
            .unwrap();
        let mut claims = claimed.claims;
        claims.sort_by(|one, other| one.event.as_str().cmp(other.event.as_str()));
        claims
    }

    /// The one lane that is due.
    async fn claim(&self, now: Timestamp) -> Claim {
        let mut claims = self.claims(now).await;
        assert_eq!(claims.len(), 1, "one lane is due: {claims:?}");
        claims.remove(0)
    }

    async fn deliver(&self, claim: &Claim, now: Timestamp) {
        self.store().delivered(claim, &end(now)).await.unwrap();
    }

    /// Refused for good, with a placeholder in its place.
    async fn park(&self, claim: &Claim, now: Timestamp) {
        self.store().park(claim, &parked(now)).await.unwrap();
    }

    async fn status(&self, event: &str) -> Status {
        let event = EventId::new(event).unwrap();
        self.store()
            .status(&licence(), &event)
            .await
            .unwrap()
            .expect("the event is known")
    }

    async fn state(&self, event: &str) -> State {
        self.status(event).await.status
    }

    /// Works everything that is due, and says in which order it was delivered.
    async fn drain(&self, now: Timestamp) -> Vec<String> {
        let mut order = Vec::new();
        loop {
            let claims = self.claims(now).await;
            if claims.is_empty() {
                return order;
            }
            for claim in claims {
                order.push(match claim.step {
                    Step::Parked => format!("placeholder of {}", claim.event),
                    _ => claim.event.to_string(),
                });
                self.deliver(&claim, now).await;
            }
        }
    }

    /// Everything that can be seen from outside, for comparing.
    async fn seen(&self, events: &[&str]) -> String {
        let store = self.store();
        let mut seen = Vec::new();
        for event in events {
            let event = EventId::new(*event).unwrap();
            seen.push(format!(
                "{:?}",
                store.status(&licence(), &event).await.unwrap()
            ));
        }
        let conversation = ConversationId::new("conv_1").unwrap();
        let mapping = store.mapping_of(&licence(), &conversation).await.unwrap();
        let selection = Selection::default();
        seen.push(format!("{mapping:?}"));
        seen.push(format!("{:?}", store.totals().await.unwrap()));
        seen.push(format!("{:?}", store.blocked().await.unwrap()));
        seen.push(format!("{:?}", store.wanted(100).await.unwrap()));
        seen.push(format!(
            "{:?}",
            store.parked(&selection, None, 100).await.unwrap()
        ));
        seen.join("\n")
    }
}

pub(super) const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + seconds * 1000)
}

pub(super) fn licence() -> LicenceId {
    LicenceId::new("acme").unwrap()
}

pub(super) fn lane(conversation: &str) -> Lane {
    Lane {
        licence: licence(),
        key: LaneKey::Conversation(ConversationId::new(conversation).unwrap()),
        direction: Direction::ChatToThread,
    }
}

/// A message of a visitor, for Mattermost.
pub(super) fn said(id: &str, conversation: &str) -> NewEvent {
    event(id, conversation, "message.created", Step::Part(0))
}

/// An edit of the message that `said(of, …)` brought.
fn edited(id: &str, conversation: &str, of: &str) -> NewEvent {
    NewEvent {
        message_id: Some(MessageId::new(format!("m_{of}")).unwrap()),
        ..event(id, conversation, "message.updated", Step::Change)
    }
}

fn event(id: &str, conversation: &str, kind: &str, step: Step) -> NewEvent {
    let message = format!("m_{id}");
    let text = format!("text of {id}");
    let json = json!({"id": id, "type": "message.created", "data": {
        "conversation_id": conversation, "message_id": message,
        "sender": {"type": "visitor", "name": "Sanne"}, "text": text}});
    NewEvent {
        id: EventId::new(id).unwrap(),
        kind: kind.into(),
        hash: ContentHash::of(&json, &[]),
        lane: lane(conversation),
        queue: Queue::Mattermost,
        content: Content::Event(Box::new(Event::from_json(&json, at(0)).unwrap())),
        accepted_at: at(0),
        message_id: Some(MessageId::new(message).unwrap()),
        step,
        hold_until: None,
        done: false,
        files: Vec::new(),
    }
}

/// A reply of the team on its way to i-Reserve.
pub(super) fn reply(id: &str, conversation: &str) -> NewEvent {
    let mut reply = event(id, conversation, "reply.created", Step::Change);
    reply.lane.direction = Direction::ThreadToChat;
    reply.queue = Queue::Ireserve(licence());
    reply
}

pub(super) fn notification(id: &str, subject: &str) -> NewEvent {
    let mut event = event(id, "none", "notification", Step::Part(0));
    event.lane.key = LaneKey::Subject(subject.into());
    event.message_id = None;
    event
}

pub(super) fn post_id(name: &str) -> PostId {
    PostId::new(format!("{name:0<26}")).unwrap()
}

fn channel() -> ChannelId {
    ChannelId::new("c".repeat(26)).unwrap()
}

/// A post under that root, or one of its own.
pub(super) fn post(name: &str, root: Option<&str>) -> Posted {
    Posted {
        post_id: post_id(name),
        channel_id: channel(),
        root_id: root.map(post_id),
        create_at: at(1),
    }
}

pub(super) fn root(claim: &Claim, generation: u32, name: &str) -> Root {
    Root {
        generation,
        post_id: post_id(name),
        channel_id: channel(),
        create_at: at(1),
        card: claim.card.clone().unwrap_or_else(|| Card::new(0, at(0))),
    }
}

pub(super) const fn end(now: Timestamp) -> Delivered {
    Delivered {
        mark: None,
        post: None,
        wanted: None,
        sequels: Vec::new(),
        go_on: false,
        now: crate::record::Moment::agreed(now),
    }
}

fn again(due: Timestamp, reason: &str, now: Timestamp) -> Retry {
    Retry {
        due,
        reason: reason.into(),
        doubt: Doubt::None,
        refused: 0,
        first_started: None,
        last_ended: Some(now),
        blocked: None,
    }
}

pub(super) fn parked(now: Timestamp) -> Park {
    Park {
        mark: None,
        reason: "refused three times".into(),
        wanted: None,
        placeholder: Some(Content::Placeholder {
            visitor: "Sanne".into(),
            at: now,
            reason: "refused".into(),
        }),
        sequels: Vec::new(),
        now: crate::record::Moment::agreed(now),
    }
}
