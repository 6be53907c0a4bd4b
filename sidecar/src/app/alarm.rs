//! Telling administrators what only they can mend: i-Reserve does not accept our key.
//!
//! By a message of the bot to each of them, because a channel is for colleagues who can do nothing about it, and a status is read by
//! whoever looks. Once per incident and at most once a day for one licence, over restarts too. Best effort: the lanes wait anyway, and
//! the status says why.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use shared::{LicenceId, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    command::language_of,
    licence::Current,
    mattermost::{Fault, Mattermost, NewPost, Props, User},
    record::{LaneKey, Mark, Step},
    render::{self, Catalogue, Voice},
    store::{Store, StoreError},
};

/// For one licence, whatever comes and goes.
const AT_MOST: Duration = Duration::from_secs(24 * 3600);
/// After a try that reached nobody.
const AGAIN: Duration = Duration::from_secs(60);
/// Then somebody has to read the status.
const TRIES: u32 = 10;

/// What telling needs.
pub(super) struct Alarm {
    pub(super) store: Store,
    pub(super) mattermost: Arc<Mattermost>,
    pub(super) licences: Current,
    pub(super) clock: Clock,
    pub(super) words: Arc<Catalogue>,
    /// Whose key is refused, and since when.
    pub(super) refused: watch::Receiver<BTreeMap<LicenceId, Timestamp>>,
    /// Whether there is a `/ireserve setup` to connect again with.
    pub(super) has_plugin: bool,
}

/// Why nobody was told.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error("mattermost did not take it: {0}")]
    Mattermost(#[from] Fault),
    #[error("the store did not keep it")]
    Store(#[from] StoreError),
    #[error("mattermost names no administrator")]
    Nobody,
}

/// One incident.
#[derive(Debug, Clone, Copy)]
struct Incident {
    since: Timestamp,
    tries: u32,
    told: bool,
}

/// Tells until cancelled.
pub(super) async fn run(mut alarm: Alarm, end: CancellationToken) {
    let mut incidents: HashMap<LicenceId, Incident> = HashMap::new();
    loop {
        let refused = alarm.refused.borrow_and_update().clone();
        incidents.retain(|licence, incident| refused.get(licence) == Some(&incident.since));
        for (licence, since) in refused {
            let incident = incidents.entry(licence.clone()).or_insert(Incident {
                since,
                tries: 0,
                told: false,
            });
            if incident.told || incident.tries >= TRIES {
                continue;
            }
            incident.tries += 1;
            let Some(told) = end.run_until_cancelled(alarm.tell(&licence, since)).await else {
                return;
            };
            match told {
                Ok(()) => incident.told = true,
                Err(error) => tracing::warn!(
                    licence.id = %licence, error = %error,
                    "administrators could not be told that i-reserve refuses the key of {licence}",
                ),
            }
        }
        let owed = incidents
            .values()
            .any(|incident| !incident.told && incident.tries < TRIES);
        tokio::select! {
            () = end.cancelled() => return,
            changed = alarm.refused.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(AGAIN), if owed => {}
        }
    }
}

impl Alarm {
    async fn tell(&self, licence: &LicenceId, since: Timestamp) -> Result<(), Untold> {
        let name = format!("told.key-refused.{licence}");
        let before = self.store.kept(&name).await?;
        let now = self.clock.now();
        let last = before.as_deref().and_then(|text| text.parse().ok());
        if last.is_some_and(|last| now.since(Timestamp::from_millis(last)) < AT_MOST) {
            return Ok(());
        }
        let admins = self.mattermost.admins().await?;
        let mut outcome = Err(Untold::Nobody);
        for admin in &admins {
            match self.write_to(admin, licence, since).await {
                Ok(()) => outcome = Ok(()),
                Err(fault) if outcome.is_err() => outcome = Err(fault.into()),
                Err(_) => {}
            }
        }
        outcome?;
        let now = now.as_millis().to_string();
        self.store.keep(&name, &now, before.as_deref()).await?;
        Ok(())
    }

    async fn write_to(
        &self,
        admin: &User,
        licence: &LicenceId,
        since: Timestamp,
    ) -> Result<(), Fault> {
        let licences = self.licences.snapshot();
        let zone = licences
            .get(licence)
            .map(|licence| licence.time_zone.clone())
            .unwrap_or_default();
        let voice = Voice::new(Arc::clone(&self.words), language_of(&admin.locale), zone);
        let post = NewPost {
            channel_id: self.mattermost.direct(&admin.id).await?,
            root_id: None,
            message: render::key_refused(licence, since, self.has_plugin, &voice),
            file_ids: Vec::new(),
            props: Props::new(),
            pending_post_id: pending(admin, licence, since),
        };
        self.mattermost.create_post(&post).await.map(|_| ())
    }
}

/// A repeat within 30 s is the same message.
fn pending(admin: &User, licence: &LicenceId, since: Timestamp) -> String {
    let about = format!("key-refused:{}:{}", admin.id, since.as_millis());
    let about: shared::EventId = about.parse().expect("an id and a number make an event id");
    let lane = LaneKey::NotificationType("key-refused".into());
    Mark::of(licence, &lane, &about, Step::Part(0)).pending_post_id()
}
