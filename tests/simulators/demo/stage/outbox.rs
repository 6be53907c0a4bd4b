//! i-Reserve's outbox: one parcel after the other, each repeated until it is promised or refused.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use shared::Language;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::settings;
use super::super::story::{Said, Story};
use crate::client::Answered;
use crate::ireserve::{FilePart, Sender};
use crate::watched::Watched;

/// Before a parcel is pushed again.
const AGAIN: Duration = Duration::from_millis(200);
/// No answer within this time is none.
const PATIENCE: Duration = Duration::from_secs(5);
/// Parcels that wait, against a page whose button is held down.
const ROOM: usize = 1_000;

/// Events that are pushed together, and their files.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) said: Vec<Said>,
    pub(super) events: Vec<Value>,
    pub(super) files: Vec<FilePart>,
}

/// Where parcels are left.
#[derive(Debug)]
pub(super) struct Outbox(mpsc::Sender<(Language, Addressed)>);

#[derive(Debug)]
struct Addressed {
    ids: Vec<String>,
    body: Value,
    files: Vec<FilePart>,
}

impl Outbox {
    /// Pushes to the sidecar at this address until `end`.
    pub(super) fn open(
        address: SocketAddr,
        story: Arc<Watched<Story>>,
        tasks: &TaskTracker,
        end: &CancellationToken,
    ) -> Self {
        let (outbox, mut parcels) = mpsc::channel::<(Language, Addressed)>(ROOM);
        let senders = Language::ALL.map(|language| {
            let (licence, secret) = (settings::licence(language), settings::secret(language));
            let sender = Sender::new(&format!("http://{address}"), licence, secret);
            (language, sender.with_kid("demo").with_deadline(PATIENCE))
        });
        let end = end.clone();
        tasks.spawn(async move {
            let work = async {
                while let Some((language, parcel)) = parcels.recv().await {
                    let sender = senders.iter().find(|(speaks, _)| *speaks == language);
                    if let Some((_, sender)) = sender {
                        deliver(sender, &parcel, &story).await;
                    }
                }
            };
            end.run_until_cancelled(work).await;
        });
        Self(outbox)
    }

    /// Says it, and leaves it to be pushed. A full outbox says nothing.
    pub(super) fn push(&self, story: &Watched<Story>, language: Language, parcel: Parcel) {
        let Ok(place) = self.0.try_reserve() else {
            return;
        };
        let ids = parcel.said.iter().map(|said| said.id.clone()).collect();
        story.change(|story| parcel.said.into_iter().for_each(|said| story.say(said)));
        let mut events = parcel.events;
        let body = match events.len() {
            1 => events.remove(0),
            _ => events.into(),
        };
        place.send((
            language,
            Addressed {
                ids,
                body,
                files: parcel.files,
            },
        ));
    }
}

async fn deliver(sender: &Sender, parcel: &Addressed, story: &Watched<Story>) {
    let mut first = true;
    loop {
        let answer = if parcel.files.is_empty() {
            sender.send(&parcel.body).await
        } else {
            sender.send_files(&parcel.body, &parcel.files).await
        };
        let status = match answer {
            Ok(answer) if is_final(&answer) => return judge(&answer, parcel, story),
            Ok(answer) => Some(answer.status.as_u16()),
            Err(_) => None,
        };
        if std::mem::take(&mut first) {
            for id in &parcel.ids {
                story.change(|story| story.repeated(id, status));
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn is_final(answer: &Answered) -> bool {
    let status = answer.status;
    status.is_success() || (status.is_client_error() && status.as_u16() != 429)
}

/// What became of each event of a parcel.
fn judge(answer: &Answered, parcel: &Addressed, story: &Watched<Story>) {
    let body = answer.json();
    let results = body["results"].as_array();
    for (at, id) in parcel.ids.iter().enumerate() {
        let (code, result) = match results.and_then(|results| results.get(at)) {
            Some(result) => (result["code"].as_u64().unwrap_or(0), result),
            None => (answer.status.as_u16().into(), &body),
        };
        story.change(|story| match code {
            200..300 => story.accepted(id),
            _ => story.rejected(
                id,
                format!("{code} {}", result["detail"].as_str().unwrap_or_default()),
            ),
        });
    }
}
