//! Doubles for tests: a claim of nothing in particular, an outlet that does as it is told, and a desk with both of them and a
//! store, under virtual time.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::json;
use shared::{ChannelId, ConversationId, Event, EventId, LicenceId, PostId, Timestamp};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    lease,
    outbox::Outbox,
    outlet::{Aim, Found, Outcome, Outlet, Reason, Shown},
    poster::{Follow, Parts, Poster, Watcher},
    wake::{Settled, Wake},
};
use crate::{
    clock::Clock,
    record::{
        Acceptance, Claim, Content, ContentHash, Direction, Doubt, Fence, Lane, LaneKey, Mark,
        NewEvent, Posted, Queue, Root, State, Step, Touch,
    },
    store::{Embedded, Store},
};

/// The licence and the moment of all scripted things.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(crate) fn licence() -> LicenceId {
    LicenceId::new("acme").unwrap()
}

pub(crate) fn lane(conversation: &str) -> Lane {
    Lane {
        licence: licence(),
        key: LaneKey::Conversation(ConversationId::new(conversation).unwrap()),
        direction: Direction::ChatToThread,
    }
}

/// A message of a visitor.
pub(crate) fn message(id: &str, conversation: &str, text: &str) -> Event {
    let json = json!({"id": id, "type": "message.created", "data": {
        "conversation_id": conversation, "message_id": format!("m_{id}"),
        "sender": {"type": "visitor", "name": "Sanne"}, "text": text}});
    Event::from_json(&json, START).unwrap()
}

/// A first, certain attempt at the first part of a message.
pub(crate) fn claim(event: &str) -> Claim {
    Claim {
        fence: Fence(1),
        queue: Queue::Mattermost,
        lane: lane("conv_93"),
        seq: 2,
        event: EventId::new(event).unwrap(),
        kind: "message.created".into(),
        content: Content::Event(Box::new(message(event, "conv_93", "Hoi"))),
        accepted_at: START,
        step: Step::Part(0),
        doubt: Doubt::None,
        refused: 0,
        attempts: 1,
        first_started: None,
        last_ended: None,
        look_from: None,
        mapping: None,
        card: None,
        wanted: None,
        opening: None,
        target: Vec::new(),
        target_parked: false,
    }
}

/// Attempts at once, of 32 lanes claimed.
pub(crate) const TURNS: usize = 4;

/// A small Mattermost in memory that does as it is told.
#[derive(Debug)]
pub(crate) struct Wall {
    clock: Clock,
    state: Mutex<WallState>,
}

#[derive(Debug, Default)]
pub(crate) struct WallState {
    pub(crate) posts: Vec<WallPost>,
    /// What the next requests to create come to; then all goes well.
    pub(crate) script: VecDeque<Act>,
    pub(crate) away: bool,
    /// How long an attempt takes.
    pub(crate) takes: Duration,
    asked: usize,
    /// The most attempts that were under way at the same time.
    pub(crate) asked_at_once: usize,
    /// Channel of every conversation is repaired or not.
    pub(crate) blocked: bool,
    pub(crate) creates: u32,
    pub(crate) looks: u32,
    pub(crate) probes: u32,
    pub(crate) shown: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WallPost {
    pub(crate) id: PostId,
    pub(crate) mark: Mark,
    pub(crate) root: Option<PostId>,
    pub(crate) event: EventId,
    pub(crate) step: Step,
    pub(crate) create_at: Timestamp,
}

/// One answer to a request that creates.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// It is created and the answer lost.
    LoseAnswer,
    /// It is not created, and nobody can know.
    Vanish,
    /// A 500 with its error body.
    Fail,
    Refuse,
    Panic,
    Ask(Duration),
}

impl Wall {
    pub(crate) fn state(&self) -> MutexGuard<'_, WallState> {
        self.state.lock().unwrap()
    }

    pub(crate) fn delete_root(&self, generation: u32) {
        let mut state = self.state();
        let root = state
            .posts
            .iter()
            .find(|post| post.step == Step::Root(generation))
            .unwrap()
            .id
            .clone();
        state
            .posts
            .retain(|post| post.id != root && post.root.as_ref() != Some(&root));
    }

    /// The events under the newest root, in order, without the root.
    pub(crate) fn thread(&self) -> Vec<String> {
        let state = self.state();
        let root = state
            .posts
            .iter()
            .rev()
            .find(|post| post.root.is_none())
            .map(|post| post.id.clone());
        state
            .posts
            .iter()
            .filter(|post| post.root == root)
            .map(|post| post.event.to_string())
            .collect()
    }

    pub(crate) fn roots(&self) -> usize {
        self.state()
            .posts
            .iter()
            .filter(|post| post.root.is_none())
            .count()
    }

    fn create(&self, state: &mut WallState, claim: &Claim) -> Outcome {
        let root = match claim.step {
            Step::Root(_) => None,
            _ => claim
                .mapping
                .as_ref()
                .map(|mapping| mapping.root_id.clone()),
        };
        if root
            .as_ref()
            .is_some_and(|root| !state.posts.iter().any(|post| post.id == *root))
        {
            return Outcome::RootGone;
        }
        state.creates += 1;
        let id = PostId::new(format!("{:0>26}", state.creates)).unwrap();
        let create_at = self.clock.now();
        let post = WallPost {
            id,
            mark: claim.mark(),
            root,
            event: claim.event.clone(),
            step: claim.step,
            create_at,
        };
        state.posts.push(post.clone());
        stands(claim, &post)
    }
}

/// What a post that stands means for the claim it was made for.
fn stands(claim: &Claim, post: &WallPost) -> Outcome {
    let channel_id = ChannelId::new("c".repeat(26)).unwrap();
    match claim.step {
        Step::Root(generation) => Outcome::Opened(Box::new(Root {
            generation,
            post_id: post.id.clone(),
            channel_id,
            create_at: post.create_at,
            card: claim.wanted.clone().or_else(|| claim.card.clone()).unwrap(),
        })),
        _ => Outcome::Delivered {
            post: Some(Posted {
                post_id: post.id.clone(),
                channel_id,
                root_id: post.root.clone(),
                create_at: post.create_at,
            }),
        },
    }
}

impl Outlet for Wall {
    async fn aim(&self, claim: &Claim) -> Aim {
        let blocked = self.state().blocked;
        if blocked {
            let reason = Reason::new("the channel is archived");
            return Aim::End(Box::new(Outcome::Blocked {
                channel: None,
                reason,
            }));
        }
        let step = match (claim.step, &claim.mapping) {
            (Step::Part(_), None) => Step::Root(1),
            (step, _) => step,
        };
        Aim::Step {
            step,
            look_from: claim.look_from,
        }
    }

    async fn look(&self, claim: &Claim) -> Found {
        let mut state = self.state();
        if state.away {
            return Found::Failed(Box::new(Outcome::NotSent(Reason::new("no connection"))));
        }
        state.looks += 1;
        match state.posts.iter().find(|post| post.mark == claim.mark()) {
            Some(post) => Found::Here(Box::new(stands(claim, post))),
            None => Found::Absent,
        }
    }

    async fn post(&self, claim: &Claim) -> Outcome {
        let (act, takes) = {
            let mut state = self.state();
            if state.away {
                return Outcome::NotSent(Reason::new("no connection"));
            }
            state.asked += 1;
            state.asked_at_once = state.asked_at_once.max(state.asked);
            (state.script.pop_front(), state.takes)
        };
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        self.state().asked -= 1;
        let lost = |reason| Outcome::InDoubt {
            open: true,
            reason: Reason::new(reason),
        };
        if matches!(act, Some(Act::Panic)) {
            panic!("a scripted panic");
        }
        let state = &mut *self.state();
        match act {
            None => self.create(state, claim),
            Some(Act::LoseAnswer) => {
                drop(self.create(state, claim));
                lost("no answer")
            }
            Some(Act::Vanish) => lost("no answer"),
            Some(Act::Fail) => Outcome::InDoubt {
                open: false,
                reason: Reason::answered(500, "answered 500"),
            },
            Some(Act::Refuse) => Outcome::Refused(Reason::answered(400, "answered 400")),
            Some(Act::Panic) => unreachable!("it has panicked above"),
            Some(Act::Ask(wait)) => Outcome::Pause {
                wait,
                reason: Reason::answered(429, "asked to wait"),
            },
        }
    }

    async fn show(&self, touch: &Touch) -> Shown {
        if let Touch::Card { version, .. } = touch {
            self.state().shown.push(*version);
        }
        Shown::Done
    }

    async fn probe(&self) -> Result<(), Reason> {
        let mut state = self.state();
        state.probes += 1;
        if state.away {
            Err(Reason::new("no connection"))
        } else {
            Ok(())
        }
    }
}

/// Store, engine and a wall; no sockets, virtual time.
pub(crate) struct Desk {
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) wall: Arc<Wall>,
    pub(crate) outbox: Outbox,
    wake: Wake,
    settled: Settled,
    running: Option<Running>,
    _folder: tempfile::TempDir,
}

struct Running {
    poster: tokio::task::JoinHandle<()>,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::simulated(START);
        let store = Store::Embedded(
            Embedded::in_memory(folder.path(), Duration::from_secs(30 * 24 * 3600)).unwrap(),
        );
        let wall = Arc::new(Wall {
            clock: clock.clone(),
            state: Mutex::default(),
        });
        let (wake, settled) = (Wake::default(), Settled::default());
        let outbox = Outbox::new(store.clone(), wake.clone(), settled.clone());
        let mut desk = Self {
            clock,
            store,
            wall,
            outbox,
            wake,
            settled,
            running: None,
            _folder: folder,
        };
        desk.starts().await;
        desk
    }

    /// A process takes the lanes: whatever was in flight before is doubtful now.
    pub(crate) async fn starts(&mut self) {
        let (tell, lease) = tokio::sync::watch::channel(None);
        let cancel = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(lease::keep(
            self.store.clone(),
            self.clock.clone(),
            tell,
            cancel.clone(),
        ));
        lease.clone().wait_for(Option::is_some).await.unwrap();
        let poster = Poster::new(Parts {
            queue: Queue::Mattermost,
            outlet: Arc::clone(&self.wall),
            store: self.store.clone(),
            clock: self.clock.clone(),
            lease,
            wake: self.wake.clone(),
            settled: self.settled.clone(),
            follow: Follow {
                wanted: crate::flow::sequel::wanted,
                placeholder: crate::flow::sequel::placeholder,
                sequels: |_, _, _| Vec::new(),
                answered: |_, _, _, _| Vec::new(),
                mark: |_, _| None,
            },
            slots: 32,
            turns: TURNS,
            remembers: true,
            watcher: Watcher(Arc::new(|_| {})),
        });
        let poster = TaskTracker::new().spawn(poster.run(tasks.clone(), cancel.clone()));
        self.running = Some(Running {
            poster,
            tasks,
            cancel,
        });
    }

    /// The process is gone between two instructions; nothing of it is recorded.
    pub(crate) async fn is_killed(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        running.poster.abort();
        running.cancel.cancel();
        running.tasks.close();
        running.tasks.wait().await;
    }

    /// Accepts a message of a visitor.
    pub(crate) async fn says(&self, id: &str) -> Vec<Acceptance> {
        self.says_in("conv_93", id).await
    }

    pub(crate) async fn says_in(&self, conversation: &str, id: &str) -> Vec<Acceptance> {
        let event = message(id, conversation, "Hoi");
        let content = Content::Event(Box::new(event));
        let new = NewEvent {
            id: EventId::new(id).unwrap(),
            kind: "message.created".into(),
            hash: ContentHash::of_bytes(&content.to_bytes()),
            lane: lane(conversation),
            queue: Queue::Mattermost,
            content,
            accepted_at: self.clock.now(),
            message_id: Some(format!("m_{id}").parse().unwrap()),
            step: Step::Part(0),
            hold_until: None,
            done: false,
            files: Vec::new(),
        };
        self.outbox.accept(vec![new]).await.unwrap()
    }

    pub(crate) async fn state_of(&self, id: &str) -> State {
        self.store
            .status(&licence(), &EventId::new(id).unwrap())
            .await
            .unwrap()
            .unwrap()
            .status
    }

    /// Lets virtual time pass until this event has settled; fails when that takes longer than `within`.
    pub(crate) async fn settles(&self, id: &str, within: Duration) -> State {
        let event = EventId::new(id).unwrap();
        let status = self
            .outbox
            .settled(&licence(), &event, within)
            .await
            .unwrap()
            .unwrap();
        assert!(
            status.status.is_settled(),
            "{id} is {:?} after {within:?}: {:?}",
            status.status,
            status.last_error
        );
        status.status
    }

    pub(crate) async fn run_for(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
