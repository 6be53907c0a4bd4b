//! Building everything, bottom up: store, ways to others, engine, doors.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, broadcast, mpsc, watch},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use super::{
    App, AppError, Ends,
    configure::{self, Decisions, Swapped},
    door, listen, secret, upkeep, watch as looking,
};
use crate::{
    client::{Client, vet::Fetcher},
    clock::Clock,
    command::measure::Measure,
    config::{Config, Location, Settings},
    delivery::{
        lease,
        outbox::Outbox,
        poster::{Follow, Parts, Poster, Watcher},
        signal, touch,
        wake::{Settled, Wake},
    },
    files::{Fetch, Files},
    flow::{chat_to_thread::Intake, sequel},
    http::{
        AdminDoor, Budget, Events, Heard, Listener, MattermostState, Ops, Readiness, Router,
        Server, Wiring,
    },
    licence::{Current, Licences},
    mattermost::{Mattermost, outlet::MattermostOutlet},
    metrics::Metrics,
    puller::hints::Hints,
    record::Queue,
    render::Catalogue,
    store::{Embedded, EmbeddedSettings, Store, StoreError},
};

/// Attempts at Mattermost at once.
const SLOTS: usize = 32;
/// Event ids are remembered for so long by the embedded store.
const REMEMBER: Duration = Duration::from_secs(30 * 24 * 3600);
/// A managed predecessor may still be stopping.
const WAIT_FOR_LOCK: Duration = Duration::from_secs(20);
/// Signs of typing that may wait to be shown.
const SIGNALS: usize = 256;
/// Steps that a slow onlooker may lag behind.
const PROGRESS: usize = 1_024;
/// Where the address of the last start is kept.
const LAST_URL: &str = "mattermost.url";

pub(super) async fn app(
    settings: &Settings,
    config: &Config,
    clock: Clock,
) -> Result<App, AppError> {
    let ends = Ends::of(settings.is_managed());
    let listener = bind("server.listen", config.server.listen).await?;
    let admin_listener = bind("server.admin_listen", config.server.admin_listen).await?;
    let store = open(config).await?;
    let decisions = Decisions::kept(&store).await?;
    let started = configure::at_start(settings, config, &decisions);
    let config = &started.config;
    let metrics = Metrics::new();
    let (tell_licences, licences) = Current::new(known(config));
    let (tell_configured, configured) = watch::channel(config.plugin.is_none());
    metrics.know(config.licences.iter().map(|licence| licence.id.as_str()));
    let (wake, settled) = (Wake::default(), Settled::default());
    let (begin, upkeep_end) = (CancellationToken::new(), CancellationToken::new());
    let (tasks, in_flight) = (TaskTracker::new(), TaskTracker::new());
    let (progress, _) = broadcast::channel(PROGRESS);
    let (tell_lease, lease) = watch::channel(None);
    let (readiness, ready) = watch::channel(Readiness::Starting);
    let look = Arc::new(Notify::new());
    let (tell_mattermost, seen_mattermost) = watch::channel(MattermostState::default());

    let words = Arc::new(Catalogue::new());
    let (mattermost, outlet) = mattermost(config, &clock, &store, &licences, &words)?;
    let remembers = remembers(config, &store).await?;
    tasks.spawn(lease::keep(
        store.clone(),
        clock.clone(),
        tell_lease,
        upkeep_end.clone(),
    ));
    let poster = Poster::new(Parts {
        queue: Queue::Mattermost,
        outlet: Arc::clone(&outlet),
        store: store.clone(),
        clock: clock.clone(),
        lease: lease.clone(),
        wake: wake.clone(),
        settled: settled.clone(),
        follow: Follow {
            wanted: sequel::wanted,
            placeholder: sequel::placeholder,
            sequels: sequel::notices,
            mark: sequel::mark,
        },
        slots: SLOTS,
        remembers,
        watcher: watcher(metrics.clone(), progress.clone()),
    });
    tasks.spawn(configure::once_configured(
        configured.clone(),
        begin.clone(),
        Arc::clone(&poster).run(in_flight.clone(), begin.clone()),
    ));
    let touches = touch::run(
        Arc::clone(&outlet),
        store.clone(),
        lease.clone(),
        wake.clone(),
        begin.clone(),
    );
    tasks.spawn(configure::once_configured(
        configured,
        begin.clone(),
        touches,
    ));
    tasks.spawn(looking::mattermost(
        Arc::clone(&mattermost),
        poster,
        metrics.clone(),
        tell_mattermost.clone(),
        Arc::clone(&look),
        upkeep_end.clone(),
    ));
    tasks.spawn(looking::store(
        store.clone(),
        readiness.clone(),
        upkeep_end.clone(),
    ));
    tasks.spawn(upkeep::purge(
        store.clone(),
        clock.clone(),
        lease.clone(),
        upkeep_end.clone(),
    ));
    tasks.spawn(upkeep::tidy(
        store.clone(),
        wake.clone(),
        upkeep_end.clone(),
    ));
    let swapped = Swapped {
        licences: tell_licences,
        team: watch::Sender::new(config.team.clone()),
        mattermost: Arc::clone(&mattermost),
        outlet,
        seen: tell_mattermost,
        look,
        metrics: metrics.clone(),
        wake: wake.clone(),
        configured: tell_configured,
    };
    let (signals, heard_signals) = mpsc::channel(SIGNALS);
    let typing = move |mapping: crate::record::Mapping| {
        let mattermost = Arc::clone(&mattermost);
        async move {
            if let Err(fault) = mattermost
                .typing(&mapping.channel_id, Some(&mapping.root_id))
                .await
            {
                tracing::debug!(fault = ?fault, "a sign of typing was not shown");
            }
        }
    };
    tasks.spawn(signal::run(
        heard_signals,
        store.clone(),
        clock.clone(),
        typing,
        begin.clone(),
    ));

    let outbox = Outbox::new(store.clone(), wake.clone(), settled);
    let (limits, heard) = (ends.limits(), Heard::default());
    let budget = Budget::new(&limits);
    let public_url = config.server.public_url(listener.address()).to_string();
    let events = Events::new(Wiring {
        licences: licences.clone(),
        clock: clock.clone(),
        intake: Intake::new(outbox, store.clone(), clock.clone(), signals),
        metrics: metrics.clone(),
        heard: heard.clone(),
        limits: limits.clone(),
        budget: budget.clone(),
        stop: begin.clone(),
    });
    let measure = Measure {
        store: store.clone(),
        licences: licences.clone(),
        mattermost: seen_mattermost.clone(),
        heard: heard.clone(),
        clock: clock.clone(),
        started: Instant::now(),
    };
    let plugin = door::open(door::Built {
        settings,
        config,
        decisions,
        left_out: &started.left_out,
        store: &store,
        swapped,
        licences: licences.clone(),
        measure: measure.clone(),
        words,
        links: secret::links(config, &store, &clock).await?,
        hints: Hints::new(metrics.clone()),
        clock: clock.clone(),
        limits: (limits.clone(), budget.clone()),
    })?;
    let ops = Ops {
        readiness: ready,
        mattermost: seen_mattermost,
        store: store.clone(),
        licences,
        heard,
        clock,
        metrics: metrics.clone(),
        wake,
        door: AdminDoor::new(admin_listener.address(), config.server.admin_token.as_ref()),
        started: measure.started,
        limits: limits.clone(),
        budget,
    };
    let app = App {
        public: listener.address(),
        admin: admin_listener.address(),
        store,
        lease,
        readiness,
        progress,
        begin,
        upkeep: upkeep_end,
        tasks,
        in_flight,
        ends,
    };
    let trusted = &config.server.trusted_proxies;
    let routes = Router::public(events, metrics.clone());
    let routes = match plugin {
        Some(plugin) => routes.with_plugin(plugin),
        None => routes,
    };
    let public = Server::new(routes, limits.clone(), &public_url, trusted);
    let admin = Server::new(Router::admin(ops, metrics), limits, &public_url, trusted);
    listen(&app.tasks, public, listener, &app.begin);
    // Health is asked while the rest comes to its end.
    listen(&app.tasks, admin, admin_listener, &app.upkeep);
    app.readiness.send_replace(Readiness::Ready);
    Ok(app)
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
        Location::Redis(_) => todo!("redis"),
    }
}

fn mattermost(
    config: &Config,
    clock: &Clock,
    store: &Store,
    licences: &Current,
    words: &Arc<Catalogue>,
) -> Result<(Arc<Mattermost>, Arc<MattermostOutlet>), AppError> {
    let now = {
        let clock = clock.clone();
        Arc::new(move || clock.now())
    };
    let mattermost = Arc::new(Mattermost::new(Client::new(now.clone())?));
    if let Some(account) = &config.mattermost {
        mattermost.connect(account.url.clone(), account.token.clone());
    }
    let files = Files::new(Fetch::new(Fetcher::new(now)?), store.clone());
    let outlet = MattermostOutlet::new(
        Arc::clone(&mattermost),
        licences.clone(),
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

/// The licences that are known before a plugin has spoken.
fn known(config: &Config) -> Licences {
    let licences = Licences::new(config.licences.iter().cloned());
    if config.plugin.is_some() {
        licences.waiting_for_the_plugin()
    } else {
        licences
    }
}

fn watcher(
    metrics: Metrics,
    progress: broadcast::Sender<crate::delivery::poster::Progress>,
) -> Watcher {
    Watcher(Arc::new(move |step| {
        looking::count(&metrics, step);
        // Nobody looks on: nothing is lost.
        drop(progress.send(step.clone()));
    }))
}
