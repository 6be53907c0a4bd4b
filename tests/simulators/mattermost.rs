//! A Mattermost server in memory: the v4 REST endpoints, the WebSocket and the outgoing webhooks that the sidecar and its tests
//! need, on a loopback port of its own.
//!
//! It has two sides. Over HTTP it behaves like a real server of the chosen [`Version`], unkindness included. Through this type,
//! tests play the people ([`Mattermost::post_as`]), the operator ([`Mattermost::restart`]), the bad luck ([`Mattermost::faults`])
//! and the observer ([`Mattermost::until`]).
//!
//! Absent: link previews and notifications (but see [`State::mentions`] and [`Post::fetches`]), slash commands, plugins, `since=`, ETags, reliable WebSocket reconnects, a
//! second node.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::client::Client;
use crate::clock::Clock;
use crate::random::Random;
use crate::server::{Cut, Door, Server};
use crate::watched::{Late, PATIENCE, Watched};

mod alarm;
mod calls;
mod channels;
mod deeds;
mod edits;
mod errors;
mod faults;
mod files;
mod hooks;
mod log;
mod model;
mod people;
mod posts;
mod reactions;
mod route;
mod rows;
mod serve;
mod socket;
mod state;
mod threads;
mod users;

pub use crate::rules::When;
pub use errors::Refusal;
pub use faults::{Ending, Fault, Faults, HintFaults, RateLimit};
pub use log::Logged;
pub use model::{Channel, ChannelKind, FileInfo, Post, Team, User, Version};
pub use people::{Account, Cast};
pub use posts::{MAX_POST_SIZE, PENDING_LIFE_MS};
pub use state::{Settings, State};

/// A running simulated server. Dropping it ends it.
#[derive(Debug)]
pub struct Mattermost {
    inner: Arc<Inner>,
    server: Server,
}

/// What requests, tasks and tests share.
#[derive(Debug)]
struct Inner {
    state: Watched<State>,
    clock: Clock,
    random: Random,
    faults: Faults,
    client: Client,
    events: broadcast::Sender<socket::Event>,
    tasks: TaskTracker,
    end: CancellationToken,
    // A std mutex: replaced at a restart, cloned at each request, never held across an await.
    life: Mutex<Life>,
}

/// What ends when the server's process would: work in progress, and open WebSockets.
#[derive(Debug, Clone, Default)]
struct Life {
    work: CancellationToken,
    lines: CancellationToken,
}

impl Mattermost {
    /// Starts an empty server of the newest imitated release.
    ///
    /// # Errors
    /// When no loopback port is to be had.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(Settings::default()).await
    }

    /// Starts an empty server.
    ///
    /// # Errors
    /// When no loopback port is to be had.
    pub async fn start_with(settings: Settings) -> io::Result<Self> {
        let inner = Arc::new(Inner {
            state: Watched::new(State::new(settings)),
            clock: Clock::start(),
            random: Random::fresh(),
            faults: Faults::default(),
            client: Client::default(),
            events: broadcast::Sender::new(socket::QUEUE),
            tasks: TaskTracker::new(),
            end: CancellationToken::new(),
            life: Mutex::default(),
        });
        let serving = Arc::clone(&inner);
        let server = Server::start(Arc::new(
            move |request: http::Request<Incoming>| -> BoxFuture<'static, _> {
                Box::pin(Arc::clone(&serving).serve(request))
            },
        ))
        .await?;
        Ok(Self { inner, server })
    }

    /// `http://127.0.0.1:{port}`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// What goes wrong on purpose.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// The server's clock, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.inner.clock.now()
    }

    /// How long ago the server started: the clock of [`Logged::at`].
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.inner.clock.elapsed()
    }

    /// Moves the server's clock on; a `pending_post_id` is forgotten after thirty seconds of it.
    pub fn advance(&self, by: Duration) {
        self.inner.clock.advance(by);
    }

    /// Moves the server's clock back: `create_at` runs backwards.
    pub fn set_back(&self, by: Duration) {
        self.inner.clock.set_back(by);
    }

    /// Changes settings while it runs.
    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        self.inner.change(|state| change(&mut state.settings));
    }

    /// Shuts the front door, or opens it; every connection is cut. Refusing also ends the process: what was not committed is lost,
    /// as are the `pending_post_id`s.
    ///
    /// # Errors
    /// When the port cannot be had again.
    pub async fn door(&self, door: Door) -> io::Result<()> {
        self.inner.end_lines(door == Door::Refusing);
        self.server.door(door).await
    }

    /// Ends the process and starts it again on the same port: connections and work in progress are lost, `pending_post_id`s
    /// forgotten; what was committed stays.
    ///
    /// # Errors
    /// When the port cannot be had again.
    pub async fn restart(&self) -> io::Result<()> {
        self.door(Door::Refusing).await?;
        self.door(Door::Open).await
    }

    /// Looks at the state.
    pub fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        self.inner.state.look(look)
    }

    /// Waits until `look` finds something, at most [`PATIENCE`].
    ///
    /// # Panics
    /// With a picture of the state when it does not.
    pub async fn until<T>(&self, what: &str, look: impl FnMut(&State) -> Option<T>) -> T {
        match self.within(PATIENCE, what, look).await {
            Ok(found) => found,
            Err(late) => panic!("{late}"),
        }
    }

    /// Waits until `look` finds something, at most so long.
    ///
    /// # Errors
    /// [`Late`] with a picture of the state.
    pub async fn within<T>(
        &self,
        patience: Duration,
        what: &str,
        look: impl FnMut(&State) -> Option<T>,
    ) -> Result<T, Late> {
        self.inner
            .state
            .until(what, patience, look, State::picture)
            .await
    }

    /// The standing replies to a root in (`create_at`, id) order.
    #[must_use]
    pub fn thread(&self, root_id: &str) -> Vec<Post> {
        self.look(|state| state.thread(root_id))
    }

    /// The standing root posts of a channel, oldest first.
    #[must_use]
    pub fn roots(&self, channel_id: &str) -> Vec<Post> {
        self.look(|state| state.roots(channel_id))
    }

    /// Every standing post of a channel, oldest first.
    #[must_use]
    pub fn posts(&self, channel_id: &str) -> Vec<Post> {
        self.look(|state| state.posts(channel_id))
    }

    /// How many requests of a kind came: `POST /posts`.
    #[must_use]
    pub fn count(&self, call: &str) -> u64 {
        self.look(|state| state.count(call))
    }

    /// Ends it and waits for its tasks.
    pub async fn close(self) {
        self.inner.end.cancel();
        self.inner.end_lines(true);
        self.server.close().await;
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}

impl Drop for Mattermost {
    fn drop(&mut self) {
        self.inner.end.cancel();
        self.inner.end_lines(true);
    }
}

impl Inner {
    /// Changes the state, and lets hooks and sockets hear of it.
    fn change<T>(self: &Arc<Self>, change: impl FnOnce(&mut State) -> T) -> T {
        let (result, events, calls) = self.state.change(|state| {
            let result = change(state);
            let happened = std::mem::take(&mut state.happened);
            let events: Vec<_> = happened
                .iter()
                .map(|happened| socket::event(state, happened))
                .collect();
            let calls: Vec<_> = happened
                .iter()
                .filter_map(|happened| match happened {
                    state::Happened::Posted {
                        post,
                        triggers_hooks: true,
                    } => Some(state.calls_for(post)),
                    _ => None,
                })
                .flatten()
                .collect();
            (result, events, calls)
        });
        for event in events {
            self.publish(event);
        }
        for call in &calls {
            self.send_hook(call);
        }
        result
    }

    fn publish(self: &Arc<Self>, event: socket::Event) {
        if self.events.receiver_count() == 0 {
            return;
        }
        for delay in self.faults.draw_hint() {
            if delay.is_zero() {
                // Nobody listening is as good as nobody connected.
                let _ = self.events.send(event.clone());
                continue;
            }
            let (inner, event) = (Arc::clone(self), event.clone());
            self.spawn(async move {
                tokio::time::sleep(delay).await;
                let _ = inner.events.send(event);
            });
        }
    }

    /// A task that ends with the server.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let end = self.end.clone();
        self.tasks
            .spawn(async move { end.run_until_cancelled(task).await });
    }

    /// A task that ends with the connections.
    fn spawn_line(&self, task: impl Future<Output = ()> + Send + 'static) {
        let lines = self.life().lines;
        self.spawn(async move {
            lines.run_until_cancelled(task).await;
        });
    }

    /// Work that goes on when its caller leaves, but not over a restart.
    async fn until_restart<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Cut> {
        let (life, end) = (self.life().work, self.end.clone());
        let task = self.tasks.spawn(async move {
            tokio::select! {
                () = life.cancelled() => None,
                () = end.cancelled() => None,
                result = work => Some(result),
            }
        });
        task.await.ok().flatten().ok_or(Cut)
    }

    /// Cuts the WebSockets; with `process`, ends all work too and forgets what was only in memory.
    fn end_lines(&self, process: bool) {
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        life.lines.cancel();
        life.lines = CancellationToken::new();
        if process {
            life.work.cancel();
            life.work = CancellationToken::new();
            self.state.change(|state| state.pending.clear());
        }
    }

    fn life(&self) -> Life {
        self.life
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
