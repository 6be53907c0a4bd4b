//! Both listeners over a real store, and i-Reserve with a token of its licence. What delivers is missing: a test does it by hand.

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use shared::{ChannelId, LicenceId, PostId, UserId};
use sidecar::{
    auth::{link::LinkKey, token},
    client::Client,
    clock::Clock,
    delivery::{
        outbox::Outbox,
        wake::{Settled, Wake},
    },
    flow::chat_to_thread::Intake,
    http::{
        AdminDoor, Budget, Events, FileWiring, Files, Heard, Hook, HookWiring, Limits, Listener,
        Listening, MattermostState, Ops, Readiness, Router, Server, Wiring,
    },
    licence::{Attachments, Channel, Current, Ireserve, Key, Licence, Licences, Mode},
    mattermost::Mattermost,
    metrics::Metrics,
    puller::hints::Hints,
    record::{Claim, Posted, Queue, Signal},
    store::{Delivered, Embedded, EmbeddedSettings, Lease, Park, Store},
};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::raw::{Said, Wire};

pub(super) const SECRET: &str = "a secret of thirty-two characters";

/// What a test wants to be different.
pub(super) struct Wish {
    pub(super) limits: Limits,
    pub(super) licence: Licence,
    pub(super) waiting_for_the_plugin: bool,
    pub(super) admin_token: Option<SecretString>,
    pub(super) trusted: Vec<IpAddr>,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            licence: licence("acme"),
            waiting_for_the_plugin: false,
            admin_token: None,
            trusted: Vec::new(),
        }
    }
}

pub(crate) fn licence(id: &str) -> Licence {
    Licence {
        id: LicenceId::new(id).unwrap(),
        language: shared::Language::En,
        time_zone: shared::Zone::default(),
        team: Some("support".into()),
        channel: Channel::parse("webchat"),
        mode: Mode::TwoWay,
        rate: None,
        webhook_tokens: Vec::new(),
        keys: vec![Key::shared(None, SECRET).unwrap()],
        attachments: Attachments {
            fetch_hosts: Vec::new(),
            max_bytes: 200_000,
        },
        ireserve: Ireserve::default(),
        departments: std::iter::once(("sales".into(), Channel::parse("webchat-sales").unwrap()))
            .collect(),
        notifications: std::iter::once(("booking".into(), Channel::parse("bookings").unwrap()))
            .collect(),
    }
}

pub(super) struct Desk {
    pub(super) store: Store,
    pub(super) public: Door,
    pub(super) admin: Door,
    pub(super) readiness: watch::Sender<Readiness>,
    pub(super) mattermost: watch::Sender<MattermostState>,
    pub(super) signals: mpsc::Receiver<Signal>,
    pub(super) clock: Clock,
    pub(super) hints: Hints,
    /// Our bot, as far as the webhook's route knows it.
    pub(super) bot: watch::Sender<Option<UserId>>,
    pub(super) behind: Arc<Mattermost>,
    pub(super) links: Arc<LinkKey>,
    /// Posts that were sent, with their licence.
    pub(super) sent: Sent,
    settled: Settled,
    licence: Licence,
    tasks: TaskTracker,
    stop: CancellationToken,
    folder: tempfile::TempDir,
}

pub(super) type Sent = Arc<Mutex<HashSet<(LicenceId, PostId)>>>;

/// One listener.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) address: std::net::SocketAddr,
}

impl Desk {
    pub(super) async fn open() -> Self {
        Self::with(Wish::default()).await
    }

    pub(super) async fn with(wish: Wish) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = EmbeddedSettings {
            path: folder.path().join("ireserve.db"),
            remember: Duration::from_secs(3_600),
            wait_for_lock: Duration::ZERO,
        };
        let store = Store::Embedded(Embedded::open(&settings).await.unwrap());
        let (clock, metrics, heard, budget) = (
            Clock::system(),
            Metrics::new(),
            Heard::default(),
            Budget::new(&wish.limits),
        );
        let (wake, settled, stop, tasks) = (
            Wake::default(),
            Settled::default(),
            CancellationToken::new(),
            TaskTracker::new(),
        );
        let licences = Licences::new([wish.licence.clone(), licence("other")]);
        let licences = if wish.waiting_for_the_plugin {
            licences.waiting_for_the_plugin()
        } else {
            licences
        };
        let (_, licences) = Current::new(licences);
        let (signal, signals) = mpsc::channel(8);
        let outbox = Outbox::new(store.clone(), wake.clone(), settled.clone());
        let events = Events::new(Wiring {
            licences: licences.clone(),
            clock: clock.clone(),
            intake: Intake::new(outbox, store.clone(), clock.clone(), signal),
            metrics: metrics.clone(),
            heard: heard.clone(),
            limits: wish.limits.clone(),
            budget: budget.clone(),
            stop: stop.clone(),
        });
        let hints = Hints::new(metrics.clone());
        let (bot, known_bot) = watch::channel(None);
        let hooks = Heard::default();
        let hook = Hook::new(HookWiring {
            licences: licences.clone(),
            clock: clock.clone(),
            hints: hints.clone(),
            bot: known_bot,
            calls: hooks.clone(),
            limits: wish.limits.clone(),
            budget: budget.clone(),
        });
        let now = {
            let clock = clock.clone();
            Arc::new(move || clock.now())
        };
        let behind = Arc::new(Mattermost::new(Client::new(now).unwrap()));
        let (links, sent) = (Arc::new(LinkKey::new(&[7; 32])), Sent::default());
        let known = Arc::clone(&sent);
        let files = Files::new(FileWiring {
            clock: clock.clone(),
            links: Arc::clone(&links),
            mattermost: Arc::clone(&behind),
            was_sent: Arc::new(move |licence, post| {
                let sent = known.lock().unwrap().contains(&(licence, post));
                Box::pin(std::future::ready(sent))
            }),
            limits: wish.limits.clone(),
        });
        let listener = Listener::bind("127.0.0.1:0").await.unwrap();
        let (readiness, is_ready) = watch::channel(Readiness::Ready);
        let (mattermost, seen) = watch::channel(MattermostState {
            ok: true,
            version: Some("11.6.0".into()),
            latency_ms: Some(3),
            reason: None,
            token_refused: false,
        });
        let ops = Ops {
            readiness: is_ready,
            mattermost: seen,
            listening: watch::channel(Listening::default()).1,
            store: store.clone(),
            licences,
            heard,
            hooks,
            clock: clock.clone(),
            metrics: metrics.clone(),
            wake,
            door: AdminDoor::new(listener.address(), wish.admin_token.as_ref()),
            started: Instant::now(),
            limits: wish.limits.clone(),
            budget,
        };
        let serve = |router, listener: Listener| {
            let address = listener.address();
            let server = Server::new(
                router,
                wish.limits.clone(),
                "https://chat.example.org",
                &wish.trusted,
            );
            tasks.spawn(server.serve(listener, stop.clone()));
            Door { address }
        };
        let admin = serve(Router::admin(ops, metrics.clone()), listener);
        let public = serve(
            Router::public(events, metrics)
                .with_hook(hook)
                .with_files(files),
            Listener::bind("127.0.0.1:0").await.unwrap(),
        );
        tasks.close();
        Self {
            store,
            public,
            admin,
            readiness,
            mattermost,
            signals,
            clock,
            hints,
            bot,
            behind,
            links,
            sent,
            settled,
            licence: wish.licence,
            tasks,
            stop,
            folder,
        }
    }

    /// `Authorization` of the licence that was wished for.
    pub(super) fn bearer(&self) -> String {
        bearer(&self.licence, &self.clock)
    }

    /// i-Reserve pushes this.
    pub(super) async fn push(&self, events: &Value) -> Said {
        self.push_with("", events).await
    }

    /// With further fields of the head, each with its line end.
    pub(super) async fn push_with(&self, fields: &str, events: &Value) -> Said {
        let fields = format!(
            "{}Content-Type: application/json\r\n{fields}",
            self.bearer()
        );
        self.public
            .ask("POST", "/v1/events", &fields, events.to_string().as_bytes())
            .await
    }

    pub(super) async fn status(&self, event: &str) -> Said {
        self.public
            .ask("GET", &format!("/v1/events/{event}"), &self.bearer(), b"")
            .await
    }

    /// Takes everything that is due, as the poster would.
    pub(super) async fn claims(&self) -> Vec<Claim> {
        let Lease::Held { fence, .. } = self.store.lease(self.clock.now()).await.unwrap() else {
            panic!("nobody else holds the lanes")
        };
        let claimed = self
            .store
            .claim(fence, &Queue::Mattermost, 100, self.clock.moment())
            .await;
        claimed.unwrap().claims
    }

    pub(super) async fn deliver(&self, claim: &Claim) {
        let post = Posted {
            post_id: PostId::new("p".repeat(26)).unwrap(),
            channel_id: ChannelId::new("c".repeat(26)).unwrap(),
            root_id: Some(PostId::new("r".repeat(26)).unwrap()),
            create_at: self.clock.now(),
        };
        let end = Delivered {
            mark: None,
            post: Some(post),
            wanted: None,
            sequels: Vec::new(),
            go_on: false,
            now: self.clock.moment(),
        };
        self.store.delivered(claim, &end).await.unwrap();
        self.settled.tell(&claim.lane.licence, &claim.event);
    }

    pub(super) async fn park(&self, claim: &Claim) {
        let park = Park {
            mark: None,
            reason: "Mattermost does not want it".into(),
            wanted: None,
            placeholder: None,
            sequels: Vec::new(),
            now: self.clock.moment(),
        };
        self.store.park(claim, &park).await.unwrap();
        self.settled.tell(&claim.lane.licence, &claim.event);
    }

    /// From now on nothing can be accepted, and nothing said of what waits.
    pub(super) fn break_store(&self) {
        let path = self.folder.path().join("ireserve.db");
        let behind = rusqlite::Connection::open(path).unwrap();
        behind
            .execute_batch("DROP TABLE event; DROP TABLE dedup")
            .unwrap();
    }

    /// Names of files that lie with the store.
    pub(super) fn files(&self) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(self.folder.path().join("files")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    pub(super) fn order_to_stop(&self) {
        self.stop.cancel();
    }

    pub(super) async fn at_rest(&self) {
        self.tasks.wait().await;
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(super) fn bearer(licence: &Licence, clock: &Clock) -> String {
    let token = token::for_sidecar(licence, None, 600, clock.now()).unwrap();
    format!("Authorization: Bearer {}\r\n", token.expose_secret())
}

impl Door {
    pub(super) async fn connect(&self) -> Wire {
        Wire::to(self.address).await
    }

    /// One connection: says this, and reads until the server closes.
    pub(super) async fn say(&self, bytes: impl AsRef<[u8]>) -> Vec<Said> {
        let mut wire = self.connect().await;
        wire.write(bytes).await;
        wire.answers().await
    }

    pub(super) async fn get(&self, path: &str) -> Said {
        self.ask("GET", path, "", b"").await
    }

    pub(super) async fn ask(&self, method: &str, path: &str, fields: &str, body: &[u8]) -> Said {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n{fields}\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.say(request).await.remove(0)
    }
}
