//! The ear: hints in, threads read, replies committed. The only author of what leads to i-Reserve.
//!
//! A hint is never the truth: a thread is read over REST from its cursor, and what is new is committed with the new cursor in one
//! write, which is refused if somebody else moved the cursor meanwhile. So hints may be lost, doubled, forged or swapped.
//!
//! | who | does |
//! |---|---|
//! | [`hints`] | what is dirty, in memory, bounded |
//! | `read` | one thread: quick from its cursor, or whole; who wrote, whose names stand there |
//! | [`diff`] | what is new; pure |
//! | `sweep` | the slow look: channels and roots, for what nobody hinted at |

pub mod diff;
pub mod hints;
mod people;
mod read;
mod sweep;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::{ChannelId, PostId};
use tokio::{
    sync::{Semaphore, watch},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use self::hints::{Hints, Loose, Reading, Work};
use crate::{
    clock::Clock,
    delivery::{lease, outlet::Reason, wake::Wake},
    licence::{Current, Team},
    mattermost::{Fault, Mattermost},
    store::{Store, StoreError},
};

/// Threads read at once.
const AT_ONCE: usize = 8;
/// Roots that were asked about and are none of ours are remembered, so that forged hints cost one question each.
const FOREIGN: usize = 10_000;
/// Threads of which is known that they were read whole since the start.
const WARM: usize = 200_000;
/// A deletion counts when it is seen in two readings so far apart.
const SURE_AFTER: Duration = Duration::from_secs(5);

/// Why a reading came to nothing. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    #[error("mattermost did not say: {0}")]
    Unread(#[source] Fault),
    /// An answer without the root is no thread.
    #[error("the answer did not hold the root")]
    NoRoot,
    #[error("the store did not keep it")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Unsettled(Reason),
}

impl From<Fault> for PullError {
    fn from(fault: Fault) -> Self {
        Self::Unread(fault)
    }
}

/// What a puller needs.
#[derive(Debug)]
pub struct Parts {
    pub mattermost: Arc<Mattermost>,
    pub store: Store,
    pub licences: Current,
    pub team: watch::Receiver<Team>,
    pub clock: Clock,
    pub hints: Hints,
    pub lease: lease::Watch,
    pub wake: Wake,
    /// As people open Mattermost, once it is known: links to replies begin with that, and what a reply says is stored with them.
    pub site: Site,
    /// How often to look for what nobody hinted at; none: never but at start and after a connection stood anew.
    pub poll_interval: Option<Duration>,
}

/// Tells how people open Mattermost now.
#[derive(Clone)]
pub struct Site(pub Arc<dyn Fn() -> Option<Url> + Send + Sync>);

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Site")
    }
}

/// Reads dirty threads.
#[derive(Debug)]
pub struct Puller {
    parts: Parts,
    memory: Mutex<Memory>, // plain mutex: held for one look-up, never across an await
}

#[derive(Debug, Default)]
struct Memory {
    /// Read whole since the start: a reply may have appeared in the past, and only the cursor survives a restart.
    warm: HashSet<PostId>,
    foreign: HashSet<PostId>,
    /// By team and name. Only what the settings name gets here.
    channels: HashMap<(String, String), ChannelId>,
    /// Sent replies that one whole reading missed, and when.
    missing: HashMap<PostId, Instant>,
    people: people::Acquaintances,
}

impl Puller {
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            parts,
            memory: Mutex::default(),
        })
    }

    /// Reads what is hinted at, and looks everywhere now and then, until cancelled.
    pub async fn run(self: Arc<Self>, tasks: TaskTracker, cancel: CancellationToken) {
        let looking = Arc::clone(&self);
        let stop = cancel.clone();
        tasks.spawn(async move { sweep::run(&looking, &stop).await });
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            let Some(Ok(slot)) = cancel
                .run_until_cancelled(Arc::clone(&slots).acquire_owned())
                .await
            else {
                return;
            };
            let Some(work) = cancel.run_until_cancelled(self.next()).await else {
                return;
            };
            let puller = Arc::clone(&self);
            tasks.spawn(async move {
                puller.work(work).await;
                drop(slot);
            });
        }
    }

    /// Hints wait while the lanes are another's: its own look finds what they point at.
    async fn next(&self) -> Work {
        let mut lease = self.parts.lease.clone();
        if lease.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
        self.parts.hints.next().await
    }

    /// One piece of work, visible to tests.
    pub async fn work(&self, work: Work) {
        match work {
            Work::Resolve(loose) => self.resolve(loose).await,
            Work::Read(reading) => self.read(reading).await,
        }
    }

    async fn read(&self, reading: Reading) {
        let root = reading.dirty().root.clone();
        match self.pull(reading.dirty()).await {
            Ok(read::Settled::Done) => reading.done(),
            Ok(read::Settled::LookAgain) => reading.again(SURE_AFTER),
            Err(error) => {
                tracing::warn!(root.id = %root, error = %error, "thread {root} could not be read; trying again");
                reading.failed();
            }
        }
    }

    /// Which threads these posts belong to: one question for up to a thousand.
    async fn resolve(&self, loose: Loose) {
        let ids: Vec<PostId> = loose.posts().iter().map(|hint| hint.post.clone()).collect();
        let posts = match self.parts.mattermost.posts(&ids).await {
            Ok(posts) => posts,
            // None of them exists.
            Err(Fault::Gone(_)) => Vec::new(),
            Err(fault) => {
                tracing::debug!(error = %fault, "hinted posts could not be looked up");
                return loose.failed();
            }
        };
        let roots: HashMap<&PostId, Option<&PostId>> = posts
            .iter()
            .map(|post| (&post.id, post.root_id.as_ref()))
            .collect();
        for hint in loose.posts() {
            // A root of its own is no reply; what is unknown is gone or never was.
            if let Some(Some(root)) = roots.get(&hint.post) {
                self.parts.hints.put(hints::Hint {
                    root: Some((*root).clone()),
                    ..hint.clone()
                });
            }
        }
        loose.resolved();
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// Whether this thread was read whole since the start.
    fn is_warm(&self, root: &PostId) -> bool {
        self.warm.contains(root)
    }

    fn warm(&mut self, root: PostId) {
        if self.warm.len() >= WARM {
            self.warm.clear();
        }
        self.warm.insert(root);
    }

    fn foreign(&mut self, root: PostId) {
        if self.foreign.len() >= FOREIGN {
            self.foreign.clear();
        }
        self.foreign.insert(root);
    }
}
