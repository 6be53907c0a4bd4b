//! A state that tests can wait for: every change wakes whoever waits for a condition.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How long a wait lasts when a test names no other limit. Generous, because two test groups share two cores.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What was waited for did not come.
#[derive(Debug, thiserror::Error)]
#[error("waited {} ms in vain until {what}\n{seen}", waited.as_millis())]
pub struct Late {
    /// The condition in the test's words.
    pub what: String,
    /// How long was waited.
    pub waited: Duration,
    /// What stood there when patience ended.
    pub seen: String,
}

/// A value behind a lock, with a bell.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    // A std mutex: taken for short reads and changes, never across an await. A panic inside a test's closure must not take the
    // server down with it, hence `into_inner` on poison.
    state: Mutex<S>,
    changed: watch::Sender<()>,
}

impl<S> Watched<S> {
    pub(crate) fn new(state: S) -> Self {
        Self {
            state: Mutex::new(state),
            changed: watch::Sender::new(()),
        }
    }

    /// Reads.
    pub(crate) fn look<T>(&self, read: impl FnOnce(&S) -> T) -> T {
        read(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes, and rings.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut S) -> T) -> T {
        let result = change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.send_replace(());
        result
    }

    /// Waits until `look` finds something. The condition is looked at once more when time is over.
    ///
    /// # Errors
    /// [`Late`] with `tell`'s picture of the state.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        within: Duration,
        mut look: impl FnMut(&S) -> Option<T>,
        tell: impl FnOnce(&S) -> String,
    ) -> Result<T, Late> {
        let mut bell = self.changed.subscribe();
        let found = tokio::time::timeout(within, async {
            loop {
                bell.borrow_and_update();
                let begun = Instant::now();
                if let Some(found) = self.look(&mut look) {
                    return Some(found);
                }
                // A look that is dear (thousands of posts) may not follow every single change, or waiting would slow down what is
                // waited for. What changes meanwhile rings all the same.
                tokio::time::sleep(begun.elapsed() * 4).await;
                if bell.changed().await.is_err() {
                    return None;
                }
            }
        })
        .await;
        if let Ok(Some(found)) = found {
            return Ok(found);
        }
        self.look(look).ok_or_else(|| Late {
            what: what.to_owned(),
            waited: within,
            seen: self.look(tell),
        })
    }
}
