//! From the web chat to the thread: a verified event is addressed and accepted.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use shared::{Event, EventId, EventKind, Fault, LicenceId, Pointed, Source, limits::EPHEMERAL_AGE};
use tokio::{sync::mpsc, time::Instant};

use super::address::{self, Unknown};
use crate::{
    auth::{Batch, Parsed, Verified},
    clock::Clock,
    delivery::outbox::{Outbox, Shed},
    licence::Licence,
    record::{Acceptance, NewEvent, Signal, State, Status},
    store::{FileBytes, Received, Store, StoreError},
};

/// Files that came beside the event, by the name of their part.
pub type Parts = BTreeMap<String, Received>;

/// What came of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Accepted {
        id: EventId,
        state: State,
    },
    Ignored {
        id: EventId,
    },
    Delivered(Status),
    /// Answered without a post, and without being kept: a ping.
    Pong {
        id: EventId,
    },
    Duplicate(Status),
    Refused {
        id: Option<String>,
        refusal: Refusal,
    },
}

/// Why one event was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Invalid(Vec<Pointed>),
    UnknownDepartment(Pointed),
    UnknownNotificationType(Pointed),
    /// The same id came with other content.
    Conflict,
}

/// Takes events in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Intake {
    outbox: Outbox,
    store: Store,
    clock: Clock,
    signals: mpsc::Sender<Signal>,
}

impl Intake {
    #[must_use]
    pub const fn new(
        outbox: Outbox,
        store: Store,
        clock: Clock,
        signals: mpsc::Sender<Signal>,
    ) -> Self {
        Self {
            outbox,
            store,
            clock,
            signals,
        }
    }

    #[must_use]
    pub const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Addresses, promises and, if asked to, waits. Each event is judged alone, in order.
    ///
    /// # Errors
    /// [`Shed`] when the store could not confirm: some may be accepted.
    pub async fn take(
        &self,
        licence: &Arc<Licence>,
        batch: Verified<Batch>,
        mut parts: Parts,
        wait: Option<Duration>,
    ) -> Result<Vec<Answer>, Shed> {
        let mut answers = Vec::new();
        let mut promised = Vec::new();
        for judged in batch.into_parts().1.events {
            match self.prepare(licence, judged, &mut parts).await? {
                Prepared::Promise(event) => {
                    promised.push((answers.len(), *event));
                    answers.push(None);
                }
                Prepared::Answer(answer) => answers.push(Some(answer)),
            }
        }
        let (places, events): (Vec<usize>, Vec<NewEvent>) = promised.into_iter().unzip();
        let ids: Vec<EventId> = events.iter().map(|event| event.id.clone()).collect();
        let accepted = if events.is_empty() {
            Vec::new()
        } else {
            self.outbox.accept(events).await?
        };
        let until = wait.map(|wait| Instant::now() + wait);
        for ((place, id), acceptance) in places.into_iter().zip(ids).zip(accepted) {
            answers[place] = Some(self.answer(licence, id, acceptance, until).await?);
        }
        Ok(answers.into_iter().flatten().collect())
    }

    /// # Errors
    /// When the store cannot say.
    pub async fn status(
        &self,
        licence: &LicenceId,
        id: &EventId,
    ) -> Result<Option<Status>, StoreError> {
        self.outbox.status(licence, id).await
    }

    async fn prepare(
        &self,
        licence: &Arc<Licence>,
        judged: Result<Parsed, Fault>,
        parts: &mut Parts,
    ) -> Result<Prepared, Shed> {
        let refused = |id: String, refusal| {
            Prepared::Answer(Answer::Refused {
                id: Some(id),
                refusal,
            })
        };
        let mut parsed = match judged {
            Ok(parsed) => parsed,
            Err(Fault { id, errors }) => {
                return Ok(Prepared::Answer(Answer::Refused {
                    id,
                    refusal: Refusal::Invalid(errors),
                }));
            }
        };
        let id = parsed.event.id.to_string();
        if let Some(answer) = self.at_once(licence, &parsed.event) {
            return Ok(Prepared::Answer(answer));
        }
        if let Err(unknown) = address::check(licence, &parsed.event) {
            return Ok(refused(id, unknown.into()));
        }
        let files = match gather(&parsed.event, parts, licence.attachments.max_bytes) {
            Ok(files) => files,
            Err(errors) => return Ok(refused(id, Refusal::Invalid(errors))),
        };
        let digests: Vec<[u8; 32]> = files.iter().map(|file| file.received.sha256).collect();
        let now = self.clock.now();
        let Some(unkept) = address::address(licence, parsed.clone(), &digests, Vec::new(), now)
        else {
            return Ok(Prepared::Answer(Answer::Ignored {
                id: parsed.event.id,
            }));
        };
        if files.is_empty() {
            return Ok(Prepared::Promise(Box::new(unkept)));
        }
        let names = self.keep(&unkept, files, &mut parsed.event).await?;
        let content = crate::record::Content::Event(Box::new(parsed.event));
        Ok(Prepared::Promise(Box::new(NewEvent {
            files: names,
            content,
            ..unkept
        })))
    }

    /// What is answered without being kept.
    fn at_once(&self, licence: &Licence, event: &Event) -> Option<Answer> {
        let id = event.id.clone();
        match &event.kind {
            EventKind::Ping => Some(Answer::Pong { id }),
            EventKind::Unknown(_) => Some(Answer::Ignored { id }),
            EventKind::Typing(data) | EventKind::ReplyRead(data) => {
                let until = event.timestamp + EPHEMERAL_AGE;
                if self.clock.now() > until {
                    return Some(Answer::Ignored { id });
                }
                if matches!(event.kind, EventKind::Typing(_)) {
                    let signal = Signal {
                        licence: licence.id.clone(),
                        conversation: data.conversation_id.clone(),
                        until,
                    };
                    if self.signals.try_send(signal).is_err() {
                        tracing::debug!(licence.id = %licence.id, "too many signs of typing at once; one was dropped");
                    }
                }
                Some(Answer::Accepted {
                    id,
                    state: State::Accepted,
                })
            }
            _ => None,
        }
    }

    /// Makes the files durable and puts their names where the event named its parts.
    async fn keep(
        &self,
        new: &NewEvent,
        files: Vec<Gathered>,
        event: &mut Event,
    ) -> Result<Vec<String>, Shed> {
        let mut names = Vec::new();
        for file in files {
            let name = self
                .store
                .put_file(&new.lane, file.received.bytes)
                .await
                .map_err(|error| Shed::Store {
                    reason: error.to_string(),
                    retry_after: Duration::from_secs(1),
                })?;
            let attachment = &mut event.kind.attachments_mut()[file.attachment];
            attachment.size = Some(file.received.size);
            attachment.source = Source::Kept(name.clone());
            names.push(name);
        }
        Ok(names)
    }

    async fn answer(
        &self,
        licence: &Arc<Licence>,
        id: EventId,
        acceptance: Acceptance,
        until: Option<Instant>,
    ) -> Result<Answer, Shed> {
        let within = until.map(|until| until.saturating_duration_since(Instant::now()));
        let known = match (&acceptance, within) {
            (Acceptance::Conflict, _) => {
                return Ok(Answer::Refused {
                    id: Some(id.to_string()),
                    refusal: Refusal::Conflict,
                });
            }
            (_, Some(within)) => self
                .outbox
                .settled(&licence.id, &id, within)
                .await
                .unwrap_or_else(|error| {
                    tracing::warn!(error = %error, "an accepted event could not be watched");
                    None
                }),
            (_, None) => None,
        };
        Ok(match (acceptance, known) {
            (Acceptance::Duplicate(first), known) => Answer::Duplicate(known.unwrap_or(first)),
            (_, Some(status)) if status.status == State::Delivered => Answer::Delivered(status),
            (_, Some(status)) => Answer::Accepted {
                id,
                state: status.status,
            },
            (_, None) => Answer::Accepted {
                id,
                state: State::Accepted,
            },
        })
    }
}

enum Prepared {
    Promise(Box<NewEvent>),
    Answer(Answer),
}

/// A file and the attachment that names it.
struct Gathered {
    attachment: usize,
    received: Received,
}

/// The files that an event brought along. All mistakes are found in one reading.
fn gather(event: &Event, parts: &mut Parts, max_bytes: u64) -> Result<Vec<Gathered>, Vec<Pointed>> {
    let mut errors = Vec::new();
    let mut found = Vec::new();
    for (at, attachment) in event.kind.attachments().iter().enumerate() {
        let mut fault = |key: &str, detail: String| {
            errors.push(Pointed {
                pointer: format!("/data/attachments/{at}{key}"),
                detail,
            });
        };
        let received = match &attachment.source {
            Source::Part(name) => match parts.remove(name) {
                Some(received) => received,
                None => {
                    fault("/part", "names no part of this request".into());
                    continue;
                }
            },
            Source::Data(text) => match base64::engine::general_purpose::STANDARD.decode(text) {
                Ok(bytes) => received(bytes),
                Err(_) => {
                    fault("/data", "is not base64 (RFC 4648, with padding)".into());
                    continue;
                }
            },
            Source::Url(_) | Source::Kept(_) => continue,
        };
        if received.size > max_bytes {
            fault(
                "",
                format!("has {} bytes, at most {max_bytes} are taken", received.size),
            );
        }
        if attachment.size.is_some_and(|size| size != received.size) {
            fault(
                "/size",
                format!("says otherwise than the {} bytes that came", received.size),
            );
        }
        if attachment
            .sha256
            .as_ref()
            .is_some_and(|digest| *digest != hex(&received.sha256))
        {
            fault("/sha256", "is not the digest of what came".into());
        }
        found.push(Gathered {
            attachment: at,
            received,
        });
    }
    if errors.is_empty() {
        Ok(found)
    } else {
        Err(errors)
    }
}

fn received(bytes: Vec<u8>) -> Received {
    Received {
        size: bytes.len() as u64,
        sha256: Sha256::digest(&bytes).into(),
        bytes: FileBytes::Memory(bytes.into()),
    }
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl From<Unknown> for Refusal {
    fn from(unknown: Unknown) -> Self {
        match unknown {
            Unknown::Department(pointed) => Self::UnknownDepartment(pointed),
            Unknown::NotificationType(pointed) => Self::UnknownNotificationType(pointed),
        }
    }
}
