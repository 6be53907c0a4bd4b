//! Everything that runs while the plugin is active, and how it begins and ends.

use std::{path::PathBuf, sync::Arc, time::Duration};

use mattermost_plugin::{Api, Failure};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    hints::Gathered,
    http::Http,
    keeper::{Bell, Keeper, Memory},
    register::command,
    settings::{
        Settings, is_too_old,
        kept::{self, KeptBot},
    },
    sidecar::{Door, Sidecar, Why},
    supervisor::{Plan, Supervisor},
    text,
};

/// Mattermost allows 10 s at its shutdown, and the sidecar may take 7 of them.
const END: Duration = Duration::from_secs(9);
/// Requests from outside that are passed on at once; a caller beyond them is told to come back. Each holds two streams and a socket.
const MOST_REQUESTS: usize = 1_024;

/// What tests choose otherwise.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The sidecar's executable instead of the one in the bundle.
    pub sidecar: Option<PathBuf>,
}

/// The running parts, as hooks use them.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) api: Api,
    pub(crate) sidecar: Sidecar,
    pub(crate) gathered: Gathered,
    pub(crate) bot: watch::Receiver<Option<Arc<KeptBot>>>,
    pub(crate) bell: Bell,
    pub(crate) requests: Semaphore,
    settings: watch::Sender<Arc<Settings>>,
    plan: watch::Sender<Plan>,
    options: Options,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Desk {
    /// Starts everything and waits for nothing but the server's own answers. Missing settings are no failure.
    pub(crate) async fn open(api: Api, options: Options) -> Result<Self, Failure> {
        let settings = Settings::load(&api).await?;
        if is_too_old(&settings.server.version) {
            let version = &settings.server.version;
            return Err(Failure::new(format!(
                "Mattermost {version} is too old for this plugin, which needs 5.36 or newer"
            )));
        }
        let language = text::language(&settings.server.locale);
        command::register(&api, language, None).await?;
        // Hooks of the first moment already know whose posts are our own.
        let known = kept::get::<KeptBot>(&api, kept::BOT).await?;
        let known = known.filter(|bot| !bot.id.is_empty());

        let secret = kept::secret(&api)
            .await
            .map_err(|error| Failure::new(error.to_string()))?;
        let plan = settings.plan(&secret.secret, options.sidecar.as_deref());
        let (plan, plans) = watch::channel(plan);
        let (door, doors) = watch::channel(Door::Shut(Why::NotYet));
        let (restarts, restarted) = mpsc::channel(8);
        let (settings, latest) = watch::channel(Arc::new(settings));
        let (bot_told, bot) = watch::channel(None);
        let desk = Self {
            sidecar: Sidecar::new(doors, Http::default()),
            gathered: Gathered::default(),
            bot,
            bell: Bell::default(),
            requests: Semaphore::new(MOST_REQUESTS),
            settings,
            plan,
            options,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            api,
        };
        desk.gathered
            .own(known.map(|bot| bot.id).unwrap_or_default());
        let supervisor = Supervisor {
            plan: plans,
            door,
            stop: desk.stop.clone(),
            restarts,
        };
        desk.tasks.spawn(supervisor.run());
        let keeper = Keeper {
            api: desk.api.clone(),
            sidecar: desk.sidecar.clone(),
            settings: latest.clone(),
            bot: bot_told,
            gathered: desk.gathered.clone(),
            bell: desk.bell.clone(),
            stop: desk.stop.clone(),
            memory: Memory::default(),
        };
        desk.tasks.spawn(keeper.run());
        desk.tasks.spawn(
            desk.gathered
                .clone()
                .send(desk.sidecar.clone(), desk.stop.clone()),
        );
        desk.tasks.spawn(crate::pairing::tell_administrators(
            desk.api.clone(),
            desk.bot.clone(),
            latest,
            restarted,
            desk.stop.clone(),
        ));
        Ok(desk)
    }

    /// Goes on with something that nobody waits for; the end of the desk does.
    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) {
        self.tasks.spawn(work);
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.borrow())
    }

    /// Reads the configuration again; what has not changed goes on undisturbed.
    pub(crate) async fn look_again(&self) -> Result<(), Failure> {
        let settings = Settings::load(&self.api).await?;
        let secret = kept::secret(&self.api)
            .await
            .map_err(|error| Failure::new(error.to_string()))?;
        let plan = settings.plan(&secret.secret, self.options.sidecar.as_deref());
        self.settings.send_if_modified(|before| {
            let changed = **before != settings;
            if changed {
                *before = Arc::new(settings);
            }
            changed
        });
        self.plan.send_if_modified(|before| {
            let changed = *before != plan;
            if changed {
                *before = plan;
            }
            changed
        });
        Ok(())
    }

    /// Ends everything, the sidecar before all.
    pub(crate) async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        if timeout(END, self.tasks.wait()).await.is_err() {
            tracing::warn!("not everything ended within {} s", END.as_secs());
        }
    }
}
