//! Building everything, bottom up: store, ways to others, engine, ear, doors.

mod backward;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{broadcast, mpsc, watch},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use backward::backward;

use super::{
    App, AppError, Ends,
    configure::{self, Decisions, Reins, Swapped},
    door, listen, upkeep, watch as looking,
};
use crate::{
    client::{Client, Now, vet::Fetcher},
    clock::Clock,
    config::{Config, Location, Settings},
    delivery::{
        lease,
        outbox::Outbox,
        poster::{Follow, Parts, Poster, Progress, Watcher},
        signal, touch,
        wake::{Settled, Wake},
    },
    files::{Fetch, Files},
    flow::{chat_to_thread::Intake, sequel},
    http::{
        self, AdminDoor, Budget, Events, FileWiring, Heard, Hook, HookWiring, Limits, Listener,
        Ops, Readiness, Router, Server, WasSent, Wiring,
    },
    licence::Current,
    mattermost::{Mattermost, outlet::MattermostOutlet},
    metrics::Metrics,
    record::{Mapping, PostState, Queue, Signal},
    render::Catalogue,
    store::{Embedded, EmbeddedSettings, Redis, RedisSettings, Store, StoreError},
};

/// Attempts at Mattermost at once. They keep a server on two cores busy; more make its pool of connections to the database, of which
/// 9.11 keeps 20, open and close some all the time, and each reply dearer.
const TURNS: usize = 16;
/// Lanes claimed at once. What is claimed beyond the turns is what Mattermost has to do while ends are recorded in company.
const SLOTS: usize = 64;
/// Event ids are remembered for so long by the embedded store.
const REMEMBER: Duration = Duration::from_secs(30 * 24 * 3600);
/// A managed predecessor may still be stopping.
const WAIT_FOR_LOCK: Duration = Duration::from_secs(20);
/// Signs of typing that may wait to be shown.
const SIGNALS: usize = 256;
/// Steps that a slow onlooker may lag behind.
const PROGRESS: usize = 1_024;
/// Where a process that shares its store keeps its name: local to this machine, and of no use after it starts anew.
const NAME_FOLDER: &str = "ireserve-sidecar";
/// Where the address of the last start is kept.
const LAST_URL: &str = "mattermost.url";

/// What every part of the service has in common.
struct Base {
    clock: Clock,
    client: Client,
    store: Store,
    metrics: Metrics,
    licences: Current,
    /// By which settings that change reach whoever runs.
    reins: Reins,
    wake: Wake,
    settled: Settled,
    lease: lease::Watch,
    watcher: Watcher,
    /// Ends what takes in or begins something.
    begin: CancellationToken,
    /// Ends what watches and tidies up.
    upkeep: CancellationToken,
    tasks: TaskTracker,
    in_flight: TaskTracker,
}

impl Base {
    /// What claims or pulls: not before the plugin has spoken, where there is one.
    fn work(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(configure::once_configured(
            self.reins.configured.subscribe(),
            self.begin.clone(),
            work,
        ));
    }
}

/// The two doors, bound before anything else: a taken port is said at once.
struct Listeners {
    public: Listener,
    admin: Listener,
}

pub(super) async fn app(
    settings: &Settings,
    config: &Config,
    clock: Clock,
) -> Result<App, AppError> {
    let ends = Ends::of(settings.is_managed());
    let listeners = Listeners {
        public: bind("server.listen", config.server.listen).await?,
        admin: bind("server.admin_listen", config.server.admin_listen).await?,
    };
    let (progress, _) = broadcast::channel(PROGRESS);
    let store = open(config).await?;
    let decisions = Decisions::kept(&store).await?;
    let started = configure::at_start(settings, config, &decisions);
    let config = &started.config;
    let public_url = config.server.public_url(listeners.public.address());
    let reins = Reins::new(config, public_url.clone());
    let base = base(config, store, clock, reins, progress.clone()).await?;
    let (readiness, ready) = watch::channel(Readiness::Starting);
    let words = Arc::new(Catalogue::new());
    let (mattermost, outlet) = mattermost(config, &base, &words)?;
    let poster = outward(config, &base, &outlet).await?;
    let watching = looking::mattermost(
        Arc::clone(&mattermost),
        poster,
        base.metrics.clone(),
        base.reins.seen.clone(),
        Arc::clone(&base.reins.look),
        base.upkeep.clone(),
    );
    base.tasks.spawn(watching);
    let signals = typing(&base, Arc::clone(&mattermost));
    let back = backward(config, &base, &mattermost, &words).await?;
    tidy(&base, &readiness);

    let (limits, heard, hooks) = (ends.limits(), Heard::default(), Heard::default());
    let budget = Budget::new(&limits);
    let outbox = Outbox::new(base.store.clone(), base.wake.clone(), base.settled.clone());
    let events = Events::new(Wiring {
        licences: base.licences.clone(),
        clock: base.clock.clone(),
        intake: Intake::new(outbox, base.store.clone(), base.clock.clone(), signals),
        metrics: base.metrics.clone(),
        heard: heard.clone(),
        limits: limits.clone(),
        budget: budget.clone(),
        stop: base.begin.clone(),
    });
    let ops = Ops {
        readiness: ready,
        mattermost: base.reins.seen.subscribe(),
        listening: back.listening.clone(),
        store: base.store.clone(),
        licences: base.licences.clone(),
        heard,
        hooks: hooks.clone(),
        clock: base.clock.clone(),
        metrics: base.metrics.clone(),
        wake: base.wake.clone(),
        door: AdminDoor::new(
            listeners.admin.address(),
            config.server.admin_token.as_ref(),
        ),
        started: Instant::now(),
        limits: limits.clone(),
        budget,
    };
    let plugin = door::open(door::Built {
        settings,
        started: &started,
        decisions,
        store: &base.store,
        swapped: Swapped {
            reins: base.reins.clone(),
            mattermost: Arc::clone(&mattermost),
            outlet,
            metrics: base.metrics.clone(),
            wake: base.wake.clone(),
        },
        ops: &ops,
        words,
        ireserve: back.ireserve,
        hints: back.hints.clone(),
    })?;
    let public = Router::public(events, base.metrics.clone())
        .with_hook(Hook::new(HookWiring {
            licences: base.licences.clone(),
            clock: base.clock.clone(),
            hints: back.hints,
            bot: back.bot,
            calls: hooks,
            limits: limits.clone(),
            budget: ops.budget.clone(),
        }))
        .with_files(http::Files::new(FileWiring {
            clock: base.clock.clone(),
            links: back.links,
            mattermost,
            was_sent: was_sent(base.store.clone()),
            limits: limits.clone(),
        }));
    let routers = (
        door::with(public, plugin),
        Router::admin(ops, base.metrics.clone()),
    );
    Ok(open_doors(
        config,
        ends,
        base,
        listeners,
        routers,
        limits,
        public_url.as_str(),
        readiness,
        progress,
    ))
}

async fn base(
    config: &Config,
    store: Store,
    clock: Clock,
    reins: Reins,
    progress: broadcast::Sender<Progress>,
) -> Result<Base, AppError> {
    let metrics = Metrics::new();
    metrics.know(config.licences.iter().map(|licence| licence.id.as_str()));
    let (tell_lease, lease) = watch::channel(None);
    let base = Base {
        client: Client::new(now(&clock))?,
        watcher: watcher(metrics.clone(), progress),
        clock,
        store,
        metrics,
        licences: Current::of(&reins.licences),
        reins,
        wake: Wake::default(),
        settled: Settled::default(),
        lease,
        begin: CancellationToken::new(),
        upkeep: CancellationToken::new(),
        tasks: TaskTracker::new(),
        in_flight: TaskTracker::new(),
    };
    let keeping = lease::keep(
        base.store.clone(),
        base.clock.clone(),
        tell_lease,
        base.upkeep.clone(),
    );
    base.tasks.spawn(keeping);
    base.tasks.spawn(looking::others(
        base.store.clone(),
        base.wake.clone(),
        base.upkeep.clone(),
    ));
    Ok(base)
}

/// The lanes to Mattermost, and what its posts shall show.
async fn outward(
    config: &Config,
    base: &Base,
    outlet: &Arc<MattermostOutlet>,
) -> Result<Arc<Poster<MattermostOutlet>>, AppError> {
    let poster = Poster::new(Parts {
        queue: Queue::Mattermost,
        outlet: Arc::clone(outlet),
        store: base.store.clone(),
        clock: base.clock.clone(),
        lease: base.lease.clone(),
        wake: base.wake.clone(),
        settled: base.settled.clone(),
        follow: follow(),
        slots: SLOTS,
        turns: TURNS,
        remembers: remembers(config, &base.store).await?,
        watcher: base.watcher.clone(),
    });
    base.work(Arc::clone(&poster).run(base.in_flight.clone(), base.begin.clone()));
    let (store, lease, wake) = (base.store.clone(), base.lease.clone(), base.wake.clone());
    base.work(touch::run(
        Arc::clone(outlet),
        store,
        lease,
        wake,
        base.begin.clone(),
    ));
    Ok(poster)
}

/// A link leads only to files of posts that were sent, in threads of its licence: a note's file is nobody's.
fn was_sent(store: Store) -> WasSent {
    Arc::new(move |licence, post| {
        let store = store.clone();
        Box::pin(async move {
            let known = store.known(&[post]).await.unwrap_or_default();
            let Some(known) = known
                .into_iter()
                .find(|known| known.state == PostState::Sent)
            else {
                return false;
            };
            matches!(store.thread(&known.root_id).await, Ok(Some(thread)) if thread.licence == licence)
        })
    })
}

/// What an end leaves behind, whichever way it led.
fn follow() -> Follow {
    Follow {
        wanted: sequel::wanted,
        placeholder: sequel::placeholder,
        sequels: sequel::notices,
        answered: sequel::away,
        mark: sequel::mark,
    }
}

/// Signs of typing are shown as they come.
fn typing(base: &Base, mattermost: Arc<Mattermost>) -> mpsc::Sender<Signal> {
    let (signals, heard) = mpsc::channel(SIGNALS);
    let show = move |mapping: Mapping| {
        let mattermost = Arc::clone(&mattermost);
        async move {
            if let Err(fault) = mattermost
                .typing(&mapping.channel_id, Some(&mapping.root_id))
                .await
            {
                tracing::debug!(error = %fault, "a sign of typing was not shown");
            }
        }
    };
    base.tasks.spawn(signal::run(
        heard,
        base.store.clone(),
        base.clock.clone(),
        show,
        base.begin.clone(),
    ));
    signals
}

/// What is done beside the work.
fn tidy(base: &Base, readiness: &watch::Sender<Readiness>) {
    base.tasks.spawn(looking::store(
        base.store.clone(),
        readiness.clone(),
        base.upkeep.clone(),
    ));
    let (store, clock, lease) = (base.store.clone(), base.clock.clone(), base.lease.clone());
    base.tasks
        .spawn(upkeep::purge(store, clock, lease, base.upkeep.clone()));
    base.tasks.spawn(upkeep::tidy(
        base.store.clone(),
        base.wake.clone(),
        base.upkeep.clone(),
    ));
}

#[expect(
    clippy::too_many_arguments,
    reason = "everything built so far ends here, once"
)]
fn open_doors(
    config: &Config,
    ends: Ends,
    base: Base,
    listeners: Listeners,
    (public, admin): (Router, Router),
    limits: Limits,
    public_url: &str,
    readiness: watch::Sender<Readiness>,
    progress: broadcast::Sender<Progress>,
) -> App {
    let trusted = &config.server.trusted_proxies;
    let app = App {
        public: listeners.public.address(),
        admin: listeners.admin.address(),
        store: base.store,
        lease: base.lease,
        readiness,
        progress,
        begin: base.begin,
        upkeep: base.upkeep,
        tasks: base.tasks,
        in_flight: base.in_flight,
        ends,
    };
    listen(
        &app.tasks,
        Server::new(public, limits.clone(), public_url, trusted),
        listeners.public,
        &app.begin,
    );
    // Health is asked while the rest comes to its end.
    listen(
        &app.tasks,
        Server::new(admin, limits, public_url, trusted),
        listeners.admin,
        &app.upkeep,
    );
    app.readiness.send_replace(Readiness::Ready);
    app
}

async fn bind(key: &'static str, address: std::net::SocketAddr) -> Result<Listener, AppError> {
    Listener::bind(address)
        .await
        .map_err(|source| AppError::Listen {
            key,
            address,
            source,
        })
}

async fn open(config: &Config) -> Result<Store, AppError> {
    match &config.store.location {
        Location::Sqlite(path) => {
            let settings = EmbeddedSettings {
                path: path.clone(),
                remember: REMEMBER,
                wait_for_lock: WAIT_FOR_LOCK,
            };
            Ok(Store::Embedded(Embedded::open(&settings).await?))
        }
        Location::Redis(url) => {
            let settings = RedisSettings {
                url: url.clone(),
                remember: config.store.remember,
                dangerous_accept_settings: config.store.dangerous_accept_settings,
                name_folder: std::env::temp_dir().join(NAME_FOLDER),
            };
            Ok(Store::Redis(Redis::open(&settings).await?))
        }
    }
}

fn now(clock: &Clock) -> Now {
    let clock = clock.clone();
    Arc::new(move || clock.now())
}

fn mattermost(
    config: &Config,
    base: &Base,
    words: &Arc<Catalogue>,
) -> Result<(Arc<Mattermost>, Arc<MattermostOutlet>), AppError> {
    let mattermost = Arc::new(Mattermost::new(base.client.clone()));
    if let Some(account) = &config.mattermost {
        mattermost.connect(account.url.clone(), account.token.clone());
    }
    let files = Files::new(
        Fetch::new(Fetcher::new(now(&base.clock))?),
        base.store.clone(),
    );
    let outlet = MattermostOutlet::new(
        Arc::clone(&mattermost),
        base.licences.clone(),
        files,
        Arc::clone(words),
    );
    outlet.set(configure::looks(config));
    Ok((mattermost, Arc::new(outlet)))
}

/// Whether the Mattermost of the last start is the one we talk to now: only then can it remember what was in flight.
async fn remembers(config: &Config, store: &Store) -> Result<bool, AppError> {
    let Some(account) = &config.mattermost else {
        return Ok(false);
    };
    Ok(same_mattermost(store, &account.url).await?)
}

/// Whether this is the Mattermost of the last time, or the first; from now on it is.
pub(super) async fn same_mattermost(store: &Store, url: &Url) -> Result<bool, StoreError> {
    let last = store.kept(LAST_URL).await?;
    if last.as_deref() == Some(url.as_str()) {
        return Ok(true);
    }
    store.keep(LAST_URL, url.as_str(), last.as_deref()).await?;
    Ok(last.is_none())
}

fn watcher(metrics: Metrics, progress: broadcast::Sender<Progress>) -> Watcher {
    Watcher(Arc::new(move |step| {
        looking::count(&metrics, step);
        // Nobody looks on: nothing is lost.
        drop(progress.send(step.clone()));
    }))
}
