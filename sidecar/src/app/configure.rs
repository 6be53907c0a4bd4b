//! Settings that change while everything runs: what the plugin says, and what people decide in Mattermost.
//!
//! Both are further sources beside file and environment, lower in rank. Each change resolves all of them anew and then swaps what
//! follows: licences, the Mattermost account, how threads look. What is wrong in them is left out and told, so that one bad licence key
//! stops nobody else. What people decide is in the store before it counts; what the plugin says is never kept, it says it again.

mod channels;
mod decisions;
mod greeting;
mod stands;
mod told;

use std::{
    num::NonZeroU32,
    sync::{Arc, PoisonError, RwLock},
};

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use shared::pairing::{Configuration, Problem, WantedWebhook};
use tokio::sync::{Mutex, Notify, watch};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    command::{Greeted, Keeper, NotConnected, Place, Standing, measure::MattermostState},
    config::{Config, Resolved, Settings},
    delivery::wake::Wake,
    ireserve::Addresses,
    licence::{ContactDetails, Current, Licence, LicenceKey, Licences, Team},
    mattermost::{Mattermost, outlet, outlet::MattermostOutlet},
    metrics::Metrics,
    render::Contact,
    store::{Store, StoreError},
};

use channels::Channels;
pub(super) use decisions::Decisions;
pub(super) use greeting::Greeting;
use stands::{problems, standing, webhooks};

/// What is swapped when settings change. A clone holds the same.
#[derive(Debug, Clone)]
pub(super) struct Reins {
    pub(super) licences: watch::Sender<Licences>,
    pub(super) team: watch::Sender<Team>,
    pub(super) addresses: watch::Sender<Addresses>,
    pub(super) seen: watch::Sender<MattermostState>,
    /// Asks for another look at Mattermost now.
    pub(super) look: Arc<Notify>,
    /// Whether work may begin: the plugin has spoken, or there is none.
    pub(super) configured: watch::Sender<bool>,
}

impl Reins {
    /// `public` is how i-Reserve reaches us while the plugin has not said better.
    pub(super) fn new(config: &Config, public: Url) -> Self {
        let licences = Licences::new(config.licences.iter().cloned());
        let licences = match config.plugin {
            Some(_) => licences.waiting_for_the_plugin(),
            None => licences,
        };
        Self {
            licences: Current::new(licences).0,
            team: watch::Sender::new(config.team.clone()),
            addresses: watch::Sender::new(Addresses {
                site: config
                    .mattermost
                    .as_ref()
                    .map(|account| account.url.clone()),
                public,
            }),
            seen: watch::Sender::default(),
            look: Arc::default(),
            configured: watch::Sender::new(config.plugin.is_none()),
        }
    }
}

/// What those who run are told through.
#[derive(Debug)]
pub(super) struct Swapped {
    pub(super) reins: Reins,
    pub(super) mattermost: Arc<Mattermost>,
    pub(super) outlet: Arc<MattermostOutlet>,
    pub(super) metrics: Metrics,
    pub(super) wake: Wake,
}

/// The settings of one running sidecar.
#[derive(Debug)]
pub(super) struct Configurator {
    /// File, environment and start line.
    base: Settings,
    store: Store,
    swapped: Swapped,
    greeting: Greeting,
    channels: Channels,
    held: Mutex<Held>,
    // Plain: held for a clone, never across an await.
    standing: RwLock<Arc<Standing>>,
}

/// What comes on top of the base.
#[derive(Debug, Clone)]
struct Held {
    decisions: Decisions,
    plugin: Option<Configuration>,
    /// The account that we connected last.
    account: Option<Account>,
    /// Public channels of the settings, as they were found last.
    found: Vec<WantedWebhook>,
}

/// Where we are whom.
type Account = (Url, SecretString);

/// Settings with what people decided, before the plugin has spoken. Nothing of it can make a start fail: it is left out, and told.
pub(super) fn at_start(base: &Settings, config: &Config, decisions: &Decisions) -> Resolved {
    base.clone()
        .with_mattermost(&decisions.settings())
        .resolve_leaving_out()
        .unwrap_or_else(|_| Resolved {
            config: config.clone(),
            warnings: Vec::new(),
            left_out: Vec::new(),
        })
}

/// Does work once the plugin has spoken, if there is one to speak.
pub(super) async fn once_configured(
    mut configured: watch::Receiver<bool>,
    stop: CancellationToken,
    work: impl Future<Output = ()>,
) {
    let spoke = configured.wait_for(|spoke| *spoke);
    if matches!(stop.run_until_cancelled(spoke).await, Some(Ok(_))) {
        work.await;
    }
}

/// How threads look under these settings.
pub(super) fn looks(config: &Config) -> outlet::Settings {
    outlet::Settings {
        contact: match config.team.contact_details {
            ContactDetails::None => Contact::None,
            ContactDetails::Name => Contact::Name,
            ContactDetails::All => Contact::All,
        },
        allow_files: config.team.allow_files,
        thread_limit: config.mattermost.as_ref().map_or_else(
            || outlet::Settings::default().thread_limit,
            |account| account.thread_limit.map_or(0, NonZeroU32::get),
        ),
        receipts: config.team.receipts,
    }
}

impl Configurator {
    /// `started` is what [`at_start`] made of `base` and `decisions`.
    pub(super) fn new(
        base: Settings,
        started: &Resolved,
        store: Store,
        swapped: Swapped,
        decisions: Decisions,
        greeting: Greeting,
    ) -> Self {
        let (config, left_out) = (&started.config, &started.left_out);
        let held = Held {
            decisions,
            plugin: None,
            account: account(config),
            found: Vec::new(),
        };
        let standing = standing(&base, config, &held, problems(left_out));
        Self {
            base,
            channels: Channels::new(Arc::clone(&swapped.mattermost), store.clone()),
            store,
            swapped,
            greeting,
            held: Mutex::new(held),
            standing: RwLock::new(Arc::new(standing)),
        }
    }

    /// Resolves everything anew, and swaps what follows.
    async fn apply(&self, next: Held, held: &mut Held) -> Result<(), NotConnected> {
        let settings = self.settings(&next);
        let resolved = settings.resolve_leaving_out().map_err(|mistakes| {
            tracing::error!(error = %mistakes, "the settings of file or environment are wrong");
            NotConnected::Wrong(mistakes.to_string())
        })?;
        for mistake in &resolved.left_out {
            tracing::warn!(setting.key = mistake.key, "left out: {mistake}");
        }
        let mut problems = problems(&resolved.left_out);
        let spoke = next.plugin.is_some();
        if spoke {
            problems.extend(told::problems(&next, &resolved.config));
        }
        let config = resolved.config;
        let standing = standing(&self.base, &config, &next, problems);
        *held = next;
        self.connect_account(&config, &mut held.account).await;
        self.swap(&config, held.plugin.as_ref());
        self.stands(standing);
        Ok(())
    }

    fn stood(&self) -> Arc<Standing> {
        let standing = self.standing.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&standing)
    }

    fn stands(&self, standing: Standing) {
        *self
            .standing
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(standing);
    }

    /// Looks where the channels of the settings are, as far as that is due.
    async fn look_at_channels(&self, held: &mut Held) {
        let licences = self.swapped.reins.licences.borrow().clone();
        let found = self.channels.public(&licences).await;
        if found == held.found {
            return;
        }
        held.found = found;
        let mut standing = Standing::clone(&self.stood());
        standing.wanted.webhooks = webhooks(
            &self.base,
            licences.iter().map(AsRef::as_ref),
            &standing.places,
            &held.found,
        );
        self.stands(standing);
    }

    fn settings(&self, held: &Held) -> Settings {
        let settings = self
            .base
            .clone()
            .with_mattermost(&held.decisions.settings());
        match &held.plugin {
            Some(configuration) => settings.with_plugin(&told::settings(configuration)),
            None => settings,
        }
    }

    fn swap(&self, config: &Config, plugin: Option<&Configuration>) {
        let (swapped, spoke) = (&self.swapped, plugin.is_some());
        let licences = Licences::new(config.licences.iter().cloned());
        swapped
            .metrics
            .know(config.licences.iter().map(|licence| licence.id.as_str()));
        swapped.outlet.set(looks(config));
        let reins = &swapped.reins;
        reins.team.send_replace(config.team.clone());
        // Mattermost says it too, when it is asked; a reply need not wait for that.
        let site = plugin.and_then(|plugin| plugin.site_url.parse().ok());
        reins.addresses.send_if_modified(|known| {
            let before = known.clone();
            if let Some(public) = &config.server.public_url {
                known.public.clone_from(public);
            }
            known.site = site.or_else(|| known.site.take());
            *known != before
        });
        let has_spoken = spoke || *reins.configured.borrow();
        reins.licences.send_replace(if has_spoken {
            licences
        } else {
            licences.waiting_for_the_plugin()
        });
        if spoke {
            reins.configured.send_replace(true);
        }
        swapped.wake.ring();
    }

    async fn connect_account(&self, config: &Config, connected: &mut Option<Account>) {
        let Some((url, token)) = account(config) else {
            return;
        };
        let same = connected.as_ref().is_some_and(|(known, before)| {
            *known == url && before.expose_secret() == token.expose_secret()
        });
        if same {
            return;
        }
        self.swapped.mattermost.connect(url.clone(), token.clone());
        // What was seen was seen of the former account.
        self.swapped
            .reins
            .seen
            .send_modify(|seen| seen.token_refused = false);
        self.swapped.reins.look.notify_one();
        tracing::info!(mattermost.url = %url, "a mattermost account is known");
        if let Err(error) = super::build::same_mattermost(&self.store, &url).await {
            tracing::warn!(%error, "the address of mattermost could not be kept");
        }
        *connected = Some((url, token));
    }

    async fn configured(&self, configuration: Configuration) -> Result<(), StoreError> {
        let mut held = self.held.lock().await;
        let decisions = Decisions::kept(&self.store).await?;
        let next = Held {
            decisions,
            plugin: Some(configuration),
            ..held.clone()
        };
        if let Err(error) = self.apply(next, &mut held).await {
            let problem = Problem {
                key: "--config".to_owned(),
                detail: error.to_string(),
                fix: "correct file or environment of the sidecar and start it again".to_owned(),
            };
            let mut standing = Standing::clone(&self.stood());
            standing.problems = vec![problem];
            self.stands(standing);
            return Ok(());
        }
        self.look_at_channels(&mut held).await;
        Ok(())
    }

    async fn connected(&self, key: LicenceKey, place: Place) -> Result<Greeted, NotConnected> {
        let licence = key.licence().clone();
        for name in ["channel", "notifications"] {
            if self.base.fixed(Some(&licence), name).is_some() {
                return Err(NotConnected::Fixed(format!("licence.{licence}.{name}")));
            }
        }
        // Others go on while i-Reserve is asked.
        let held = self.held.lock().await.clone();
        let mut trial = self.would_count(&held, &key, &place)?;
        let own = key.signing_secret();
        if trial.ireserve.secrets.contains(&own) {
            // The key before this one must not speak for it.
            trial.ireserve.secrets = vec![own];
        }
        let answered = self.greeting.answered(&trial).await?;
        let mut held = self.held.lock().await;
        self.would_count(&held, &key, &place)?;
        let kept = self.greeting.now();
        let decisions = Decisions::change(&self.store, |decisions| {
            decisions.connect(&key, place.clone());
        })
        .await?;
        let next = Held {
            decisions,
            ..held.clone()
        };
        self.apply(next, &mut held).await?;
        drop(held);
        Ok(self.greeting.greeted(&licence, answered, kept).await)
    }

    /// The licence as it would be. File or environment may say other keys than this one, and come first.
    fn would_count(
        &self,
        held: &Held,
        key: &LicenceKey,
        place: &Place,
    ) -> Result<Licence, NotConnected> {
        let licence = key.licence();
        let mut trial = held.clone();
        trial.decisions.connect(key, place.clone());
        let resolved = self.settings(&trial).resolve_leaving_out();
        let config = resolved
            .map_err(|mistakes| NotConnected::Wrong(mistakes.to_string()))?
            .config;
        let mut known = config.licences.into_iter();
        known
            .find(|known| known.id == *licence && known.keys.contains(&key.token_key()))
            .ok_or_else(|| NotConnected::Fixed(format!("licence.{licence}.keys")))
    }

    async fn refreshed(&self) {
        let mut held = self.held.lock().await;
        match Decisions::kept(&self.store).await {
            Ok(decisions) if decisions != held.decisions => {
                let next = Held {
                    decisions,
                    ..held.clone()
                };
                // What is wrong was logged; what counted before goes on.
                let _ = self.apply(next, &mut held).await;
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "what people decided elsewhere cannot be read");
                return;
            }
        }
        // Nobody is asked before the plugin has said who we are.
        if held.plugin.is_some() {
            self.look_at_channels(&mut held).await;
        }
    }
}

impl Keeper for Configurator {
    fn configure(&self, configuration: Configuration) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.configured(configuration))
    }

    fn connect(
        &self,
        key: LicenceKey,
        place: Place,
    ) -> BoxFuture<'_, Result<Greeted, NotConnected>> {
        Box::pin(self.connected(key, place))
    }

    fn refresh(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.refreshed())
    }

    fn standing(&self) -> Arc<Standing> {
        let mut standing = self.stood();
        // Another token helps only where the token is the plugin's.
        let refused = self.swapped.reins.seen.borrow().token_refused
            && self.base.fixed(None, "mattermost.token").is_none();
        if refused {
            Arc::make_mut(&mut standing).wanted.token = true;
        }
        standing
    }
}

fn account(config: &Config) -> Option<Account> {
    let account = config.mattermost.as_ref()?;
    Some((account.url.clone(), account.token.clone()))
}
