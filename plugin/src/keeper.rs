//! Keeps sidecar and server agreed: asks the sidecar's status every 5 s, tells it our values when it has none or they changed, and does
//! in the server what it wants.
//!
//! Everything here may fail and is tried again; nobody waits for it.

use std::{sync::Arc, time::Duration};

use mattermost_plugin::Api;
use shared::pairing::{
    Bot, Configuration, ConfigurationAnswer, PLUGIN_ID, Problem, Tree, Wanted, WantedWebhook,
    Webhook,
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{
    hints::Gathered,
    http::Base,
    register::{
        bot, command,
        webhooks::{self, Office},
    },
    settings::{Settings, callbacks, kept::KeptBot},
    sidecar::{AskError, Sidecar},
    text,
};

const ROUND: Duration = Duration::from_secs(5);
/// How long a refused webhook, and one that looks well, is left alone.
const WEBHOOKS_AGAIN: Duration = Duration::from_secs(3600);
/// A bot that cannot be made is tried again after this.
const BOT_AGAIN: Duration = Duration::from_secs(60);

/// Asks the keeper to look now. Clones ring the same bell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bell(Arc<Ring>);

#[derive(Debug, Default)]
struct Ring {
    rung: Notify,
    /// A person has done something that a refused webhook may have waited for.
    person: std::sync::atomic::AtomicBool,
}

impl Bell {
    pub(crate) fn ring(&self) {
        self.0.rung.notify_one();
    }

    /// Also webhooks are looked at again.
    pub(crate) fn ring_for_a_person(&self) {
        self.0
            .person
            .store(true, std::sync::atomic::Ordering::Relaxed);
        self.ring();
    }

    fn take_person(&self) -> bool {
        self.0
            .person
            .swap(false, std::sync::atomic::Ordering::Relaxed)
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) api: Api,
    pub(crate) sidecar: Sidecar,
    pub(crate) settings: watch::Receiver<Arc<Settings>>,
    pub(crate) bot: watch::Sender<Option<Arc<KeptBot>>>,
    pub(crate) gathered: Gathered,
    pub(crate) bell: Bell,
    pub(crate) stop: CancellationToken,
    pub(crate) memory: Memory,
}

/// What the last rounds left.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    told: Option<Configuration>,
    tree: Option<Tree>,
    problems: Vec<Problem>,
    webhooks: Vec<Webhook>,
    /// For which wish the webhooks were looked at, and when.
    settled: Option<(Vec<WantedWebhook>, Instant)>,
    bot_tried: Option<Instant>,
    trouble: String,
}

impl Keeper {
    pub(crate) async fn run(mut self) {
        let mut round = interval(ROUND);
        round.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = round.tick() => {}
                () = self.bell.0.rung.notified() => {}
                () = self.sidecar.door_moved() => {}
                _ = self.settings.changed() => {}
                () = self.stop.cancelled() => return,
            }
            let trouble = match self.round().await {
                Ok(()) | Err(AskError::Shut(_)) => String::new(),
                Err(error) => error.reason(),
            };
            if trouble != self.memory.trouble {
                match &*trouble {
                    "" => tracing::info!("the sidecar answers again"),
                    why => tracing::warn!("the sidecar does not answer as it should: {why}"),
                }
                self.memory.trouble = trouble;
            }
        }
    }

    async fn round(&mut self) -> Result<(), AskError> {
        self.ensure_bot(false).await;
        let status = self.sidecar.status().await?;
        if !status.configured {
            self.memory.told = None;
        }
        self.take_over(status.tree).await;
        let mut wanted = status.wanted;
        if let Some(answer) = self.tell().await? {
            wanted = self.heard(answer).await;
        }
        if wanted.token {
            self.ensure_bot(true).await;
        }
        self.settle_webhooks(&wanted).await;
        if let Some(answer) = self.tell().await? {
            self.heard(answer).await;
        }
        Ok(())
    }

    /// Puts the configuration if it is not what the sidecar was told last.
    async fn tell(&mut self) -> Result<Option<ConfigurationAnswer>, AskError> {
        let now = self.configuration().await;
        if self.memory.told.as_ref() == Some(&now) {
            return Ok(None);
        }
        let answer = self.sidecar.configure(&now).await?;
        self.memory.told = Some(now);
        Ok(Some(answer))
    }

    async fn heard(&mut self, answer: ConfigurationAnswer) -> Wanted {
        for problem in &answer.problems {
            if !self.memory.problems.contains(problem) {
                tracing::warn!(
                    key = problem.key,
                    "the sidecar has a problem: {}; {}",
                    problem.detail,
                    problem.fix
                );
            }
        }
        self.memory.problems = answer.problems;
        self.take_over(answer.tree).await;
        answer.wanted
    }

    async fn configuration(&self) -> Configuration {
        let settings = Arc::clone(&self.settings.borrow());
        let server = &settings.server;
        let bot = self.bot.borrow().clone();
        Configuration {
            site_url: server.site_url.clone(),
            server_version: server.version.clone(),
            locale: server.locale.clone(),
            cluster: server.cluster,
            node_id: settings.node().to_owned(),
            plugin_version: env!("CARGO_PKG_VERSION").to_owned(),
            bot: bot.map(|bot| Bot {
                id: bot.id.clone(),
                username: bot.username.clone(),
                token: bot.token.clone(),
            }),
            mattermost_url: settings.mattermost_url().to_owned(),
            public_url: settings.public_url(),
            team: settings.console.team(&server.locale),
            licence_keys: settings.licence_key.iter().cloned().collect(),
            webhooks: self.memory.webhooks.clone(),
            callbacks: callbacks(&server.site_url, &server.allowed).await,
        }
    }

    async fn take_over(&mut self, tree: Option<Tree>) {
        if tree.is_none() || tree == self.memory.tree {
            return;
        }
        let language = text::language(&self.settings.borrow().server.locale);
        match command::register(&self.api, language, tree.as_ref()).await {
            Ok(()) => self.memory.tree = tree,
            Err(error) => tracing::warn!("the command tree is not taken: {error}"),
        }
    }

    /// Makes the bot where there is none, or its token anew where the one that the sidecar was told is refused.
    async fn ensure_bot(&mut self, refused: bool) {
        let told = self.memory.told.as_ref().and_then(|told| told.bot.as_ref());
        let refused = told.filter(|_| refused).map(|bot| bot.token.0.clone());
        let tried_lately = |tried: Instant| tried.elapsed() < BOT_AGAIN;
        if refused.is_none()
            && (self.bot.borrow().is_some() || self.memory.bot_tried.is_some_and(tried_lately))
        {
            return;
        }
        let language = text::language(&self.settings.borrow().server.locale);
        match bot::ensure(&self.api, language, refused.as_deref()).await {
            Ok(bot) => {
                if self.bot.borrow().is_none() {
                    webhooks::take_back_all(&self.api, &bot.id).await;
                }
                self.gathered.own(&*bot.id);
                self.bot.send_replace(Some(Arc::new(bot)));
                self.memory.bot_tried = None;
            }
            Err(error) => {
                let error = crate::http::chain(&error);
                tracing::error!("there is no bot: {error}");
                self.memory.bot_tried = Some(Instant::now());
            }
        }
    }

    async fn settle_webhooks(&mut self, wanted: &Wanted) {
        let person = self.bell.take_person();
        let mut wishes = wanted.webhooks.clone();
        wishes.sort_unstable();
        let settled = |(before, when): &(Vec<WantedWebhook>, Instant)| {
            *before == wishes && when.elapsed() < WEBHOOKS_AGAIN
        };
        if !person && self.memory.settled.as_ref().is_some_and(settled) {
            return;
        }
        let Some(bot) = self.bot.borrow().clone() else {
            return;
        };
        let settings = Arc::clone(&self.settings.borrow());
        let office = Office {
            api: &self.api,
            http: self.sidecar.http(),
            server: settings.server.plain.as_deref().and_then(Base::parse),
            bot: &bot,
            callback: format!(
                "{}/plugins/{PLUGIN_ID}/v1/hooks/mattermost",
                settings.server.site_url
            ),
        };
        match webhooks::settle(&office, &wishes).await {
            Ok(Some(mut made)) => {
                made.sort_unstable_by(|one, two| {
                    (&one.licence, &one.channel_id).cmp(&(&two.licence, &two.channel_id))
                });
                self.memory.webhooks = made;
                self.memory.settled = Some((wishes, Instant::now()));
            }
            Ok(None) => {}
            Err(error) => tracing::warn!("outgoing webhooks are looked at again: {error}"),
        }
    }
}
