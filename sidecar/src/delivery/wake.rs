//! Wake-ups: hints that something may be due. Whoever waits looks at the whole state afterwards, and polls slowly as insurance.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use shared::{EventId, LicenceId};
use tokio::sync::{oneshot, watch};

/// Rings for everybody who works lanes or cards.
#[derive(Debug, Clone)]
pub struct Wake(watch::Sender<u64>);

impl Default for Wake {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Wake {
    pub fn ring(&self) {
        self.0.send_modify(|rings| *rings = rings.wrapping_add(1));
    }

    /// Register before looking: what rings in between is not missed.
    #[must_use]
    pub fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// One who waits.
#[derive(Debug)]
pub struct Listener(watch::Receiver<u64>);

impl Listener {
    /// Resolves at once if it rang since the last call.
    pub async fn rung(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// What rang so far is looked after now.
    pub fn forget(&mut self) {
        self.0.mark_unchanged();
    }
}

type Waiting = HashMap<(LicenceId, EventId), Vec<oneshot::Sender<()>>>;

/// Tells those who wait for one event that it has settled in this process.
#[derive(Debug, Clone, Default)]
pub struct Settled(Arc<Mutex<Waiting>>); // plain mutex: held for one look-up, never across an await

impl Settled {
    /// Resolves when the event settles; dropped, it is forgotten at the next settling of that event.
    pub fn watch(&self, licence: &LicenceId, event: &EventId) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let watchers = waiting.entry((licence.clone(), event.clone())).or_default();
        watchers.retain(|watcher| !watcher.is_closed());
        watchers.push(tell);
        told
    }

    /// Forgets those who no longer wait for this event.
    pub fn unwatch(&self, licence: &LicenceId, event: &EventId) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (licence.clone(), event.clone());
        if let Some(watchers) = waiting.get_mut(&key) {
            watchers.retain(|watcher| !watcher.is_closed());
            if watchers.is_empty() {
                waiting.remove(&key);
            }
        }
    }

    pub fn tell(&self, licence: &LicenceId, event: &EventId) {
        let told = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&(licence.clone(), event.clone()));
        for watcher in told.into_iter().flatten() {
            // One who left has no use for it.
            let _: Result<(), ()> = watcher.send(());
        }
    }
}
