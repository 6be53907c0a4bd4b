//! The way back: the ear, and the lanes to i-Reserve.

use std::{sync::Arc, time::Duration};

use shared::UserId;
use tokio::sync::watch;

use super::{
    super::{AppError, alarm, back},
    Base, follow, now,
};
use crate::{
    auth::link::LinkKey,
    command::measure::{Ear, Listening},
    config::Config,
    ireserve::{self, connect, refusals::Refusals, users::Users},
    mattermost::Mattermost,
    puller::{self, Puller, hints::Hints},
    render::Catalogue,
};

/// How often the slow look goes round while no settings say so: the account comes from the plugin.
const POLL_INTERVAL: Duration = Duration::from_secs(30);

/// What the doors need of the way back.
pub(super) struct Back {
    pub(super) hints: Hints,
    pub(super) bot: watch::Receiver<Option<UserId>>,
    pub(super) listening: watch::Receiver<Listening>,
    pub(super) links: Arc<LinkKey>,
    pub(super) ireserve: ireserve::Parts,
}

/// The ear, and the lanes to i-Reserve.
pub(super) async fn backward(
    config: &Config,
    base: &Base,
    mattermost: &Arc<Mattermost>,
    words: &Arc<Catalogue>,
) -> Result<Back, AppError> {
    let (hints, listening) = ear(config, base, mattermost);
    let (tell_bot, bot) = watch::channel(None);
    base.tasks.spawn(back::site(
        Arc::clone(mattermost),
        base.reins.addresses.clone(),
        tell_bot,
        base.upkeep.clone(),
    ));
    let links = Arc::new(back::link_key(config, &base.store, &base.clock).await?);
    let parts = ireserve::Parts {
        client: base.client.clone(),
        now: now(&base.clock),
        licences: base.licences.clone(),
        links: Arc::clone(&links),
        addresses: base.reins.addresses.subscribe(),
        refusals: Refusals::default(),
    };
    base.work(alarm::run(
        alarm::Alarm {
            store: base.store.clone(),
            mattermost: Arc::clone(mattermost),
            licences: base.licences.clone(),
            clock: base.clock.clone(),
            words: Arc::clone(words),
            refused: parts.refusals.watch(),
            has_plugin: config.plugin.is_some(),
        },
        base.begin.clone(),
    ));
    let users = Users::new(base.client.clone(), now(&base.clock));
    base.work(connect::run(
        parts.clone(),
        connect::Connections::default(),
        base.begin.clone(),
    ));
    base.work(back::post(
        shared(base),
        parts.clone(),
        users,
        base.licences.clone(),
    ));
    Ok(Back {
        hints,
        bot,
        listening,
        links,
        ireserve: parts,
    })
}

/// What reads threads, and the WebSocket among what tells it where to look.
fn ear(
    config: &Config,
    base: &Base,
    mattermost: &Arc<Mattermost>,
) -> (Hints, watch::Receiver<Listening>) {
    let hints = Hints::new(base.metrics.clone());
    let puller = Puller::new(puller::Parts {
        mattermost: Arc::clone(mattermost),
        store: base.store.clone(),
        licences: base.licences.clone(),
        team: base.reins.team.subscribe(),
        clock: base.clock.clone(),
        hints: hints.clone(),
        lease: base.lease.clone(),
        wake: base.wake.clone(),
        site: site(base),
        poll_interval: config
            .mattermost
            .as_ref()
            .map_or(Some(POLL_INTERVAL), |account| account.poll_interval),
    });
    base.work(puller.run(base.tasks.clone(), base.begin.clone()));
    let wants_ear = config
        .mattermost
        .as_ref()
        .is_none_or(|account| account.websocket);
    let (tell_listening, listening) = watch::channel(Listening {
        state: if wants_ear { Ear::Connecting } else { Ear::Off },
        ..Listening::default()
    });
    if wants_ear {
        let listen = back::listen(
            Arc::clone(mattermost),
            hints.clone(),
            tell_listening,
            base.lease.clone(),
            base.begin.clone(),
        );
        base.work(listen);
    }
    (hints, listening)
}

/// How people open Mattermost, as far as it is known when asked.
fn site(base: &Base) -> puller::Site {
    let addresses = base.reins.addresses.subscribe();
    puller::Site(Arc::new(move || addresses.borrow().site.clone()))
}

fn shared(base: &Base) -> back::Shared {
    back::Shared {
        store: base.store.clone(),
        clock: base.clock.clone(),
        lease: base.lease.clone(),
        wake: base.wake.clone(),
        settled: base.settled.clone(),
        follow: follow(),
        watcher: base.watcher.clone(),
        tasks: base.tasks.clone(),
        in_flight: base.in_flight.clone(),
        begin: base.begin.clone(),
    }
}
