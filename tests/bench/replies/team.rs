//! A team that answers in threads, in a world with one ear of the sidecar open.

use std::collections::HashMap;
use std::time::Duration;

use simulators::mattermost::{Post, State};
use simulators::world::World;

use crate::Failure;
use crate::desk::Desk;
use crate::talk::{conversation, text};

/// How long a reply may take to arrive before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the sidecar learns of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ear {
    Webhook,
    Socket,
    /// By itself, so often.
    Poll(Duration),
}

impl Ear {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Socket => "WebSocket",
            Self::Poll(_) => "slow look",
        }
    }
}

/// A world with open threads, and the sidecar beside it.
#[derive(Debug)]
pub(super) struct Team {
    pub(super) ear: Ear,
    world: World,
    desk: Desk,
    roots: Vec<Post>,
}

/// A reply that was written.
#[derive(Debug)]
pub(super) struct Written {
    webhook_id: String,
    /// By i-Reserve's clock.
    at: Duration,
}

impl Team {
    /// So many threads, each of which has had a reply already: what a start costs once is no part of the figures.
    pub(super) async fn ready(world: World, ear: Ear, threads: usize) -> Result<Self, Failure> {
        let (socket, poll) = match ear {
            Ear::Webhook => ("false", "0".to_owned()),
            Ear::Socket => ("true", "0".to_owned()),
            Ear::Poll(every) => ("false", format!("{}ms", every.as_millis())),
        };
        let cast = world.cast().clone();
        let mut desk = Desk::start(&world.url(), &cast, |settings| {
            settings
                .set("mattermost.websocket", socket)
                .set("mattermost.poll_interval", poll)
        })
        .await?;
        desk.ireserve.follows_links(false);
        if ear == Ear::Webhook {
            let hook = desk.sidecar.hook_url();
            let token = world
                .register_outgoing_webhook(&cast.webchat, &hook)
                .await?;
            desk.again(|settings| {
                settings.set("licence.0.webhook_tokens", format!("[\"{token}\"]"))
            })
            .await?;
        }
        desk.open(0..threads).await?;
        let mut roots: HashMap<String, Post> = HashMap::new();
        for root in world.roots(&cast.webchat).await? {
            if let Some(of) = root.marker("conversation_id").map(str::to_owned) {
                roots.insert(of, root);
            }
        }
        let roots = (0..threads)
            .map(|n| {
                roots
                    .remove(&conversation(n))
                    .ok_or("a conversation without a root")
            })
            .collect::<Result<_, _>>()?;
        let team = Self {
            ear,
            world,
            desk,
            roots,
        };
        for n in 0..threads {
            let written = team.write(n, n).await?;
            // By itself it finds them all together.
            if !matches!(ear, Ear::Poll(_)) || n + 1 == threads {
                team.arrival(&written).await?;
            }
        }
        team.quiet().await;
        Ok(team)
    }

    /// A first answer changes its card: that is over when nothing is asked for a second.
    async fn quiet(&self) {
        let asked = || {
            let mattermost = self.world.simulation()?;
            Some(mattermost.look(State::requests_so_far))
        };
        for _ in 0..15 {
            let before = asked();
            tokio::time::sleep(Duration::from_secs(1)).await;
            if before == asked() {
                return;
            }
        }
    }

    /// Somebody answers in the `thread`-th thread.
    pub(super) async fn write(&self, thread: usize, n: usize) -> Result<Written, Failure> {
        let root = &self.roots[thread];
        let at = self.desk.ireserve.elapsed();
        let words = format!("{n}: {}", text(80));
        let who = &self.world.cast().lotte;
        let post = self
            .world
            .post_as(who, &root.channel_id, Some(&root.id), &words, &[])
            .await?;
        Ok(Written {
            webhook_id: format!("reply:{}:0", post.id),
            at,
        })
    }

    /// Waits until i-Reserve has it, and tells how long that took from before it was written.
    pub(super) async fn arrival(&self, written: &Written) -> Result<Duration, Failure> {
        let arrived = self
            .desk
            .ireserve
            .within(PATIENCE, "the reply arrives", |inbox| {
                let mut newest = inbox.deliveries().iter().rev();
                let found = newest.find(|delivery| delivery.id == written.webhook_id)?;
                Some(found.at)
            })
            .await?;
        Ok(arrived.saturating_sub(written.at))
    }

    /// How often each kind of read came to the simulator since its start. What only looks whether the server is there is left out:
    /// it comes by the clock.
    pub(super) fn reads(&self) -> HashMap<&'static str, u64> {
        let Some(mattermost) = self.world.simulation() else {
            return HashMap::new();
        };
        mattermost.look(|state| {
            let is_read = |call: &&str| {
                let by_the_clock = ["GET /users/me", "GET /system/ping", "GET /config/client"];
                let asks = [
                    "POST /posts/ids",
                    "POST /users/ids",
                    "POST /users/usernames",
                ];
                call.starts_with("GET ") && !by_the_clock.contains(call) || asks.contains(call)
            };
            let counts = state.counts().iter();
            counts
                .filter(|(call, _)| is_read(call))
                .map(|(call, count)| (*call, *count))
                .collect()
        })
    }

    pub(super) async fn clear(mut self) -> Result<(), Failure> {
        self.desk.sidecar.stop(Duration::from_secs(20)).await?;
        Ok(self.world.close().await?)
    }
}
