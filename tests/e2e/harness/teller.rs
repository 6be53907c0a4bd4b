//! i-Reserve's side of a journey: it tells, and whatever is promised goes into the ledger.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use simulators::client::{Answered, CallError};
use simulators::ireserve::{FilePart, Sender};

use super::ledger::{End, Ledger, Words};
use super::wait::asked;

/// How long something is repeated before a test is over, and how long what was promised may be owed: a real server takes its time
/// to start again, and what is in doubt then is looked at for most of a minute.
pub(crate) const PATIENCE: Duration = Duration::from_secs(150);

/// Tells events. Clones share connections and ledger; of one conversation only one may tell at a time.
#[derive(Debug, Clone)]
pub(crate) struct Teller {
    pub(crate) sender: Sender,
    ledger: Arc<Mutex<Ledger>>,
}

impl Teller {
    pub(crate) fn new(sender: Sender, ledger: Ledger) -> Self {
        Self {
            sender,
            ledger: Arc::new(Mutex::new(ledger)),
        }
    }

    /// Looks into the ledger or corrects it.
    pub(crate) fn ledger<T>(&self, with: impl FnOnce(&mut Ledger) -> T) -> T {
        with(&mut self.ledger.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells an event, or an array of them, until it is promised: again after 429, 5xx and no answer at all, as i-Reserve must.
    pub(crate) async fn tell(&self, events: &Value) -> Answered {
        let answer = self.sender.deliver(events, PATIENCE).await.unwrap();
        self.promised(events, &answer);
        answer
    }

    /// The same, waiting up to so many seconds for what becomes of it.
    pub(crate) async fn tell_and_wait(&self, events: &Value, seconds: u32) -> Answered {
        let answer = self.sender.send_and_wait(events, seconds).await.unwrap();
        self.promised(events, &answer);
        answer
    }

    /// The same with files beside it.
    pub(crate) async fn tell_with(&self, events: &Value, files: &[FilePart]) -> Answered {
        let answer = self.sender.send_files(events, files).await.unwrap();
        self.promised(events, &answer);
        answer
    }

    /// Tells once. Without a promise the event may stand or not.
    pub(crate) async fn tell_once(&self, event: &Value) -> Result<Answered, CallError> {
        let answer = self.sender.send(event).await;
        match &answer {
            Ok(answer) if answer.status.is_success() => self.promised(event, answer),
            Ok(answer) if answer.status.is_client_error() => {}
            _ => self.ledger(|ledger| ledger.note_unsure(event)),
        }
        answer
    }

    /// What the sidecar says of an event; none when it does not know it.
    pub(crate) async fn status(&self, id: &str) -> Option<Value> {
        let answer = self.sender.status(id).await.unwrap();
        match answer.status.as_u16() {
            200 => Some(answer.json()),
            404 => None,
            other => panic!("the state of {id} was answered {other}: {}", answer.text()),
        }
    }

    /// Waits until the sidecar says so of an event, and tells all it says.
    pub(crate) async fn until_it_is(&self, id: &str, status: &str) -> Value {
        self.until_it_says(id, status, |said| said["status"] == status)
            .await
    }

    /// Waits until what the sidecar says of an event is as wanted.
    pub(crate) async fn until_it_says(
        &self,
        id: &str,
        what: &str,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        asked(
            &format!("event {id} is {what}"),
            PATIENCE,
            async || match self.status(id).await {
                Some(said) if is_wanted(&said) => Ok(said),
                other => Err(format!("it is {other:?}")),
            },
        )
        .await
    }

    /// Waits until everything promised so far has ended.
    pub(crate) async fn until_nothing_is_owed(&self) {
        let owed: Vec<_> = self.ledger(|ledger| {
            let stored = ledger
                .entries
                .iter()
                .filter(|entry| entry.end != End::Unknown);
            stored.map(|entry| entry.id.clone()).collect()
        });
        for id in owed {
            self.until_it_says(&id, "no longer owed", |said| {
                !matches!(said["status"].as_str(), Some("accepted" | "retrying"))
            })
            .await;
        }
    }

    /// The test knows better what an event leaves.
    pub(crate) fn leaves(&self, id: &str, leaves: impl IntoIterator<Item = Words>) {
        self.ledger(|ledger| ledger.leaves(id, leaves.into_iter().collect()));
    }

    fn promised(&self, events: &Value, answer: &Answered) {
        let refused = format!("{} {}", answer.status, answer.text());
        assert!(answer.status.is_success(), "not promised: {refused}");
        let Some(events) = events.as_array() else {
            self.ledger(|ledger| ledger.note(events));
            return;
        };
        let results = answer.json()["results"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        assert_eq!(results.len(), events.len(), "{refused}");
        for (event, result) in events.iter().zip(results) {
            if result["code"].as_u64().is_some_and(|code| code < 300) {
                self.ledger(|ledger| ledger.note(event));
            }
        }
    }
}
