//! Threads in which something happened: gathered without ever waiting, sent in batches.
//!
//! A hint says no more than "look at this thread", so a post that follows another in the same thread before the sidecar was told
//! costs nothing. When too many wait, the rest becomes "look everywhere".

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mattermost_plugin::model::Post;
use shared::pairing::{Hint, HintKind, Hints, MOST_HINTS};
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::sidecar::{AskError, Sidecar};

/// Hints that wait while the sidecar is away. A busy server makes more than anybody would read, and memory is the server's too.
const MOST_WAITING: usize = 10_000;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The set. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gathered(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    waiting: Mutex<Waiting>,
    more: Notify,
    /// The bot's id, once it is known.
    own: Mutex<Box<str>>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// In the order in which their threads were first named.
    order: VecDeque<Key>,
    hints: HashMap<Key, Hint>,
    overflow: bool,
}

/// New posts of one thread are one; an edited or deleted post is looked at by itself.
type Key = (HintKind, String);

impl Gathered {
    /// From now on what this user writes is our own.
    pub(crate) fn own(&self, user: impl Into<Box<str>>) {
        *self.0.own.lock().unwrap_or_else(PoisonError::into_inner) = user.into();
    }

    /// Hears of a post. What the bot wrote or edited is known already; that somebody *deleted* it is not.
    pub(crate) fn hear(&self, kind: HintKind, post: &Post) {
        if kind != HintKind::Deleted {
            let own = self.0.own.lock().unwrap_or_else(PoisonError::into_inner);
            if **own == *post.user_id && !own.is_empty() {
                return;
            }
        }
        self.add(Hint {
            kind,
            post_id: post.id.clone(),
            root_id: post.root_id.clone(),
            channel_id: post.channel_id.clone(),
        });
    }

    /// Takes a hint and returns at once.
    fn add(&self, hint: Hint) {
        self.lock().add(hint);
        self.0.more.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A panic while it was held cannot leave it half-changed in a way that matters: a hint more or less.
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends until it is told to stop. What could not be sent waits for the sidecar to come back.
    pub(crate) async fn send(self, mut sidecar: Sidecar, stop: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        loop {
            let Some(batch) = self.lock().take() else {
                tokio::select! {
                    () = self.0.more.notified() => continue,
                    () = stop.cancelled() => return,
                }
            };
            match sidecar.hint(&batch).await {
                Ok(()) => pause = FIRST_PAUSE,
                Err(error) => {
                    self.lock().give_back(batch, &error);
                    tracing::debug!("hints wait: {}", error.reason());
                    tokio::select! {
                        () = sleep(pause) => {}
                        () = sidecar.door_moved() => {}
                        () = stop.cancelled() => return,
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}

impl Waiting {
    fn add(&mut self, hint: Hint) {
        let named = match hint.kind {
            HintKind::Posted if !hint.root_id.is_empty() => &hint.root_id,
            _ => &hint.post_id,
        };
        let key = (hint.kind, named.clone());
        let full = self.hints.len() >= MOST_WAITING;
        if full && !self.hints.contains_key(&key) {
            self.overflow = true;
            return;
        }
        if self.hints.insert(key.clone(), hint).is_none() {
            self.order.push_back(key);
        }
    }

    /// The next batch, if there is anything to say.
    fn take(&mut self) -> Option<Hints> {
        let count = self.order.len().min(MOST_HINTS);
        let hints: Vec<Hint> = self
            .order
            .drain(..count)
            .filter_map(|key| self.hints.remove(&key))
            .collect();
        let overflow = std::mem::take(&mut self.overflow);
        (overflow || !hints.is_empty()).then_some(Hints { hints, overflow })
    }

    /// A batch that the sidecar will never take is given up for "look everywhere"; all others wait.
    fn give_back(&mut self, batch: Hints, error: &AskError) {
        let hopeless = matches!(error, AskError::Refused(status)
            if matches!(status.as_u16(), 400 | 413 | 415 | 422));
        if hopeless {
            self.overflow |= !batch.hints.is_empty();
            return;
        }
        self.overflow |= batch.overflow;
        for hint in batch.hints {
            self.add(hint);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(kind: HintKind, post: &str, root: &str) -> Hint {
        Hint {
            kind,
            post_id: post.into(),
            root_id: root.into(),
            channel_id: "c".into(),
        }
    }

    #[test]
    fn posts_of_one_thread_are_one_hint_and_edits_keep_their_own() {
        let mut waiting = Waiting::default();
        waiting.add(hint(HintKind::Posted, "a", "root"));
        waiting.add(hint(HintKind::Posted, "b", "root"));
        waiting.add(hint(HintKind::Edited, "a", "root"));
        waiting.add(hint(HintKind::Edited, "b", "root"));
        let batch = waiting.take().unwrap();
        let posts: Vec<&str> = batch.hints.iter().map(|hint| &*hint.post_id).collect();
        assert_eq!(posts, ["b", "a", "b"]);
        assert!(waiting.take().is_none());
    }

    #[test]
    fn a_batch_has_a_limit_and_what_does_not_fit_becomes_look_everywhere() {
        let mut waiting = Waiting::default();
        for number in 0..=MOST_WAITING {
            waiting.add(hint(HintKind::Posted, &number.to_string(), ""));
        }
        let first = waiting.take().unwrap();
        assert_eq!((first.hints.len(), first.overflow), (MOST_HINTS, true));
        let second = waiting.take().unwrap();
        assert_eq!((second.hints.len(), second.overflow), (MOST_HINTS, false));
        assert_eq!(waiting.hints.len(), MOST_WAITING - 2 * MOST_HINTS);
    }

    #[test]
    fn what_was_not_taken_waits_and_what_never_will_be_becomes_look_everywhere() {
        let mut waiting = Waiting::default();
        waiting.add(hint(HintKind::Posted, "a", ""));
        let batch = waiting.take().unwrap();
        waiting.give_back(batch, &AskError::Shut(crate::sidecar::Why::NotYet));
        let batch = waiting.take().unwrap();
        assert_eq!(batch.hints.len(), 1);
        waiting.give_back(batch, &AskError::Refused(::http::StatusCode::BAD_REQUEST));
        let batch = waiting.take().unwrap();
        assert!(batch.hints.is_empty() && batch.overflow);
        waiting.give_back(batch, &AskError::Refused(::http::StatusCode::BAD_REQUEST));
        assert!(waiting.take().is_none());
    }
}
