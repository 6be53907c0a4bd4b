//! The way back: ears, puller, and a poster for each licence's `webhook_url`.

use std::{collections::HashMap, sync::Arc, time::Duration};

use secrecy::ExposeSecret as _;
use shared::{LicenceId, UserId};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::AppError;
use crate::{
    auth::link::LinkKey,
    clock::Clock,
    command::measure::{Ear, Listening},
    config::Config,
    delivery::{
        lease,
        poster::{Follow, Parts, Poster, Watcher},
        wake::{Settled, Wake},
    },
    ireserve::{self, Addresses, outlet::IreserveOutlet, users::Users},
    licence::Current,
    mattermost::{Heard, Mattermost, SocketError, Told},
    metrics::HintSource,
    puller::hints::{Happened, Hint, Hints},
    record::Queue,
    store::Store,
    telemetry,
};

/// Attempts at one licence's `webhook_url` at once.
const TURNS: usize = 8;
/// Where the secret of links and buttons is kept, so that replicas share it.
const LINK_SECRET: &str = "links.secret";
/// How often Mattermost is asked how people reach it.
const SITE: Duration = Duration::from_secs(300);
/// Between two connections that did not stand.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);
const LISTEN_LATER: Duration = Duration::from_secs(60);

/// What all posters to i-Reserve share.
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) lease: lease::Watch,
    pub(super) wake: Wake,
    pub(super) settled: Settled,
    pub(super) follow: Follow,
    pub(super) watcher: Watcher,
    pub(super) tasks: TaskTracker,
    pub(super) in_flight: TaskTracker,
    pub(super) begin: CancellationToken,
}

/// The key of file links and buttons: from the settings, or made once and kept.
pub(super) async fn link_key(
    config: &Config,
    store: &Store,
    clock: &Clock,
) -> Result<LinkKey, AppError> {
    if let Some(secret) = &config.server.secret {
        return Ok(LinkKey::new(secret.expose_secret()));
    }
    loop {
        if let Some(secret) = store.kept(LINK_SECRET).await? {
            return Ok(LinkKey::new(secret.as_bytes()));
        }
        let made: String = clock
            .random::<32>()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        // Whoever was first has made it for all.
        store.keep(LINK_SECRET, &made, None).await?;
    }
}

/// Keeps a poster for each licence, also for those that come later. One whose licence went says so and waits.
pub(super) async fn post(
    shared: Shared,
    parts: ireserve::Parts,
    users: Users,
    mut licences: Current,
) {
    let mut posters: HashMap<LicenceId, Arc<Poster<IreserveOutlet>>> = HashMap::new();
    loop {
        for licence in licences.snapshot().iter() {
            if posters.contains_key(&licence.id) {
                continue;
            }
            let poster = poster(&shared, &parts, &users, &licence.id);
            shared
                .tasks
                .spawn(Arc::clone(&poster).run(shared.in_flight.clone(), shared.begin.clone()));
            posters.insert(licence.id.clone(), poster);
        }
        match shared.begin.run_until_cancelled(licences.changed()).await {
            Some(Some(_)) => {}
            // Nobody can change them any more: what runs goes on.
            Some(None) | None => return,
        }
    }
}

fn poster(
    shared: &Shared,
    parts: &ireserve::Parts,
    users: &Users,
    licence: &LicenceId,
) -> Arc<Poster<IreserveOutlet>> {
    Poster::new(Parts {
        queue: Queue::Ireserve(licence.clone()),
        outlet: Arc::new(IreserveOutlet::new(
            licence.clone(),
            parts.clone(),
            users.clone(),
        )),
        store: shared.store.clone(),
        clock: shared.clock.clone(),
        lease: shared.lease.clone(),
        wake: shared.wake.clone(),
        settled: shared.settled.clone(),
        follow: shared.follow,
        slots: TURNS,
        turns: TURNS,
        remembers: true,
        watcher: shared.watcher.clone(),
    })
}

/// Learns who our bot is and how people reach Mattermost, until cancelled: links to replies begin with that.
pub(super) async fn site(
    mattermost: Arc<Mattermost>,
    tell: watch::Sender<Addresses>,
    tell_bot: watch::Sender<Option<UserId>>,
    end: CancellationToken,
) {
    loop {
        if let Ok(bot) = mattermost.bot().await {
            tell_bot.send_replace(Some(bot));
        }
        let told = mattermost
            .limits()
            .await
            .ok()
            .and_then(|limits| limits.site_url);
        let wait = if told.is_some() {
            SITE
        } else {
            Duration::from_secs(5)
        };
        tell.send_if_modified(|stands| {
            let news = told.is_some() && stands.site != told;
            if news {
                stands.site = told;
            }
            news
        });
        if end
            .run_until_cancelled(tokio::time::sleep(wait))
            .await
            .is_none()
        {
            return;
        }
    }
}

/// Listens as the bot, until cancelled. Whoever connects looks everywhere once: what happened before is not told.
pub(super) async fn listen(
    mattermost: Arc<Mattermost>,
    hints: Hints,
    tell: watch::Sender<Listening>,
    mut lease: lease::Watch,
    end: CancellationToken,
) {
    let mut wait = LISTEN_AGAIN;
    loop {
        // One ear is enough; a second would do no harm, only double the hints.
        match end
            .run_until_cancelled(lease.wait_for(Option::is_some))
            .await
        {
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return,
        }
        let Some(heard) = end
            .run_until_cancelled(hear(&mattermost, &hints, &tell))
            .await
        else {
            return;
        };
        let (state, error) = match heard {
            Ended::Stood(error) => {
                tracing::debug!(error = %error, "the websocket is over");
                wait = LISTEN_AGAIN;
                (Ear::Connecting, error)
            }
            Ended::Refused(error) => {
                let reason = telemetry::chain(&error).to_string();
                if tell.borrow().state != Ear::Refused {
                    tracing::warn!(
                        reason,
                        "no websocket to mattermost: {reason}; other hints and the slow look find replies meanwhile"
                    );
                }
                wait = (wait * 2).min(LISTEN_LATER);
                (Ear::Refused, error)
            }
        };
        tell.send_modify(|stands| {
            stands.state = state;
            stands.reason = Some(telemetry::chain(&error).to_string());
        });
        if end
            .run_until_cancelled(tokio::time::sleep(wait))
            .await
            .is_none()
        {
            return;
        }
    }
}

enum Ended {
    Stood(SocketError),
    Refused(SocketError),
}

async fn hear(mattermost: &Mattermost, hints: &Hints, tell: &watch::Sender<Listening>) -> Ended {
    let bot = match mattermost.bot().await {
        Ok(bot) => bot,
        Err(fault) => return Ended::Refused(SocketError::Refused(fault)),
    };
    let mut socket = match mattermost.listen().await {
        Ok(socket) => socket,
        Err(error) => return Ended::Refused(error),
    };
    hints.look_everywhere();
    let before = tell.borrow().unread_frames;
    tell.send_modify(|stands| {
        stands.state = Ear::Listening;
        stands.reason = None;
    });
    let mut strange = 0;
    loop {
        let heard = socket.next().await;
        // Once for each connection; a server that we do not understand would say the same at every post.
        if socket.strange() > strange {
            if strange == 0 {
                tracing::warn!(
                    "mattermost sends frames over the websocket that cannot be read; what they tell is found by other hints and the slow look"
                );
            }
            strange = socket.strange();
            tell.send_modify(|stands| stands.unread_frames = before + strange);
        }
        match heard {
            Ok(heard) => {
                if let Some(hint) = hint(heard, &bot) {
                    hints.heard(HintSource::Socket, [hint]);
                }
            }
            Err(error) => return Ended::Stood(error),
        }
    }
}

/// Our own posts and the server's come back too, and cost nothing further.
fn hint(heard: Heard, bot: &UserId) -> Option<Hint> {
    let (what, told) = match heard {
        Heard::Posted(told) => (Happened::Posted, told),
        Heard::Edited(told) => (Happened::Edited, told),
        Heard::Deleted(told) => (Happened::Deleted, told),
        Heard::Other => return None,
    };
    let Told {
        post,
        root,
        author,
        system,
        ..
    } = told;
    // A root is no reply.
    (author != *bot && !system && root != post).then_some(Hint {
        what,
        post,
        root: Some(root),
    })
}
