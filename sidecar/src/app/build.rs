//! Building everything, bottom up: store, ways to others, engine, doors.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use tokio::{
    sync::{broadcast, mpsc, watch},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{App, AppError, listen, upkeep, watch as looking};
use crate::{
    client::{Client, vet::Fetcher},
    clock::Clock,
    config::{Config, Location},
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
        AdminDoor, Budget, Events, Heard, Limits, Listener, MattermostState, Ops, Readiness,
        Router, Server, Wiring,
    },
    licence::{ContactDetails, Current, Licences},
    mattermost::{
        Mattermost,
        outlet::{MattermostOutlet, Settings},
    },
    metrics::Metrics,
    record::Queue,
    render::{Catalogue, Contact},
    store::{Embedded, EmbeddedSettings, Store},
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

pub(super) async fn app(config: &Config, clock: Clock) -> Result<App, AppError> {
    let listener = bind("server.listen", config.server.listen).await?;
    let admin_listener = bind("server.admin_listen", config.server.admin_listen).await?;
    let store = open(config).await?;
    let metrics = Metrics::new();
    let (_, licences) = Current::new(Licences::new(config.licences.iter().cloned()));
    metrics.know(config.licences.iter().map(|licence| licence.id.as_str()));
    let (wake, settled) = (Wake::default(), Settled::default());
    let (begin, upkeep_end) = (CancellationToken::new(), CancellationToken::new());
    let (tasks, in_flight) = (TaskTracker::new(), TaskTracker::new());
    let (progress, _) = broadcast::channel(PROGRESS);
    let (tell_lease, lease) = watch::channel(None);
    let (readiness, ready) = watch::channel(Readiness::Starting);
    let (tell_mattermost, seen_mattermost) = watch::channel(MattermostState::default());

    let (mattermost, outlet) = mattermost(config, &clock, &store, &licences)?;
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
    tasks.spawn(Arc::clone(&poster).run(in_flight.clone(), begin.clone()));
    tasks.spawn(touch::run(
        Arc::clone(&outlet),
        store.clone(),
        lease.clone(),
        wake.clone(),
        begin.clone(),
    ));
    tasks.spawn(looking::mattermost(
        Arc::clone(&mattermost),
        poster,
        metrics.clone(),
        tell_mattermost,
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
    let (limits, heard) = (Limits::default(), Heard::default());
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
        started: Instant::now(),
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
    };
    let trusted = &config.server.trusted_proxies;
    let public = Server::new(
        Router::public(events, metrics.clone()),
        limits.clone(),
        &public_url,
        trusted,
    );
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
    let words = Arc::new(Catalogue::new());
    let outlet = MattermostOutlet::new(Arc::clone(&mattermost), licences.clone(), files, words);
    outlet.set(Settings {
        contact: match config.team.contact_details {
            ContactDetails::None => Contact::None,
            ContactDetails::Name => Contact::Name,
            ContactDetails::All => Contact::All,
        },
        allow_files: config.team.allow_files,
        thread_limit: config.mattermost.as_ref().map_or_else(
            || Settings::default().thread_limit,
            |account| account.thread_limit.map_or(0, NonZeroU32::get),
        ),
    });
    Ok((mattermost, Arc::new(outlet)))
}

/// Whether the Mattermost of the last start is the one we talk to now: only then can it remember what was in flight.
async fn remembers(config: &Config, store: &Store) -> Result<bool, AppError> {
    let Some(account) = &config.mattermost else {
        return Ok(false);
    };
    let (url, last) = (account.url.to_string(), store.kept(LAST_URL).await?);
    if last.as_deref() == Some(url.as_str()) {
        return Ok(true);
    }
    store.keep(LAST_URL, &url, last.as_deref()).await?;
    Ok(last.is_none())
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
